package terminal

import (
	"archive/zip"
	"context"
	"image/gif"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// prompts lists the prompts that the engine got from a request on.
func (b *bench) prompts(from int) []string {
	var out []string
	for _, r := range b.engine.requests[from:] {
		out = append(out, r.Prompt)
	}
	return out
}

func TestRenderVariants(t *testing.T) {
	b := newBench(t)
	project, sheet := b.path("project"), b.path("sheet.png")
	b.ok("render", b.sketch("square.png"), "-p", "a {facade} house", "--vary", "facade={brick|glass}", "--vary", "time:dawn|noon",
		"--matrix", "guidance=2|3", "--seed", "7", "--steps", "2", "--sheet", sheet, "--project", project)
	want := []string{"a brick house, at dawn, soft pink light", "a brick house, at dawn, soft pink light",
		"a brick house, at noon, bright sunlight", "a brick house, at noon, bright sunlight",
		"a glass house, at dawn, soft pink light", "a glass house, at dawn, soft pink light",
		"a glass house, at noon, bright sunlight", "a glass house, at noon, bright sunlight"}
	if got := b.prompts(0); !slices.Equal(got, want) {
		t.Errorf("prompts\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, r := range b.engine.requests {
		if r.Seed != 7 || r.Count != 1 || r.Guidance != float32(2+i%2) || r.Controls[0].Image != b.engine.requests[0].Controls[0].Image {
			t.Errorf("request %d: seed %d, %d images, guidance %g", i, r.Seed, r.Count, r.Guidance)
		}
	}
	if n := len(b.lines()); n != 8 {
		t.Errorf("%d paths on standard output, want 8", n)
	}
	for _, want := range []string{"8 images (2 × facade, 2 × Time of day, 2 × Guidance)", "known after the first", "Done in", sheet} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("standard error does not say %q:\n%s", want, &b.err)
		}
	}
	if img := openPNG(t, sheet); img.Bounds().Dx() < 2*256 {
		t.Errorf("the sheet is %v", img.Bounds())
	}

	b.ok("project", "sets", project, "--json")
	set := b.events()[0]
	if set["members"] != 8.0 || set["places"] != 8.0 || set["name"] != "facade × Time of day × Guidance" {
		t.Errorf("the set is %v", set)
	}
	id, _ := set["id"].(string)
	b.ok("project", "sets", project)
	if !strings.Contains(b.out.String(), id) {
		t.Errorf("the table is\n%s", &b.out)
	}
	b.ok("project", "sheet", project, "--set", id[:6], "-o", b.path("sheet.pdf"))
	if data, err := os.ReadFile(b.path("sheet.pdf")); err != nil || !strings.HasPrefix(string(data), "%PDF-") {
		t.Errorf("no PDF: %v", err)
	}
	b.ok("project", "gif", project, "-o", b.path("set.gif"), "--delay", "300ms", "--side", "64", "--plain")
	f, err := os.Open(b.path("set.gif"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if g, err := gif.DecodeAll(f); err != nil || len(g.Image) != 8 || g.Delay[0] != 30 || g.Config.Width != 64 {
		t.Errorf("the animation: %v", err)
	}
	b.ok("project", "zip", project, "--set", "facade × time of day × guidance", "-o", b.path("set.zip"))
	if z, err := zip.OpenReader(b.path("set.zip")); err != nil || len(z.File) != 17 {
		t.Errorf("the archive: %v", err)
	} else {
		z.Close()
	}
	for _, args := range [][]string{
		{"project", "sheet", project}, {"project", "sheet", project, "-o", b.path("sheet.txt")},
		{"project", "gif", project, "-o", b.path("x.gif"), "--side", "-1"},
	} {
		if code := b.run(t.Context(), args...); code != ExitUsage {
			t.Errorf("%q: exit code %d, %s", args, code, &b.err)
		}
	}
	b.ok("project", "rename-set", project, id[:6], "Town hall")
	b.ok("project", "trash", project, "--set", "town HALL")
	if !strings.Contains(b.err.String(), "8 concepts moved") {
		t.Errorf("standard error is %s", &b.err)
	}
	b.ok("project", "sets", project)
	if b.out.Len() > 0 || !strings.Contains(b.err.String(), "no sets") {
		t.Errorf("the set is still there: %s", &b.out)
	}
	if code := b.run(t.Context(), "project", "trash", project, "0001", "--set", "x"); code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	b.ok("render", b.sketch("square.png"), "-p", "a box", "--matrix", "steps=1|2", "--project", project)
	if code := b.run(t.Context(), "project", "sheet", project, "--set", "zz", "-o", b.path("x.png")); code != ExitFailure ||
		!strings.Contains(b.err.String(), "project sets") {
		t.Errorf("exit code %d, %s", code, &b.err)
	}
}

func TestRenderPromptChoices(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	if err := os.MkdirAll(b.path("words"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.path("words"), "stone.txt"), []byte("granite\nslate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.ok("render", sketch, "-p", "a {red|blue} __stone__ box", "--wildcards", b.path("words"), "--steps", "1", "--project", project)
	if got, want := b.prompts(0), []string{"a red granite box", "a red slate box", "a blue granite box", "a blue slate box"}; !slices.Equal(got, want) {
		t.Errorf("prompts %q, want %q", got, want)
	}
	from := len(b.engine.requests)
	b.ok("render", sketch, "-p", "a {red|blue|green|grey} box", "--sample", "2", "--seed", "5", "--count", "2", "--steps", "1", "--project", project)
	if got := b.prompts(from); len(got) != 4 || got[0] != got[1] || got[0] == got[2] || b.engine.requests[from+1].Seed != 6 {
		t.Errorf("prompts %q", got)
	}
	from = len(b.engine.requests)
	b.ok("render", sketch, "-p", `a \{plain\} box`, "--count", "2", "--steps", "1", "--project", project)
	if got := b.prompts(from); len(got) != 1 || got[0] != "a {plain} box" || b.engine.requests[from].Count != 2 {
		t.Errorf("prompts %q", got)
	}
}

func TestRenderDryRun(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	args := []string{"render", sketch, "-p", "a box", "--matrix", "seed=1..3,steps=2|4", "--project", project, "--dry-run"}
	b.ok(args...)
	if !strings.Contains(b.err.String(), "6 images") || len(b.lines()) != 7 || len(b.engine.requests) > 0 || exists(project) == nil {
		t.Errorf("%s%s", &b.out, &b.err)
	}
	b.ok("render", sketch, "-p", "a box", "--steps", "2", "--project", project)
	b.ok(append(args, "--json")...)
	e := b.events()[0]
	if s, _ := e["estimate_seconds"].(float64); e["event"] != "set" || e["images"] != 6.0 || s <= 0 {
		t.Errorf("the event is %v", e)
	}
	b.ok("render", sketch, "-p", "a box", "--count", "3", "--project", project, "--dry-run")
	if !strings.Contains(b.err.String(), "3 images, about") {
		t.Errorf("standard error is %s", &b.err)
	}
}

func TestRenderVariantsRefuses(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	for want, args := range map[string][]string{
		"there is no such field": {"--matrix", "colour=1..3"},
		"ready set of phrases":   {"--vary", "colr"},
		"900 images":             {"--matrix", "seed=1..30,steps=1..30"},
		"both choose seeds":      {"--matrix", "seed=1|2", "--count", "3"},
		"--resume --set goes on": {"--matrix", "steps=1|2", "--skip-existing", "--seed", "1"},
		"use .png or .pdf":       {"--sheet", "x.jpg"},
		"--set is for --resume":  {"--set", "x"},
		"--sample -1":            {"--sample", "-1"},
		"is named for two axes":  {"--matrix", "steps=1|2,steps=3|4"},
		"has no control 2":       {"--matrix", "control2.weight=1"},
		"there is no checkpoint": {"--matrix", "model=nothing"},
		"-p: prompt, line 1":     {"-p", "a {red box"},
	} {
		args := append([]string{"render", sketch, "-p", "a box", "--project", project}, args...)
		if code := b.run(t.Context(), args...); code != ExitUsage || !strings.Contains(b.err.String(), want) {
			t.Errorf("%q: exit code %d, %s, want %q", args[4:], code, &b.err, want)
		}
	}
	if exists(project) == nil {
		t.Error("a wrong command line left an empty project behind")
	}
}

// TestResumeSet cancels a set after its first image and goes on with it.
func TestResumeSet(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.engine.afterImage = func(int) { cancel() }
	project := b.path("project")
	code := b.run(ctx, "render", b.sketch("square.png"), "-p", "a box", "--matrix", "seed=1..4", "--steps", "1", "--project", project)
	if code != ExitFailure || !strings.Contains(b.err.String(), "cancelled; 1 of 4 images kept") || len(b.lines()) != 1 {
		t.Fatalf("exit code %d, %s%s", code, &b.out, &b.err)
	}
	b.engine.afterImage = nil
	b.ok("project", "sets", project, "--json")
	id, _ := b.events()[0]["id"].(string)
	b.ok("render", "--resume", "--project", project) // what was cancelled is not begun again unasked
	if n := len(b.engine.requests); n != 1 {
		t.Fatalf("%d requests", n)
	}
	b.ok("render", "--resume", "--set", id, "--project", project, "--json")
	events := b.events()
	last := events[len(events)-1]
	if list, _ := last["concepts"].([]any); last["event"] != "done" || last["set"] != id || len(list) != 3 {
		t.Errorf("the last event is %v", last)
	}
	b.ok("project", "sets", project, "--json")
	if set := b.events()[0]; set["members"] != 4.0 {
		t.Errorf("the set is %v", set)
	}
}

func TestPhrases(t *testing.T) {
	b := newBench(t)
	b.ok("phrases", "ls")
	for _, want := range []string{"facade", "Facade material", "weather", "Brick"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("the sets lack %q:\n%s", want, &b.out)
		}
	}
	b.ok("phrases", "ls", "season", "--language", "zh")
	if !strings.Contains(b.out.String(), "冬") || !strings.Contains(b.out.String(), "snow on the ground") {
		t.Errorf("the seasons are\n%s", &b.out)
	}
	b.ok("phrases", "ls", "season", "--json")
	if n := len(b.events()); n != 4 {
		t.Errorf("%d seasons", n)
	}
	b.ok("phrases", "edit")
	file := strings.TrimSpace(b.out.String())
	if err := os.WriteFile(file, []byte(`{"schema": 1, "sets": [{"id": "roof", "phrases": [{"text": "slate roof"}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.ok("phrases", "ls", "--json")
	if e := b.events(); len(e) != 1 || e[0]["id"] != "roof" {
		t.Errorf("the sets are %v", e)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.ok("phrases", "ls", "facade")
	if !strings.Contains(b.err.String(), file) {
		t.Errorf("a damaged file is not mentioned: %s", &b.err)
	}
	b.ok("phrases", "reset")
	if exists(file) == nil {
		t.Error("the file is still there")
	}
	if code := b.run(t.Context(), "phrases", "ls", "roof"); code != ExitFailure {
		t.Errorf("exit code %d", code)
	}
}
