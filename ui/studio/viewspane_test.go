package studio

import (
	"context"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fyne.io/fyne/v2"

	"maquette/control/views"
	"maquette/ui/filepicker"
	"maquette/ui/sketchpad"
)

// drawVase draws a vase's outline with its rim, a solid of revolution.
func (s *testStudio) drawVase() {
	outline := [][2]float32{{.44, .25}, {.56, .25}, {.54, .38}, {.6, .55}, {.55, .75}, {.45, .75}, {.4, .55}, {.46, .38}, {.44, .25}}
	size := s.work.pad.Document().Size()
	var points []sketchpad.Point
	for i := 1; i < len(outline); i++ {
		for k := range 12 {
			f := float32(k) / 12
			a, b := outline[i-1], outline[i]
			points = append(points, sketchpad.Point{X: (a[0] + (b[0]-a[0])*f) * float32(size.X), Y: (a[1] + (b[1]-a[1])*f) * float32(size.Y), Pressure: 1})
		}
	}
	points = append(points, points[0])
	if err := s.work.pad.Document().Add(&sketchpad.Object{Kind: sketchpad.KindBrush, Width: 6, Points: points}); err != nil {
		s.t.Error(err)
	}
	s.work.drawingChanged()
}

func TestTurntableShowsTheDrawingFromEverySide(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(false)
	p := w.views
	s.do(func() { w.showPane(paneViews) })
	s.waitFor("the hint", func() bool { return p.hint.Text == "Draw a closed shape to see it from every side." })

	s.do(s.drawVase)
	s.waitFor("the body", func() bool { return p.body != nil && p.table.picture.Image != nil && p.table.picture.Visible() })
	var first image.Image
	var part views.Part
	s.do(func() {
		first, part = p.table.picture.Image, p.body.relief.Parts[0]
		p.table.Resize(fyne.NewSize(400, 400))
		p.table.Dragged(&fyne.DragEvent{Dragged: fyne.NewDelta(-100, 0)})
		p.table.DragEnd()
	})
	want := 40*math.Pi/180 + math.Pi/4
	s.waitFor("the turned picture", func() bool { return p.table.picture.Image != first })
	s.do(func() {
		if math.Abs(p.table.azimuth-want) > 1e-6 {
			t.Errorf("after a quarter of the width the azimuth is %g, want %g", p.table.azimuth, want)
		}
		if !p.handleKey(fyne.KeyUp) || p.handleKey(fyne.KeyA) {
			t.Error("the arrow keys, and only they, turn the table")
		}
	})

	flat := func() bool {
		return p.body != nil && slices.ContainsFunc(p.body.relief.Parts, func(q views.Part) bool { return q.ID == part.ID && q.Told && q.Reading == views.Flat })
	}
	s.do(func() { p.read(part.ID, views.Flat) })
	s.waitFor("the part to be flat", flat)
	s.do(func() { p.read(part.ID, views.Auto) })
	s.waitFor("the part to be found again", func() bool { return p.body != nil && !flat() && p.body.relief.Parts[0].Reading == part.Reading })

	s.do(func() { w.pad.Clear() })
	s.waitFor("the hint again", func() bool { return p.hint.Text != "" && p.body == nil && !p.table.picture.Visible() })
}

func TestTheDrawingOfAViewIsStoredAndTakenAway(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(false)
	p := w.views
	s.do(func() { s.drawVase(); w.showPane(paneViews) })
	s.waitFor("the body", func() bool { return p.body != nil })
	s.do(func() {
		p.table.turnTo(-1.5, .25, false) // near the left side
		p.openDrawing()
	})
	s.waitFor("the surface", func() bool { return p.drawn != nil })
	s.do(func() {
		if p.drawn.view != string(views.SideLeft) || w.drawingPad() == w.pad {
			t.Errorf("the surface is for %s", p.drawn.view)
		}
		err := p.drawn.pad.Document().Add(&sketchpad.Object{Kind: sketchpad.KindLine, Width: 6,
			Points: []sketchpad.Point{{X: 300, Y: 100, Pressure: 1}, {X: 300, Y: 900, Pressure: 1}}})
		if err != nil {
			t.Error(err)
		}
		p.finishDrawing()
	})
	files := func() map[string]string {
		files, err := w.project.ViewDrawings(context.Background(), w.sketchID)
		if err != nil {
			t.Error(err)
		}
		return files
	}
	s.waitFor("the stored drawing", func() bool { return files()["side-left"] != "" && p.named[views.SideLeft].Icon != nil })
	s.do(p.openDrawing)
	s.waitFor("the surface again", func() bool { return p.drawn != nil })
	s.do(func() {
		if p.drawn.pad.Document().Empty() {
			t.Error("the drawing was not read back")
		}
		p.drawn.remove()
	})
	s.waitFor("no drawing", func() bool { return len(files()) == 0 && p.named[views.SideLeft].Icon == nil })
}

// savePicker answers every question where to save with a path.
type savePicker struct {
	filepicker.FilePicker
	path string
}

func (p savePicker) Save(_, _ string, _ filepicker.Filter, done func(string, error)) {
	done(p.path, nil)
}

func TestTheBodyIsExported(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(false)
	s.do(func() { s.drawVase(); w.showPane(paneViews) })
	s.waitFor("the body", func() bool { return w.views.body != nil })
	path := filepath.Join(t.TempDir(), "vase")
	s.do(func() {
		s.picker = savePicker{path: path}
		w.views.exportModel()
	})
	s.waitFor("the file", func() bool { data, err := os.ReadFile(path + ".glb"); return err == nil && string(data[:4]) == "glTF" })
}
