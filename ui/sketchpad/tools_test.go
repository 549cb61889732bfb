package sketchpad

import (
	"image"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

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
