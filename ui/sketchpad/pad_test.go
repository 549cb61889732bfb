package sketchpad

import (
	"fmt"
	"image"
	"math"
	"testing"

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

func TestShapes(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.SetBrush(Brush{Size: 6})
	b.pad.SetTool(ToolRectangle)
	b.draw([2]float64{50, 60}, [2]float64{250, 160})
	for _, p := range [][2]int{{50, 60}, {250, 160}, {150, 60}, {50, 110}, {250, 110}, {150, 160}} {
		b.dark(p[0], p[1])
	}
	b.white(150, 110)
	b.pad.SetTool(ToolEllipse)
	b.draw([2]float64{300, 300}, [2]float64{500, 400})
	for _, p := range [][2]int{{400, 300}, {400, 400}, {300, 350}, {500, 350}} {
		b.dark(p[0], p[1])
	}
	b.white(400, 350)
	b.white(303, 303)
	b.pad.SetTool(ToolLine)
	b.draw([2]float64{20, 500}, [2]float64{220, 300})
	b.dark(120, 400)
	b.same()
	for range 3 {
		b.pad.Undo()
	}
	b.white(150, 60)
	b.white(120, 400)
	b.same()
}

func TestShapePreviewLeavesNothing(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.draw([2]float64{60, 256}, [2]float64{450, 256})
	b.pad.SetTool(ToolRectangle)
	b.press(desktop.MouseButtonPrimary, b.on(100, 100))
	b.along([2]float64{100, 100}, [2]float64{400, 400}, [2]float64{150, 130})
	b.white(400, 300)
	b.dark(300, 256)
	b.dark(150, 115)
	b.release()
	b.same()
	if n := len(b.pad.doc.Objects()); n != 2 {
		t.Errorf("%d objects, want 2", n)
	}
	// A press without a motion is no shape.
	b.click(300, 300)
	if n := len(b.pad.doc.Objects()); n != 2 {
		t.Errorf("a click with the rectangle tool made object %d", n)
	}
}

func TestShiftConstrains(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	shift := func(down bool) {
		ev := &fyne.KeyEvent{Name: desktop.KeyShiftLeft}
		if down {
			b.pad.HandleKeyDown(ev)
		} else {
			b.pad.HandleKeyUp(ev)
		}
	}
	last := func() *Object { o := b.pad.doc.Objects(); return o[len(o)-1] }
	shape := func(tool Tool, x, y float64) *Object {
		b.pad.SetTool(tool)
		b.press(desktop.MouseButtonPrimary, b.on(100, 100))
		b.along([2]float64{100, 100}, [2]float64{x, y})
		shift(true)
		b.release()
		shift(false)
		return last()
	}
	if o := shape(ToolLine, 300, 120); math.Abs(float64(o.Points[1].Y-o.Points[0].Y)) > 0.02 {
		t.Errorf("a nearly level line is not level: %v", o.Points)
	}
	if o := shape(ToolLine, 290, 310); math.Abs(float64(o.Points[1].X-o.Points[0].X)-float64(o.Points[1].Y-o.Points[0].Y)) > 0.05 {
		t.Errorf("a nearly diagonal line is not diagonal: %v", o.Points)
	}
	for _, tool := range []Tool{ToolRectangle, ToolEllipse} {
		o := shape(tool, 300, 180)
		if dx, dy := o.Points[1].X-o.Points[0].X, o.Points[1].Y-o.Points[0].Y; math.Abs(float64(dx-dy)) > 0.05 {
			t.Errorf("%s is %g×%g with Shift held", tool, dx, dy)
		}
	}
	b.pad.SetTool(ToolBrush)
	at := b.on(100, 200)
	b.moveTo(at)
	b.button, b.from, b.drag = desktop.MouseButtonPrimary, at, false
	b.pad.MouseDown(&desktop.MouseEvent{PointEvent: b.point(), Button: b.button, Modifier: fyne.KeyModifierShift})
	b.along([2]float64{100, 200}, [2]float64{200, 260}, [2]float64{300, 210})
	b.release()
	if o := last(); o.Kind != KindBrush || len(o.Points) != 2 || math.Abs(float64(o.Points[1].Y-o.Points[0].Y)) > 0.02 {
		t.Errorf("the brush with Shift drew %v through %v", o.Kind, o.Points)
	}
	b.same()
}

func TestMirror(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.HandleRune('x')
	b.pad.SetBrush(Brush{Size: 8})
	b.draw([2]float64{100, 100}, [2]float64{200, 150})
	b.dark(150, 125)
	b.dark(361, 125)
	b.white(150, 386)
	b.pad.HandleRune('X')
	b.pad.SetTool(ToolRectangle)
	b.draw([2]float64{40, 300}, [2]float64{100, 340})
	for _, p := range [][2]int{{70, 300}, {441, 300}, {70, 211}, {441, 211}} {
		b.dark(p[0], p[1])
	}
	b.same()
	if n := len(b.pad.doc.Objects()); n != 2 {
		t.Errorf("mirrored drawing made %d objects, want 2", n)
	}
	b.pad.Undo()
	b.white(441, 211)
	b.same()
}

func TestEraser(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.SetBrush(Brush{Size: 20})
	b.draw([2]float64{100, 256}, [2]float64{400, 256})
	b.pad.SetTool(ToolEraser)
	b.pad.SetBrush(Brush{Size: 30})
	b.draw([2]float64{250, 200}, [2]float64{250, 300})
	b.white(250, 256)
	b.dark(150, 256)
	b.same()
	b.pad.SetTool(ToolBrush)
	b.draw([2]float64{250, 220}, [2]float64{250, 290})
	b.dark(250, 256)
	b.pad.Undo()
	b.pad.Undo()
	b.dark(250, 256)
	b.same()
	if got := b.pad.Brush().Size; got != 20 {
		t.Errorf("the brush took the eraser's size: %g", got)
	}
}

func TestPolygon(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.HandleRune('p')
	b.pad.SetBrush(Brush{Size: 5})
	b.click(100, 100)
	b.click(300, 100)
	b.moveTo(b.on(300, 200))
	b.dark(200, 100)
	b.dark(300, 150) // the edge that follows the pointer
	b.click(300, 300)
	if n := len(b.pad.doc.Objects()); n != 0 {
		t.Fatalf("an open polygon is in the document already (%d)", n)
	}
	b.click(103, 102) // near the first corner: closes
	o := b.pad.doc.Objects()
	if len(o) != 1 || o[0].Kind != KindPolygon || len(o[0].Points) != 3 {
		t.Fatalf("the polygon became %v", o)
	}
	b.dark(200, 200)
	b.same()

	b.click(350, 350)
	b.click(450, 350)
	b.click(450, 450)
	b.pad.HandleKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if o = b.pad.doc.Objects(); len(o) != 2 {
		t.Fatal("Return did not close the polygon")
	}
	b.dark(400, 400)

	b.click(50, 400)
	b.click(150, 400)
	b.click(150, 500)
	b.press(desktop.MouseButtonPrimary, b.at) // at once again: a double click
	b.release()
	if o = b.pad.doc.Objects(); len(o) != 3 || len(o[2].Points) != 3 {
		t.Fatal("a double click did not close the polygon")
	}

	b.click(200, 20)
	b.click(300, 20)
	b.click(300, 60)
	b.pad.Undo() // the last corner only
	if len(b.pad.poly) != 2 || len(b.pad.doc.Objects()) != 3 {
		t.Errorf("undo within a polygon left %d corners and %d objects", len(b.pad.poly), len(b.pad.doc.Objects()))
	}
	b.pad.HandleKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	b.white(250, 20)
	b.same()
}

func TestSnap(t *testing.T) {
	b := newBench(t, newDoc(512, 512), 1)
	b.pad.SetTool(ToolLine)
	b.pad.SetSnap(true)
	step := gridStep(image.Pt(512, 512))
	b.draw([2]float64{step*3 + 5, step*4 - 6}, [2]float64{step*10 + 3, step*4 + 5})
	o := b.pad.doc.Objects()[0]
	if o.Points[0] != (Point{float32(step * 3), float32(step * 4), 1}) || o.Points[1] != (Point{float32(step * 10), float32(step * 4), 1}) {
		t.Errorf("the line does not lie on the grid: %v", o.Points)
	}
	b.pad.SetSnap(false)
	b.draw([2]float64{203, 301}, [2]float64{307, 405})
	b.pad.SetSnap(true)
	b.draw([2]float64{309, 402}, [2]float64{400, 200})
	o2 := b.pad.doc.Objects()
	if got, want := o2[2].Points[0], o2[1].Points[1]; got != want {
		t.Errorf("the line begins at %v, not at the end %v of the other", got, want)
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

func TestStrokesAreSmoothAndEndAtThePointer(t *testing.T) {
	for _, step := range []float64{3, 6, 12} {
		b := newBench(t, newDoc(1024, 1024), 1)
		b.pad.Zoom100()
		b.pad.SetBrush(Brush{Size: 4})
		const radius = 180
		centre := fyne.NewPos(300, 250)
		// The desktop driver rounds positions to whole units.
		at := func(a float64) fyne.Position {
			return fyne.NewPos(
				float32(math.Round(300+radius*math.Cos(a))), float32(math.Round(250+radius*math.Sin(a))))
		}
		b.press(desktop.MouseButtonPrimary, at(0))
		for a := 0.0; a < 1.8*math.Pi; a += step / radius {
			b.moveTo(at(a))
		}
		last := b.at
		b.release()
		o := b.pad.doc.Objects()[0]
		cx, cy := b.pad.view.ToCanvas(centre)
		middle := o.Points[5 : len(o.Points)-5]
		worst, turn := 0.0, 0.0
		for i := 1; i < len(middle)-1; i++ {
			p, q, r := middle[i-1], middle[i], middle[i+1]
			worst = math.Max(worst, math.Abs(math.Hypot(float64(q.X)-cx, float64(q.Y)-cy)-radius))
			bend := math.Atan2(float64(r.Y-q.Y), float64(r.X-q.X)) - math.Atan2(float64(q.Y-p.Y), float64(q.X-p.X))
			bend = math.Remainder(bend, 2*math.Pi)
			turn = math.Max(turn, math.Abs(bend-distance(q, r)/radius))
		}
		if worst > 1.2 {
			t.Errorf("steps of %g: the stroke strays %.2f pixels from the circle that was drawn", step, worst)
		}
		if turn > 4*math.Pi/180 {
			t.Errorf("steps of %g: the stroke has a kink of %.1f°", step, turn*180/math.Pi)
		}
		x, y := b.pad.view.ToCanvas(last)
		end := o.Points[len(o.Points)-1]
		if math.Hypot(float64(end.X)-x, float64(end.Y)-y) > 0.3 {
			t.Errorf("steps of %g: the stroke ends at (%g,%g), the pointer at (%.1f,%.1f)", step, end.X, end.Y, x, y)
		}
		b.same()
	}
}

func TestCornersStay(t *testing.T) {
	b := newBench(t, newDoc(1024, 1024), 1)
	b.pad.Zoom100()
	x, y := b.pad.view.ToCanvas(fyne.NewPos(200, 150))
	b.draw([2]float64{x, y}, [2]float64{x + 200, y}, [2]float64{x + 200, y + 200})
	nearest := math.Inf(1)
	for _, q := range b.pad.doc.Objects()[0].Points {
		nearest = math.Min(nearest, math.Hypot(float64(q.X)-x-200, float64(q.Y)-y))
	}
	if nearest > 8 {
		t.Errorf("the stroke cuts the corner by %.1f pixels", nearest)
	}
}
