package panels

import (
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/projects"
	"maquette/ui/tooltip"
)

// change says how the part of a picture that is masked is made new. It is shown
// while the drawing has a mask.
type change struct {
	strength, padding, feather *number
	only                       *widget.Check
	object                     fyne.CanvasObject
}

func newChange(in *Inspector) *change {
	c := &change{}
	paint := func(set func(*projects.Inpaint)) {
		if !in.showing {
			in.intents.SetPaint(set)
		}
	}
	c.strength = newNumber(lang.L("Change"), lang.L("How much of the masked part is replaced: little keeps its shapes, 1 knows nothing of it."), 0.05, 1, 0.05, 2,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.Strength = v }) })
	c.only = widget.NewCheck(lang.L("This part only, at full size"), func(on bool) { paint(func(p *projects.Inpaint) { p.Only = on }) })
	c.padding = newNumber(lang.L("Around it"), lang.L("How many pixels around the mask are rendered with it, so that it fits in."), 0, 256, 8, 0,
		func(v float64) { paint(func(p *projects.Inpaint) { p.Padding = int(v) }) })
	c.feather = newNumber(lang.L("Soft edge"), lang.L("Over how many pixels the new part fades into the picture, inwards from the mask's edge."), 0, 64, 1, 0,
		func(v float64) { paint(func(p *projects.Inpaint) { p.Feather = int(v) }) })
	c.object = container.NewStack(newCardGround(), container.NewVBox(
		withTip(sectionTitle(lang.L("Change a part")), lang.L("Render makes new what the mask covers. Pixels outside of it stay exactly as they are.")),
		c.strength.object,
		tooltip.New(c.only, lang.L("Renders the masked part alone, as large as a whole picture, and lays it back: more detail for small parts.")),
		c.padding.object, c.feather.object))
	return c
}

func (c *change) show(v View) {
	if !v.Masked {
		c.object.Hide()
		return
	}
	c.strength.show(v.Recipe.Strength)
	setCheck(c.only, v.Paint.Only)
	c.padding.show(float64(v.Paint.Padding))
	c.feather.show(float64(v.Paint.Feather))
	if v.Paint.Only {
		c.padding.object.Show()
	} else {
		c.padding.object.Hide()
	}
	c.object.Show()
}

// setCheck checks a box without telling anybody.
func setCheck(c *widget.Check, on bool) {
	if c.Checked == on {
		return
	}
	changed := c.OnChanged
	c.OnChanged = nil
	c.SetChecked(on)
	c.OnChanged = changed
}

// finer chooses the second pass.
type finer struct {
	choice   *widget.Select
	scales   []float64 // of the choices; 1 is no second pass
	strength *number
	object   fyne.CanvasObject
}

func newFiner(in *Inspector) *finer {
	f := &finer{}
	f.choice = widget.NewSelect(nil, nil)
	f.choice.OnChanged = func(string) {
		i := f.choice.SelectedIndex()
		if i < 0 || i >= len(f.scales) {
			return
		}
		scale := f.scales[i]
		in.edit(func(r *projects.Recipe) {
			switch {
			case scale == 1:
				r.SecondPass = nil
			case r.SecondPass == nil:
				pass := projects.DefaultSecondPass(scale)
				r.SecondPass = &pass
			default:
				pass := *r.SecondPass
				pass.Scale = scale
				r.SecondPass = &pass
			}
		})
	}
	f.strength = newNumber(lang.L("Repainted"), lang.L("How much the second pass may change of what the first one made."), 0.05, 1, 0.05, 2, func(v float64) {
		in.edit(func(r *projects.Recipe) {
			if r.SecondPass != nil {
				pass := *r.SecondPass
				pass.Strength = v
				r.SecondPass = &pass
			}
		})
	})
	f.object = container.NewVBox(
		labelled(lang.L("Finer"), lang.L("Renders each picture a second time, larger, which adds detail and keeps what is there."), f.choice),
		f.strength.object)
	return f
}

// show offers the scales that the recipe's size leaves room for.
func (f *finer) show(r projects.Recipe) {
	now := 1.0
	if r.SecondPass != nil {
		now = r.SecondPass.Scale
	}
	f.scales = []float64{1}
	for _, scale := range []float64{1.5, 2} {
		if float64(max(r.Width, r.Height))*scale <= MaxRender || scale == now {
			f.scales = append(f.scales, scale)
		}
	}
	if !slices.Contains(f.scales, now) {
		f.scales = append(f.scales, now)
	}
	labels := make([]string, len(f.scales))
	for i, scale := range f.scales {
		if labels[i] = strconv.FormatFloat(scale, 'f', -1, 64) + "×"; scale == 1 {
			labels[i] = lang.L("Off")
		} else {
			at := r
			at.SecondPass = &projects.SecondPass{Scale: scale}
			size := at.FinalSize()
			labels[i] += " · " + sizeName(size.X, size.Y)
		}
	}
	if !slices.Equal(f.choice.Options, labels) {
		f.choice.SetOptions(labels)
	}
	f.choice.SetSelectedIndex(slices.Index(f.scales, now))
	if r.SecondPass == nil {
		f.strength.object.Hide()
		return
	}
	f.strength.show(r.SecondPass.Strength)
	f.strength.object.Show()
}

// modeField chooses a control's mode.
type modeField struct {
	choice  *widget.Select
	object  fyne.CanvasObject
	showing bool
}

func newModeField(set func(inference.ControlMode)) *modeField {
	f := &modeField{}
	f.choice = widget.NewSelect([]string{lang.L("Balanced"), lang.L("The prompt"), lang.L("The drawing")}, nil)
	f.choice.OnChanged = func(string) {
		if i := f.choice.SelectedIndex(); i >= 0 && !f.showing {
			set(inference.ControlModes()[i])
		}
	}
	f.object = labelled(lang.L("Decides"), lang.L("What counts where prompt and drawing disagree. Balanced is how the control was trained."), f.choice)
	return f
}

func (f *modeField) show(mode inference.ControlMode) {
	f.showing = true
	defer func() { f.showing = false }()
	f.choice.SetSelectedIndex(max(slices.Index(inference.ControlModes(), mode), 0))
}
