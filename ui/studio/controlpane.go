package studio

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"maquette/control"
	"maquette/projects"
	"maquette/ui/explain"
)

// controlPane shows the control image of one control exactly as its ControlNet
// will see it.
type controlPane struct {
	w       *workspace
	pick    *widget.Select
	index   int
	caption *widget.Label
	picture *picture
	object  fyne.CanvasObject
	showing bool
}

func newControlPane(w *workspace) *controlPane {
	p := &controlPane{w: w, picture: newPicture("")}
	p.pick = widget.NewSelect(nil, func(string) {
		if i := p.pick.SelectedIndex(); !p.showing && i >= 0 {
			p.index = i
			w.updatePreview()
		}
	})
	p.caption = widget.NewLabel("")
	p.caption.Importance = widget.LowImportance
	head := container.NewHBox(p.pick, layout.NewSpacer(), p.caption)
	p.object = container.NewBorder(container.NewPadded(head), nil, nil, nil, p.picture.object)
	return p
}

// updatePreview makes the control image anew when it can be seen. The newest
// call wins.
func (w *workspace) updatePreview() {
	p := w.control
	if !w.view.visible(paneControl) {
		return
	}
	r := w.state.Recipe()
	names := make([]string, len(r.Controls))
	for i, c := range r.Controls {
		names[i] = string(c.Kind)
		if e, err := control.For(c.Kind); err == nil {
			names[i] = fmt.Sprintf("%d · %s", i+1, lang.L(e.Label()))
		}
	}
	p.index = min(p.index, max(len(names)-1, 0))
	p.showing = true
	if !slices.Equal(p.pick.Options, names) {
		p.pick.SetOptions(names)
	}
	if len(names) > 0 {
		p.pick.SetSelectedIndex(p.index)
	}
	p.showing = false
	switch {
	case len(names) == 0:
		w.preview.Cancel()
		p.pick.Hide()
		p.caption.SetText("")
		p.picture.setHint(lang.L("Add a control in the inspector to see how the drawing is read."))
		p.picture.show(nil)
		return
	case !w.hasDrawing():
		w.preview.Cancel()
		p.caption.SetText("")
		p.picture.setHint(lang.L("Draw something to see what the ControlNet will see."))
		p.picture.show(nil)
		return
	}
	p.pick.Show()
	c := r.Controls[p.index]
	doc, size := w.pad.Document(), image.Pt(r.Width, r.Height)
	w.preview.Start(func(ctx context.Context) {
		img, err := controlImage(ctx, c.Kind, input(doc, size), size, c.Params, projects.ControlOptions(w.s.models)...)
		w.s.post(func() {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				p.show(img, size, err)
			}
		})
	})
}

func controlImage(ctx context.Context, k control.Kind, src image.Image, size image.Point, params control.Params, options ...control.Option) (*image.RGBA, error) {
	e, err := control.For(k, options...)
	if err != nil {
		return nil, err
	}
	return e.Extract(ctx, src, size, params)
}

func (p *controlPane) show(img *image.RGBA, size image.Point, err error) {
	if err != nil {
		p.caption.SetText("")
		p.picture.setHint(explain.Error(err))
		p.picture.show(nil)
		return
	}
	p.caption.SetText(lang.L("{{.Width}} × {{.Height}}: exactly what the ControlNet sees", map[string]any{"Width": size.X, "Height": size.Y}))
	p.picture.show(img)
}
