package panels

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

// controlList shows the controls of a recipe, a card for each.
type controlList struct {
	intents Intents
	icons   Icons
	cards   []*controlCard
	box     *fyne.Container
	add     *widget.Button
	empty   *widget.Label
	object  fyne.CanvasObject
	kinds   []control.Kind
}

func newControlList(intents Intents, icons Icons) *controlList {
	l := &controlList{intents: intents, icons: icons, box: container.NewVBox()}
	l.empty = caption(lang.L("Without a control the drawing does not guide the picture."))
	l.add = widget.NewButtonWithIcon(lang.L("Add control"), icons.Add, nil)
	l.add.Importance = widget.LowImportance
	l.add.OnTapped = l.chooseKind
	l.object = container.NewVBox(
		container.NewBorder(nil, nil, sectionTitle(lang.L("Controls")), l.add),
		l.empty, l.box)
	return l
}

// chooseKind offers the kinds in a menu under the button.
func (l *controlList) chooseKind() {
	var items []*fyne.MenuItem
	for _, e := range control.Extractors() {
		kind := e.Kind()
		item := fyne.NewMenuItem(lang.L(e.Label()), func() { l.intents.AddControl(kind) })
		items = append(items, item)
	}
	popUpUnder(l.add, fyne.NewMenu("", items...))
}

// show updates the cards; they are made anew only when the list of kinds changes.
func (l *controlList) show(controls []projects.RecipeControl, nets [][]Choice) {
	kinds := make([]control.Kind, len(controls))
	for i, c := range controls {
		kinds[i] = c.Kind
	}
	if l.kinds == nil || !slices.Equal(kinds, l.kinds) {
		l.kinds = kinds
		l.cards = nil
		l.box.RemoveAll()
		for i, c := range controls {
			card := newControlCard(i, c.Kind, l.intents)
			l.cards = append(l.cards, card)
			l.box.Add(card.object)
		}
	}
	for i, c := range controls {
		l.cards[i].show(c)
		var fits []Choice
		if i < len(nets) {
			fits = nets[i]
		}
		l.cards[i].showNets(c, fits)
	}
	if len(controls) == 0 {
		l.empty.Show()
	} else {
		l.empty.Hide()
	}
	l.object.Refresh()
}

// controlCard shows one control: weight, range and the parameters of its kind.
type controlCard struct {
	weight *number
	span   *rangeSlider
	mode   *modeField
	net    *widget.Select
	nets   []string // paths, after the automatic choice
	// showing says that net shows the state, so that nothing is edited.
	showing bool
	params  []paramField
	object  fyne.CanvasObject
}

// paramField is the input of one declared parameter.
type paramField struct {
	decl control.Param
	show func(v float64)
}

func newControlCard(i int, kind control.Kind, intents Intents) *controlCard {
	c := &controlCard{}
	title, help := string(kind), ""
	var decls []control.Param
	if e, err := control.For(kind); err == nil {
		title, help, decls = lang.L(e.Label()), lang.L(e.Help()), e.Params()
	}
	_, remove := iconButton(theme.CancelIcon(), lang.L("Remove this control"), func() { intents.RemoveControl(i) })
	name := sectionTitle(title)
	name.Truncation = fyne.TextTruncateEllipsis
	c.weight = newNumber(lang.L("Weight"), lang.L("How strongly the control acts; 1 is what it was trained for."), 0, 2, 0.05, 2,
		func(v float64) { intents.SetControl(i, func(c *projects.RecipeControl) { c.Weight = v }) })
	c.span = newRangeSlider(func(start, end float64) {
		intents.SetControl(i, func(c *projects.RecipeControl) { c.Start, c.End = start, end })
	})
	c.mode = newModeField(func(mode inference.ControlMode) {
		intents.SetControl(i, func(c *projects.RecipeControl) { c.Mode = mode })
	})
	c.net = widget.NewSelect(nil, nil)
	c.net.OnChanged = func(string) {
		if i, at := i, c.net.SelectedIndex(); at >= 0 && at < len(c.nets) && !c.showing {
			path := c.nets[at]
			intents.SetControl(i, func(c *projects.RecipeControl) { c.ControlNet = path })
		}
	}
	rows := container.NewVBox(
		container.NewBorder(nil, nil, nil, remove, withTip(name, help)),
		c.weight.object,
		labelled(lang.L("ControlNet"), lang.L("The model that makes the checkpoint follow the control. Automatic is the best one of your model folders that fits both."), c.net),
		labelled(lang.L("Range"), lang.L("The part of the render in which the control acts, from first to last step."), c.span),
		c.mode.object,
	)
	if len(decls) > 0 {
		fields := container.NewVBox()
		for _, d := range decls {
			field, object := newParamField(d, func(v float64) {
				intents.SetControl(i, func(c *projects.RecipeControl) {
					params := control.Params{}
					for k, old := range c.Params {
						params[k] = old
					}
					params[d.Name] = v
					c.Params = params
				})
			})
			c.params = append(c.params, field)
			fields.Add(object)
		}
		rows.Add(newFold(lang.L("How the drawing is read"), false, fields).object)
	}
	c.object = container.NewStack(newCardGround(), rows)
	return c
}

func newParamField(d control.Param, onChange func(float64)) (paramField, fyne.CanvasObject) {
	label, help := lang.L(d.Label), lang.L(d.Help)
	if d.Type == control.Bool {
		check := widget.NewCheck("", func(on bool) {
			v := 0.0
			if on {
				v = 1
			}
			onChange(v)
		})
		show := func(v float64) {
			if check.Checked != (v != 0) {
				changed := check.OnChanged
				check.OnChanged = nil
				check.SetChecked(v != 0)
				check.OnChanged = changed
			}
		}
		return paramField{decl: d, show: show}, labelled(label, help, check)
	}
	decimals := 2
	if d.Type == control.Int || d.Step >= 1 {
		decimals = 0
	}
	n := newNumber(label, help, d.Min, d.Max, d.Step, decimals, onChange)
	return paramField{decl: d, show: n.show}, n.object
}

func (c *controlCard) show(rc projects.RecipeControl) {
	c.weight.show(rc.Weight)
	c.span.show(rc.Start, rc.End)
	c.mode.show(rc.Mode)
	for _, f := range c.params {
		v, ok := rc.Params[f.decl.Name]
		if !ok {
			v = f.decl.Default
		}
		f.show(v)
	}
}

// showNets offers the ControlNets that fit the checkpoint and the kind.
func (c *controlCard) showNets(rc projects.RecipeControl, fits []Choice) {
	c.showing = true
	defer func() { c.showing = false }()
	labels, paths := []string{lang.L("Automatic")}, []string{""}
	for _, f := range fits {
		labels, paths = append(labels, f.Name), append(paths, f.Path)
	}
	at := slices.Index(paths, rc.ControlNet)
	if at < 0 { // for another checkpoint, or not in the folders any more
		at = len(paths)
		labels, paths = append(labels, projects.ModelName(rc.ControlNet)), append(paths, rc.ControlNet)
	}
	c.nets = paths
	if !slices.Equal(c.net.Options, labels) {
		c.net.SetOptions(labels)
	}
	if c.net.SelectedIndex() != at {
		c.net.SetSelectedIndex(at)
	}
}
