package studio

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"maquette/assets"
	"maquette/ui/panels"
	"maquette/ui/sketchpad"
)

// pane names a tab in the middle of the window.
type pane int

const (
	paneSketch pane = iota
	paneControl
	paneViews
	paneResult
	paneGallery
)

// narrowWindow is the width in units below which the inspector gets narrower.
const narrowWindow = 1280

// projectView arranges the parts of a workspace.
type projectView struct {
	w       *workspace
	bar     *topBar
	tabs    *container.AppTabs
	items   map[pane]*container.TabItem
	tools   fyne.CanvasObject
	sketch  fyne.CanvasObject
	place   *fyne.Container // where sketch is
	middle  *fyne.Container
	split   bool
	right   *dock
	bottom  *dock
	recipe  *container.TabItem
	queue   *container.TabItem
	rightUp *container.AppTabs
	object  fyne.CanvasObject
}

// icon returns one of the app's own icons in the colours of the theme.
func icon(name string) fyne.Resource {
	return theme.NewThemedResource(fyne.NewStaticResource(name, assets.Icon(name)))
}

func panelIcons() panels.Icons {
	return panels.Icons{Lock: icon("lock.svg"), Unlock: icon("unlock.svg"), Dice: icon("dice.svg"), Add: theme.ContentAddIcon()}
}

func newProjectView(w *workspace) *projectView {
	v := &projectView{w: w, middle: container.NewStack(), place: container.NewStack()}
	v.tools = container.NewStack(container.NewVScroll(sketchpad.Toolbar(w.pad, func(text string) string { return lang.L(text) })))
	v.sketch = container.NewBorder(nil, nil, v.tools, nil, w.pad)
	v.items = map[pane]*container.TabItem{
		paneSketch:  container.NewTabItemWithIcon(lang.L("Sketch"), icon("pencil.svg"), v.place),
		paneControl: container.NewTabItemWithIcon(lang.L("Control"), icon("control.svg"), w.control.object),
		paneViews:   container.NewTabItemWithIcon(lang.L("Views"), icon("turntable.svg"), w.views.object),
		paneResult:  container.NewTabItemWithIcon(lang.L("Result"), icon("cube.svg"), w.result.object),
		paneGallery: container.NewTabItemWithIcon(lang.L("Gallery"), icon("gallery.svg"), w.gallery.Object()),
	}
	v.bar = newTopBar(w)
	v.recipe = container.NewTabItem(lang.L("Recipe"), w.inspector.Object())
	v.queue = container.NewTabItem(lang.L("Queue"), w.jobs.Object())
	v.rightUp = container.NewAppTabs(v.recipe, v.queue)
	v.right = newDock(v.middle, v.rightUp, false, 264, func(total float32) float32 {
		if total < narrowWindow {
			return 280
		}
		return min(340+(total-1366)*0.06, 420)
	})
	v.bottom = newDock(v.right.object, w.gallery.Filmstrip(), true, 72, func(total float32) float32 { return min(total*0.16, 132) })
	v.object = container.NewBorder(v.bar.object, nil, nil, nil, v.bottom.object)
	v.arrange(false)
	return v
}

// arrange shows the panes as tabs, or the sketch beside the others.
func (v *projectView) arrange(split bool) {
	selected := paneSketch
	if v.tabs != nil {
		for p, item := range v.items {
			if v.tabs.Selected() == item {
				selected = p
			}
		}
	}
	v.split = split
	v.middle.RemoveAll()
	if v.tabs != nil {
		v.tabs.OnSelected = nil
		v.tabs.SetItems(nil)
	}
	// The drawing surface asks where it is on the screen whenever it is
	// refreshed, which needs the renderer of everything around it: so it is put
	// in last.
	v.place.RemoveAll()
	if split {
		v.tabs = container.NewAppTabs(v.items[paneControl], v.items[paneViews], v.items[paneResult], v.items[paneGallery])
		if selected == paneSketch {
			selected = paneResult
		}
		v.middle.Add(container.NewHSplit(v.place, v.tabs))
	} else {
		v.tabs = container.NewAppTabs(v.items[paneSketch], v.items[paneControl], v.items[paneViews], v.items[paneResult], v.items[paneGallery])
		v.middle.Add(v.tabs)
	}
	v.place.Add(v.sketch)
	v.tabs.OnSelected = func(*container.TabItem) { v.w.updatePreview(); v.w.views.update() }
	v.tabs.Select(v.items[selected])
	v.middle.Refresh()
}

// visible reports whether a pane can be seen.
func (v *projectView) visible(p pane) bool {
	if p == paneSketch && v.split {
		return true
	}
	return v.tabs.Selected() == v.items[p]
}

// showPane brings a pane into view.
func (w *workspace) showPane(p pane) {
	if w.view.visible(p) {
		return
	}
	w.view.tabs.Select(w.view.items[p])
}

func (w *workspace) galleryShown() bool { return w.view.visible(paneGallery) }

// nextTab goes to the next pane.
func (w *workspace) nextTab() {
	t := w.view.tabs
	if n := len(t.Items); n > 0 {
		t.SelectIndex((t.SelectedIndex() + 1) % n)
	}
}

// toggleQueue shows the queue, or the recipe again.
func (w *workspace) toggleQueue() {
	v := w.view
	if v.right.folded() {
		v.right.setFolded(false)
	}
	if v.rightUp.Selected() == v.queue {
		v.rightUp.Select(v.recipe)
	} else {
		v.rightUp.Select(v.queue)
	}
}

func zoomText(zoom float64) string { return fmt.Sprintf("%.0f %%", zoom*100) }
