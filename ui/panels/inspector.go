package panels

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// Inspector edits a recipe and renders it. All methods belong to the UI goroutine.
type Inspector struct {
	intents Intents
	showing bool
	view    View

	prompt, negative *widget.Entry
	checkpoint       *widget.Select
	starter          fyne.CanvasObject
	influence        *widget.Slider
	percent, effect  *widget.Label
	controls         *controlList
	loras            *loraList
	size             *sizeField
	count            *widget.Select
	views            *viewsCard
	finer            *finer
	change           *change
	variants         *variantsCard
	advanced         *advanced
	render           *widget.Button
	bar              *widget.ProgressBar
	status           *widget.Label
	scroll           *container.Scroll
	object           fyne.CanvasObject
	// browse opens the list of checkpoints; browsing is the button with its tip.
	browse      *widget.Button
	browsing    fyne.CanvasObject
	checkpoints []Choice
	previews    *previews
}

var counts = []string{"1", "2", "4", "8", "16"}

// NewInspector returns an inspector; call Show before it is seen.
func NewInspector(intents Intents, icons Icons) *Inspector {
	in := &Inspector{intents: intents}
	in.prompt = multiLine(lang.L("Describe the picture: what it is, its material, its light"), 4, func(text string) {
		in.edit(func(r *projects.Recipe) { r.Prompt = text })
	})
	in.prompt.OnSubmitted = func(string) { in.tapRender() } // Shift+Enter
	in.negative = multiLine(lang.L("What the picture should not show"), 2, func(text string) {
		in.edit(func(r *projects.Recipe) { r.NegativePrompt = text })
	})
	in.checkpoint = widget.NewSelect(nil, nil)
	in.checkpoint.OnChanged = func(string) { in.checkpointChosen() }
	in.previews = newPreviews()
	in.browse, in.browsing = iconButton(theme.SearchIcon(), lang.L("Search the checkpoints and see what they make"), in.browseCheckpoints)
	addModels := widget.NewButton(lang.L("Add checkpoints…"), func() { intents.AddCheckpoints() })
	in.starter = container.NewVBox(caption(lang.L("Using the starter model. Add your own checkpoints for photographic results.")), container.NewHBox(addModels))

	in.percent = widget.NewLabelWithStyle("", fyne.TextAlignTrailing, fyne.TextStyle{Bold: true})
	in.effect = caption("")
	in.influence = widget.NewSlider(0, 100)
	in.influence.OnChanged = func(v float64) {
		if !in.showing {
			intents.SetInfluence(int(v))
		}
	}
	in.controls = newControlList(intents, icons)
	in.size = newSizeField(func(w, h int) { in.edit(func(r *projects.Recipe) { r.Width, r.Height = w, h }) })
	in.count = widget.NewSelect(slices.Clone(counts), func(text string) {
		if n, err := strconv.Atoi(text); err == nil {
			in.edit(func(r *projects.Recipe) { r.Count = n * viewCount(*r) })
		}
	})
	in.views = newViewsCard(in)
	in.finer = newFiner(in)
	in.change = newChange(in)
	in.loras = newLoRAList(in, icons)
	in.variants = newVariantsCard(in, icons)
	in.advanced = newAdvanced(in, icons)
	in.render = widget.NewButton("", in.tapRender)
	in.bar = widget.NewProgressBar()
	in.bar.TextFormatter = func() string { return "" }
	in.status = caption("")
	in.layOut()
	return in
}

func multiLine(placeholder string, rows int, changed func(string)) *widget.Entry {
	e := widget.NewMultiLineEntry()
	e.SetPlaceHolder(placeholder)
	e.Wrapping = fyne.TextWrapWord
	e.SetMinRowsVisible(rows)
	e.OnChanged = changed
	return e
}

func (in *Inspector) layOut() {
	influence := container.NewVBox(
		container.NewBorder(nil, nil, withTip(sectionTitle(lang.L("Influence")), lang.L("How strictly the picture follows your drawing. Sets weight and range of all controls together.")), in.percent),
		in.influence, in.effect)
	form := container.NewVBox(
		in.change.object,
		sectionTitle(lang.L("Prompt")), in.prompt,
		in.negative,
		labelled(lang.L("Checkpoint"), lang.L("The Stable Diffusion model that paints the picture."), container.NewBorder(nil, nil, nil, in.browsing, in.checkpoint)),
		in.starter,
		influence,
		in.size.object,
		labelled(lang.L("Pictures"), lang.L("How many pictures one render makes, each with its own seed."), in.count),
		in.finer.object,
		widget.NewSeparator(),
		in.controls.object,
		widget.NewSeparator(),
		in.loras.object,
		widget.NewSeparator(),
		in.views.fold.object,
		in.variants.fold.object,
		in.advanced.fold.object,
	)
	in.scroll = container.NewVScroll(container.NewPadded(form))
	foot := container.NewVBox(container.New(thinBar{}, in.bar), in.status, in.render)
	in.object = container.NewBorder(nil, container.NewVBox(widget.NewSeparator(), container.NewPadded(foot)), nil, nil, in.scroll)
}

// Object is the panel.
func (in *Inspector) Object() fyne.CanvasObject { return in.object }

// FocusPrompt puts the cursor into the prompt.
func (in *Inspector) FocusPrompt(c fyne.Canvas) { c.Focus(in.prompt) }

func (in *Inspector) edit(change func(*projects.Recipe)) {
	if !in.showing {
		in.intents.Edit(change)
	}
}

func (in *Inspector) tapRender() {
	switch in.view.Render {
	case RenderReady:
		in.intents.Render()
	case RenderWaiting, RenderRunning:
		in.intents.Cancel()
	}
}

func (in *Inspector) checkpointChosen() {
	i := in.checkpoint.SelectedIndex()
	if in.showing || i < 0 || i >= len(in.view.Checkpoints) {
		return
	}
	choice := in.view.Checkpoints[i]
	in.edit(func(r *projects.Recipe) { r.Checkpoint = choice.Path })
}

// Show displays a state.
func (in *Inspector) Show(v View) {
	in.showing = true
	defer func() { in.showing = false }()
	in.view = v
	setText(in.prompt, v.Recipe.Prompt)
	setText(in.negative, v.Recipe.NegativePrompt)
	in.showCheckpoints(v)
	if in.influence.Value != float64(v.Influence) {
		in.influence.SetValue(float64(v.Influence))
	}
	in.percent.SetText(fmt.Sprintf("%d %%", v.Influence))
	in.effect.SetText(influenceEffect(v.Influence, len(v.Recipe.Controls)))
	in.controls.show(v.Recipe.Controls, v.ControlNets)
	in.size.show(v.Recipe.Width, v.Recipe.Height)
	in.views.show(v.Recipe.Views)
	in.variants.show(v.Plan)
	n := strconv.Itoa(max(v.Recipe.Count/viewCount(v.Recipe), 1))
	if !slices.Contains(in.count.Options, n) {
		in.count.SetOptions(append(slices.Clone(counts), n))
	}
	in.count.SetSelected(n)
	in.finer.show(v.Recipe)
	in.change.show(v)
	in.loras.show(v)
	in.advanced.show(v)
	in.showRender(v)
}

// viewCount is the number of pictures that a recipe makes with each seed.
func viewCount(r projects.Recipe) int {
	if r.Views == nil {
		return 1
	}
	return max(len(r.Views.Cameras), 1)
}

func setText(e *widget.Entry, text string) {
	if e.Text != text {
		e.SetText(text)
	}
}

func (in *Inspector) showCheckpoints(v View) {
	names := make([]string, len(v.Checkpoints))
	selected := -1
	for i, c := range v.Checkpoints {
		names[i] = c.Name
		if c.Note != "" {
			names[i] += " · " + c.Note
		}
		if c.Path == v.Recipe.Checkpoint {
			selected = i
		}
	}
	in.checkpoints = v.Checkpoints
	setEnabled(in.browse, len(v.Checkpoints) > 1)
	if !slices.Equal(in.checkpoint.Options, names) {
		in.checkpoint.SetOptions(names)
	}
	switch {
	case selected >= 0:
		in.checkpoint.SetSelectedIndex(selected)
	case v.Loading:
		in.checkpoint.PlaceHolder = lang.L("Looking for checkpoints…")
		in.checkpoint.ClearSelected()
	default:
		in.checkpoint.PlaceHolder = lang.L("Not in your model folders")
		in.checkpoint.ClearSelected()
	}
	if v.StarterOnly {
		in.starter.Show()
	} else {
		in.starter.Hide()
	}
}

// browseCheckpoints offers the checkpoints in a list with their pictures and a
// search field.
func (in *Inspector) browseCheckpoints() {
	c := fyne.CurrentApp().Driver().CanvasForObject(in.browse)
	if c == nil {
		return
	}
	showChooser(c, in.checkpoint, lang.L("Name, family or size"), in.checkpoints, in.previews, func(choice Choice) {
		if i := slices.IndexFunc(in.checkpoints, func(o Choice) bool { return o.Path == choice.Path }); i >= 0 {
			in.checkpoint.SetSelectedIndex(i)
		}
	})
}

func setEnabled(o fyne.Disableable, enabled bool) {
	if enabled {
		o.Enable()
	} else {
		o.Disable()
	}
}

// influenceEffect says in words what the slider's position means.
func influenceEffect(percent, controls int) string {
	switch {
	case controls == 0:
		return lang.L("Add a control to let the drawing guide the picture.")
	case percent >= 80:
		return lang.L("Keeps the geometry of your drawing.")
	case percent >= 60:
		return lang.L("Explores around your drawing.")
	case percent > 0:
		return lang.L("Takes your drawing as an inspiration.")
	}
	return lang.L("Ignores your drawing.")
}

func (in *Inspector) showRender(v View) {
	in.render.Importance = widget.HighImportance
	in.render.SetIcon(theme.MediaPlayIcon())
	text := lang.L("Render")
	n := v.Recipe.Count
	if len(v.Plan.Rows) > 0 {
		n = v.Plan.Images
	}
	if n > 1 {
		text = lang.L("Render {{.Count}} pictures", map[string]any{"Count": n})
	}
	status := ""
	if v.Plan.Time > 0 {
		status = lang.L("About {{.Time}}", map[string]any{"Time": Duration(v.Plan.Time)})
	}
	in.render.Enable()
	in.bar.Hide()
	switch v.Render {
	case RenderBlocked:
		in.render.Disable()
		status = v.Blocked
	case RenderWaiting:
		in.render.Importance = widget.MediumImportance
		in.render.SetIcon(theme.CancelIcon())
		text, status = lang.L("Cancel"), lang.L("Waiting for the renders before it…")
	case RenderRunning:
		in.render.Importance = widget.MediumImportance
		in.render.SetIcon(theme.CancelIcon())
		text = lang.L("Cancel")
		status = ProgressText(v.Stage, v.Fraction, v.Remaining)
		in.bar.Show()
		in.bar.SetValue(v.Fraction)
	}
	in.render.SetText(text)
	if status == "" {
		in.status.Hide()
	} else {
		in.status.Show()
	}
	in.status.SetText(status)
}

// ProgressText says in words how far a render is.
func ProgressText(stage string, fraction float64, remaining time.Duration) string {
	parts := []string{fmt.Sprintf("%.0f %%", fraction*100)}
	if stage != "" {
		parts = append([]string{stage}, parts...)
	}
	if remaining > 0 {
		parts = append(parts, lang.L("{{.Time}} left", map[string]any{"Time": Duration(remaining)}))
	}
	return strings.Join(parts, " · ")
}

// Duration writes a time to wait, such as "8 s" or "2 min 5 s".
func Duration(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	if s < 60 {
		return lang.L("{{.Seconds}} s", map[string]any{"Seconds": max(s, 1)})
	}
	return lang.L("{{.Minutes}} min {{.Seconds}} s", map[string]any{"Minutes": s / 60, "Seconds": s % 60})
}
