package gallery

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

const cellInset = 4 // units between a cell's border and its picture

// cell shows one concept: its thumbnail, a star, how well it follows the sketch,
// and whether it is selected.
type cell struct {
	widget.BaseWidget
	size     fyne.Size
	concept  projects.Concept
	onTap    func(projects.Concept)
	onMenu   func(projects.Concept, fyne.Position)
	selected bool
	hovered  bool

	ground *canvas.Rectangle
	pic    *canvas.Image
	star   *canvas.Image
	badge  *badge
	ring   *canvas.Rectangle
}

var (
	_ fyne.Tappable          = (*cell)(nil)
	_ fyne.SecondaryTappable = (*cell)(nil)
	_ desktop.Hoverable      = (*cell)(nil)
)

func newCell(size fyne.Size, star fyne.Resource, onTap func(projects.Concept), onMenu func(projects.Concept, fyne.Position)) *cell {
	c := &cell{size: size, onTap: onTap, onMenu: onMenu}
	c.ground = canvas.NewRectangle(theme.Color(theme.ColorNameInputBackground))
	c.ground.CornerRadius = 6
	c.pic = &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest, CornerRadius: 4}
	c.star = canvas.NewImageFromResource(star)
	c.star.FillMode = canvas.ImageFillContain
	c.star.Hide()
	c.badge = newBadge(func() string { return fidelityText(c.concept.Fidelity) })
	c.ring = canvas.NewRectangle(nil)
	c.ring.CornerRadius = 6
	c.ring.StrokeWidth = 2
	c.ring.Hide()
	c.ExtendBaseWidget(c)
	return c
}

// show puts a concept into the cell. The thumbnail follows when it is loaded; by
// then the cell may show another concept, so the id is compared once more.
func (c *cell) show(concept projects.Concept, selected bool, t *thumbs) {
	if c.concept.ID != concept.ID {
		c.pic.Image = nil
	}
	c.concept, c.selected = concept, selected
	c.badge.show(concept.Fidelity)
	if concept.ID != "" && t != nil {
		if img, ok := t.get(concept.ID); ok {
			c.pic.Image = img
		} else {
			t.want(concept.ID, func(img *image.RGBA, err error) {
				if err == nil && c.concept.ID == concept.ID {
					c.pic.Image = img
					c.pic.Refresh()
				}
			})
		}
	}
	c.Refresh()
}

func (c *cell) Tapped(*fyne.PointEvent) {
	if c.concept.ID != "" && c.onTap != nil {
		c.onTap(c.concept)
	}
}

func (c *cell) TappedSecondary(e *fyne.PointEvent) {
	if c.concept.ID != "" && c.onMenu != nil {
		c.onMenu(c.concept, e.AbsolutePosition)
	}
}

func (c *cell) MouseIn(*desktop.MouseEvent)    { c.hovered = true; c.Refresh() }
func (c *cell) MouseMoved(*desktop.MouseEvent) {}
func (c *cell) MouseOut()                      { c.hovered = false; c.Refresh() }
func (c *cell) MinSize() fyne.Size             { return c.size }
func (c *cell) CreateRenderer() fyne.WidgetRenderer {
	return &cellRenderer{c: c, objects: []fyne.CanvasObject{c.ground, c.pic, c.star, c.badge.object, c.ring}}
}

type cellRenderer struct {
	c       *cell
	objects []fyne.CanvasObject
}

func (r *cellRenderer) Layout(s fyne.Size) {
	r.c.ground.Resize(s)
	r.c.ring.Resize(s)
	r.c.pic.Move(fyne.NewPos(cellInset, cellInset))
	r.c.pic.Resize(s.SubtractWidthHeight(2*cellInset, 2*cellInset))
	const star = 20
	r.c.star.Resize(fyne.NewSquareSize(star))
	r.c.star.Move(fyne.NewPos(s.Width-star-8, 8))
	b := r.c.badge.object.MinSize()
	r.c.badge.object.Resize(b)
	r.c.badge.object.Move(fyne.NewPos(s.Width-b.Width-8, s.Height-b.Height-8))
}

func (r *cellRenderer) Refresh() {
	c := r.c
	c.ground.FillColor = theme.Color(theme.ColorNameInputBackground)
	c.ring.StrokeColor = theme.Color(theme.ColorNamePrimary)
	if c.hovered && !c.selected {
		c.ring.StrokeColor = theme.Color(theme.ColorNameInputBorder)
	}
	setVisible(c.ring, c.selected || c.hovered)
	setVisible(c.star, c.concept.Starred)
	// In the filmstrip's small cells it would hide too much of the picture.
	setVisible(c.badge.object, c.concept.Fidelity != nil && c.size.Width >= badgeFrom)
	r.Layout(c.Size())
	for _, o := range r.objects {
		o.Refresh()
	}
}

func (r *cellRenderer) MinSize() fyne.Size           { return r.c.size }
func (r *cellRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *cellRenderer) Destroy()                     {}

func setVisible(o fyne.CanvasObject, visible bool) {
	if visible {
		o.Show()
	} else {
		o.Hide()
	}
}
