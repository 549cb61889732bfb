//go:build window

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"maquette/projects"
	"maquette/projects/settings"
	"maquette/ui/windowtest"
)

// projectWith makes a project with n concepts in one colour each.
func (h *home) projectWith(n int) string {
	h.t.Helper()
	ctx := context.Background()
	dir := filepath.Join(h.dir, "Maquette", "Chairs")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		h.t.Fatal(err)
	}
	p, err := projects.Create(ctx, dir, "Chairs")
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range n {
		img := image.NewRGBA(image.Rect(0, 0, 256, 256))
		draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{R: uint8(60 * i), G: 120, B: 200, A: 255}), image.Point{}, draw.Src)
		r := projects.DefaultRecipe()
		r.Prompt, r.Seed, r.Count = fmt.Sprintf("chair number %d", i+1), int64(i), 1
		if _, err := p.AddConcept(ctx, img, projects.Concept{Recipe: r, Provider: "CPU"}); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		h.t.Fatal(err)
	}
	return dir
}

func TestWindowGallery(t *testing.T) {
	h := newHome(t)
	dir := h.projectWith(3)
	a := h.start(dir)
	a.Wait("three concepts", 30*time.Second, func() bool { return concepts(a) == 3 })
	a.Click(a.Find("*gallery.cell", "")[2]) // the oldest
	a.One("*widget.Label", "chair number 1")
	a.Shot("detail")

	a.Key("s")
	a.One("*widget.Button", "Remove star")

	a.Press("*widget.Button", "Use this recipe")
	a.Wait("the prompt in the inspector", 10*time.Second, func() bool { return len(a.Find("*widget.Entry", "chair number 1")) > 0 })

	a.Key("ctrl+e")
	a.One("*widget.Label", "Export concept")
	a.Shot("export")
	a.Key("ctrl+a")
	a.Type("chosen.png")
	a.Press("*widget.Button", "Save")
	a.Wait("the exported file", 10*time.Second, func() bool {
		for _, folder := range []string{h.dir, dir, filepath.Dir(dir), "."} {
			if _, err := os.Stat(filepath.Join(folder, "chosen.png")); err == nil {
				return true
			}
		}
		return false
	})

	a.Key("Delete")
	a.One("*widget.Label", "2 concepts")
	a.Shot("deleted")
	a.Press("*widget.Button", "Undo")
	a.One("*widget.Label", "3 concepts")

	a.Click(a.Find("*gallery.cell", "")[0])
	a.Press("*widget.Button", "Use as sketch")
	a.Press("*widget.Button", "As the drawing")
	pad(a)
	a.Wait("the picture in the saved sketch", 15*time.Second, func() bool { return slices.Contains(kinds(t, h), "image") })
	a.Shot("as-sketch")
}

func kinds(t *testing.T, h *home) []string {
	t.Helper()
	var list []string
	for _, file := range sketches(t, filepath.Join(h.dir, "Maquette")) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it is being replaced
		}
		var doc any
		if json.Unmarshal(data, &doc) == nil {
			list = append(list, kindsIn(doc)...)
		}
	}
	return list
}

// kindsIn collects the kinds of objects in a sketch's JSON, in their order.
func kindsIn(v any) []string {
	var list []string
	switch v := v.(type) {
	case map[string]any:
		if kind, ok := v["kind"].(string); ok {
			list = append(list, kind)
		}
		for _, inner := range v {
			list = append(list, kindsIn(inner)...)
		}
	case []any:
		for _, inner := range v {
			list = append(list, kindsIn(inner)...)
		}
	}
	return list
}

func TestWindowToolsAndUndo(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Press("*widget.Button", "New drawing")
	p := pad(a)
	at := func(x, y float32) [2]float32 { return [2]float32{p.X + p.W*x, p.Y + p.H*y} }
	saved := func(what string, want ...string) {
		t.Helper()
		a.Wait(what, 15*time.Second, func() bool { return slices.Equal(kinds(t, h), want) })
	}
	a.Key("r")
	a.Stroke(at(.4, .3), at(.6, .6))
	a.Key("o")
	a.Stroke(at(.42, .35), at(.58, .55))
	a.Key("e")
	a.Stroke(at(.38, .45), at(.62, .45))
	a.Shot("tools")
	saved("rectangle, ellipse and eraser", "rectangle", "ellipse", "eraser")
	a.Key("ctrl+z", "ctrl+z")
	saved("two steps of undo", "rectangle")
	a.Key("ctrl+shift+z")
	saved("one step of redo", "rectangle", "ellipse")
}

func TestWindowRemembersItsSize(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.One("", "Recent projects")
	a.Resize(1500, 900)
	a.Quit()
	data, err := os.ReadFile(filepath.Join(h.dir, "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var set settings.Settings
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if set.Window != (settings.Window{W: 1500, H: 900}) {
		t.Errorf("the settings remember %v", set.Window)
	}
}

// rowButtons returns the buttons beside a text in a row of the queue, from left to right.
func rowButtons(a *windowtest.App, text string) []windowtest.Object {
	title := a.One("*widget.Label", text)
	var row []windowtest.Object
	for _, b := range a.Find("*widget.Button", "") {
		if b.X > title.X && b.W < 60 && b.Y < title.Y+title.H && b.Y+b.H > title.Y {
			row = append(row, b)
		}
	}
	slices.SortFunc(row, func(x, y windowtest.Object) int { return int(x.X - y.X) })
	return row
}

func TestWindowQueue(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Press("*widget.Button", "New drawing")
	drawVase(a)
	a.Key("ctrl+j")
	a.Press("*widget.Button", "Pause")
	for _, prompt := range []string{"first", "second"} {
		a.Key("ctrl+p")
		a.Key("ctrl+a")
		a.Type(prompt)
		a.Key("ctrl+Return")
		a.Key("ctrl+j")
		a.One("*widget.Label", prompt)
	}
	a.Shot("waiting")
	above := func(x, y string) func() bool {
		return func() bool { return a.One("*widget.Label", x).Y < a.One("*widget.Label", y).Y }
	}
	a.Wait("the queue in order", 5*time.Second, above("first", "second"))
	a.Click(rowButtons(a, "first")[0]) // later
	a.Wait("the second render first", 10*time.Second, above("second", "first"))
	buttons := rowButtons(a, "second")
	a.Click(buttons[len(buttons)-1]) // cancel
	a.One("*widget.Label", "Cancelled")
	a.Click(rowButtons(a, "second")[0]) // try again
	a.Wait("it to wait again", 10*time.Second, func() bool { return len(a.Find("*widget.Label", "Waiting")) == 2 })
	a.Wait("it at the end", 10*time.Second, above("first", "second"))
}
