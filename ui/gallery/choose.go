package gallery

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// chooser holds the concepts that the user has picked in the grid, and the bar
// of what can be done with them.
type chooser struct {
	g      *Gallery
	picked []projects.Concept // in the order of picking
	on     bool               // taps pick instead of opening

	hint    *widget.Label
	compare *widget.Button
	blind   *widget.Button
	star    *widget.Button
	trash   *widget.Button
	object  *fyne.Container
}

func newChooser(g *Gallery) *chooser {
	c := &chooser{g: g, hint: widget.NewLabel("")}
	button := func(text string, icon fyne.Resource, do func()) *widget.Button {
		return widget.NewButtonWithIcon(text, icon, do)
	}
	c.compare = button(lang.L("Compare"), theme.ViewRestoreIcon(), func() { g.openCompare(c.picked[0], c.picked[1]) })
	c.blind = button(lang.L("Blind vote"), theme.VisibilityOffIcon(), func() { g.openBlind(slices.Clone(c.picked)) })
	c.star = button(lang.L("Star"), g.deps.StarIcon, c.starAll)
	c.trash = button("", theme.DeleteIcon(), func() { g.removeAll(c.ids()) })
	done := button(lang.L("Done"), theme.CancelIcon(), c.stop)
	for _, b := range []*widget.Button{c.star, c.trash, done} {
		b.Importance = widget.LowImportance
	}
	c.object = container.NewHBox(c.hint, layout.NewSpacer(), c.compare, c.blind, c.star, c.trash, done)
	c.object.Hide()
	return c
}

func (c *chooser) ids() []string {
	out := make([]string, len(c.picked))
	for i, p := range c.picked {
		out[i] = p.ID
	}
	return out
}

func (c *chooser) has(id string) bool {
	return slices.ContainsFunc(c.picked, func(p projects.Concept) bool { return p.ID == id })
}

// start lets taps pick concepts.
func (c *chooser) start() {
	c.on = true
	c.changed()
}

// stop forgets what was picked.
func (c *chooser) stop() {
	c.on, c.picked = false, nil
	c.changed()
}

// toggle picks a concept, or lets it go.
func (c *chooser) toggle(p projects.Concept) {
	c.on = true
	if c.has(p.ID) {
		c.forget(p.ID)
		return
	}
	c.picked = append(c.picked, p)
	c.changed()
}

// toggleAll picks concepts, or lets them go if all are picked.
func (c *chooser) toggleAll(list []projects.Concept) {
	c.on = true
	all := !slices.ContainsFunc(list, func(p projects.Concept) bool { return !c.has(p.ID) })
	c.picked = slices.DeleteFunc(c.picked, func(p projects.Concept) bool {
		return slices.ContainsFunc(list, func(q projects.Concept) bool { return q.ID == p.ID })
	})
	if !all {
		c.picked = append(c.picked, list...)
	}
	c.changed()
}

func (c *chooser) forget(id string) {
	c.picked = slices.DeleteFunc(c.picked, func(p projects.Concept) bool { return p.ID == id })
	c.changed()
}

func (c *chooser) changed() {
	setVisible(c.object, c.on)
	setVisible(c.g.filters, !c.on)
	n := len(c.picked)
	c.hint.SetText(lang.N("{{.Count}} pictures chosen", n, map[string]any{"Count": n}))
	if n == 0 {
		c.hint.SetText(lang.L("Choose two pictures to compare, or more for a blind vote."))
	}
	for _, b := range []struct {
		button *widget.Button
		can    bool
	}{{c.compare, n == 2}, {c.blind, n >= 2}, {c.star, n > 0}, {c.trash, n > 0}} {
		if b.can {
			b.button.Enable()
		} else {
			b.button.Disable()
		}
	}
	c.g.grid.Refresh()
}

// starAll stars what is picked, or takes the stars away where all have one.
func (c *chooser) starAll() {
	star := slices.ContainsFunc(c.picked, func(p projects.Concept) bool { return !p.Starred })
	ids := c.ids()
	c.g.background(lang.L("The star cannot be saved"), func(ctx context.Context, p *projects.Project) error {
		for _, id := range ids {
			if err := p.SetStarred(ctx, id, star); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	c.stop()
}

// stackTapped opens a stack, or picks its concepts where the user is choosing.
func (g *Gallery) stackTapped(st projects.Stack) {
	if !g.chooser.on && !controlHeld() {
		g.openStack(st)
		return
	}
	if st.Set == nil {
		g.chooser.toggle(st.Cover)
		return
	}
	id := st.Set.ID
	var members []projects.Concept
	g.background(lang.L("The set cannot be read"), func(ctx context.Context, p *projects.Project) (err error) {
		_, members, err = p.Members(ctx, id)
		return err
	}, func() { g.chooser.toggleAll(members) })
}

// controlHeld reports whether the key that picks single items of a list is down.
func controlHeld() bool {
	d, ok := fyne.CurrentApp().Driver().(desktop.Driver)
	return ok && d.CurrentKeyModifiers()&fyne.KeyModifierShortcutDefault != 0
}
