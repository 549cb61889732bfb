package projects

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"maquette/control"
	"maquette/projects/phrases"
)

// written shows axes in short.
func written(axes []Axis) string {
	var out []string
	for _, a := range axes {
		var values []string
		for _, v := range a.Values {
			text := v.Value
			if v.Label != "" {
				text += "(" + v.Label + ")"
			}
			values = append(values, text)
		}
		out = append(out, a.Field+"="+strings.Join(values, "|"))
	}
	return strings.Join(out, " ")
}

func TestParseMatrix(t *testing.T) {
	for text, want := range map[string]string{
		"seed=1..4,control.weight=0.6..1.0:0.2": "seed=1|2|3|4 control.weight=0.6|0.8|1",
		"steps = 10, 20 ,40":                    "steps=10|20|40",
		"sampler=Euler|dpmpp_2m":                "sampler=euler|dpmpp_2m",
		"steps=30..10:10":                       "steps=30|20|10",
		"guidance=1,2..3:0.5, 7.50":             "guidance=1|2|2.5|3|7.5",
		"cfg=2,control2.end=0.5|1":              "guidance=2 control2.end=0.5|1",
		"control=canny|lineart":                 "control.kind=canny|lineart",
		"size=256|512x256":                      "size=256|512x256",
		"strength=0..1:0.1":                     "strength=0|0.1|0.2|0.3|0.4|0.5|0.6|0.7|0.8|0.9|1",
		`negative=blurry\, dark|,steps=3`:       "negative=blurry, dark| steps=3",
		"seed=4294967295":                       "seed=4294967295",
		"prompt=a..b|c=d":                       "prompt=a..b|c=d",
		"lora2=none|ink,lora2.weight=-1|0.5":    "lora2=none(none)|ink(ink) lora2.weight=-1|0.5",
	} {
		axes, err := ParseMatrix(text, nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := written(axes); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	axes, err := ParseMatrix("model=photo|starter", func(field, name string) (string, error) {
		return "/models/" + name + ".safetensors", nil
	})
	if want := "checkpoint=/models/photo.safetensors(photo)|/models/starter.safetensors(starter)"; err != nil || written(axes) != want {
		t.Errorf("%s, %v", written(axes), err)
	}
}

func TestParseMatrixRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "names no field",
		"1..4":                               "does not begin with a field",
		"guidence=3":                         "did you mean guidance?",
		"fun=3":                              "there is no such field; there are seed",
		"seed=":                              "seed: not a number",
		"seed=1..x":                          "seed=x: not a number",
		"seed=-1":                            "must be a whole number from 0 to 4294967295",
		"steps=2.5":                          "must be a whole number",
		"control.weight=3":                   "control.weight=3: must be 0 to 2",
		"control2.weight=0.1..0.9":           "control2.weight=0.1..0.9: name the step after a colon, such as 0.1..0.9:0.2",
		"control.weight=0..1:0":              "step 0 is not a number above 0",
		"steps=1..9:0.5":                     "the step must be a whole number",
		"steps=1..9:x":                       "the step x is not a number",
		"sampler=euler|magic":                "sampler=magic: not one of dpmpp_2m",
		"sampler=1..3":                       "takes no range",
		"size=100":                           "multiples of 8",
		"control.kind=tarot":                 "tarot",
		"steps=10|10":                        "comes twice",
		"seed=0..4000000000":                 "this makes 2147483647 images, and a set has 400 at most",
		strings.Repeat("x", 70<<10):          "more than",
		"steps=" + strings.Repeat("9", 5000): "more than",
	} {
		_, err := ParseMatrix(text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %.200v, want %q", text, err, want)
		}
	}
	fail := errors.New("not in the library")
	_, err := ParseMatrix("model=x", func(string, string) (string, error) { return "", fail })
	var field *FieldError
	if !errors.As(err, &field) || field.Field != "checkpoint" || field.Value != "x" {
		t.Errorf("%v", err)
	}
}

func TestParsePhrases(t *testing.T) {
	o := PhraseOptions{
		Wildcards: fstest.MapFS{"stone.txt": {Data: []byte("granite\nslate\n")}},
		Ready: []phrases.Set{{ID: "time", Label: phrases.Label{"en": "Time of day", "zh": "时间"}, Phrases: []phrases.Phrase{
			{Text: "at dawn", Label: phrases.Label{"en": "Dawn", "zh": "黎明"}}, {Text: "at noon"}, {Text: "at dusk"}}}},
	}
	for text, want := range map[string]string{
		"facade={brick|glass}":              "phrase.facade=brick|glass",
		"wall={{red|grey} brick|__stone__}": "phrase.wall=red brick|grey brick|granite|slate",
		"two={2$$ and $$a|b}":               "phrase.two=a and b|b and a",
		"twice={a|a |b}":                    "phrase.twice=a|b",
		"ratio={1:2|a=b}":                   "phrase.ratio=1:2|a=b",
		"one=brick":                         "phrase.one=brick",
		"time":                              "phrase.time=at dawn(Dawn)|at noon(at noon)|at dusk(at dusk)",
		"TIME: at dusk|黎明":                  "phrase.time=at dawn(Dawn)|at dusk(at dusk)",
		"surface colour={|red}":             "phrase.surface colour=|red",
	} {
		a, err := ParsePhrases(text, o)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := written([]Axis{a}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"facade=brick|glass": "write {brick|glass}",
		"facade={brick":      "facade: prompt, line 1, character 1: this { is not closed",
		"{a|b}":              "there is no ready set",
		"a,b={x|y}":          "no name for phrases",
		"colour":             "there is no ready set of phrases \"colour\"; there are time",
		"time:midnight":      "time has no phrase \"midnight\"; it has Dawn, at noon, at dusk",
		"many={" + strings.Repeat("20$$", 1) + strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz", ""), "|") + "}": "images",
	} {
		if _, err := ParsePhrases(text, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	o.Sample, o.Seed, o.Language = 2, 5, "zh-Hans"
	one, err := ParsePhrases("facade={a|b|c|d|e|f}", o)
	if err != nil || len(one.Values) != 2 {
		t.Fatalf("%+v, %v", one, err)
	}
	again, _ := ParsePhrases("facade={a|b|c|d|e|f}", o)
	if written([]Axis{one}) != written([]Axis{again}) {
		t.Error("a seed draws different phrases")
	}
	ready, err := ParsePhrases("time", o)
	if err != nil || len(ready.Values) != 2 || ready.Label != "时间" {
		t.Errorf("%+v, %v", ready, err)
	}
}

func TestPromptAxis(t *testing.T) {
	axis, text, ok, err := PromptAxis("a {red|dark blue} house, {facade}", []string{"facade"}, PhraseOptions{})
	if want := "prompt=a red house, {facade}(red)|a dark blue house, {facade}(dark blue)"; err != nil || !ok || written([]Axis{axis}) != want {
		t.Errorf("%s, %v", written([]Axis{axis}), err)
	}
	if text != "a {red|dark blue} house, {facade}" {
		t.Errorf("template %q", text)
	}
	if _, text, ok, err = PromptAxis(`a \{plain\} house`, nil, PhraseOptions{}); ok || err != nil || text != "a {plain} house" {
		t.Errorf("%q, %v, %v", text, ok, err)
	}
}

func TestFillPhrases(t *testing.T) {
	for _, c := range []struct{ template, facade, time, want string }{
		{"a house", "brick", "at dusk", "a house, brick, at dusk"},
		{"a {facade} house, {time}, {facade}", "brick", "at dusk", "a brick house, at dusk, brick"},
		{"a {facade} house", "{time}", "at dusk", "a {time} house, at dusk"},
		{"a house, {facade}, {time}", "", "at dusk", "a house, at dusk"},
		{"a house,", "", "", "a house"},
		{"", "brick", "", "brick"},
	} {
		if got := fillPhrases(c.template, []string{"facade", "time"}, []string{c.facade, c.time}); got != c.want {
			t.Errorf("%q: %q, want %q", c.template, got, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	base := small("a {facade} house", 4)
	base.Controls = append(base.Controls, RecipeControl{Kind: control.Canny, Weight: 0.5, End: 1, Params: control.Params{"low": 9}})
	facade, err := ParsePhrases("facade={brick|glass}", PhraseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	axes, err := ParseMatrix("control2.weight=0.2|0.4,size=64|128", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, jobs, err := Expand(base, "", append([]Axis{facade}, axes...))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range jobs {
		r := j.Recipe
		got = append(got, fmt.Sprintf("%s/%g/%d@%v", r.Prompt, r.Controls[1].Weight, r.Width, j.At[0]))
		if r.Seed != base.Seed || r.Count != 1 || r.Controls[0].Weight != base.Controls[0].Weight || r.Controls[1].Params["low"] != 9 {
			t.Errorf("something else changed: %+v", r)
		}
	}
	want := []string{ // the size, which takes long to change, changes seldom
		"a brick house/0.2/64@[0 0 0]", "a brick house/0.4/64@[0 1 0]", "a glass house/0.2/64@[1 0 0]", "a glass house/0.4/64@[1 1 0]",
		"a brick house/0.2/128@[0 0 1]", "a brick house/0.4/128@[0 1 1]", "a glass house/0.2/128@[1 0 1]", "a glass house/0.4/128@[1 1 1]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("jobs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if base.Controls[1].Weight != 0.5 || base.Prompt != "a {facade} house" {
		t.Errorf("the base was changed: %+v", base)
	}
	if v := jobs[3].Recipe.Variant; v != "glass, 0.4, 64" {
		t.Errorf("variant %q", v)
	}
	// Any member leads to the recipe of any place.
	r, err := set.Recipe(jobs[7].Recipe, []int{0, 1, 0})
	if err != nil || r.Prompt != "a brick house" || r.Controls[1].Weight != 0.4 || r.Width != 64 || r.Variant != "brick, 0.4, 64" {
		t.Errorf("%+v, %v", r, err)
	}
	base.LoRAs = []RecipeLoRA{{Path: "ink", UNet: 0.8, Text: 0.8}}
	for text, want := range map[string]string{
		"lora=none|chalk,lora.weight=1":       "",
		"lora2=chalk,lora2.weight=0.5|1":      "",
		"lora3=chalk":                         "the recipe has 1 LoRAs",
		"lora2.weight=1":                      "no LoRA 2",
		"control3.weight=1":                   "has no control 3",
		"control.start=0.9,seed=1":            "",
		"seed=1..30,steps=1..30":              "900 images",
		"control.end=0,seed=1":                "",
		"control.start=1|0.5,control.end=0.7": "range 1–0.7",
	} {
		axes, err := ParseMatrix(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = Expand(base, "", axes); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestExpandViews varies an object that is shown from several sides.
func TestExpandViews(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	base := small("a vase", 1)
	base.Views = DefaultViews(StarterCheckpoint, "front", "back")
	colour, err := ParsePhrases("colour={red|blue}", PhraseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, jobs, err := Expand(base, "", []Axis{colour})
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 2 || jobs[1].Recipe.Count != 2 || jobs[1].Recipe.View != "" || len(jobs[1].At) != 2 || !set.HasViews() || !set.HasVariants() {
		t.Fatalf("%+v", jobs)
	}
	queued, err := q.EnqueueSet(context.Background(), "", drawing(), set, jobs)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range queued {
		if j = wait(t, q, j.ID); j.State != JobDone {
			t.Fatalf("%s: %s", j.State, j.Error)
		}
	}
	_, members, err := p.Members(context.Background(), set.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range members {
		got = append(got, fmt.Sprintf("%s from the %s, seed %d", c.Recipe.Prompt, c.Recipe.View, c.Recipe.Seed))
	}
	want := []string{"a vase, red from the front, seed 1000", "a vase, red from the back, seed 1001",
		"a vase, blue from the front, seed 1000", "a vase, blue from the back, seed 1001"}
	if !slices.Equal(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
	// Views alone are named by what they show.
	alone, _, err := Expand(base, "", nil)
	if err != nil || alone.Name != "a vase" || set.Name != "colour × View" {
		t.Errorf("sets named %q and %q, %v", alone.Name, set.Name, err)
	}
	sheet := p.sheet(alone, members[:1], SheetOptions{Value: func(a Axis, i int) string { return "from the " + a.Values[i].Value }})
	if sheet.Title != "a vase" || strings.Contains(strings.Join(sheet.Notes, "\n"), "View") || sheet.Blocks[0].Cells[1].Caption != "from the back" {
		t.Errorf("the sheet of views: %q, %q, %q", sheet.Title, sheet.Notes, sheet.Blocks[0].Cells[1].Caption)
	}
	r, err := set.Recipe(members[0].Recipe, []int{1, 1})
	if err != nil || r.Validate() != nil || r.View != "back" || r.Seed != 1001 || r.Prompt != "a vase, blue" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestEveryFieldChangesTheRecipe puts a value into each field: a field that does nothing is a mistake in the table.
func TestEveryFieldChangesTheRecipe(t *testing.T) {
	for _, f := range Fields() {
		r := small("x", 1)
		value := "photo"
		switch {
		case f.Name == "lora.weight":
			r.LoRAs = []RecipeLoRA{{Path: "ink", UNet: 1, Text: 1}}
			value = "0.5"
		case f.Number:
			value = formatNumber(f.high)
		case f.Words != nil:
			value = f.Words[len(f.Words)-1]
		case f.Name == "size":
			value = "128x72"
		case f.Name == "control.kind":
			value = "canny"
		}
		r.Controls = slices.Clone(r.Controls)
		if f.Name == "control.weight" || f.Name == "control.end" {
			r.Controls[0].Weight, r.Controls[0].End = 0.5, 0.5
		}
		before := fmt.Sprintf("%+v", r)
		if err := f.Apply(&r, 0, value); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if fmt.Sprintf("%+v", r) == before {
			t.Errorf("%s=%s changes nothing", f.Name, value)
		}
		if g, _, err := LookupField(f.Name); err != nil || g.Name != f.Name {
			t.Errorf("%s is not found: %v", f.Name, err)
		}
	}
}

func TestEstimate(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	r := small("x", 1)
	r.Steps = 10
	if d, err := p.Estimate(ctx, []Recipe{r}); d != 0 || err != nil {
		t.Errorf("with nothing rendered: %s, %v", d, err)
	}
	for _, s := range []float64{5, 1, 2} {
		if _, err := p.AddConcept(ctx, picture(64, 64, 1), Concept{Recipe: r, Seconds: s}); err != nil {
			t.Fatal(err)
		}
	}
	views := r
	views.Count, views.Views = 8, DefaultViews(StarterCheckpoint, "front", "side-left", "back", "top")
	views.Views.Warp = .6
	one, plain, half, twice := views, views, r, r
	one.Count, one.View = 1, "back"
	plain.Views = DefaultViews(StarterCheckpoint, views.Views.Cameras...)
	plain.Views.Warp = 0
	half.Strength = .5
	twice.SecondPass = &SecondPass{Scale: 2, Strength: .5, Steps: 4}
	long, large, other := r, r, r
	long.Steps, long.Count = 20, 3
	large.Width, large.Height = 128, 128
	other.Checkpoint = "/models/other"
	for name, c := range map[string]struct {
		recipes []Recipe
		want    time.Duration
	}{
		"the median":        {[]Recipe{r}, 2 * time.Second},
		"more steps, three": {[]Recipe{long}, 12 * time.Second},
		"four times larger": {[]Recipe{large, r}, 10 * time.Second},
		"from the sketch":   {[]Recipe{half}, time.Second},
		"two passes":        {[]Recipe{twice}, 2*time.Second + 8*time.Second/5},
		"views":             {[]Recipe{plain}, 16 * time.Second},
		// The first view alone, then all four at 0.6, for each of two sets.
		"views from the first": {[]Recipe{views}, 2 * (2*time.Second + 4*2*time.Second*6/10)},
		"one of these views":   {[]Recipe{one}, 2*time.Second + 4*2*time.Second*6/10},
		"one is unknown":       {[]Recipe{r, other}, 0},
	} {
		if d, err := p.Estimate(ctx, c.recipes); d.Round(time.Microsecond) != c.want || err != nil {
			t.Errorf("%s: %s, want %s, %v", name, d, c.want, err)
		}
	}
	// What a view took that started from the first is as much for each step.
	p = newProject(t)
	seen := one
	if _, err := p.AddConcept(ctx, picture(64, 64, 1), Concept{Recipe: seen, Seconds: 1.2}); err != nil {
		t.Fatal(err)
	}
	if d, err := p.Estimate(ctx, []Recipe{r}); d.Round(time.Microsecond) != 2*time.Second || err != nil {
		t.Errorf("by a view that started from the first: %s, %v", d, err)
	}
}

func TestSetProgress(t *testing.T) {
	s := facadeSet(t)
	start := now()
	r := small("x", 1)
	jobs := []Job{
		{Recipe: r, Set: &s, State: JobDone, Started: start, Finished: start.Add(4 * time.Second), Images: []int{0}},
		{Recipe: r, Set: &s, State: JobQueued},
		{Recipe: r, Set: &s, State: JobFailed},
		{Recipe: r, State: JobQueued},
	}
	running := Job{Recipe: r, Set: &s, State: JobRunning}
	running.Progress.Fraction = 0.5
	got := s.Progress(append(jobs, running))
	if want := (SetProgress{Images: 4, Done: 1, Waiting: 1, Running: 1, Failed: 1, Remaining: 6 * time.Second}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// FuzzVariants reads matrices and phrases and expands them: whatever is typed, it
// ends soon, and what is accepted comes out the same when it is written and read again.
func FuzzVariants(f *testing.F) {
	for _, seed := range []string{"seed=1..4,control.weight=0.6..1.0:0.2", "sampler=euler|dpmpp_2m,steps=10,20", "size=256|512x256",
		"negative=a\\,b|c", "control2.kind=canny,guidance=9..1:2", "facade={brick|glass|{2$$a|b|c}}", "time:dawn", "seed=1e3..2E3:500"} {
		f.Add(seed, "a {facade} house, {red|blue}")
	}
	base := DefaultRecipe()
	base.Controls = append(base.Controls, base.Controls...)
	f.Fuzz(func(t *testing.T, text, prompt string) {
		base := base
		base.Prompt = prompt
		axes, err := ParseMatrix(text, nil)
		if err != nil {
			a, err := ParsePhrases(text, PhraseOptions{Sample: 5})
			if err != nil {
				return
			}
			axes = []Axis{a}
		} else {
			var again []string
			for _, a := range axes {
				var values []string
				for _, v := range a.Values {
					values = append(values, strings.NewReplacer(`\`, `\\`, ",", `\,`, "|", `\|`).Replace(v.Value))
				}
				again = append(again, a.Field+"="+strings.Join(values, "|"))
			}
			second, err := ParseMatrix(strings.Join(again, ","), nil)
			if err != nil || written(second) != written(axes) {
				t.Fatalf("%q was read as %s, that as %s, %v", text, written(axes), written(second), err)
			}
		}
		if a, plain, ok, err := PromptAxis(prompt, PhraseNames(axes), PhraseOptions{Sample: 3}); err == nil && ok {
			axes = append(axes, a)
		} else if err == nil {
			base.Prompt = plain
		}
		set, jobs, err := Expand(base, "", axes)
		if err != nil {
			return
		}
		if len(jobs) != set.Count() || len(jobs) > MaxMembers {
			t.Fatalf("%d jobs of %d places", len(jobs), set.Count())
		}
		if at := jobs[len(jobs)-1].At[0]; !(Place{Set: set, At: at}).sound() {
			t.Fatalf("%v is no place", at)
		}
	})
}
