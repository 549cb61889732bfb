package gallery

import (
	"image"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

const (
	cellInset = 4 // units between a cell's border and its picture
	pileEdge  = 5 // units of a set's second sheet that can be seen
)

// cell shows one concept, or a set by one of its concepts: the thumbnail, a star,
// how many there are and how well they agree, or how well it follows the sketch,
// and whether it is selected or picked.
type cell struct {
	widget.BaseWidget
	size     fyne.Size
	stack    projects.Stack
	onTap    func(projects.Stack)
	onMenu   func(projects.Stack, fyne.Position)
	selected bool
	picked   bool
	hovered  bool

	ground *canvas.Rectangle
	pic    *canvas.Image
	star   *canvas.Image
	badge  *badge
	ring   *canvas.Rectangle
	pick   *canvas.Image
	behind *canvas.Rectangle // the edge of the pile that a set lies in
	count  *badge            // of the set's concepts
	agree  *badge            // how well the set's views agree
	moved  *badge            // how far the shapes of its variants have moved
}

var (
	_ fyne.Tappable          = (*cell)(nil)
	_ fyne.SecondaryTappable = (*cell)(nil)
	_ desktop.Hoverable      = (*cell)(nil)
)

func newCell(size fyne.Size, star fyne.Resource, onTap func(projects.Stack), onMenu func(projects.Stack, fyne.Position)) *cell {
	c := &cell{size: size, onTap: onTap, onMenu: onMenu}
	c.ground = canvas.NewRectangle(theme.Color(theme.ColorNameInputBackground))
	c.ground.CornerRadius = 6
	c.pic = &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest, CornerRadius: 4}
	c.star = canvas.NewImageFromResource(star)
	c.star.FillMode = canvas.ImageFillContain
	c.star.Hide()
	c.badge = newBadge(func() string { return scoresText(c.stack.Cover) })
	c.ring = canvas.NewRectangle(nil)
	c.ring.CornerRadius = 6
	c.ring.StrokeWidth = 2
	c.ring.Hide()
	c.pick = canvas.NewImageFromResource(theme.NewPrimaryThemedResource(theme.CheckButtonCheckedIcon()))
	c.pick.FillMode = canvas.ImageFillContain
	c.behind = canvas.NewRectangle(nil)
	c.behind.CornerRadius, c.behind.StrokeWidth = 6, 1
	c.count = newBadge(func() string {
		return lang.N("A set of {{.Count}} pictures", c.stack.Members, map[string]any{"Count": c.stack.Members})
	})
	c.agree = newBadge(func() string {
		return lang.L("How alike the same parts of the object look from different sides (SSIM).")
	})
	c.moved = newBadge(movedHelp)
	c.ExtendBaseWidget(c)
	return c
}

// show puts a stack into the cell. The thumbnail follows when it is loaded; by
// then the cell may show another concept, so the id is compared once more.
func (c *cell) show(stack projects.Stack, selected, picked bool, t *thumbs) {
	concept := stack.Cover
	if c.stack.Cover.ID != concept.ID {
		c.pic.Image = nil
	}
	c.stack, c.selected, c.picked = stack, selected, picked
	c.count.text.Text = strconv.Itoa(stack.Members)
	c.badge.show(concept.Fidelity)
	if stack.Agreement != nil {
		c.agree.text.Text = agreeText(*stack.Agreement)
	}
	if stack.Drift != nil {
		c.moved.text.Text = movedText(*stack.Drift)
	}
	if concept.ID != "" && t != nil {
		if img, ok := t.get(concept.ID); ok {
			c.pic.Image = img
		} else {
			t.want(concept.ID, func(img *image.RGBA, err error) {
				if err == nil && c.stack.Cover.ID == concept.ID {
					c.pic.Image = img
					c.pic.Refresh()
				}
			})
		}
	}
	c.Refresh()
}

func (c *cell) Tapped(*fyne.PointEvent) {
	if c.stack.Cover.ID != "" && c.onTap != nil {
		c.onTap(c.stack)
	}
}

func (c *cell) TappedSecondary(e *fyne.PointEvent) {
	if c.stack.Cover.ID != "" && c.onMenu != nil {
		c.onMenu(c.stack, e.AbsolutePosition)
	}
}

func (c *cell) MouseIn(*desktop.MouseEvent)    { c.hovered = true; c.Refresh() }
func (c *cell) MouseMoved(*desktop.MouseEvent) {}
func (c *cell) MouseOut()                      { c.hovered = false; c.Refresh() }
func (c *cell) MinSize() fyne.Size             { return c.size }
func (c *cell) CreateRenderer() fyne.WidgetRenderer {
	return &cellRenderer{c: c, objects: []fyne.CanvasObject{c.behind, c.ground, c.pic, c.star, c.badge.object, c.count.object,
		c.agree.object, c.moved.object, c.pick, c.ring}}
}

type cellRenderer struct {
	c       *cell
	objects []fyne.CanvasObject
}

func (r *cellRenderer) Layout(s fyne.Size) {
	whole := s
	if r.c.stack.Set != nil { // leave room for the edge of the pile
		s = s.SubtractWidthHeight(pileEdge, pileEdge)
		r.c.behind.Move(fyne.NewPos(pileEdge, pileEdge))
		r.c.behind.Resize(s)
	}
	r.c.ground.Resize(s)
	r.c.ring.Resize(whole)
	r.c.pic.Move(fyne.NewPos(cellInset, cellInset))
	r.c.pic.Resize(s.SubtractWidthHeight(2*cellInset, 2*cellInset))
	const star = 20
	r.c.star.Resize(fyne.NewSquareSize(star))
	r.c.star.Move(fyne.NewPos(s.Width-star-8, 8))
	for _, o := range []fyne.CanvasObject{r.c.badge.object, r.c.count.object} { // only one of them is shown
		b := o.MinSize()
		o.Resize(b)
		o.Move(fyne.NewPos(s.Width-b.Width-8, s.Height-b.Height-8))
	}
	bottom := s.Height - 8
	for _, b := range []*badge{r.c.agree, r.c.moved} { // one above the other
		if b.object.Visible() {
			size := b.object.MinSize()
			bottom -= size.Height
			b.object.Resize(size)
			b.object.Move(fyne.NewPos(8, bottom))
			bottom -= 2
		}
	}
	r.c.pick.Resize(fyne.NewSquareSize(star))
	r.c.pick.Move(fyne.NewPos(8, 8))
}

func (r *cellRenderer) Refresh() {
	c := r.c
	c.ground.FillColor = theme.Color(theme.ColorNameInputBackground)
	c.ring.StrokeColor = theme.Color(theme.ColorNamePrimary)
	if c.hovered && !c.selected && !c.picked {
		c.ring.StrokeColor = theme.Color(theme.ColorNameInputBorder)
	}
	c.behind.FillColor = theme.Color(theme.ColorNameButton)
	c.behind.StrokeColor = theme.Color(theme.ColorNameInputBorder)
	setVisible(c.ring, c.selected || c.picked || c.hovered)
	setVisible(c.star, c.stack.Cover.Starred)
	setVisible(c.pick, c.picked)
	setVisible(c.behind, c.stack.Set != nil)
	setVisible(c.count.object, c.stack.Set != nil)
	// In the filmstrip's small cells it would hide too much of the picture.
	roomy := c.size.Width >= badgeFrom
	setVisible(c.badge.object, c.stack.Set == nil && c.stack.Cover.Fidelity != nil && roomy)
	setVisible(c.agree.object, c.stack.Set != nil && c.stack.Agreement != nil && roomy)
	setVisible(c.moved.object, c.stack.Set != nil && c.stack.Drift != nil && roomy)
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
