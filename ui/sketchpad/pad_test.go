package sketchpad

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

func newDoc(w, h int) *Document { return NewDocument(image.Pt(w, h)) }

func TestStrokeUndoRedo(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	changes := 0
	b.pad.OnChanged = func() { changes++ }
	b.draw([2]float64{100, 100}, [2]float64{400, 300})
	b.dark(250, 200)
	b.white(250, 300)
	b.same()
	if changes != 1 || len(b.pad.doc.Objects()) != 1 {
		t.Fatalf("one stroke made %d changes and %d objects", changes, len(b.pad.doc.Objects()))
	}
	if !b.pad.CanUndo() || !b.pad.Undo() {
		t.Fatal("the stroke cannot be undone")
	}
	b.white(250, 200)
	b.same()
	if b.pad.CanUndo() || b.pad.Undo() {
		t.Error("there is more to undo than was done")
	}
	if !b.pad.CanRedo() || !b.pad.Redo() {
		t.Fatal("the stroke cannot be redone")
	}
	b.dark(250, 200)
	b.same()
	if changes != 3 {
		t.Errorf("OnChanged came %d times, want 3", changes)
	}
}

func TestStrokeFollowsThePointerExactly(t *testing.T) {
	for _, scale := range []float32{1, 1.5, 2} {
		for _, zoom := range []float64{0, 1, 3.7, 0.3} {
			t.Run(fmt.Sprintf("scale%g zoom%g", scale, zoom), func(t *testing.T) {
				b := newBench(t, newDoc(1024, 768), scale)
				if got := b.pad.view.Scale; math.Abs(got-float64(scale)) > 1e-6 {
					t.Fatalf("the pad takes the scale to be %g", got)
				}
				if zoom != 0 {
					b.pad.ZoomBy(zoom / b.pad.Zoom())
				}
				b.pad.SetTool(ToolLine)
				// A line from one place of the pad to another passes through the canvas points shown there.
				from, to := fyne.NewPos(210, 180), fyne.NewPos(390, 320)
				b.press(desktop.MouseButtonPrimary, from)
				b.moveTo(fyne.NewPos(300, 300))
				b.moveTo(to)
				b.release()
				o := b.pad.doc.Objects()[0]
				for i, pos := range []fyne.Position{from, to} {
					// Worked out here from where the tiles lie, not from View.
					tile := b.pad.screen.shown[image.Point{}]
					perUnit := float64(scale)
					if tile == nil {
						var at image.Point
						for at, tile = range b.pad.screen.shown {
							break
						}
						pos = pos.AddXY(float32(float64(at.X*screenTile)/perUnit), float32(float64(at.Y*screenTile)/perUnit))
					}
					corner := tile.raster.Position()
					x := float64(pos.X-corner.X) * perUnit / b.pad.Zoom()
					y := float64(pos.Y-corner.Y) * perUnit / b.pad.Zoom()
					tolerance := 0.02 + 0.01/b.pad.Zoom()
					if math.Abs(x-float64(o.Points[i].X)) > tolerance || math.Abs(y-float64(o.Points[i].Y)) > tolerance {
						t.Errorf("point %d is at (%g,%g) on the canvas, want (%.2f,%.2f)", i, o.Points[i].X, o.Points[i].Y, x, y)
					}
				}
				b.same()
			})
		}
	}
}

func TestPanAndZoomKeepTheCanvasUnderThePointer(t *testing.T) {
	b := newBench(t, newDoc(1024, 1024), 1.5)
	at := fyne.NewPos(200, 300)
	x0, y0 := b.pad.view.ToCanvas(at)
	for range 5 {
		b.pad.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: at}, Scrolled: fyne.NewDelta(0, 25)})
	}
	x1, y1 := b.pad.view.ToCanvas(at)
	if off := math.Hypot(x1-x0, y1-y0) * b.pad.Zoom(); off > 1 {
		t.Errorf("the wheel moved the canvas under the pointer by %.2f screen pixels", off)
	}
	zoom := b.pad.Zoom()
	b.press(desktop.MouseButtonTertiary, at)
	b.moveTo(at.AddXY(40, -30))
	b.release()
	x2, y2 := b.pad.view.ToCanvas(at.AddXY(40, -30))
	if off := math.Hypot(x2-x1, y2-y1) * zoom; off > 1 {
		t.Errorf("panning moved the canvas under the pointer by %.2f screen pixels", off)
	}
	b.press(desktop.MouseButtonSecondary, at)
	b.moveTo(at.AddXY(10, 10))
	b.release()
	b.pad.HandleKeyDown(&fyne.KeyEvent{Name: fyne.KeySpace})
	b.press(desktop.MouseButtonPrimary, at)
	b.moveTo(at.AddXY(10, 10))
	b.release()
	b.pad.HandleKeyUp(&fyne.KeyEvent{Name: fyne.KeySpace})
	x3, y3 := b.pad.view.ToCanvas(at.AddXY(60, -10))
	if off := math.Hypot(x3-x1, y3-y1) * zoom; off > 1.5 {
		t.Errorf("three ways of panning moved the canvas by %.2f screen pixels too much", off)
	}
	if !b.pad.doc.Empty() || b.pad.CanUndo() {
		t.Error("panning drew something")
	}
	b.pad.ZoomBy(1e9)
	if b.pad.Zoom() != MaxZoom {
		t.Errorf("zoom goes up to %g, want %d", b.pad.Zoom(), MaxZoom)
	}
	b.pad.ZoomBy(1e-9)
	if b.pad.Zoom() != MinZoom {
		t.Errorf("zoom goes down to %g, want %g", b.pad.Zoom(), MinZoom)
	}
	b.pad.Zoom100()
	if b.pad.Zoom() != 1 {
		t.Errorf("100%% is a zoom of %g", b.pad.Zoom())
	}
	// A polygon can be drawn over more than the pad shows: panning does not drop it.
	b.pad.SetTool(ToolPolygon)
	b.click(500, 500)
	b.press(desktop.MouseButtonTertiary, at)
	b.moveTo(at.AddXY(30, 30))
	b.release()
	if len(b.pad.poly) != 1 {
		t.Error("panning dropped the polygon")
	}
	b.pad.Cancel()
	b.pad.ZoomFit()
	v := b.pad.View()
	if v.OriginX < 0 || v.OriginY < 0 || v.OriginY+1024*v.Zoom > 500*1.5 {
		t.Errorf("the canvas is not whole after ZoomFit: %+v", v)
	}
}

func TestDragReleasedOutside(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	strokes := []bool{}
	b.pad.OnStroke = func(active bool) { strokes = append(strokes, active) }
	b.press(desktop.MouseButtonPrimary, b.on(256, 256))
	b.along([2]float64{256, 256}, [2]float64{500, 256})
	b.moveTo(fyne.NewPos(900, b.at.Y))
	b.release()
	if n := len(b.pad.doc.Objects()); n != 1 {
		t.Fatalf("%d objects after a drag released outside, want 1", n)
	}
	b.dark(400, 256)
	b.dark(511, 256)
	if fmt.Sprint(strokes) != "[true false]" {
		t.Errorf("OnStroke said %v", strokes)
	}
	// A press that leaves the pad before it becomes a drag brings no release at all.
	b.press(desktop.MouseButtonPrimary, fyne.NewPos(599, 250))
	b.pad.MouseOut()
	b.button = 0
	b.moveTo(fyne.NewPos(300, 300))
	if b.pad.gesture.action != idle {
		t.Error("the stroke goes on after the button was let go outside")
	}
	b.same()
}

func TestEscapeAndEndAreIdempotent(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.press(desktop.MouseButtonPrimary, b.on(100, 100))
	b.along([2]float64{100, 100}, [2]float64{300, 300})
	if !b.pad.HandleKey(&fyne.KeyEvent{Name: fyne.KeyEscape}) {
		t.Error("Escape was not for the pad")
	}
	b.along([2]float64{300, 300}, [2]float64{400, 100})
	b.release()
	b.pad.DragEnd()
	b.pad.MouseUp(&desktop.MouseEvent{Button: desktop.MouseButtonPrimary})
	if !b.pad.doc.Empty() || b.pad.CanUndo() {
		t.Error("a cancelled stroke left something")
	}
	b.white(200, 200)
	b.same()
	if b.pad.HandleKey(&fyne.KeyEvent{Name: fyne.KeyEscape}) {
		t.Error("Escape without a stroke was taken")
	}
}

func TestOneSegmentUploadsOnlyItsTiles(t *testing.T) {
	b := newBench(t, newDoc(2048, 2048), 2)
	b.pad.Zoom100()
	b.settle()
	b.canvas.Capture()
	if n := len(b.pad.screen.shown); n < 12 {
		t.Fatalf("only %d tiles are shown; the test would prove nothing", n)
	}
	b.pad.SetBrush(Brush{Size: 12})
	counts := func() map[image.Point]int {
		m := map[image.Point]int{}
		for at, tile := range b.pad.screen.shown {
			m[at] = tile.refreshes
		}
		return m
	}
	x, y := b.pad.view.ToCanvas(fyne.NewPos(300, 250))
	b.press(desktop.MouseButtonPrimary, b.on(x, y))
	for i := 1; i <= 20; i++ {
		before := counts()
		from, to := x+float64(30*(i-1)), x+float64(30*i)
		b.moveTo(b.on(to, y))
		for at, n := range counts() {
			if n == before[at] {
				continue
			}
			if n > before[at]+1 {
				t.Errorf("motion %d uploads tile %v %d times", i, at, n-before[at])
			}
			box := image.Rect(0, 0, screenTile, screenTile).Add(at.Mul(screenTile))
			// The smoothing holds a few points back; they lie at most some steps behind.
			near := image.Rect(int(from)-160, int(y)-10, int(to)+10, int(y)+10)
			if !box.Overlaps(near) {
				t.Errorf("motion %d from x=%.0f to %.0f at y=%.0f uploads tile %v", i, from, to, y, box)
			}
		}
	}
	b.release()
	b.same()
}

func TestTilesShowTheCanvas(t *testing.T) {
	for _, scale := range []float32{1, 1.5, 2} {
		b := newBench(t, newDoc(600, 400), scale)
		b.pad.Zoom100()
		b.draw([2]float64{200, 150}, [2]float64{300, 250}, [2]float64{400, 150})
		b.settle()
		b.canvas.Capture()
		want := b.pad.doc.Render(image.Pt(600, 400))
		compared := 0
		for at, tile := range b.pad.screen.shown {
			for y := range tile.pix.Rect.Dy() {
				for x := range tile.pix.Rect.Dx() {
					if got, want := tile.pix.RGBAAt(x, y), want.RGBAAt(x+at.X*screenTile, y+at.Y*screenTile); got != want {
						t.Fatalf("scale %g: tile %v shows %v at (%d,%d), want %v", scale, at, got, x, y, want)
					}
					compared++
				}
			}
		}
		if compared < 600*250 {
			t.Errorf("only %d pixels were shown", compared)
		}
	}
}

func TestKeys(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	for r, tool := range map[rune]Tool{
		'b': ToolBrush, 'e': ToolEraser, 'l': ToolLine, 'r': ToolRectangle, 'o': ToolEllipse, 'p': ToolPolygon,
	} {
		if !b.pad.HandleRune(r) || b.pad.Tool() != tool {
			t.Errorf("%c chose %s", r, b.pad.Tool())
		}
	}
	b.pad.HandleRune('b')
	b.pad.SetBrush(Brush{Size: 9})
	last := 9.0
	for range 40 {
		b.pad.HandleRune(']')
		if s := b.pad.Brush().Size; s < last || s > MaxBrushSize {
			t.Fatalf("] went from %g to %g", last, s)
		}
		last = b.pad.Brush().Size
	}
	if last != MaxBrushSize {
		t.Errorf("] stops at %g", last)
	}
	for range 60 {
		b.pad.HandleRune('[')
	}
	if s := b.pad.Brush().Size; s != MinBrushSize {
		t.Errorf("[ stops at %g", s)
	}
	if b.pad.HandleRune('z') {
		t.Error("z was taken")
	}
}

// TestZoomOnALargePadIsRoughAtFirst turns the wheel on a pad with more screen pixels than fit between two frames.
func TestZoomOnALargePadIsRoughAtFirst(t *testing.T) {
	b := newBench(t, drawn(20, image.Pt(2048, 2048)), 2)
	var later []func()
	b.pad.after = func(_ time.Duration, f func()) { later = append(later, f) }
	b.pad.Resize(fyne.NewSize(1600, 950))
	b.settle()
	b.pad.zoomAbout(2.3, fyne.NewPos(800, 475))
	b.settle()
	b.upload()
	rough := func() (n int) {
		for _, s := range b.pad.screen.shown {
			if s.isRough {
				n++
			}
		}
		return n
	}
	if n := rough(); n != len(b.pad.screen.shown) {
		t.Fatalf("%d of %d tiles are rough after a notch of the wheel", n, len(b.pad.screen.shown))
	}
	for steps := 0; rough() > 0; steps++ {
		if len(later) == 0 || steps > 100 {
			t.Fatalf("%d tiles stay rough", rough())
		}
		next := later
		later = nil
		before := rough()
		for _, f := range next {
			f()
		}
		b.settle()
		if made := before - rough(); made*screenTile*screenTile > finePixels+screenTile*screenTile {
			t.Errorf("%d tiles were made fine at once", made)
		}
	}
	b.upload()
	for _, s := range b.pad.screen.shown {
		want := image.NewRGBA(s.pix.Rect)
		b.pad.doc.show(b.pad.view.Zoom, glimpse{dst: want, part: want.Rect, origin: s.at.Mul(screenTile)})
		if !bytes.Equal(s.pix.Pix, want.Pix) {
			t.Fatalf("tile %v does not show the drawing", s.at)
		}
	}
}

func TestFittingToANewSizeTellsTheZoom(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	told := 0.0
	calls := make(chan func(), 100) // this goroutine is the UI's
	b.pad.do = func(f func()) { calls <- f }
	b.pad.OnState = func() { told = b.pad.Zoom() }
	was := b.pad.Zoom()
	b.pad.Resize(fyne.NewSize(1200, 1000))
	for told == 0 {
		(<-calls)() // the background of the document is heard of as well
	}
	if told == was || told != b.pad.Zoom() {
		t.Errorf("told a zoom of %g after %g, it is %g", told, was, b.pad.Zoom())
	}
}
