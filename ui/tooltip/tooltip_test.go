package tooltip

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
)

// hovered is a widget that counts what it hears of the pointer.
type hovered struct {
	widget.Label
	in, moved, out int
}

func (h *hovered) MouseIn(*desktop.MouseEvent)    { h.in++ }
func (h *hovered) MouseMoved(*desktop.MouseEvent) { h.moved++ }
func (h *hovered) MouseOut()                      { h.out++ }

// scene shows obj with a tooltip in a window, and returns the tip, its layer and a function that lets the pointer rest.
func scene(t *testing.T, obj fyne.CanvasObject, text string) (fyne.Window, *layer, func()) {
	t.Helper()
	test.NewTempApp(t)
	wrapped := New(obj, text).(*tip)
	var pending func()
	wrapped.after = func(f func()) func() {
		pending = f
		return func() { pending = nil }
	}
	l := NewLayer(container.NewCenter(wrapped)).(*layer)
	w := test.NewTempWindow(t, container.NewStack(l))
	w.SetPadded(false)
	w.Resize(fyne.NewSize(400, 300))
	return w, l, func() {
		if pending != nil {
			pending()
		}
	}
}

func TestTipAppearsWhereThePointerRests(t *testing.T) {
	w, l, rest := scene(t, widget.NewLabel("here"), "Explains")
	rest()
	if l.box.Visible() {
		t.Fatal("the tip is there without a pointer")
	}
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	if l.box.Visible() {
		t.Error("the tip appears at once")
	}
	rest()
	if !l.box.Visible() || l.label.Text != "Explains" {
		t.Fatalf("no tip after a rest: %q", l.label.Text)
	}
	if p, s := l.box.Position(), l.box.Size(); p.X < 0 || p.Y < 150 || p.Y+s.Height > 300 || p.X+s.Width > 400 {
		t.Errorf("the tip is at %v with size %v", p, s)
	}
	test.WidgetRenderer(l).Layout(l.Size())
	if !l.box.Visible() {
		t.Error("the tip goes when its layer is laid out again")
	}
	test.MoveMouse(w.Canvas(), fyne.NewPos(5, 5))
	if l.box.Visible() {
		t.Error("the tip stays after the pointer has gone")
	}
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	test.MoveMouse(w.Canvas(), fyne.NewPos(5, 5))
	rest()
	if l.box.Visible() {
		t.Error("the tip appears after the pointer has gone")
	}
}

func TestNoTipOfWhatAPressHasHidden(t *testing.T) {
	w, l, rest := scene(t, widget.NewLabel("here"), "Explains")
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	l.content.Hide()
	rest()
	if l.box.Visible() {
		t.Errorf("the tip of a hidden object appears at %v", l.box.Position())
	}
}

func TestObjectStillHearsThePointer(t *testing.T) {
	h := &hovered{}
	h.ExtendBaseWidget(h)
	h.SetText("some text")
	w, _, _ := scene(t, container.NewPadded(h), "Explains")
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	test.MoveMouse(w.Canvas(), fyne.NewPos(201, 150))
	test.MoveMouse(w.Canvas(), fyne.NewPos(5, 5))
	if h.in != 1 || h.moved != 1 || h.out != 1 {
		t.Errorf("the object heard in %d, moved %d, out %d times; want once each", h.in, h.moved, h.out)
	}
}

func TestClicksReachTheObject(t *testing.T) {
	clicks := 0
	w, _, _ := scene(t, widget.NewButton("press", func() { clicks++ }), "Explains")
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	test.TapCanvas(w.Canvas(), fyne.NewPos(200, 150))
	if clicks != 1 {
		t.Errorf("%d clicks reached the button, want 1", clicks)
	}
}

func TestLongTextWraps(t *testing.T) {
	w, l, rest := scene(t, widget.NewLabel("here"), strings.Repeat("many words ", 20))
	test.MoveMouse(w.Canvas(), fyne.NewPos(200, 150))
	rest()
	if s := l.box.Size(); s.Width > widest || s.Height < 3*l.label.MinSize().Height/4 || s.Height < 40 {
		t.Errorf("a long text has size %v", s)
	}
}

func TestWithoutLayerNothingBreaks(t *testing.T) {
	test.NewTempApp(t)
	wrapped := New(widget.NewLabel("here"), "Explains").(*tip)
	wrapped.after = func(f func()) func() {
		f()
		return func() {}
	}
	w := test.NewTempWindow(t, wrapped)
	test.MoveMouse(w.Canvas(), fyne.NewPos(20, 20))
	test.MoveMouse(w.Canvas(), fyne.NewPos(1000, 20))
}

func TestTipOfAStripAppearsBesideIt(t *testing.T) {
	_, l, _ := scene(t, widget.NewLabel("here"), "Explains")
	l.show("Explains", fyne.NewPos(8, 200), fyne.NewSize(100, 30))
	if p := l.box.Position(); p.X < 108 || p.Y > 230 || p.Y+l.box.Size().Height < 200 {
		t.Errorf("the tip of a tool is at %v", p)
	}
	l.show("Explains", fyne.NewPos(200, 280), fyne.NewSize(100, 20))
	if p, s := l.box.Position(), l.box.Size(); p.Y+s.Height > 280 {
		t.Errorf("the tip of an object at the bottom is at %v with size %v", p, s)
	}
}
