package prompt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func folder() fstest.MapFS {
	return fstest.MapFS{
		"season.txt":           {Data: []byte("\uFEFF# seasons\nsummer\n\n  {autumn|fall}  \r\nwinter\n")},
		"colours/warm.txt":     {Data: []byte("red\nyellow\n")},
		"colours/cold.txt":     {Data: []byte("blue")},
		"colours/deep/ink.txt": {Data: []byte("black")},
		"colours/notes.md":     {Data: []byte("not a wildcard")},
		"scene.txt":            {Data: []byte("__season__ in __colours/warm__")},
		"empty.txt":            {Data: []byte("# nothing\n")},
		"loop.txt":             {Data: []byte("a\nb __round__")},
		"round.txt":            {Data: []byte("__loop__")},
		"bad.txt":              {Data: []byte("good\n\nx {a|b")},
		"large.txt":            {Data: make([]byte, maxWildcardFile+1)},
		"many.txt":             {Data: []byte(strings.Repeat("x\n", maxWildcardLines+1))},
	}
}

func TestTemplateAll(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              {""},
		"a | b, (c:1.2), $5, a__b":      {"a | b, (c:1.2), $5, a__b"},
		"a {brick|glass} house":         {"a brick house", "a glass house"},
		"{a|b} {1|2}":                   {"a 1", "a 2", "b 1", "b 2"},
		"{{rose|white} gold|tin}":       {"rose gold", "white gold", "tin"},
		"{2::a|0.5::b|0::c|.5::d}":      {"a", "b", "d"},
		"{very |}big":                   {"very big", "big"},
		"{a::b|x}":                      {"a::b", "x"},
		`\{a\|b\} \(c\) \\{d|e}`:        {`{a|b} \(c\) \\d`, `{a|b} \(c\) \\e`},
		"{2$$a|b|c}":                    {"a, b", "a, c", "b, a", "b, c", "c, a", "c, b"},
		"{2$$ and $$a|{b|c}}":           {"a and b", "a and c", "b and a", "c and a"},
		"{1-2$$+$$a|b}":                 {"a", "b", "a+b", "b+a"},
		"{-2$$$$a|b}":                   {"a", "b", "ab", "ba"},
		"{2-$$a|b}":                     {"a, b", "b, a"},
		"{5$$a|b}":                      {"a, b", "b, a"},
		"{0-1$$a}":                      {"", "a"},
		"{}":                            {""},
		"__season__":                    {"summer", "autumn", "fall", "winter"},
		"{2$$__colours/warm__}":         {"red, yellow", "yellow, red"},
		"__colours/*__":                 {"blue", "red", "yellow"},
		"__colours/**__":                {"blue", "black", "red", "yellow"},
		"__scene__!":                    {"summer in red!", "summer in yellow!", "autumn in red!", "autumn in yellow!", "fall in red!", "fall in yellow!", "winter in red!", "winter in yellow!"},
		"ink: {__colours/deep/ink__|x}": {"ink: black", "ink: x"},
	} {
		tpl, err := ParseTemplate(text, folder())
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got []string
		for s, err := range tpl.All(1000) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
		if n, exact := tpl.Count(); n != int64(len(want)) || !exact {
			t.Errorf("%q: count %d", text, n)
		}
		for seed := range int64(20) {
			if s, err := tpl.Sample(seed); err != nil || !slices.Contains(want, s) {
				t.Errorf("%q: sampled %q, %v", text, s, err)
			}
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	deep := strings.Repeat("{", 30) + strings.Repeat("}", 30)
	for text, want := range map[string]string{
		"a\nbé {c|d":                       "prompt, line 2, character 4: this { is not closed",
		"a } b":                            "prompt, line 1, character 3: there is no { before this }",
		"{x$$a|b}":                         `line 1, character 2: "x" before $$ is not a number`,
		"{-$$a|b}":                         "is not a number",
		"{3-2$$a|b}":                       "the range 3-2 ends before it begins",
		"{21$$a|b}":                        "at most 20 options",
		"{0::a|0::b}":                      "all options have weight 0",
		"${x=1}":                           "variables such as ${name} are not supported",
		"a __none__":                       "prompt, line 1, character 3: there is no wildcard file none.txt",
		"__../secret__":                    "",
		"__a/../../b__":                    "is not a path within",
		"__none*__":                        "there is no wildcard file none*.txt",
		"__empty__":                        "the wildcard empty has no lines",
		"__loop__":                         "round.txt, line 1, character 1: the wildcards call each other without end: loop → round → loop",
		"__bad__":                          "bad.txt, line 3, character 3: this { is not closed",
		"__large__":                        "larger than",
		"__many__":                         "more than 10000 lines",
		deep:                               "nested more than 20 deep",
		strings.Repeat("x", maxTemplate+1): "more than the",
	} {
		_, err := ParseTemplate(text, folder())
		if want == "" {
			if err != nil { // text, as no name begins with a dot
				t.Errorf("%q: %v", text, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
	var syntax *SyntaxError
	if _, err := ParseTemplate("__x__", nil); !errors.As(err, &syntax) || syntax.Column != 1 {
		t.Errorf("no folder: %v", err)
	}
}

func TestTemplateSamplesByWeight(t *testing.T) {
	tpl, err := ParseTemplate("{6::a|3::b|1::c}", nil)
	if err != nil {
		t.Fatal(err)
	}
	const n = 4000
	counts := map[string]int{}
	for seed := range int64(n) {
		s, err := tpl.Sample(seed)
		if err != nil {
			t.Fatal(err)
		}
		counts[s]++
	}
	for s, share := range map[string]float64{"a": 0.6, "b": 0.3, "c": 0.1} {
		// Four standard deviations.
		if got := float64(counts[s]) / n; math.Abs(got-share) > 4*math.Sqrt(share*(1-share)/n) {
			t.Errorf("%s: %v, want %v", s, got, share)
		}
	}
	one, _ := tpl.Sample(7)
	if two, _ := tpl.Sample(7); one != two {
		t.Error("a seed gives two prompts")
	}
}

func TestTemplateIsBounded(t *testing.T) {
	tpl, err := ParseTemplate(strings.Repeat("{20$$a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u}", 9), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, exact := tpl.Count(); exact || n != math.MaxInt64 {
		t.Errorf("%d, %v", n, exact)
	}
	n := 0
	for range tpl.All(100) {
		n++
	}
	if n != 100 {
		t.Errorf("%d of 100", n)
	}
	for range tpl.All(0) {
		t.Error("one of none")
	}
	// Each file calls the next one twice: one prompt, which would take 2^19 steps.
	files := fstest.MapFS{"w19.txt": {Data: []byte("{}")}}
	for i := range 19 {
		files[fmt.Sprintf("w%d.txt", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "__w%d__ __w%d__", i+1, i+1)}
	}
	if tpl, err = ParseTemplate("__w0__", files); err != nil {
		t.Fatal(err)
	}
	if n, exact := tpl.Count(); n != 1 || !exact {
		t.Errorf("%d, %v", n, exact)
	}
	if _, err := tpl.Sample(1); !errors.Is(err, errLong) {
		t.Errorf("sample: %v", err)
	}
	for s, err := range tpl.All(10) {
		if !errors.Is(err, errLong) {
			t.Errorf("all: %q, %v", s, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"a {b|c}", "{2$$, $$a|b|{c|d}}", "{1-2$$a|__season__}", `\{{3::x|}`, "{2$$__colours/*__} ${", "__scene__"} {
		f.Add(seed)
	}
	files := folder()
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := ParseTemplate(text, files)
		if err != nil {
			return
		}
		count, exact := tpl.Count()
		n := int64(0)
		for s, err := range tpl.All(200) {
			if err != nil || len(s) > maxVariant {
				return
			}
			n++
		}
		if want := min(count, 200); exact && n != want {
			t.Fatalf("%d prompts, want %d", n, want)
		}
		if s, err := tpl.Sample(1); err == nil && len(s) > 2*maxVariant {
			t.Fatalf("%d bytes", len(s))
		}
	})
}
