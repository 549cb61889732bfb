package sketchpad

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

func TestClearSizeAndPasteAreUndoable(t *testing.T) {
	d := everything(t)
	d.Settle()
	steps := []*image.RGBA{d.RenderWithUnderlay(d.Size())}
	check := func(what string, want *image.RGBA) {
		t.Helper()
		d.Settle()
		if got := d.raster.levels[0]; got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: the display is wrong", what)
		}
	}
	pic, err := NewPicture(photo(50, 90))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(){
		func() { d.SetSize(image.Pt(512, 512)) },
		func() {
			if err := d.Add(&Object{Kind: KindImage, Image: pic, Points: []Point{{100, 0, 1}, {384, 512, 1}}}); err != nil {
				t.Fatal(err)
			}
		},
		func() { d.SetUnderlay(nil, 1) },
		func() { d.Clear() },
		func() { d.SetSize(image.Pt(100, 700)) },
	} {
		change()
		steps = append(steps, d.RenderWithUnderlay(d.Size()))
		check("change", steps[len(steps)-1])
	}
	for round := range 2 {
		for i := len(steps) - 2; i >= 0; i-- {
			if !d.Undo() {
				t.Fatalf("step %d cannot be undone", i)
			}
			check(fmt.Sprintf("undo to %d in round %d", i, round), steps[i])
		}
		for i := 1; i < len(steps); i++ {
			if !d.Redo() {
				t.Fatalf("step %d cannot be redone", i)
			}
			check(fmt.Sprintf("redo to %d in round %d", i, round), steps[i])
		}
	}
}

func TestUndoBeyondTheByteBudget(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.doc.history.budget = 200_000
	b.pad.SetBrush(Brush{Size: 30})
	var steps []*image.RGBA
	rng := rand.New(rand.NewPCG(3, 4))
	at := func() [2]float64 { return [2]float64{rng.Float64() * 512, rng.Float64() * 512} }
	for i := range 20 {
		steps = append(steps, b.pad.doc.Render(image.Pt(512, 512)))
		b.pad.SetTool([]Tool{ToolBrush, ToolEraser, ToolLine}[i%3])
		b.draw(at(), at(), at())
		if h := b.pad.doc.history; h.bytes > h.budget+h.done[len(h.done)-1].bytes {
			t.Fatalf("the history keeps %d bytes, the budget is %d", h.bytes, h.budget)
		}
	}
	given := 0
	for _, r := range b.pad.doc.history.done {
		if r.blocks == nil {
			given++
		}
	}
	if given < 10 {
		t.Fatalf("only %d of 20 steps gave up their pixels; the test would prove nothing", given)
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if !b.pad.Undo() {
			t.Fatalf("step %d cannot be undone", i)
		}
		b.settle()
		equal(t, b.pad.doc.raster.levels[0], steps[i])
	}
	for b.pad.Redo() {
	}
	b.same()
	sum := 0
	for _, r := range append(b.pad.doc.history.done, b.pad.doc.history.undone...) {
		sum += r.bytes
	}
	if sum != b.pad.doc.history.bytes {
		t.Errorf("the history counts %d bytes but keeps %d", b.pad.doc.history.bytes, sum)
	}
}

func TestDrawingWhileTilesAreStale(t *testing.T) {
	d := drawn(60, image.Pt(1024, 1024))
	b := newBench(t, d, 1)
	// No settling: the strokes begin on tiles that have not been rasterised yet.
	b.pad.SetBrush(Brush{Size: 25})
	for range 3 {
		b.draw([2]float64{100, 500}, [2]float64{900, 520}, [2]float64{300, 900})
		b.pad.Undo()
		b.pad.Redo()
	}
	b.pad.SetTool(ToolEraser)
	b.draw([2]float64{500, 100}, [2]float64{520, 900})
	b.same()
	for b.pad.Undo() {
	}
	b.same()
}
