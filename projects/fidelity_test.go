package projects

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"

	"maquette/control"
)

// square paints a dark square at a place on light ground.
func square(side, at int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.RGBA{230, 230, 220, 255}
			if x >= at && x < side-16 && y >= at && y < side-16 {
				c = color.RGBA{120, 40, 30, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// squareLines is the control image whose lines the square at 16 follows.
func squareLines(side int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.RGBA{0, 0, 0, 255}
			in := func(v int) bool { return v >= 16 && v < side-16 }
			if in(x) && in(y) && (x == 16 || y == 16 || x == side-17 || y == side-17) {
				c = color.RGBA{255, 255, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// addLined stores a concept that was made with the square's lines.
func addLined(t *testing.T, p *Project, img image.Image) Concept {
	t.Helper()
	name, err := p.saveControl(squareLines(96))
	if err != nil {
		t.Fatal(err)
	}
	r := recipe("a box")
	r.Width, r.Height, r.Controls = 96, 96, []RecipeControl{{Kind: control.Depth, Weight: 1, End: 1}, {Kind: control.Lineart, Weight: 1, End: 1}}
	c, err := p.AddConcept(context.Background(), img, Concept{Recipe: r, Controls: []string{"", name}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFidelityIsMeasuredStoredAndSorted(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	bad, plain, good := addLined(t, p, square(96, 40)), addConcept(t, p, "no sketch"), addLined(t, p, square(96, 16))
	calls := 0
	if err := p.MeasureMissing(ctx, 0, func(done, total int) {
		if calls++; done != calls || total != 3 {
			t.Errorf("%d of %d at call %d", done, total, calls)
		}
	}); err != nil {
		t.Fatal(err)
	}
	list, total, err := p.Concepts(ctx, Query{By: ByFidelity})
	if err != nil || total != 3 {
		t.Fatalf("%d concepts, %v", total, err)
	}
	for i, want := range []string{good.ID, bad.ID, plain.ID} {
		if list[i].ID != want {
			t.Errorf("place %d has %s, want %s", i, list[i].ID, want)
		}
	}
	if f := list[0].Fidelity; f == nil || f.F1 < .98 || f.Chamfer > 1 || f.Straight < .98 {
		t.Errorf("the good one has %+v", f)
	}
	// Half of the moved square's outline lies on the lines, none of the rest.
	if f := list[1].Fidelity; f == nil || f.F1 > .7 || f.F1 < .2 || f.Chamfer < 2 {
		t.Errorf("the bad one has %+v", f)
	}
	if list[2].Fidelity != nil {
		t.Errorf("a concept without lines has %+v", list[2].Fidelity)
	}
	if _, err := p.MeasureFidelity(ctx, plain.ID); !errors.Is(err, ErrNotMeasurable) {
		t.Errorf("a concept without lines: %v", err)
	}
	if _, err := p.MeasureFidelity(ctx, "0099"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no concept: %v", err)
	}

	// What was measured is in the sidecar, and stays when the index is lost.
	data, err := os.ReadFile(filepath.Join(p.Dir(), conceptSidecar(good.ID)))
	if err != nil || !bytes.Contains(data, []byte(`"fidelity": {`)) {
		t.Errorf("the sidecar is %s, %v", data, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.Dir(), indexName)); err != nil {
		t.Fatal(err)
	}
	q, err := OpenReadOnly(ctx, p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	again, _, err := q.Concepts(ctx, Query{By: ByFidelity, Limit: 1})
	if err != nil || len(again) != 1 || again[0].Fidelity == nil || *again[0].Fidelity != *list[0].Fidelity {
		t.Errorf("after the index was lost: %+v, %v", again, err)
	}
	if err := q.MeasureMissing(ctx, 0, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("reading only: %v", err)
	}
	if f, err := q.Fidelity(ctx, again[0]); err != nil || f != *list[0].Fidelity {
		t.Errorf("measured without storing: %+v, %v", f, err)
	}
}

// Without a line control the sketch's own line art counts; for a lifted view it
// says nothing.
func TestFidelityBySketch(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	s, err := p.saveControl(drawing()) // any image file of the project
	if err != nil {
		t.Fatal(err)
	}
	r := recipe("a box")
	r.Width, r.Height, r.Controls = 96, 96, []RecipeControl{{Kind: control.Depth, Weight: 1, End: 1}}
	img := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		c := color.RGBA{240, 240, 240, 255}
		if x, y := i%96, i/96; x > 20 && x < 76 && y >= 20 && y <= 75 {
			c = color.RGBA{60, 60, 90, 255}
		}
		img.SetRGBA(i%96, i/96, c)
	}
	c, err := p.AddConcept(ctx, img, Concept{Recipe: r, Sketch: s})
	if err != nil {
		t.Fatal(err)
	}
	c, err = p.MeasureFidelity(ctx, c.ID)
	if err != nil || c.Fidelity == nil || c.Fidelity.F1 < .97 {
		t.Fatalf("%+v, %v", c.Fidelity, err)
	}
	c.Recipe.View, c.Fidelity = "back", nil
	c, err = p.AddConcept(ctx, img, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.MeasureFidelity(ctx, c.ID); !errors.Is(err, ErrNotMeasurable) {
		t.Errorf("a lifted view: %v", err)
	}
}

// The worker measures each image that it stores.
func TestRendersAreMeasured(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	q := newQueue(t, p, &painter{})
	r := small("a square", 2)
	r.Controls = []RecipeControl{{Kind: control.Lineart, Weight: 1, End: 1}}
	j, err := q.Enqueue(ctx, "", drawing(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Wait(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	list, _, err := p.Concepts(ctx, Query{})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d concepts, %v", len(list), err)
	}
	for _, c := range list {
		// The painter paints one colour, which has no edges.
		if f := c.Fidelity; f == nil || f.F1 != 0 || math.Abs(f.Chamfer-64*math.Sqrt2) > .1 || c.Provider == "" {
			t.Errorf("concept %s: %+v, provider %q", c.ID, c.Fidelity, c.Provider)
		}
	}
}

func TestNonsenseInASidecarIsLeftOut(t *testing.T) {
	for _, f := range []control.Fidelity{{F1: 2}, {F1: -1}, {Chamfer: -1}, {Chamfer: math.Inf(1)}, {Straight: math.NaN()}, {StraightLines: -1}} {
		s := newSidecar(Concept{ID: "0001", Recipe: recipe("x"), Fidelity: &f})
		if c := s.concept("0001"); c.Fidelity != nil {
			t.Errorf("%+v is taken", f)
		}
		if checkConcept(Concept{Fidelity: &f}) == nil {
			t.Errorf("%+v can be stored", f)
		}
	}
}
