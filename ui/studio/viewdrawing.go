package studio

import (
	"context"
	"image"
	"image/color"
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/ui/panels"
	"maquette/ui/sketchpad"
)

// viewSavePause is how long the pen must rest before the drawing of a view is stored.
const viewSavePause = time.Second

// viewDrawing is the surface on which the user draws another view of the
// object; the lifted body lies under it to trace. What is drawn is stored as
// it grows and takes the place of what the body shows.
type viewDrawing struct {
	p      *viewsPane
	view   string // as views.Camera.Title writes it
	sketch string // ID
	pad    *sketchpad.Pad
	save   pauseTimer
	object fyne.CanvasObject
}

// openDrawing reads the drawing of the view that the turntable shows, or begins one.
func (p *viewsPane) openDrawing() {
	if p.body == nil || p.w.project.ReadOnly() {
		return
	}
	c := nearView(p.table.azimuth, p.table.elevation)
	view, sketch, size := c.Title(), p.w.sketchID, p.w.pad.Document().Size()
	b, project := p.body, p.w.project
	var doc *sketchpad.Document
	p.w.s.wait(lang.L("Opening the view…"), func(ctx context.Context) error {
		files, err := project.ViewDrawings(ctx, sketch)
		if err != nil {
			return err
		}
		doc = sketchpad.NewDocument(size)
		if file := files[view]; file != "" {
			img, err := project.File(ctx, file)
			if err != nil {
				return err
			}
			if doc, err = documentOf(img); err != nil {
				return err
			}
		}
		page := fit(size, image.Pt(reliefSide, reliefSide))
		page = image.Pt(max(page.X, 64), max(page.Y, 64))
		made, err := views.Render(ctx, b.relief.Mesh, b.camera(c.Azimuth, c.Elevation, page), page, views.Style{})
		if err != nil {
			return err
		}
		doc, err = traced(doc, inkOver(inverted(made.Lines), color.NRGBA{R: 0x40, G: 0x80, B: 0xd0, A: 0xff}))
		return err
	}, func(err error) {
		if err != nil {
			p.w.s.fail(lang.L("The view could not be drawn"), err)
			return
		}
		p.table.turnTo(c.Azimuth, c.Elevation, false)
		p.edit(view, sketch, doc)
	})
}

// nearView is the camera of a view at angles in radians: a named one where one
// is near, else in whole degrees, so that drawings of the same side meet.
func nearView(azimuth, elevation float64) views.Camera {
	const near = .14 // radians, 8°
	for _, n := range views.Names() {
		c, err := views.Named(n)
		if err == nil && between(c.Azimuth, azimuth) < near && between(c.Elevation, elevation) < near {
			return c
		}
	}
	whole := func(radians float64) float64 { return math.Round(radians*180/math.Pi) * math.Pi / 180 }
	return views.Camera{Azimuth: whole(azimuth), Elevation: whole(elevation), Field: views.DefaultField}
}

// between is the angle between two directions, in radians.
func between(a, b float64) float64 { return math.Abs(math.Remainder(a-b, 2*math.Pi)) }

// viewTitle is what the user sees for a camera as views.Camera.Title writes it.
func viewTitle(title string) string { return panels.ViewName(views.Name(title)) }

// inverted is black on white for white on black.
func inverted(img *image.Gray) *image.RGBA {
	out := image.NewRGBA(img.Rect)
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			v := 255 - img.GrayAt(x, y).Y
			out.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return out
}

// traced lays an image under a document, to be traced. Undo does not take it away.
func traced(doc *sketchpad.Document, under image.Image) (*sketchpad.Document, error) {
	pic, err := sketchpad.NewPicture(under)
	if err != nil {
		return nil, err
	}
	doc.SetUnderlay(pic, .5)
	text, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return sketchpad.ParseDocument(text)
}

// edit shows the surface with a document.
func (p *viewsPane) edit(view, sketch string, doc *sketchpad.Document) {
	d := &viewDrawing{p: p, view: view, sketch: sketch, pad: sketchpad.New(doc)}
	d.save = pauseTimer{after: realClock, post: p.w.s.post, wait: viewSavePause, fire: d.store}
	d.pad.OnChanged = func() { d.save.Touch(); p.w.view.bar.show() }
	d.pad.OnState = func() { p.w.view.bar.show() }
	d.pad.OnError = func(err error) { p.w.s.fail(lang.L("The drawing could not be changed"), err) }
	title := widget.NewLabel(lang.L("Your drawing of this view: {{.View}}. It is used in place of the lifted lines.", map[string]any{"View": viewTitle(view)}))
	title.Truncation = fyne.TextTruncateEllipsis
	remove := widget.NewButtonWithIcon(lang.L("Remove"), theme.DeleteIcon(), d.remove)
	done := widget.NewButtonWithIcon(lang.L("Done"), theme.ConfirmIcon(), p.finishDrawing)
	done.Importance = widget.HighImportance
	tools := container.NewVScroll(sketchpad.Toolbar(d.pad, func(text string) string { return lang.L(text) }))
	d.object = container.NewBorder(container.NewBorder(nil, nil, nil, container.NewHBox(remove, done), title), nil, tools, nil, d.pad)
	p.drawn = d
	p.face.Objects = []fyne.CanvasObject{d.object}
	p.face.Refresh()
	p.w.view.bar.show()
}

// store writes the drawing; an empty one is taken away.
func (d *viewDrawing) store() {
	d.save.Stop()
	doc := d.pad.Document()
	d.p.write(d.sketch, d.view, func() image.Image {
		if doc.Empty() {
			return nil
		}
		return doc.Render(doc.Size())
	})
}

// write stores the drawing of a view in the background; make is asked for it there.
func (p *viewsPane) write(sketch, view string, make func() image.Image) {
	w := p.w
	p.stores.Add(1)
	go func() {
		defer p.stores.Done()
		p.storing.Lock()
		err := w.project.SaveViewDrawing(w.s.ctx, sketch, view, make())
		p.storing.Unlock()
		w.s.post(func() {
			w.s.fail(lang.L("The drawing of the view could not be saved"), err)
			p.markDrawn()
		})
	}()
}

// remove takes the drawing away; the toast brings it back.
func (d *viewDrawing) remove() {
	p, doc := d.p, d.pad.Document()
	if doc.Empty() {
		p.finishDrawing()
		return
	}
	kept := doc.Render(doc.Size())
	d.pad.Clear()
	p.finishDrawing()
	p.w.s.toasts.show(lang.L("Your drawing of the view was removed."), lang.L("Undo"), func() {
		p.write(d.sketch, d.view, func() image.Image { return kept })
	})
}

// finishDrawing stores the drawing and shows the turntable again.
func (p *viewsPane) finishDrawing() {
	d := p.drawn
	if d == nil {
		return
	}
	d.store()
	p.drawn = nil
	p.face.Objects = []fyne.CanvasObject{p.turning}
	p.face.Refresh()
	p.w.view.bar.show()
}

// markDrawn marks the named views that the user has drawn.
func (p *viewsPane) markDrawn() {
	project, sketch := p.w.project, p.w.sketchID
	go func() {
		files, err := project.ViewDrawings(p.w.s.ctx, sketch)
		p.w.s.post(func() {
			if err != nil || sketch != p.w.sketchID || p.w.s.work != p.w {
				return
			}
			for name, b := range p.named {
				var icon fyne.Resource
				if files[string(name)] != "" {
					icon = theme.DocumentCreateIcon()
				}
				if b.Icon != icon {
					b.SetIcon(icon)
				}
			}
		})
	}()
}

// drawingPad is the surface that keys and menus act on: the drawing's, or that
// of a view while one is being drawn.
func (w *workspace) drawingPad() *sketchpad.Pad {
	if w.view != nil && w.views.drawn != nil && w.view.visible(paneViews) {
		return w.views.drawn.pad
	}
	return w.pad
}
