package sketchpad

import (
	"image"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// collect returns the objects of type T in a tree, hidden ones left out.
func collect[T fyne.CanvasObject](root fyne.CanvasObject) []T {
	var out []T
	if !root.Visible() {
		return nil
	}
	if o, ok := root.(T); ok {
		return append(out, o)
	}
	var inner []fyne.CanvasObject
	switch o := root.(type) {
	case *fyne.Container:
		inner = o.Objects
	case fyne.Widget:
		inner = test.WidgetRenderer(o).Objects()
	}
	for _, o := range inner {
		out = append(out, collect[T](o)...)
	}
	return out
}

// button returns the button of the strip with the given text.
func button(t *testing.T, root fyne.CanvasObject, text string) *stripButton {
	t.Helper()
	for _, b := range collect[*stripButton](root) {
		if b.text == text {
			return b
		}
	}
	t.Fatalf("no button says %q", text)
	return nil
}

func TestToolbarWorksThePad(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	translated := map[string]bool{}
	bar := Toolbar(b.pad, func(s string) string { translated[s] = true; return s })
	w := test.NewTempWindow(t, bar)
	w.SetPadded(false)
	w.Resize(fyne.NewSize(112, 600))
	if width := bar.MinSize().Width; width > 120 {
		t.Errorf("the strip is %g units wide", width)
	}
	content := bar.(fyne.Widget)
	if inner := test.WidgetRenderer(content).Objects()[0].MinSize(); inner.Height > 568 {
		t.Errorf("the strip is %g units high, too much for a small window", inner.Height)
	}
	for text, tool := range map[string]Tool{
		"Brush": ToolBrush, "Eraser": ToolEraser, "Line": ToolLine,
		"Rectangle": ToolRectangle, "Ellipse": ToolEllipse, "Polygon": ToolPolygon,
	} {
		if !translated[text] {
			t.Errorf("%q is not translated", text)
		}
		test.Tap(button(t, bar, text))
		if b.pad.Tool() != tool {
			t.Errorf("%q chose %s", text, b.pad.Tool())
		}
		for _, s := range collect[*stripButton](bar) {
			if s.chosen != (s.text == text) {
				t.Errorf("with %s chosen, %q shows chosen: %v", tool, s.text, s.chosen)
			}
		}
	}
	for text, on := range map[string]func() bool{
		"Mirror X": func() bool { v, _ := b.pad.Mirror(); return v },
		"Mirror Y": func() bool { _, h := b.pad.Mirror(); return h },
		"Snap":     b.pad.Snap,
		"Guides":   b.pad.Guides,
	} {
		s := button(t, bar, text)
		for _, want := range []bool{true, false} {
			if test.Tap(s); on() != want || s.on != want {
				t.Errorf("%q: pad %v, button %v, want %v", text, on(), s.on, want)
			}
		}
	}
	b.pad.HandleRune('b')
	if !button(t, bar, "Brush").chosen {
		t.Error("the strip does not follow the keyboard")
	}
}

func TestToolbarSlidersAndUnderlay(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	bar := Toolbar(b.pad, func(s string) string { return s })
	test.NewTempWindow(t, bar)
	dials := collect[*dial](bar)
	if len(dials) != 3 {
		t.Fatalf("%d sliders without an underlay, want 3", len(dials))
	}
	slide := func(d *dial, v float64) {
		d.slider.SetValue(v)
	}
	slide(dials[0], 1)
	slide(dials[1], 0.5)
	slide(dials[2], 0)
	if got := b.pad.Brush(); got != (Brush{Size: 200, Softness: 0.5}) {
		t.Errorf("the sliders set %+v", got)
	}
	b.pad.SetBrush(Brush{Size: 14, Softness: 0.25})
	if math.Abs(dials[0].slider.Value-placeOf(14)) > 0.005 || dials[0].value != "14 px" || dials[1].value != "25 %" {
		t.Errorf("the sliders show %g %q %q", dials[0].slider.Value, dials[0].value, dials[1].value)
	}
	if got := b.pad.Brush().Size; got != 14 {
		t.Errorf("showing the size changed it to %g", got)
	}
	b.pad.SetUnderlay(photo(64, 64), 0.4)
	waitFor(b, func() bool { return len(collect[*dial](bar)) == 4 })
	opacity := collect[*dial](bar)[3]
	if opacity.value != "40 %" {
		t.Errorf("the underlay's slider shows %s", opacity.value)
	}
	slide(opacity, 0.8)
	if _, o := b.pad.doc.Underlay(); o != 0.8 {
		t.Errorf("the slider set the opacity to %g", o)
	}
	test.Tap(button(t, bar, "Remove"))
	if p, _ := b.pad.doc.Underlay(); p != nil || len(collect[*dial](bar)) != 3 {
		t.Error("the underlay was not removed")
	}
}

// waitFor runs what comes to Fyne's goroutine until done.
func waitFor(b *bench, done func() bool) {
	b.t.Helper()
	for range 1000 {
		b.settle()
		if done() {
			return
		}
		b.pause()
	}
	b.t.Fatal("it does not happen")
}

func TestCanvasMenuAndClear(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	bar := Toolbar(b.pad, func(s string) string { return s })
	w := test.NewTempWindow(t, bar)
	w.Resize(fyne.NewSize(400, 600))
	clear := button(t, bar, "Clear")
	if !clear.disabled {
		t.Error("an empty drawing can be cleared")
	}
	b.draw([2]float64{50, 50}, [2]float64{300, 300})
	if clear.disabled {
		t.Error("a drawing cannot be cleared")
	}
	test.Tap(clear)
	if !b.pad.doc.Empty() || !b.pad.Undo() || b.pad.doc.Empty() {
		t.Error("clearing and taking it back went wrong")
	}
	test.Tap(button(t, bar, "512×512"))
	top := w.Canvas().Overlays().Top()
	if top == nil {
		t.Fatal("the canvas button opens no menu")
	}
	if menus := collect[*widget.PopUpMenu](top); len(menus) != 1 || len(menus[0].Items) != len(Presets()) {
		t.Errorf("the canvas button opens %v", menus)
	}
	b.pad.SetCanvasSize(image.Pt(1536, 1024))
	button(t, bar, "1536×1024")
	b.same()
	if b.pad.canvas != image.Pt(1536, 1024) {
		t.Errorf("the pad shows a canvas of %v", b.pad.canvas)
	}
}

func TestPasteGoesIntoTheDrawing(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	var failure error
	b.pad.OnError = func(err error) { failure = err }
	b.pad.PasteImage(photo(100, 50))
	waitFor(b, func() bool { return !b.pad.doc.Empty() })
	if c := b.pad.doc.Render(image.Pt(512, 512)).RGBAAt(256, 256); c.B > 140 || c.R > 140 {
		t.Errorf("the pasted image renders as %v", c)
	}
	b.white(256, 50)
	b.same()
	b.pad.PasteImage(image.NewRGBA(image.Rectangle{}))
	waitFor(b, func() bool { return failure != nil })
	if !b.pad.Undo() || !b.pad.doc.Empty() {
		t.Error("pasting cannot be undone")
	}
}

func TestIconsDraw(t *testing.T) {
	test.NewTempApp(t)
	for _, i := range []icon{
		iconBrush, iconEraser, iconLine, iconRectangle, iconEllipse, iconPolygon, iconMirror, iconFlip, iconSnap,
		iconGuides, iconCanvas, iconClear, iconRemove,
	} {
		b := newStripButton(i, "", func() {})
		w := test.NewTempWindow(t, b)
		w.Resize(fyne.NewSize(60, 50))
		shot := w.Canvas().Capture()
		ground := theme.Color(theme.ColorNameBackground)
		inked := 0
		for y := range shot.Bounds().Dy() {
			for x := range shot.Bounds().Dx() {
				r, g, bl, _ := shot.At(x, y).RGBA()
				r0, g0, b0, _ := ground.RGBA()
				if math.Abs(float64(r)-float64(r0))+math.Abs(float64(g)-float64(g0))+math.Abs(float64(bl)-float64(b0)) > 40000 {
					inked++
				}
			}
		}
		if inked < 20 || inked > 18*18 {
			t.Errorf("an icon has %d pixels: %s", inked, i)
		}
	}
}
