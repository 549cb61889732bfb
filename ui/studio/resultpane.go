package studio

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/projects"
	"maquette/ui/explain"
	"maquette/ui/panels"
	"maquette/ui/tooltip"
)

// resultPane shows the image taking shape, then the concept, or a live picture.
type resultPane struct {
	w       *workspace
	picture *picture
	caption *widget.Label
	hold    *holdButton
	keep    *widget.Button
	open    fyne.CanvasObject
	change  fyne.CanvasObject
	object  fyne.CanvasObject

	concept    projects.Concept
	live       *image.RGBA
	liveRecipe projects.Recipe
	overlay    image.Image
	stale      bool // the drawing has changed since overlay was made
	held       bool
}

func newResultPane(w *workspace) *resultPane {
	p := &resultPane{w: w, picture: newPicture(lang.L("Press Render to see your drawing as a picture.")), stale: true}
	p.caption = widget.NewLabel("")
	p.caption.Importance = widget.LowImportance
	p.caption.Truncation = fyne.TextTruncateEllipsis
	p.hold = newHoldButton(lang.L("Sketch"), theme.VisibilityIcon(), w.showOverlay)
	p.keep = widget.NewButtonWithIcon(lang.L("Keep"), theme.DocumentSaveIcon(), func() {
		if p.live != nil {
			w.keep(p.live, p.liveRecipe)
			p.keep.Disable()
		}
	})
	p.keep.Importance = widget.HighImportance
	p.keep.Hide()
	p.open = tooltip.New(widget.NewButtonWithIcon(lang.L("Open"), theme.ZoomInIcon(), func() {
		if p.concept.ID != "" {
			w.showPane(paneGallery)
			w.gallery.Select(p.concept.ID)
		}
	}), lang.L("See this concept large, with its recipe"))
	p.open.Hide()
	p.change = tooltip.New(widget.NewButtonWithIcon(lang.L("Change a part"), theme.ColorPaletteIcon(), func() {
		if p.concept.ID != "" && p.picture.image.Image != nil {
			w.changePart(p.concept, p.picture.image.Image)
		}
	}), lang.L("Paint over what is to become new; the rest of the picture stays as it is"))
	p.change.Hide()
	head := container.NewBorder(nil, nil, nil, container.NewHBox(
		tooltip.New(p.hold, lang.L("Hold to lay the sketch over the picture (H)")),
		p.change, p.open, p.keep), p.caption)
	p.object = container.NewBorder(container.NewPadded(head), nil, nil, nil, p.picture.object)
	return p
}

// waiting tells that a render is on its way.
func (p *resultPane) waiting() {
	p.leaveLive()
	p.caption.SetText(lang.L("Starting…"))
	if p.w.queue.Paused() {
		p.caption.SetText(lang.L("The queue is paused."))
	}
	p.picture.setHint(lang.L("The picture takes shape here."))
}

// progress shows a running job.
func (p *resultPane) progress(pr inference.Progress) {
	p.leaveLive()
	p.caption.SetText(panels.ProgressText(panels.StageText(pr), pr.Fraction, pr.Remaining))
	img := pr.Preview
	if pr.Done != nil {
		img = pr.Done
	}
	if img != nil && p.picture.image.Image != img {
		p.concept = projects.Concept{}
		p.hideActions()
		p.picture.show(img)
	}
}

// finished tells how a job ended.
func (p *resultPane) finished(j projects.Job) {
	switch j.State {
	case projects.JobFailed:
		p.caption.SetText(explain.Job(j))
	case projects.JobCancelled:
		p.caption.SetText(lang.L("Cancelled"))
	}
	if n := len(j.Concepts); n > 0 {
		p.load(j.Concepts[n-1])
	}
}

// load shows a stored concept, whose time and provider are known by now.
func (p *resultPane) load(id string) {
	project := p.w.project
	go func() {
		c, err := project.Concept(p.w.s.ctx, id)
		p.w.s.post(func() {
			if err != nil {
				p.w.s.fail(lang.L("The picture could not be read"), err)
				return
			}
			if c.Provider != "" {
				p.w.provider = c.Provider
				p.w.view.bar.show()
			}
			p.showConcept(c)
		})
	}()
}

// showConcept shows a finished concept.
func (p *resultPane) showConcept(c projects.Concept) {
	p.leaveLive()
	p.concept = c
	p.caption.SetText(conceptText(c))
	project := p.w.project
	go func() {
		img, err := project.ConceptImage(p.w.s.ctx, c.ID)
		p.w.s.post(func() {
			if p.concept.ID != c.ID || p.live != nil {
				return
			}
			if err != nil {
				p.w.s.fail(lang.L("The picture could not be read"), err)
				return
			}
			p.picture.show(img)
			p.open.Show()
			p.change.Show()
		})
	}()
}

// conceptText is one line about a concept.
func conceptText(c projects.Concept) string {
	r := c.Recipe
	size := r.FinalSize()
	parts := []string{fmt.Sprintf("%d × %d", size.X, size.Y), lang.L("{{.Steps}} steps", map[string]any{"Steps": r.Steps}),
		lang.L("seed {{.Seed}}", map[string]any{"Seed": fmt.Sprint(r.Seed)})}
	if c.Seconds > 0 {
		parts = append(parts, fmt.Sprintf("%.1f s", c.Seconds))
	}
	if c.Provider != "" {
		parts = append(parts, c.Provider)
	}
	return strings.Join(parts, " · ")
}

// hideActions hides what can be done with a stored concept.
func (p *resultPane) hideActions() {
	p.open.Hide()
	p.change.Hide()
}

func (p *resultPane) leaveLive() {
	p.live = nil
	p.keep.Hide()
}

func (p *resultPane) liveStarted() { p.caption.SetText(lang.L("Live…")) }

func (p *resultPane) livePreview(pr inference.Progress) {
	p.leaveLive()
	p.concept = projects.Concept{}
	p.hideActions()
	p.caption.SetText(lang.L("Live…"))
	p.picture.show(pr.Preview)
}

func (p *resultPane) liveDone(img *image.RGBA, r projects.Recipe, _ image.Image) {
	p.concept = projects.Concept{}
	p.live, p.liveRecipe = img, r
	p.caption.SetText(lang.L("Live: not stored until you keep it"))
	p.hideActions()
	p.keep.Enable()
	p.keep.Show()
	p.picture.show(img)
}

func (p *resultPane) liveFailed(err error) { p.caption.SetText(explain.Error(err)) }

func (p *resultPane) overlayStale() {
	p.stale = true
	if p.held {
		p.w.showOverlay(true)
	}
}

// showOverlay lays the sketch over the result while on.
func (w *workspace) showOverlay(on bool) {
	p := w.result
	p.held = on
	switch {
	case !on:
		p.picture.cover(nil)
		return
	case !p.stale:
		p.picture.cover(p.overlay)
		return
	}
	doc := w.pad.Document()
	r := w.state.Recipe()
	size := image.Pt(r.Width, r.Height).Mul(2)
	go func() {
		over := inkOver(doc.Render(fit(doc.Size(), size)), color.NRGBA{R: 0xf0, G: 0x4b, B: 0x3a, A: 0xff})
		w.s.post(func() {
			p.overlay, p.stale = over, false
			if p.held {
				p.picture.cover(over)
			}
		})
	}()
}

// starResult stars the concept that the result pane shows, or takes its star away.
func (w *workspace) starResult() {
	c := w.result.concept
	if c.ID == "" {
		return
	}
	go func() {
		now, err := w.project.Concept(w.s.ctx, c.ID)
		if err == nil {
			err = w.project.SetStarred(w.s.ctx, c.ID, !now.Starred)
		}
		w.s.post(func() { w.s.fail(lang.L("The star could not be changed"), err) })
	}()
}

// holdButton calls back when it is pressed and when it is let go.
type holdButton struct {
	widget.Button
	held func(on bool)
}

func newHoldButton(text string, icon fyne.Resource, held func(bool)) *holdButton {
	b := &holdButton{held: held}
	b.Text, b.Icon = text, icon
	b.ExtendBaseWidget(b)
	return b
}

// MouseDown implements desktop.Mouseable.
func (b *holdButton) MouseDown(*desktop.MouseEvent) { b.held(true) }

// MouseUp implements desktop.Mouseable.
func (b *holdButton) MouseUp(*desktop.MouseEvent) { b.held(false) }

// MouseOut ends a hold that leaves the button.
func (b *holdButton) MouseOut() {
	b.held(false)
	b.Button.MouseOut()
}
