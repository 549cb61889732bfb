package panels

import (
	"errors"
	"image"
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// rowsOf finds the chooser's rows that are on screen.
func rowsOf(o fyne.CanvasObject) (rows []*chooserRow) {
	if r, ok := o.(*chooserRow); ok {
		return []*chooserRow{r}
	}
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			rows = append(rows, rowsOf(c)...)
		}
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			rows = append(rows, rowsOf(c)...)
		}
	}
	return rows
}

func TestCheckpointsAreBrowsedWithPreviews(t *testing.T) {
	m := newModel(t)
	in := m.in
	var posted []func()
	reads := 0
	done := make(chan struct{})
	in.previews.do = func(f func()) { posted = append(posted, f); close(done) }
	in.previews.read = func(path string) (image.Image, error) {
		reads++
		if path != "/models/other.png" {
			return nil, errors.New("no picture")
		}
		img := image.NewRGBA(image.Rect(0, 0, 600, 300))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		img.SetRGBA(0, 0, color.RGBA{})
		return img, nil
	}
	m.view.Checkpoints = []Choice{
		{Path: projects.StarterCheckpoint, Name: "Starter model", Detail: "sd1 64"},
		{Path: "/models/other", Name: "other", Detail: "sdxl · fp16 · 6.9 GB", Preview: "/models/other.png"},
		{Path: "/models/flux", Name: "flux", Note: "can't be used"},
	}
	in.Show(m.view)
	if in.browse.Disabled() {
		t.Fatal("three checkpoints can't be browsed")
	}
	test.Tap(in.browse)
	c := fyne.CurrentApp().Driver().CanvasForObject(in.browse)
	pop, ok := c.Overlays().Top().(*widget.PopUp)
	if !ok {
		t.Fatal("no chooser")
	}
	rows := rowsOf(pop.Content)
	if len(rows) < 3 || rows[1].name.Text != "other" || rows[1].detail.Text != "sdxl · fp16 · 6.9 GB" || rows[2].detail.Text != "can't be used" {
		t.Fatalf("%d rows", len(rows))
	}
	<-done
	posted[0]()
	img := rowsOf(pop.Content)[1].picture.Image
	if img == nil || img.Bounds().Size() != image.Pt(previewPixels, previewPixels/2) {
		t.Errorf("the preview is %v", img)
	}
	if reads != 1 {
		t.Errorf("%d reads of one picture", reads)
	}
	search := c.Focused().(*widget.Entry)
	search.SetText("SDXL gb")
	search.OnSubmitted(search.Text)
	if pop.Visible() || m.view.Recipe.Checkpoint != "/models/other" {
		t.Errorf("chosen: %s", m.view.Recipe.Checkpoint)
	}
	m.view.Checkpoints = m.view.Checkpoints[:1]
	in.Show(m.view)
	if !in.browse.Disabled() {
		t.Error("one checkpoint can be browsed")
	}
}

func TestPreviewsThatCantBeReadAreReadOnce(t *testing.T) {
	test.NewTempApp(t)
	p := newPreviews()
	done := make(chan func(), 4)
	p.do = func(f func()) { done <- f }
	reads := 0
	p.read = func(string) (image.Image, error) { reads++; return nil, errors.New("broken") }
	changes := 0
	for range 3 {
		if p.get("/x.png", func() { changes++ }) != nil || p.get("", nil) != nil {
			t.Error("a picture out of nothing")
		}
	}
	(<-done)()
	if p.get("/x.png", func() { changes++ }) != nil || reads != 1 || changes != 3 {
		t.Errorf("%d reads, %d changes", reads, changes)
	}
}
