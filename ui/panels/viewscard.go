package panels

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/projects"
)

// viewsCard chooses the sides that are rendered together and how much they share.
type viewsCard struct {
	in       *Inspector
	checks   map[views.Name]*widget.Check
	drawn    *widget.Select
	strength *number
	noise    *number
	more     *fyne.Container
	fold     *fold
}

func newViewsCard(in *Inspector) *viewsCard {
	c := &viewsCard{in: in, checks: map[views.Name]*widget.Check{}}
	grid := container.NewGridWithColumns(2)
	var names []string
	for _, name := range views.Names() {
		check := widget.NewCheck(ViewName(name), func(bool) { c.choose() })
		c.checks[name] = check
		grid.Add(check)
		names = append(names, ViewName(name))
	}
	c.drawn = widget.NewSelect(names, func(string) {
		if i := c.drawn.SelectedIndex(); i >= 0 {
			c.edit(func(v *projects.Views) { v.Drawn = string(views.Names()[i]) })
		}
	})
	c.strength = newNumber(lang.L("One object"), lang.L("How strongly the views look at each other, so that they show one object; 0 renders each on its own."), 0, 1, 0.05, 2,
		func(x float64) { c.edit(func(v *projects.Views) { v.Strength = x }) })
	c.noise = newNumber(lang.L("Same noise"), lang.L("How much of the noise that the pictures grow from is the same in all views."), 0, 1, 0.05, 2,
		func(x float64) { c.edit(func(v *projects.Views) { v.Noise = x }) })
	c.more = container.NewVBox(
		labelled(lang.L("The drawing"), lang.L("The side that your drawing shows; the other sides are lifted from it, or drawn by you in Views."), c.drawn),
		c.strength.object, c.noise.object)
	c.fold = newFold(lang.L("Views"), false, container.NewVBox(
		caption(lang.L("Render the same object from several sides, as one set.")), grid, c.more))
	return c
}

// choose takes the checked views over, the drawing's own side first.
func (c *viewsCard) choose() {
	if c.in.showing {
		return
	}
	drawn := views.Front
	var cameras []string
	if v := c.in.view.Recipe.Views; v != nil {
		if v.Drawn != "" {
			drawn = views.Name(v.Drawn)
		}
		for _, text := range v.Cameras { // cameras without a name stay
			if _, named := c.checks[views.Name(text)]; !named {
				cameras = append(cameras, text)
			}
		}
	}
	for _, name := range views.Names() {
		if c.checks[name].Checked {
			cameras = append(cameras, string(name))
		}
	}
	if i := slices.Index(cameras, string(drawn)); i > 0 {
		cameras = append([]string{string(drawn)}, slices.Delete(cameras, i, i+1)...)
	}
	c.in.intents.SetViews(cameras)
}

func (c *viewsCard) edit(change func(*projects.Views)) {
	c.in.edit(func(r *projects.Recipe) {
		if r.Views != nil {
			v := *r.Views
			change(&v)
			r.Views = &v
		}
	})
}

// show displays the views of a recipe; it is called while the inspector is showing.
func (c *viewsCard) show(v *projects.Views) {
	for name, check := range c.checks {
		check.SetChecked(v != nil && slices.Contains(v.Cameras, string(name)))
	}
	setVisible(c.more, v != nil)
	title := lang.L("Views")
	if v != nil {
		title = lang.L("Views: {{.Count}}", map[string]any{"Count": len(v.Cameras)})
		drawn := v.Drawn
		if drawn == "" {
			drawn = string(views.Front)
		}
		c.drawn.SetSelectedIndex(max(slices.Index(views.Names(), views.Name(drawn)), 0))
		c.strength.show(v.Strength)
		c.noise.show(v.Noise)
	}
	c.fold.button.SetText(title)
}
