package gallery

import (
	"context"
	"fmt"
	"image"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/inference/sampler"
	"maquette/projects"
	"maquette/ui/panels"
)

const recipeWidth = 264 // units

// detail is the large view of one concept with its recipe.
type detail struct {
	g       *Gallery
	concept projects.Concept
	loaded  string // id of the concept whose image is shown
	cancel  context.CancelFunc

	object *fyne.Container
	view   *ZoomView
	prompt *widget.Label
	facts  *widget.Form
	star   *widget.Button
	title  *widget.Label
}

func newDetail(g *Gallery) *detail {
	d := &detail{g: g, view: NewZoomView()}
	d.title = widget.NewLabel("")
	d.title.TextStyle.Bold = true
	d.prompt = widget.NewLabel("")
	d.prompt.Wrapping = fyne.TextWrapWord
	d.prompt.Selectable = true
	d.facts = widget.NewForm()
	action := func(label string, icon fyne.Resource, do func()) *widget.Button {
		b := widget.NewButtonWithIcon(label, icon, do)
		b.Alignment = widget.ButtonAlignLeading
		return b
	}
	d.star = action(lang.L("Star"), g.deps.StarIcon, func() { g.toggleStar(d.concept) })
	use := action(lang.L("Use this recipe"), theme.DocumentIcon(), func() { g.deps.UseRecipe(d.concept) })
	use.Importance = widget.HighImportance
	actions := container.NewVBox(
		use,
		action(lang.L("Render again"), theme.ViewRefreshIcon(), func() { g.deps.Again(d.concept) }),
		action(lang.L("Change a part"), theme.ColorPaletteIcon(), func() { g.changePart(d.concept) }),
		action(lang.L("Use as sketch"), theme.DocumentCreateIcon(), func() { g.useAsSketch(d.concept) }),
		d.star,
		action(lang.L("Export…"), theme.DocumentSaveIcon(), func() { g.export(d.concept) }),
		action(lang.L("Move to trash"), theme.DeleteIcon(), func() { g.remove(d.concept) }),
	)
	back := widget.NewButtonWithIcon(lang.L("All concepts"), theme.GridIcon(), g.leaveConcept)
	back.Importance = widget.LowImportance
	icon := func(r fyne.Resource, do func()) *widget.Button {
		b := widget.NewButtonWithIcon("", r, do)
		b.Importance = widget.LowImportance
		return b
	}
	bar := container.NewHBox(back, d.title, layout.NewSpacer(),
		icon(theme.NavigateBackIcon(), func() { g.step(-1) }),
		icon(theme.NavigateNextIcon(), func() { g.step(1) }),
		icon(theme.ZoomFitIcon(), d.view.Fit),
		icon(theme.ZoomInIcon(), d.view.Actual))
	recipe := container.NewVScroll(container.NewVBox(d.prompt, d.facts))
	side := container.NewBorder(nil, actions, nil, nil, recipe)
	d.object = container.NewBorder(bar, nil, nil, container.New(fixedWidth(recipeWidth), side), clip(d.view))
	return d
}

// showConcept shows a concept; its image follows when it has been read.
func (d *detail) showConcept(c projects.Concept) {
	d.concept = c
	d.title.SetText(c.ID)
	d.prompt.SetText(c.Recipe.Prompt)
	d.star.SetText(lang.L("Star"))
	if c.Starred {
		d.star.SetText(lang.L("Remove star"))
	}
	d.facts.Items = nil
	for _, f := range recipeFacts(c) {
		value := widget.NewLabel(f[1])
		value.Wrapping = fyne.TextWrapWord
		value.Selectable = true
		d.facts.Items = append(d.facts.Items, widget.NewFormItem(f[0], value))
	}
	d.facts.Refresh()
	if d.loaded == c.ID {
		return
	}
	d.loaded = c.ID
	if d.cancel != nil {
		d.cancel()
	}
	if img, ok := d.g.thumbs.get(c.ID); ok {
		d.view.SetImage(img) // at once, until the full image is there
	} else {
		d.view.SetImage(nil)
	}
	ctx, cancel := context.WithCancel(d.g.ctx)
	d.cancel = cancel
	d.g.loadImage(ctx, c.ID, func(img image.Image) { d.view.SetImage(img) }, func() { d.loaded = "" })
}

// recipeFacts lists name and value of what made a concept, in reading order.
func recipeFacts(c projects.Concept) [][2]string {
	r := c.Recipe
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	var facts [][2]string
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, [2]string{name, value})
		}
	}
	add(lang.L("Sketch fidelity"), fidelityText(c.Fidelity))
	add(lang.L("Geometry drift"), driftText(c.Drift))
	add(lang.L("View agreement"), agreementText(c.Agreement))
	add(lang.L("Negative prompt"), r.NegativePrompt)
	checkpoint := r.Checkpoint
	if checkpoint == projects.StarterCheckpoint {
		checkpoint = lang.L("Starter model")
	}
	add(lang.L("Checkpoint"), checkpoint)
	var controls []string
	for _, k := range r.Controls {
		controls = append(controls, fmt.Sprintf("%s %s, %.0f–%.0f %%", k.Kind, number(k.Weight), 100*k.Start, 100*k.End)+modeText(k.Mode))
	}
	add(lang.L("Controls"), strings.Join(controls, "\n"))
	var loras []string
	for _, l := range r.LoRAs {
		loras = append(loras, projects.ModelName(l.Path)+" "+number(l.UNet))
	}
	add(lang.L("LoRAs"), strings.Join(loras, "\n"))
	if r.VAE != "" {
		add(lang.L("VAE"), projects.ModelName(r.VAE))
	}
	add(lang.L("Size"), fmt.Sprintf("%d × %d", r.Width, r.Height))
	name := r.Sampler
	if r.Schedule != "" {
		name += " " + sampler.ScheduleLabel(r.Schedule)
	}
	add(lang.L("Sampler"), name)
	add(lang.L("Steps"), strconv.Itoa(r.Steps))
	add(lang.L("Guidance"), number(r.Guidance))
	if r.GuidanceRescale > 0 {
		add(lang.L("Rescale"), number(r.GuidanceRescale))
	}
	if r.ClipSkip > 0 {
		add(lang.L("Clip skip"), strconv.Itoa(r.ClipSkip))
	}
	add(lang.L("Seed"), strconv.FormatInt(r.Seed, 10))
	if r.Noise == sampler.NoisePhilox {
		add(lang.L("Noise"), lang.L("as in AUTOMATIC1111"))
	}
	if r.Strength > 0 && r.Strength < 1 {
		add(lang.L("Strength"), number(r.Strength))
	}
	addModes(add, r)
	add(lang.L("Seen from"), panels.ViewName(views.Name(r.View)))
	add(lang.L("Variant"), r.Variant)
	add(lang.L("Provider"), c.Provider)
	if c.Seconds > 0 {
		add(lang.L("Time"), (time.Duration(c.Seconds*10) * time.Second / 10).String())
	}
	add(lang.L("Made"), c.Created.Local().Format("2006-01-02 15:04"))
	return facts
}

// fixedWidth gives its only child a fixed width and all the height.
type fixedWidth float32

func (w fixedWidth) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (w fixedWidth) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := fyne.NewSize(float32(w), 0)
	for _, o := range objects {
		s.Height = max(s.Height, o.MinSize().Height)
	}
	return s
}

// clip keeps a zoomed image within its pane.
func clip(o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewClip(o)
}
