package studio

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/ui/tooltip"
)

// topBar is the row above a project: name, undo and redo, zoom, live, queue,
// provider and settings.
type topBar struct {
	w                *workspace
	name             *widget.Button
	undo, redo       *widget.Button
	zoom             *widget.Button
	live             *widget.Check
	queue            *widget.Button
	provider         *widget.Label
	object           fyne.CanvasObject
	shownName        string
	shownZoom        string
	shownQueue       int
	shownProvider    string
	canUndo, canRedo bool
	everShown        bool
}

func newTopBar(w *workspace) *topBar {
	b := &topBar{w: w, shownQueue: -1}
	flat := func(res fyne.Resource, text, tip string, do func()) (*widget.Button, fyne.CanvasObject) {
		button := widget.NewButtonWithIcon(text, res, do)
		button.Importance = widget.LowImportance
		return button, tooltip.New(button, tip)
	}
	_, home := flat(theme.HomeIcon(), "", lang.L("Close the project and go to the home page"), w.s.closeProject)
	b.name = widget.NewButtonWithIcon("", theme.MenuDropDownIcon(), func() { b.projectMenu() })
	b.name.Importance = widget.LowImportance
	b.name.IconPlacement = widget.ButtonIconTrailingText
	undo, undoObject := flat(theme.ContentUndoIcon(), "", lang.L("Undo (Ctrl+Z)"), func() { w.drawingPad().Undo() })
	redo, redoObject := flat(theme.ContentRedoIcon(), "", lang.L("Redo (Shift+Ctrl+Z)"), func() { w.drawingPad().Redo() })
	b.undo, b.redo = undo, redo
	_, out := flat(theme.ZoomOutIcon(), "", lang.L("Zoom out"), func() { w.drawingPad().ZoomBy(1 / zoomStep) })
	_, in := flat(theme.ZoomInIcon(), "", lang.L("Zoom in"), func() { w.drawingPad().ZoomBy(zoomStep) })
	zoom, zoomObject := flat(nil, "100 %", lang.L("Fit the drawing into the pane (0)"), func() { w.drawingPad().ZoomFit() })
	b.zoom = zoom
	b.live = widget.NewCheck(lang.L("Live"), func(on bool) {
		if on != w.state.live {
			w.setLive(on)
		}
	})
	live := tooltip.New(b.live, lang.L("Render quickly at every pause in drawing"))
	queue, queueObject := flat(icon("queue.svg"), "", lang.L("Show the queue"), w.toggleQueue)
	b.queue = queue
	b.provider = widget.NewLabel("")
	b.provider.Importance = widget.LowImportance
	_, settings := flat(theme.SettingsIcon(), "", lang.L("Settings"), w.s.showSettings)
	row := container.NewHBox(home, b.name, widget.NewSeparator(), undoObject, redoObject, widget.NewSeparator(),
		out, zoomObject, in, widget.NewSeparator(), live, layout.NewSpacer(), queueObject,
		tooltip.New(b.provider, lang.L("What the newest render ran on")), settings)
	b.object = container.NewVBox(row, widget.NewSeparator())
	return b
}

const zoomStep = 1.25

// show brings the bar up to date. It is called often, so it touches only what changed.
func (b *topBar) show() {
	w := b.w
	if name := w.project.Name(); name != b.shownName {
		b.shownName = name
		b.name.SetText(name)
		w.s.window.SetTitle(name + " – Maquette")
	}
	if z := zoomText(w.drawingPad().Zoom()); z != b.shownZoom {
		b.shownZoom = z
		b.zoom.SetText(z)
	}
	undo, redo := w.drawingPad().CanUndo(), w.drawingPad().CanRedo()
	if !b.everShown || undo != b.canUndo || redo != b.canRedo {
		b.canUndo, b.canRedo = undo, redo
		enable(b.undo, undo)
		enable(b.redo, redo)
	}
	if b.live.Checked != w.state.live {
		b.live.SetChecked(w.state.live)
	}
	if n := w.waitingJobs(); n != b.shownQueue {
		b.shownQueue = n
		text := lang.L("Queue")
		if n > 0 {
			text += " " + strconv.Itoa(n)
		}
		b.queue.SetText(text)
	}
	if p := w.provider; p != b.shownProvider || !b.everShown {
		b.shownProvider = p
		if p == "" {
			p = lang.L("not used yet")
		}
		b.provider.SetText(lang.L("Provider: {{.Name}}", map[string]any{"Name": p}))
	}
	b.everShown = true
}

func enable(b fyne.Disableable, on bool) {
	if on {
		b.Enable()
	} else {
		b.Disable()
	}
}

// projectMenu offers what concerns the whole project.
func (b *topBar) projectMenu() {
	s := b.w.s
	items := []*fyne.MenuItem{
		fyne.NewMenuItem(lang.L("Rename…"), s.renameProject),
		fyne.NewMenuItem(lang.L("Show the folder"), s.showFolder),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(lang.L("New drawing"), s.newDrawing),
		fyne.NewMenuItem(lang.L("Open project…"), s.chooseProject),
	}
	if recent := s.recentItems(); len(recent) > 0 {
		sub := fyne.NewMenuItem(lang.L("Open recent"), nil)
		sub.ChildMenu = fyne.NewMenu("", recent...)
		items = append(items, sub)
	}
	items = append(items, fyne.NewMenuItemSeparator(), fyne.NewMenuItem(lang.L("Close project"), s.closeProject))
	pos := s.app.Driver().AbsolutePositionForObject(b.name).AddXY(0, b.name.Size().Height)
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), s.window.Canvas(), pos)
}
