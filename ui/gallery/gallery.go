// Package gallery shows the concepts of a project: a virtualised grid, a
// filmstrip of the newest, and a large view with the recipe.
package gallery

import (
	"context"
	"errors"
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
	"maquette/ui/tooltip"
)

// Deps is what the gallery asks of the studio. Every function is called on the
// UI goroutine.
type Deps struct {
	Window fyne.Window
	// StarIcon marks starred concepts.
	StarIcon fyne.Resource
	// UseRecipe puts the recipe of a concept into the inspector.
	UseRecipe func(projects.Concept)
	// CancelSet ends the jobs of a set that still wait or run.
	CancelSet func(id string)
	// Again renders a concept's recipe with a new seed.
	Again func(projects.Concept)
	// ChangePart lets the user paint over what is to change of a concept's picture.
	ChangePart func(projects.Concept, image.Image)
	// UseAsSketch makes the image the sketch's underlay.
	UseAsSketch func(image.Image)
	// SaveFile asks where to save a file of one of the kinds, by their extensions
	// without the dot, and calls done with the chosen path; it does not call done
	// when the user cancels.
	SaveFile func(title, suggested string, extensions []string, done func(path string))
	// Toast tells the user something in passing; action and do may be empty.
	Toast func(text, action string, do func())
	// Error shows what went wrong.
	Error func(title string, err error)
	// ShowGallery brings the gallery into view when a concept of the filmstrip is opened.
	ShowGallery func()
}

// Gallery is the view of one project's concepts. All methods belong to the UI
// goroutine.
type Gallery struct {
	deps    Deps
	project *projects.Project
	stop    func() // ends the subscription to the project
	ctx     context.Context
	cancel  context.CancelFunc

	thumbs *thumbs
	list   *list  // what the grid shows
	newest *list  // what the filmstrip shows
	open   string // ID of the concept in the large view, or empty

	grid    *widget.GridWrap
	search  *widget.Entry
	starry  *widget.Check
	order   *widget.Select
	count   *widget.Label
	empty   *fyne.Container
	hint    *widget.Label
	strip   *strip
	detail  *detail
	set     *setView
	compare *compareView
	blind   *blindView
	chooser *chooser
	filters *fyne.Container
	object  *fyne.Container
	browse  *fyne.Container
	shown   fyne.CanvasObject // one of object's
	typing  *time.Timer
}

var cellSize = fyne.NewSquareSize(168)

// New returns a gallery with no project.
func New(deps Deps) *Gallery {
	g := &Gallery{deps: deps}
	g.search = widget.NewEntry()
	g.search.SetPlaceHolder(lang.L("Search prompts"))
	g.search.OnChanged = func(string) { g.queryLater() }
	g.starry = widget.NewCheck(lang.L("Starred only"), func(bool) { g.requery() })
	g.order = widget.NewSelect([]string{lang.L("Newest first"), lang.L("Closest to the sketch first"),
		lang.L("Views that agree best first"), lang.L("Shapes that moved least first")}, nil)
	g.order.SetSelectedIndex(0)
	g.order.OnChanged = func(string) { g.requery() }
	g.count = widget.NewLabel("")
	g.grid = widget.NewGridWrap(g.length, g.createCell, g.updateCell)
	g.grid.OnSelected = func(i widget.GridWrapItemID) {
		g.grid.Unselect(i) // the cells show the selection themselves
		if st, ok := g.list.at(i); ok {
			g.stackTapped(st)
		}
	}
	g.hint = widget.NewLabel("")
	g.hint.Alignment = fyne.TextAlignCenter
	g.hint.Wrapping = fyne.TextWrapWord
	g.empty = container.NewVBox(layout.NewSpacer(), g.hint, layout.NewSpacer())
	searchBox := container.New(layout.NewGridWrapLayout(fyne.NewSize(240, g.search.MinSize().Height)), g.search)
	choose := widget.NewButtonWithIcon(lang.L("Choose"), theme.CheckButtonIcon(), func() { g.chooser.start() })
	choose.Importance = widget.LowImportance
	g.filters = container.NewHBox(searchBox, g.starry, g.order, layout.NewSpacer(), g.count,
		tooltip.New(choose, lang.L("Choose pictures to compare, to vote on, or to delete (Ctrl+click)")))
	g.chooser = newChooser(g)
	g.browse = container.NewBorder(container.NewPadded(container.NewStack(g.filters, g.chooser.object)), nil, nil, nil, container.NewStack(g.grid, g.empty))
	g.detail, g.set, g.compare, g.blind = newDetail(g), newSetView(g), newCompareView(g), newBlindView(g)
	g.object = container.NewStack(g.browse, g.detail.object, g.set.object, g.compare.object, g.blind.object)
	g.only(g.browse)
	g.strip = newStrip(func() int {
		if g.newest == nil {
			return 0
		}
		return g.newest.total
	}, g.createStripCell, g.updateStripCell, lang.L("Concepts appear here as they are rendered."))
	g.showEmpty()
	return g
}

// Object is the gallery: the grid, or the large view of one concept.
func (g *Gallery) Object() fyne.CanvasObject { return g.object }

// Filmstrip is the strip of the newest concepts.
func (g *Gallery) Filmstrip() fyne.CanvasObject { return g.strip.object }

// SetProject shows another project's concepts; nil empties the gallery.
func (g *Gallery) SetProject(p *projects.Project) {
	g.leave()
	g.project = p
	g.showBrowse()
	if p != nil {
		g.ctx, g.cancel = context.WithCancel(context.Background())
		g.thumbs = newThumbs(p.Thumbnail, thumbBudget)
		g.list = newList(p, g.listChanged, g.listFailed)
		g.newest = newList(p, func() { g.strip.refresh() }, g.listFailed)
		events, stop := p.Subscribe()
		g.stop = stop
		go g.follow(g.ctx, events)
		g.requery()
		g.newest.reload()
	}
	g.grid.Refresh()
	g.strip.refresh()
	g.showEmpty()
}

// Close ends all work in the background.
func (g *Gallery) Close() { g.leave() }

// Select opens the large view of a concept.
func (g *Gallery) Select(id string) {
	project := g.project
	if project == nil {
		return
	}
	ctx := g.ctx
	go func() {
		c, err := project.Concept(ctx, id)
		fyne.Do(func() {
			switch {
			case ctx.Err() != nil:
			case err != nil:
				g.deps.Error(lang.L("This concept cannot be shown"), err)
			default:
				g.openConcept(c)
			}
		})
	}()
}

// Selected returns the concept in the large view, if one is open.
func (g *Gallery) Selected() (projects.Concept, bool) {
	return g.detail.concept, g.open != ""
}

// HandleKey acts on a key that no text field wants and says whether it did.
func (g *Gallery) HandleKey(name fyne.KeyName) bool {
	switch g.shown {
	case g.compare.object:
		return g.compare.handleKey(name)
	case g.blind.object:
		return g.blind.handleKey(name)
	case g.set.object:
		return g.set.handleKey(name)
	case g.browse:
		if name == fyne.KeyEscape && g.chooser.on {
			g.chooser.stop()
			return true
		}
	}
	if g.open == "" {
		return false
	}
	switch name {
	case fyne.KeyLeft:
		g.step(-1)
	case fyne.KeyRight:
		g.step(1)
	case fyne.KeyEscape:
		g.leaveConcept()
	case fyne.KeyS:
		g.toggleStar(g.detail.concept)
	case fyne.KeyDelete:
		g.remove(g.detail.concept)
	default:
		return false
	}
	return true
}

// ExportSelected asks where to save the open concept.
func (g *Gallery) ExportSelected() {
	if g.open != "" {
		g.export(g.detail.concept)
	}
}

func (g *Gallery) leave() {
	if g.typing != nil {
		g.typing.Stop()
	}
	g.compare.close()
	g.blind.close()
	if g.stop != nil {
		g.stop()
		g.cancel()
		g.thumbs.close()
		g.list.close()
		g.newest.close()
	}
	g.stop, g.cancel, g.thumbs, g.list, g.newest = nil, nil, nil, nil, nil
}

// follow reloads after events of the project, at most ten times a second.
func (g *Gallery) follow(ctx context.Context, events <-chan projects.Event) {
	var pending <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			switch e := e.(type) {
			case projects.ConceptAdded:
			case projects.ConceptChanged:
				fyne.Do(func() { g.conceptChanged(e.Concept) })
			case projects.ConceptsRemoved:
				fyne.Do(func() { g.conceptsRemoved(e.IDs) })
			default:
				continue
			}
			if pending == nil {
				pending = time.After(100 * time.Millisecond)
			}
		case <-pending:
			pending = nil
			fyne.Do(func() {
				if ctx.Err() == nil {
					g.list.reload()
					g.newest.reload()
					g.set.reload()
				}
			})
		}
	}
}

func (g *Gallery) conceptChanged(c projects.Concept) {
	if g.open == c.ID {
		g.detail.showConcept(c)
	}
}

func (g *Gallery) conceptsRemoved(ids []string) {
	for _, id := range ids {
		if g.thumbs != nil {
			g.thumbs.forget(id)
		}
		if g.open == id {
			g.leaveConcept()
		}
		if g.chooser.has(id) {
			g.chooser.forget(id)
		}
	}
}

func (g *Gallery) queryLater() {
	if g.typing != nil {
		g.typing.Stop()
	}
	g.typing = time.AfterFunc(200*time.Millisecond, func() { fyne.Do(g.requery) })
}

func (g *Gallery) requery() {
	if g.list != nil {
		g.list.setQuery(projects.Query{Starred: g.starry.Checked, Text: g.search.Text, By: orders()[g.order.SelectedIndex()]})
	}
}

// orders are what the gallery can be sorted by, in the order of the choices.
func orders() []projects.Order {
	return append([]projects.Order{projects.ByAge}, projects.Orders()...)
}

func (g *Gallery) length() int {
	if g.list == nil {
		return 0
	}
	return g.list.total
}

func (g *Gallery) listChanged() {
	g.count.SetText(lang.N("{{.Count}} concepts", g.list.count, map[string]any{"Count": g.list.count}))
	g.grid.Refresh()
	g.showEmpty()
}

func (g *Gallery) listFailed(err error) {
	if !errors.Is(err, context.Canceled) {
		g.deps.Error(lang.L("The concepts of this project cannot be listed"), err)
	}
}

// showEmpty says the next step where there is nothing to show.
func (g *Gallery) showEmpty() {
	filtered := g.search.Text != "" || g.starry.Checked
	switch {
	case g.list == nil || !g.list.known || g.list.total > 0:
		g.empty.Hide()
		return
	case filtered:
		g.hint.SetText(lang.L("No concept matches. Change the search or show all concepts."))
	default:
		g.hint.SetText(lang.L("No concepts yet. Draw a sketch, describe it in the prompt and press Render."))
	}
	g.empty.Show()
}

func (g *Gallery) createCell() fyne.CanvasObject {
	return newCell(cellSize, g.deps.StarIcon, g.stackTapped, g.menu)
}

func (g *Gallery) updateCell(i widget.GridWrapItemID, o fyne.CanvasObject) {
	g.fill(o.(*cell), g.list, i)
}

func (g *Gallery) createStripCell() *cell {
	return newCell(stripCell, g.deps.StarIcon, func(st projects.Stack) {
		g.deps.ShowGallery()
		g.openStack(st)
	}, g.menu)
}

func (g *Gallery) updateStripCell(i int, c *cell) { g.fill(c, g.newest, i) }

func (g *Gallery) fill(c *cell, l *list, i int) {
	if l == nil {
		return
	}
	st, _ := l.at(i)
	c.show(st, st.Cover.ID != "" && g.showing(st), g.chooser.has(st.Cover.ID), g.thumbs)
}

func (g *Gallery) menu(st projects.Stack, at fyne.Position) {
	if st.Set != nil {
		g.set.menu(*st.Set, at)
		return
	}
	c := st.Cover
	star := lang.L("Star")
	if c.Starred {
		star = lang.L("Remove star")
	}
	item := func(label string, do func()) *fyne.MenuItem { return fyne.NewMenuItem(label, do) }
	trash := item(lang.L("Move to trash"), func() { g.remove(c) })
	trash.Icon = theme.DeleteIcon()
	menu := fyne.NewMenu("",
		item(lang.L("Use this recipe"), func() { g.deps.UseRecipe(c) }),
		item(lang.L("Render again"), func() { g.deps.Again(c) }),
		item(lang.L("Change a part"), func() { g.changePart(c) }),
		item(lang.L("Use as sketch"), func() { g.useAsSketch(c) }),
		fyne.NewMenuItemSeparator(),
		item(star, func() { g.toggleStar(c) }),
		item(lang.L("Choose"), func() { g.chooser.toggle(c) }),
		item(lang.L("Export…"), func() { g.export(c) }),
		fyne.NewMenuItemSeparator(),
		trash)
	widget.ShowPopUpMenuAtPosition(menu, g.deps.Window.Canvas(), at)
}
