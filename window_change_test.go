//go:build window

package main

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"maquette/projects"
)

// storedConcepts reads the sidecars of the only project, by their files.
func storedConcepts(t *testing.T, h *home) map[string]projects.Recipe {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "Maquette", "*", "concepts", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]projects.Recipe{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		var side struct{ Recipe projects.Recipe }
		if err == nil && json.Unmarshal(data, &side) == nil {
			list[file] = side.Recipe
		}
	}
	return list
}

// A concept's belly is painted over and rendered in another colour; what is not
// painted over keeps its pixels. Then all of it is rendered again, finer.
func TestWindowChangesAPart(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Press("*widget.Button", "New drawing")
	drawVase(a)
	typePrompt(a, "a blue glossy vase, front view")
	a.Press("*widget.Select", "4")
	for _, item := range a.Find("*canvas.Text", "1") {
		if item.Text == "1" { // in the menu that has opened
			a.Click(item)
			break
		}
	}
	a.Press("*widget.Button", "Render")
	a.Wait("a concept", 180*time.Second, func() bool { return concepts(a) == 1 && len(a.Find("*widget.Button", "Render")) > 0 })
	a.Press("*widget.Button", "Change a part")
	a.One("*widget.Label", "Paint over what is to change")
	p := pad(a)
	at := func(x, y float32) [2]float32 { return [2]float32{p.X + p.W*x, p.Y + p.H*y} }
	a.Stroke(at(.44, .5), at(.56, .5), at(.56, .56), at(.44, .56))
	a.Wait("the mask in the saved sketch", 15*time.Second, func() bool { return slices.Contains(kinds(t, h), "mask") })
	a.One("*widget.Label", "Change a part")
	a.Shot("masked")
	typePrompt(a, "a red glossy vase, front view")
	a.Press("*widget.Button", "Render")
	a.Wait("a second concept", 180*time.Second, func() bool { return concepts(a) == 2 && len(a.Find("*widget.Button", "Render")) > 0 })
	a.Shot("changed")

	var before, after string
	for file, r := range storedConcepts(t, h) {
		if r.Inpaint == nil {
			before = file
		} else {
			after = file
		}
	}
	if before == "" || after == "" {
		t.Fatalf("the concepts are %v", storedConcepts(t, h))
	}
	compareOutside(t, picturePath(before), picturePath(after))
}

func picturePath(sidecar string) string { return sidecar[:len(sidecar)-len("json")] + "png" }

// compareOutside checks that the corners of two pictures, which no mask of the
// test reaches, are the same and their middles are not.
func compareOutside(t *testing.T, a, b string) {
	t.Helper()
	var first, second = readPNG(t, a), readPNG(t, b)
	size := first.Bounds().Size()
	if second.Bounds().Size() != size {
		t.Fatalf("%v became %v", size, second.Bounds().Size())
	}
	changed, moved := 0, 0
	for y := range size.Y {
		for x := range size.X {
			same := first.At(x, y) == second.At(x, y)
			middle := x > size.X/4 && x < 3*size.X/4 && y > size.Y/4 && y < 3*size.Y/4
			switch {
			case !same && middle:
				changed++
			case !same && (x < size.X/8 || y < size.Y/8 || x > 7*size.X/8 || y > 7*size.Y/8):
				moved++
			}
		}
	}
	if changed < 200 || moved > 0 {
		t.Errorf("%d pixels in the middle and %d at the border changed", changed, moved)
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}
