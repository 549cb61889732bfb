//go:build window

package main

import (
	"encoding/json"
	"io/fs"
	"testing"
	"time"

	"maquette/assets"
)

// wordsOf gives the window's texts in a language by their English.
func wordsOf(t *testing.T, language string) func(english string) string {
	t.Helper()
	data, err := fs.ReadFile(assets.Translations(), language+".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return func(english string) string {
		t.Helper()
		text, ok := all[english].(string)
		if !ok {
			t.Fatalf("%s.json has no text %q", language, english)
		}
		return text
	}
}

// TestWindowLooksOfSets shows views, variants and sets in the light theme and in
// both languages.
func TestWindowLooksOfSets(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		t.Run(language+"-light", func(t *testing.T) {
			word := wordsOf(t, language)
			h := newHome(t)
			h.settings.Language, h.settings.Theme = language, "light"
			a := h.start(h.projectWithSet())
			a.Wait("one stack", 30*time.Second, func() bool { return concepts(a) == 1 })
			a.Key("ctrl+5")
			a.Wait("the grid", 10*time.Second, func() bool { return concepts(a) == 2 })
			a.Shot("stack")
			for _, c := range a.Find("*gallery.cell", "") {
				if c.W > 100 {
					a.Click(c)
				}
			}
			a.One("*widget.Button", word("Blind vote"))
			a.Shot("sheet")
			a.Press("*widget.Button", word("Turntable"))
			a.One("*gallery.orbitPicture", "")
			a.Shot("turntable")
			a.Press("*widget.Button", word("Blind vote"))
			a.One("*widget.Button", word("Neither (↓)"))
			time.Sleep(time.Second)
			a.Shot("blind")
			a.Key("Left", "Right", "Left")
			a.Press("*widget.Button", word("Show the tally"))
			a.One("*widget.Label", word("How the votes went"))
			a.Shot("tally")
			a.Press("*widget.Button", word("All concepts"))
			a.Press("*widget.Button", word("Choose"))
			a.Shot("choose")
			a.Key("Escape")

			a.Key("ctrl+1")
			drawVase(a)
			a.Resize(1600, 1400)
			a.Press("*widget.Button", word("Views"))
			check(a, word("Front"))
			check(a, word("Left side"))
			a.Shot("views-card")
			end := func() { a.Scroll(a.One("*widget.Label", word("LoRAs")), 40) } // of the inspector
			end()
			a.Press("*widget.Button", word("Variants"))
			end()
			a.Press("*widget.Button", word("Vary something"))
			a.Shot("vary-menu")
			a.Key("Escape")
			a.Key("ctrl+3")
			a.One("*studio.turntable", "")
			time.Sleep(2 * time.Second)
			a.Shot("views-pane")
			a.Resize(1366, 768)
			a.Shot("views-pane-small")
		})
	}
}
