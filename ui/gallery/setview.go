package gallery

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
	"maquette/ui/tooltip"
)

// setView shows a set: its sheet with the axes' labels, or its views on a turntable.
type setView struct {
	g       *Gallery
	id      string // of the set that is open, or empty
	set     projects.Set
	members []projects.Concept
	turning bool // the turntable is shown

	title  *widget.Button
	count  *widget.Label
	scores *setScores
	turn   *widget.Button
	sheet  *sheet
	orbit  *orbit
	bar    *fyne.Container
	body   *fyne.Container
	object *fyne.Container
}

func newSetView(g *Gallery) *setView {
	v := &setView{g: g, count: widget.NewLabel(""), scores: newSetScores(g)}
	flat := func(text string, icon fyne.Resource, do func()) *widget.Button {
		b := widget.NewButtonWithIcon(text, icon, do)
		b.Importance = widget.LowImportance
		return b
	}
	back := flat(lang.L("All concepts"), theme.GridIcon(), g.showBrowse)
	v.title = flat("", theme.DocumentCreateIcon(), v.rename)
	v.title.IconPlacement = widget.ButtonIconTrailingText
	v.turn = flat(lang.L("Turntable"), theme.ViewRefreshIcon(), func() { v.setTurning(!v.turning) })
	blind := flat(lang.L("Blind vote"), theme.VisibilityOffIcon(), func() { g.openBlind(newestOfEach(v.members)) })
	more := flat("", theme.MoreHorizontalIcon(), nil)
	more.OnTapped = func() {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(more)
		v.menu(v.set, at.AddXY(0, more.Size().Height))
	}
	smaller := flat("", theme.ZoomOutIcon(), func() { v.sheet.resizeBy(1 / zoomStep) })
	larger := flat("", theme.ZoomInIcon(), func() { v.sheet.resizeBy(zoomStep) })
	v.bar = container.NewHBox(back, v.title, v.count, v.scores.object, layout.NewSpacer(), v.turn, blind,
		tooltip.New(smaller, lang.L("Smaller pictures")), tooltip.New(larger, lang.L("Larger pictures")), more)
	v.sheet = newSheet(g)
	v.orbit = newOrbit(g)
	v.body = container.NewStack(v.sheet.object, v.orbit.object)
	v.object = container.NewBorder(v.bar, nil, nil, nil, v.body)
	return v
}

// show opens a set; what it holds follows when it has been read.
func (v *setView) show(id string) {
	if v.id != id {
		v.id, v.set, v.members = id, projects.Set{}, nil
		v.title.SetText("")
		v.count.SetText("")
		v.scores.clear()
		v.sheet.show(v.set, nil)
		v.setTurning(false)
	}
	v.reload()
}

// close forgets the set.
func (v *setView) close() {
	v.id, v.members = "", nil
	v.scores.clear()
}

// reload reads the set that is open anew, such as after a render.
func (v *setView) reload() {
	id := v.id
	if id == "" {
		return
	}
	var set projects.Set
	var members []projects.Concept
	v.g.background(lang.L("The set cannot be read"), func(ctx context.Context, p *projects.Project) error {
		var err error
		set, members, err = p.Members(ctx, id)
		if isGone(err) { // its last member went to the trash
			return nil
		}
		return err
	}, func() {
		switch {
		case v.id != id:
		case len(members) == 0:
			v.close()
			if v.g.shown == v.object {
				v.g.showBrowse()
			}
		default:
			v.fill(set, members)
		}
	})
}

func (v *setView) fill(set projects.Set, members []projects.Concept) {
	v.set, v.members = set, members
	v.title.SetText(set.Name)
	v.count.SetText(lang.L("{{.Made}} of {{.All}} pictures", map[string]any{"Made": len(newestOfEach(members)), "All": set.Count()}))
	v.scores.measure(set, members, v.bar.Refresh)
	setVisible(v.turn, set.HasViews())
	v.bar.Refresh() // its texts have got longer
	v.sheet.show(set, members)
	v.orbit.show(set, newestOfEach(members))
}

// newestOfEach keeps the newest concept of each place.
func newestOfEach(members []projects.Concept) []projects.Concept {
	return slices.CompactFunc(slices.Clone(members), func(a, b projects.Concept) bool { return slices.Equal(a.Set.At, b.Set.At) })
}

// setTurning shows the views on a turntable, or the sheet.
func (v *setView) setTurning(on bool) {
	v.turning = on
	v.turn.Importance = widget.LowImportance
	if on {
		v.turn.Importance = widget.MediumImportance
	}
	v.turn.Refresh()
	setVisible(v.orbit.object, on)
	setVisible(v.sheet.object, !on)
}

// neighbour returns the member that is by places away from a concept.
func (v *setView) neighbour(id string, by int) (projects.Concept, bool) {
	i := slices.IndexFunc(v.members, func(c projects.Concept) bool { return c.ID == id })
	if v.id == "" || i < 0 || i+by < 0 || i+by >= len(v.members) {
		return projects.Concept{}, false
	}
	return v.members[i+by], true
}

// menu offers what can be done with a set.
func (v *setView) menu(set projects.Set, at fyne.Position) {
	open := fyne.NewMenuItem(lang.L("Open the sheet"), func() { v.g.openSet(set.ID) })
	trash := fyne.NewMenuItem(lang.L("Move the set to trash"), func() { v.g.removeSet(set) })
	trash.Icon = theme.DeleteIcon()
	sheet := fyne.NewMenuItem(lang.L("Contact sheet (PDF or PNG)…"), func() {
		v.g.exportSet(set, []string{"pdf", "png"}, func(ctx context.Context, p *projects.Project, path string) error {
			return p.Sheet(ctx, set.ID, path, projects.SheetOptions{Translate: sheetWord, Value: valueTitle})
		})
	})
	gif := fyne.NewMenuItem(lang.L("Animated GIF…"), func() {
		v.g.exportSet(set, []string{"gif"}, func(ctx context.Context, p *projects.Project, path string) error {
			return p.Animation(ctx, set.ID, path, projects.AnimationOptions{Value: valueTitle})
		})
	})
	zip := fyne.NewMenuItem(lang.L("All pictures and recipes (ZIP)…"), func() {
		v.g.exportSet(set, []string{"zip"}, func(ctx context.Context, p *projects.Project, path string) error {
			return p.Archive(ctx, set.ID, path)
		})
	})
	menu := fyne.NewMenu("", open, fyne.NewMenuItemSeparator(), sheet, gif, zip, fyne.NewMenuItemSeparator(), trash)
	widget.ShowPopUpMenuAtPosition(menu, v.g.deps.Window.Canvas(), at)
}

// sheetWord is a word of a contact sheet in the window's language.
func sheetWord(text string) string {
	if strings.EqualFold(text, projects.ViewField) { // the axis
		return axisTitle(projects.Axis{Field: projects.ViewField})
	}
	return lang.L(text)
}

// rename asks for another name of the set.
func (v *setView) rename() {
	id := v.id
	name := widget.NewEntry()
	name.SetText(v.set.Name)
	d := dialog.NewForm(lang.L("Rename the set"), lang.L("Rename"), lang.L("Cancel"),
		[]*widget.FormItem{widget.NewFormItem(lang.L("Name"), name)}, func(ok bool) {
			if !ok || strings.TrimSpace(name.Text) == v.set.Name {
				return
			}
			v.g.background(lang.L("The set cannot be renamed"), func(ctx context.Context, p *projects.Project) error {
				return p.RenameSet(ctx, id, name.Text)
			}, v.reload)
		}, v.g.deps.Window)
	d.Resize(fyne.NewSize(420, 10))
	d.Show()
}

// handleKey acts on a key and says whether it did.
func (v *setView) handleKey(name fyne.KeyName) bool {
	switch {
	case name == fyne.KeyEscape:
		v.g.showBrowse()
	case v.turning && name == fyne.KeyLeft:
		v.orbit.turn(-1)
	case v.turning && name == fyne.KeyRight:
		v.orbit.turn(1)
	default:
		return false
	}
	return true
}
