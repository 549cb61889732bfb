package sketchpad

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"strings"
	"testing"
)

// shown is what the display has at canvas size.
func (b *bench) shown() *image.RGBA {
	b.settle()
	d := b.pad.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.raster.levels[0]
	return &image.RGBA{Pix: bytes.Clone(l.Pix), Stride: l.Stride, Rect: l.Rect}
}

// The mask shows as a tint, is no part of what is rendered, and every step of it can be undone and redone.
func TestMaskIsATintNotInk(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.draw([2]float64{50, 300}, [2]float64{460, 300})
	b.settle()
	ink := b.pad.doc.Render(image.Pt(512, 512))
	steps := []*image.RGBA{b.shown()}
	b.pad.SetTool(ToolMask)
	if b.pad.Brush().Size != 96 || b.pad.Brush().Softness == 0 {
		t.Errorf("the mask's brush is %+v", b.pad.Brush())
	}
	b.draw([2]float64{200, 200}, [2]float64{300, 200})
	steps = append(steps, b.shown())
	if c := b.shown().RGBAAt(250, 200); c.R < 230 || c.G > 170 {
		t.Errorf("masked paper shows %v", c)
	}
	if !b.pad.doc.Masked() || b.pad.doc.Empty() {
		t.Error("the drawing has no mask, or nothing but it")
	}
	b.pad.SetTool(ToolUnmask)
	b.draw([2]float64{250, 120}, [2]float64{250, 280})
	steps = append(steps, b.shown())
	if got := b.shown(); got.RGBAAt(250, 200) != (color.RGBA{255, 255, 255, 255}) || got.RGBAAt(190, 200).G > 200 {
		t.Errorf("rubbed out is %v, beside it %v", got.RGBAAt(250, 200), got.RGBAAt(190, 200))
	}
	if got := b.pad.doc.Render(image.Pt(512, 512)); !bytes.Equal(got.Pix, ink.Pix) {
		t.Error("the mask is part of what is rendered")
	}
	b.pad.ClearMask()
	steps = append(steps, b.shown())
	if b.pad.doc.Masked() || !bytes.Equal(steps[3].Pix, steps[0].Pix) {
		t.Error("the mask is not gone")
	}
	for i := 2; i >= 0; i-- {
		if b.pad.Undo(); !bytes.Equal(b.shown().Pix, steps[i].Pix) {
			t.Errorf("undo to step %d shows something else", i)
		}
	}
	for i := 1; i <= 3; i++ {
		if b.pad.Redo(); !bytes.Equal(b.shown().Pix, steps[i].Pix) {
			t.Errorf("redo to step %d shows something else", i)
		}
	}
	b.pad.Undo()
	b.pad.Clear() // the drawing, not the mask
	if !b.pad.doc.Masked() || !b.pad.doc.Empty() {
		t.Error("clearing the drawing took the mask, or left the drawing")
	}
	if c := b.shown(); c.RGBAAt(200, 200).G > 200 || c.RGBAAt(100, 300).G != 255 {
		t.Errorf("after clearing: mask %v, paper %v", c.RGBAAt(200, 200), c.RGBAAt(100, 300))
	}
	b.pad.Undo()
	if !bytes.Equal(b.shown().Pix, steps[2].Pix) {
		t.Error("undoing the clearing shows something else")
	}
}

// A mask survives saving, in a form that says it is newer; a drawing without one stays readable by older versions.
func TestMaskIsSaved(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.draw([2]float64{50, 300}, [2]float64{460, 300})
	text, err := b.pad.doc.MarshalJSON()
	if err != nil || !strings.HasPrefix(string(text), `{"version":1,`) {
		t.Errorf("without a mask: %.20s, %v", text, err)
	}
	b.pad.SetTool(ToolMask)
	b.draw([2]float64{200, 200}, [2]float64{300, 200})
	want := b.shown()
	if text, err = json.Marshal(b.pad.doc); err != nil || !strings.HasPrefix(string(text), `{"version":2,`) {
		t.Errorf("with a mask: %.20s, %v", text, err)
	}
	doc, err := ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	doc.Settle()
	if got := doc.raster.levels[0]; !bytes.Equal(got.Pix, want.Pix) {
		t.Error("read back it shows something else")
	}
	doc.SetSize(image.Pt(256, 256))
	doc.Settle()
	if c := doc.raster.levels[0].RGBAAt(125, 100); c.G > 170 || !doc.Masked() {
		t.Errorf("scaled with the canvas the mask shows %v", c)
	}
}

// Change gives the picture as it is and the mask in the picture's pixels.
func TestChangeFitsThePicture(t *testing.T) {
	d := newDoc(400, 400)
	if p, m := d.Change(); p != nil || m != nil {
		t.Error("an empty drawing has something to change")
	}
	pic, err := NewPicture(photo(100, 50)) // lies at 0…400 × 100…300
	if err != nil {
		t.Fatal(err)
	}
	d.SetUnderlay(pic, 0.3)
	if p, m := d.Change(); p != nil || m != nil {
		t.Error("without a mask there is something to change")
	}
	stroke := func(kind Kind, softness float64, points ...Point) {
		t.Helper()
		if err := d.Add(&Object{Kind: kind, Width: 80, Softness: softness, Points: points}); err != nil {
			t.Fatal(err)
		}
	}
	stroke(KindMask, 0, Point{300, 200, 1}, Point{320, 200, 1})
	picture, mask := d.Change()
	if picture.Bounds() != image.Rect(0, 0, 100, 50) || mask.Rect != picture.Bounds() {
		t.Fatalf("picture %v, mask %v", picture.Bounds(), mask.Rect)
	}
	if !bytes.Equal(picture.(*image.RGBA).Pix, photo(100, 50).Pix) {
		t.Error("the picture is not the one that was put there")
	}
	// 300,200 on the canvas is 75,25 in the picture, where the stroke is 20 wide.
	for at, want := range map[image.Point]uint8{{X: 75, Y: 25}: 255, {X: 78, Y: 17}: 255, {X: 75, Y: 12}: 0, {X: 60, Y: 25}: 0, {X: 25, Y: 25}: 0} {
		if got := mask.GrayAt(at.X, at.Y).Y; got != want {
			t.Errorf("the mask at %v is %d, want %d", at, got, want)
		}
	}
	stroke(KindUnmask, 0, Point{250, 200, 1}, Point{390, 200, 1})
	if p, m := d.Change(); p != nil || m != nil || !d.Masked() {
		t.Error("a mask that is rubbed out lets something change")
	}
	stroke(KindMask, 1, Point{100, 200, 1}, Point{100, 210, 1})
	if _, mask = d.Change(); mask.GrayAt(25, 25).Y < 200 || mask.GrayAt(30, 25).Y == 0 || mask.GrayAt(30, 25).Y == 255 {
		t.Errorf("a soft stroke is %d in the middle and %d beside it", mask.GrayAt(25, 25).Y, mask.GrayAt(30, 25).Y)
	}
}
