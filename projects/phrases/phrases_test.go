package phrases

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func isolate(t *testing.T) {
	t.Helper()
	t.Setenv("MAQUETTE_CONFIG", filepath.Join(t.TempDir(), "config", "settings.json"))
}

// TestDefault checks that the bundled sets cover what they are for, in both languages.
func TestDefault(t *testing.T) {
	sets, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range sets {
		ids = append(ids, s.Area+"/"+s.ID)
		for _, language := range []string{"en", "zh"} {
			if s.Label[language] == "" {
				t.Errorf("%s has no label in %s", s.ID, language)
			}
			labels := map[string]bool{}
			for _, p := range s.Phrases {
				if l := p.Label[language]; l == "" || labels[l] {
					t.Errorf("%s: the label %q in %s is missing or comes twice", s.ID, l, language)
				}
				labels[p.Label[language]] = true
			}
		}
		for _, p := range s.Phrases {
			if strings.ContainsAny(p.Text, "{}|") || strings.ContainsFunc(p.Text, func(r rune) bool { return r > 127 }) {
				t.Errorf("%s: the phrase %q is not plain English", s.ID, p.Text)
			}
		}
	}
	want := []string{"product/colour", "product/material", "product/finish", "architecture/facade", "architecture/glazing",
		"architecture/season", "architecture/time", "architecture/weather"}
	if !slices.Equal(ids, want) {
		t.Errorf("sets %q, want %q", ids, want)
	}
}

func TestLabels(t *testing.T) {
	p := Phrase{Text: "red brick", Label: Label{"en": "Brick", "zh": "砖"}}
	for language, want := range map[string]string{"": "Brick", "en-GB": "Brick", "zh-Hans": "砖", "fr": "Brick"} {
		if got := p.Title(language); got != want {
			t.Errorf("in %q: %q, want %q", language, got, want)
		}
	}
	if !p.Is(" brick") || !p.Is("砖") || !p.Is("RED brick") || p.Is("glass") {
		t.Error("the phrase is not known by its names")
	}
	if got := (Phrase{Text: "x"}).Title("en"); got != "x" {
		t.Errorf("without labels: %q", got)
	}
}

func TestUsersFile(t *testing.T) {
	isolate(t)
	defaults, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if sets, err := Load(); err != nil || !reflect.DeepEqual(sets, defaults) {
		t.Fatalf("without a file: %v", err)
	}
	path, err := Edit()
	if err != nil {
		t.Fatal(err)
	}
	if sets, err := Load(); err != nil || !reflect.DeepEqual(sets, defaults) {
		t.Fatalf("with a new file: %v", err)
	}
	own := []Set{{ID: "roof", Area: "mine", Label: Label{"en": "Roof"}, Phrases: []Phrase{{Text: "slate roof"}, {Text: "tile roof", Label: Label{"zh": "瓦"}}}}}
	if err := Save(own); err != nil {
		t.Fatal(err)
	}
	if sets, err := Load(); err != nil || !reflect.DeepEqual(sets, own) {
		t.Errorf("%+v, %v", sets, err)
	}
	if again, err := Edit(); err != nil || again != path {
		t.Errorf("%s, %v", again, err)
	}
	if sets, _ := Load(); !reflect.DeepEqual(sets, own) {
		t.Error("Edit replaced the user's file")
	}
	if err := Reset(); err != nil {
		t.Fatal(err)
	}
	if sets, err := Load(); err != nil || !reflect.DeepEqual(sets, defaults) {
		t.Errorf("after Reset: %v", err)
	}
	if err := Reset(); err != nil {
		t.Errorf("Reset without a file: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	isolate(t)
	path, err := Edit()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ content, want string }{
		"cut":       {"{\"schema\": 1,\n\"sets\": [", "line 2"},
		"newer":     {`{"schema": 2}`, "version 2"},
		"no id":     {`{"schema": 1, "sets": [{"id": "a b", "phrases": [{"text": "x"}]}]}`, "letters"},
		"twice":     {`{"schema": 1, "sets": [{"id": "a", "phrases": [{"text": "x"}]}, {"id": "A", "phrases": [{"text": "x"}]}]}`, "comes twice"},
		"empty":     {`{"schema": 1, "sets": [{"id": "a"}]}`, "0 phrases"},
		"equal":     {`{"schema": 1, "sets": [{"id": "a", "phrases": [{"text": "x"}, {"text": "x"}]}]}`, "comes twice"},
		"long":      {`{"schema": 1, "sets": [{"id": "a", "phrases": [{"text": "` + strings.Repeat("x", maxText+1) + `"}]}]}`, "longer"},
		"too large": {strings.Repeat(" ", maxFile+1), "bytes"},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		sets, err := Load()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if len(sets) == 0 {
			t.Errorf("%s: the app's sets are not used", name)
		}
	}
	if err := Save([]Set{{ID: "../x", Phrases: []Phrase{{Text: "x"}}}}); err == nil {
		t.Error("a set that cannot be read back was saved")
	}
}
