package studio

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// paletteEntry is the text field of the palette, which moves in the list and
// closes on Escape.
type paletteEntry struct {
	widget.Entry
	key func(fyne.KeyName) bool
}

func newPaletteEntry() *paletteEntry {
	e := &paletteEntry{}
	e.ExtendBaseWidget(e)
	return e
}

// TypedKey implements fyne.Focusable.
func (e *paletteEntry) TypedKey(k *fyne.KeyEvent) {
	if !e.key(k.Name) {
		e.Entry.TypedKey(k)
	}
}

// matching returns the commands whose translated menu and title hold all words of query.
func matching(all []command, query string) []command {
	words := strings.Fields(strings.ToLower(query))
	var found []command
	for _, c := range all {
		if c.do == nil {
			continue
		}
		text := strings.ToLower(lang.L(c.menu) + " " + lang.L(c.title) + " " + c.title)
		ok := true
		for _, w := range words {
			ok = ok && strings.Contains(text, w)
		}
		if ok {
			found = append(found, c)
		}
	}
	return found
}

// showPalette finds any command by its name.
func (s *studio) showPalette() {
	all := s.commands()
	found := matching(all, "")
	chosen := 0
	entry := newPaletteEntry()
	entry.SetPlaceHolder(lang.L("Type what you want to do"))
	list := widget.NewList(func() int { return len(found) }, func() fyne.CanvasObject {
		keys := widget.NewLabel("")
		keys.Importance = widget.LowImportance
		return container.NewBorder(nil, nil, nil, keys, widget.NewLabel(""))
	}, func(i widget.ListItemID, o fyne.CanvasObject) {
		if i >= len(found) {
			return
		}
		parts := o.(*fyne.Container).Objects
		parts[0].(*widget.Label).SetText(lang.L(found[i].menu) + "  ›  " + strings.TrimSuffix(lang.L(found[i].title), "…"))
		parts[1].(*widget.Label).SetText(found[i].keyText())
	})
	d := dialog.NewCustomWithoutButtons(lang.L("Find a command"), container.NewBorder(entry, nil, nil, nil, list), s.window)
	run := func(i int) {
		if i < 0 || i >= len(found) {
			return
		}
		c := found[i]
		d.Hide()
		if c.can() {
			c.do()
		} else {
			s.toasts.show(lang.L("Open a project first."), "", nil)
		}
	}
	selecting := false
	selectRow := func(i int) {
		if i < 0 || i >= len(found) {
			return
		}
		chosen = i
		selecting = true
		list.Select(i)
		list.ScrollTo(i)
		selecting = false
	}
	list.OnSelected = func(i widget.ListItemID) {
		if !selecting {
			run(i)
		}
	}
	entry.OnChanged = func(text string) {
		found = matching(all, text)
		list.UnselectAll()
		list.Refresh()
		selectRow(0)
	}
	entry.key = func(k fyne.KeyName) bool {
		switch k {
		case fyne.KeyDown:
			selectRow(chosen + 1)
		case fyne.KeyUp:
			selectRow(chosen - 1)
		case fyne.KeyReturn, fyne.KeyEnter:
			run(chosen)
		case fyne.KeyEscape:
			d.Hide()
		default:
			return false
		}
		return true
	}
	d.Resize(fyne.NewSize(480, 420))
	s.showClosable(d)
	s.window.Canvas().Focus(entry)
	selectRow(0)
}

// showShortcuts shows the sheet of keys.
func (s *studio) showShortcuts() {
	groups := map[string]*fyne.Container{}
	add := func(c command) {
		if c.keyText() == "" {
			return
		}
		g := groups[c.menu]
		if g == nil {
			g = container.New(layout.NewCustomPaddedVBoxLayout(-6), widget.NewLabelWithStyle(lang.L(c.menu), fyne.TextAlignLeading, fyne.TextStyle{Bold: true}))
			groups[c.menu] = g
		}
		keys := widget.NewLabel(c.keyText())
		keys.Importance = widget.LowImportance
		name := widget.NewLabel(strings.TrimSuffix(lang.L(c.title), "…"))
		name.Truncation = fyne.TextTruncateEllipsis
		g.Add(container.NewBorder(nil, nil, nil, keys, name))
	}
	for _, c := range append(drawingKeys(), s.commands()...) {
		add(c)
	}
	columns := container.NewGridWithColumns(3)
	for _, column := range [][]string{{"Draw", "Gallery"}, {"File", "Edit", "Help"}, {"View", "Render"}} {
		box := container.NewVBox()
		for _, name := range column {
			if g := groups[name]; g != nil {
				box.Add(g)
			}
		}
		columns.Add(container.New(layout.NewCustomPaddedLayout(0, 0, 12, 12), box))
	}
	d := dialog.NewCustom(lang.L("Keyboard shortcuts"), lang.L("Close"), container.NewVScroll(container.NewPadded(columns)), s.window)
	size := s.window.Canvas().Size()
	const frame = 110 // of the dialog above and below its content
	d.Resize(fyne.NewSize(min(size.Width*0.9, 960), min(size.Height*0.92, columns.MinSize().Height+frame)))
	s.showClosable(d)
}

// showAbout names the app and what it is made of.
func (s *studio) showAbout() {
	text := widget.NewLabel(lang.L("Maquette turns sketches into concept images, on this machine alone. Nothing leaves it."))
	text.Wrapping = fyne.TextWrapWord
	version := widget.NewLabel(s.opts.Version)
	version.Importance = widget.LowImportance
	logo := widget.NewIcon(s.app.Icon())
	body := container.NewVBox(container.NewCenter(logo), text, version)
	d := dialog.NewCustom(lang.L("About Maquette"), lang.L("Close"), body, s.window)
	d.Resize(fyne.NewSize(400, 10))
	s.showClosable(d)
}
