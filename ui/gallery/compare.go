package gallery

import (
	"context"
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// compareMode is a way to see two pictures against each other.
type compareMode int

const (
	modeWipe compareMode = iota
	modeSide
	modeDifference
)

// compareView shows two concepts against each other, with what differs in
// their recipes.
type compareView struct {
	g      *Gallery
	pair   [2]projects.Concept
	images [2]image.Image
	cancel context.CancelFunc

	mode   compareMode
	modes  []*widget.Button
	views  [2]*ZoomView
	delta  *ZoomView
	wipe   *wipe
	stage  *fyne.Container
	facts  *fyne.Container
	object *fyne.Container
}

func newCompareView(g *Gallery) *compareView {
	v := &compareView{g: g, views: [2]*ZoomView{NewZoomView(), NewZoomView()}, delta: NewZoomView()}
	link(v.views[0], v.views[1])
	back := widget.NewButtonWithIcon(lang.L("All concepts"), theme.GridIcon(), g.showBrowse)
	back.Importance = widget.LowImportance
	bar := container.NewHBox(back, layout.NewSpacer())
	for mode, name := range []string{lang.L("Wipe"), lang.L("Side by side"), lang.L("Difference")} {
		b := widget.NewButton(name, func() { v.setMode(compareMode(mode)) })
		v.modes = append(v.modes, b)
		bar.Add(b)
	}
	swap := widget.NewButtonWithIcon(lang.L("Swap"), theme.MediaReplayIcon(), func() { v.show(v.pair[1], v.pair[0]) })
	fit := widget.NewButtonWithIcon("", theme.ZoomFitIcon(), func() {
		v.views[0].Fit()
		v.views[1].Fit()
		v.delta.Fit()
	})
	swap.Importance, fit.Importance = widget.LowImportance, widget.LowImportance
	bar.Add(layout.NewSpacer())
	bar.Add(swap)
	bar.Add(fit)
	v.wipe = newWipe(v.views[0], v.views[1])
	v.stage = container.NewStack()
	v.facts = container.New(layout.NewFormLayout())
	v.object = container.NewBorder(bar, container.NewPadded(v.facts), nil, nil, v.stage)
	v.setMode(modeWipe)
	return v
}

// setMode shows the pair in another way.
func (v *compareView) setMode(m compareMode) {
	v.mode = m
	for i, b := range v.modes {
		b.Importance = widget.LowImportance
		if compareMode(i) == m {
			b.Importance = widget.MediumImportance
		}
		b.Refresh()
	}
	v.stage.RemoveAll()
	switch m {
	case modeWipe:
		v.wipe.take()
		v.stage.Add(v.wipe)
	case modeSide:
		v.wipe.give()
		v.stage.Add(container.NewGridWithColumns(2, clip(v.views[0]), clip(v.views[1])))
	case modeDifference:
		v.stage.Add(clip(v.delta))
		v.showDifference()
	}
	v.stage.Refresh()
}

// show compares two concepts; their pictures follow when they have been read.
func (v *compareView) show(a, b projects.Concept) {
	v.close()
	v.pair, v.images = [2]projects.Concept{a, b}, [2]image.Image{}
	v.showFacts()
	ctx, cancel := context.WithCancel(v.g.ctx)
	v.cancel = cancel
	for i, c := range v.pair {
		thumb, _ := v.g.thumbs.get(c.ID)
		if thumb != nil {
			v.views[i].SetImage(thumb)
		} else {
			v.views[i].SetImage(nil)
		}
		v.g.loadImage(ctx, c.ID, func(img image.Image) {
			v.images[i] = img
			v.views[i].SetImage(img)
			if v.mode == modeDifference {
				v.showDifference()
			}
		}, nil)
	}
	v.delta.SetImage(nil)
}

// close stops what is still being read.
func (v *compareView) close() {
	if v.cancel != nil {
		v.cancel()
	}
}

// showDifference computes the difference of the pictures, when both are there.
func (v *compareView) showDifference() {
	a, b := v.images[0], v.images[1]
	if a == nil || b == nil {
		return
	}
	go func() {
		img := difference(a, b)
		fyne.Do(func() {
			if v.images[0] == a && v.images[1] == b {
				v.delta.SetImage(img)
			}
		})
	}()
}

// showFacts lists what differs in the recipes, the left picture's first.
func (v *compareView) showFacts() {
	v.facts.RemoveAll()
	for _, d := range differingFacts(v.pair[0], v.pair[1]) {
		name := widget.NewLabel(d[0])
		name.Importance = widget.LowImportance
		value := widget.NewLabel(d[1] + "  →  " + d[2])
		value.Truncation = fyne.TextTruncateEllipsis
		v.facts.Add(name)
		v.facts.Add(value)
	}
	v.facts.Refresh()
}

// differingFacts are name and both values of what differs between the recipes
// of two concepts.
func differingFacts(a, b projects.Concept) [][3]string {
	values := map[string]string{}
	fb := append([][2]string{{lang.L("Prompt"), b.Recipe.Prompt}}, recipeFacts(b)...)
	for _, f := range fb {
		values[f[0]] = f[1]
	}
	skip := map[string]bool{lang.L("Time"): true, lang.L("Made"): true, lang.L("Provider"): true}
	var out [][3]string
	for _, f := range append([][2]string{{lang.L("Prompt"), a.Recipe.Prompt}}, recipeFacts(a)...) {
		other, known := values[f[0]]
		delete(values, f[0])
		if skip[f[0]] || known && other == f[1] {
			continue
		}
		if !known {
			other = "–"
		}
		out = append(out, [3]string{f[0], f[1], other})
	}
	for _, f := range fb { // what only b has
		if value, left := values[f[0]]; left && !skip[f[0]] {
			out = append(out, [3]string{f[0], "–", value})
		}
	}
	return out
}

// handleKey acts on a key and says whether it did.
func (v *compareView) handleKey(name fyne.KeyName) bool {
	switch name {
	case fyne.KeyEscape:
		v.g.showBrowse()
	case fyne.KeyLeft:
		v.wipe.moveTo(v.wipe.share - .05)
	case fyne.KeyRight:
		v.wipe.moveTo(v.wipe.share + .05)
	default:
		return false
	}
	return true
}
