package studio

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"maquette/ui/sketchpad"
)

// commands lists everything the user can do from the keyboard or the menus.
// The titles are translated where they are shown.
func (s *studio) commands() []command {
	inProject := func() bool { return s.work != nil }
	// with makes a command's action out of one on the open project.
	with := func(do func(w *workspace)) func() {
		return func() {
			if s.work != nil {
				do(s.work)
			}
		}
	}
	file := []command{
		{menu: "File", title: "New drawing", shortcut: ctrl(fyne.KeyN), do: s.newDrawing},
		{menu: "File", title: "New from image…", shortcut: ctrlShift(fyne.KeyN), do: s.newFromImage},
		{menu: "File", title: "Open project…", shortcut: ctrl(fyne.KeyO), do: s.chooseProject},
		{menu: "File", title: "Open recent", children: s.recentItems},
		{menu: "File", title: "Open image…", shortcut: ctrl(fyne.KeyI), separator: true, enabled: inProject, do: func() { s.chooseImage(s.importImage) }},
		{menu: "File", title: "Export concept…", shortcut: ctrl(fyne.KeyE), enabled: inProject, do: with((*workspace).export)},
		{menu: "File", title: "Rename project…", separator: true, enabled: inProject, do: s.renameProject},
		{menu: "File", title: "Close project", shortcut: ctrl(fyne.KeyW), enabled: inProject, do: s.closeProject},
		{menu: "File", title: "Settings…", shortcut: ctrl(fyne.KeyComma), separator: true, do: s.showSettings},
		{menu: "File", title: "Quit", shortcut: ctrl(fyne.KeyQ), separator: true, do: s.quit, quit: true},
	}
	edit := []command{
		{menu: "Edit", title: "Undo", shortcut: ctrl(fyne.KeyZ), text: &fyne.ShortcutUndo{}, enabled: inProject, do: with(func(w *workspace) { w.drawingPad().Undo() })},
		{menu: "Edit", title: "Redo", shortcut: ctrlShift(fyne.KeyZ), text: &fyne.ShortcutRedo{}, enabled: inProject, do: with(func(w *workspace) { w.drawingPad().Redo() })},
		{menu: "Edit", title: "Paste image", shortcut: ctrl(fyne.KeyV), text: &fyne.ShortcutPaste{Clipboard: s.app.Clipboard()}, separator: true, do: s.pasteImage},
		{menu: "Edit", title: "Canvas size", enabled: inProject, children: s.canvasSizes},
		{menu: "Edit", title: "Remove underlay", enabled: inProject, do: with(func(w *workspace) { w.pad.SetUnderlay(nil, 0) })},
		{menu: "Edit", title: "Clear drawing", enabled: inProject, do: with(func(w *workspace) { w.drawingPad().Clear() })},
	}
	show := func(p pane) func() { return with(func(w *workspace) { w.showPane(p) }) }
	view := []command{
		{menu: "View", title: "Sketch", shortcut: ctrl(fyne.Key1), enabled: inProject, do: show(paneSketch)},
		{menu: "View", title: "Control", shortcut: ctrl(fyne.Key2), enabled: inProject, do: show(paneControl)},
		{menu: "View", title: "Views", shortcut: ctrl(fyne.Key3), enabled: inProject, do: show(paneViews)},
		{menu: "View", title: "Result", shortcut: ctrl(fyne.Key4), enabled: inProject, do: show(paneResult)},
		{menu: "View", title: "Gallery", shortcut: ctrl(fyne.Key5), enabled: inProject, do: show(paneGallery)},
		{menu: "View", title: "Next pane", key: "Tab", enabled: inProject, do: s.nextPane},
		{menu: "View", title: "Split view", shortcut: ctrl(fyne.KeyBackslash), separator: true, enabled: inProject,
			checked: func() bool { return s.work != nil && s.work.view.split },
			do: with(func(w *workspace) {
				w.view.arrange(!w.view.split)
				w.updatePreview()
				w.views.update()
				s.menusChanged()
			})},
		{menu: "View", title: "Inspector", shortcut: ctrlShift(fyne.KeyI), enabled: inProject,
			checked: func() bool { return s.work != nil && !s.work.view.right.folded() },
			do:      with(func(w *workspace) { w.view.right.setFolded(!w.view.right.folded()); s.menusChanged() })},
		{menu: "View", title: "Filmstrip", shortcut: ctrlShift(fyne.KeyF), enabled: inProject,
			checked: func() bool { return s.work != nil && !s.work.view.bottom.folded() },
			do:      with(func(w *workspace) { w.view.bottom.setFolded(!w.view.bottom.folded()); s.menusChanged() })},
		{menu: "View", title: "Zoom in", shortcut: ctrl(fyne.KeyEqual), separator: true, enabled: inProject, do: with(func(w *workspace) { w.drawingPad().ZoomBy(zoomStep) })},
		{menu: "View", title: "Zoom out", shortcut: ctrl(fyne.KeyMinus), enabled: inProject, do: with(func(w *workspace) { w.drawingPad().ZoomBy(1 / zoomStep) })},
		{menu: "View", title: "Fit", key: "0", enabled: inProject, do: with(func(w *workspace) { w.drawingPad().ZoomFit() })},
		{menu: "View", title: "Actual pixels", key: "1", enabled: inProject, do: with(func(w *workspace) { w.drawingPad().Zoom100() })},
		{menu: "View", title: "Full screen", key: "F11", separator: true, do: func() { s.window.SetFullScreen(!s.window.FullScreen()) }},
	}
	render := []command{
		{menu: "Render", title: "Render", shortcut: ctrl(fyne.KeyReturn), enabled: inProject, do: with((*workspace).render)},
		{menu: "Render", title: "Cancel the render", key: "Esc", enabled: inProject, do: with((*workspace).cancelRender)},
		{menu: "Render", title: "Live", shortcut: ctrl(fyne.KeyL), separator: true, enabled: inProject,
			checked: func() bool { return s.work != nil && s.work.state.live },
			do:      with(func(w *workspace) { w.setLive(!w.state.live); s.menusChanged() })},
		{menu: "Render", title: "Write the prompt", shortcut: ctrl(fyne.KeyP), enabled: inProject, do: with(func(w *workspace) {
			w.view.right.setFolded(false)
			w.view.rightUp.Select(w.view.recipe)
			w.inspector.FocusPrompt(s.window.Canvas())
		})},
		{menu: "Render", title: "Queue", shortcut: ctrl(fyne.KeyJ), enabled: inProject, do: with((*workspace).toggleQueue)},
		{menu: "Render", title: "Add checkpoints…", separator: true, do: s.addModelFolder},
	}
	help := []command{
		{menu: "Help", title: "Find a command…", shortcut: ctrl(fyne.KeyK), do: s.showPalette},
		{menu: "Help", title: "Keyboard shortcuts", key: "F1", do: s.showShortcuts},
		{menu: "Help", title: "About Maquette", separator: true, do: s.showAbout},
	}
	var all []command
	for _, group := range [][]command{file, edit, view, render, help} {
		all = append(all, group...)
	}
	return all
}

// drawingKeys are the keys of the drawing surface, for the sheet of shortcuts.
func drawingKeys() []command {
	return []command{
		{menu: "Draw", title: "Brush", key: "B"},
		{menu: "Draw", title: "Eraser", key: "E"},
		{menu: "Draw", title: "Line", key: "L"},
		{menu: "Draw", title: "Rectangle", key: "R"},
		{menu: "Draw", title: "Ellipse", key: "O"},
		{menu: "Draw", title: "Polygon", key: "P"},
		{menu: "Draw", title: "Mirror", key: "X"},
		{menu: "Draw", title: "Brush size", key: "[  ]"},
		{menu: "Draw", title: "Move the paper", key: "Space"},
		{menu: "Draw", title: "Straight line", key: "Shift"},
		{menu: "Gallery", title: "Star", key: "S"},
		{menu: "Gallery", title: "Move to trash", key: "Del"},
		{menu: "Gallery", title: "Sketch over the result", key: "H"},
	}
}

func (s *studio) canvasSizes() []*fyne.MenuItem {
	var items []*fyne.MenuItem
	for _, size := range sketchpad.Presets() {
		items = append(items, fyne.NewMenuItem(fmt.Sprintf("%d × %d", size.X, size.Y), func() {
			if s.work != nil {
				s.work.pad.SetCanvasSize(size)
				s.work.pad.ZoomFit()
			}
		}))
	}
	return items
}

// export writes the concept that is open in the gallery, or else the one in the
// result pane, to a file.
func (w *workspace) export() {
	if w.galleryShown() {
		if _, ok := w.gallery.Selected(); ok {
			w.gallery.ExportSelected()
			return
		}
	}
	c := w.result.concept
	if c.ID == "" {
		w.s.toasts.show(lang.L("Choose a concept to export first."), "", nil)
		return
	}
	w.s.picker.Save(lang.L("Export concept"), "concept-"+c.ID+".png", exportFilter(), func(path string, err error) {
		if err != nil {
			w.s.fail(lang.L("The file dialog could not be shown"), err)
			return
		}
		if path == "" {
			return
		}
		go func() {
			err := w.project.Export(w.s.ctx, c.ID, path)
			w.s.post(func() {
				if err != nil {
					w.s.fail(lang.L("The concept could not be exported"), err)
					return
				}
				w.s.toasts.show(lang.L("Exported to {{.Path}}", map[string]any{"Path": path}), "", nil)
			})
		}()
	})
}

// releaseFocus gives the keyboard back to the window.
func (s *studio) releaseFocus() {
	if c := s.window.Canvas(); c.Focused() != nil {
		c.Unfocus()
	}
}
