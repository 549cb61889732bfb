package studio

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
)

// partsMap shows the drawing with the parts that were found in it; a tap on one
// tells which.
type partsMap struct {
	widget.BaseWidget
	drawing *canvas.Image
	page    image.Point // pixels of the render that the parts' boxes are in
	parts   []views.Part
	hovered int // part under the pointer, or -1
	tapped  func(part views.Part, at fyne.Position)
}

func newPartsMap(tapped func(part views.Part, at fyne.Position)) *partsMap {
	m := &partsMap{drawing: fitted(), hovered: -1, tapped: tapped}
	m.ExtendBaseWidget(m)
	return m
}

// show displays a drawing of the size of the render and its parts.
func (m *partsMap) show(drawing image.Image, page image.Point, parts []views.Part) {
	m.drawing.Image, m.page, m.parts, m.hovered = drawing, page, parts, -1
	m.Refresh()
}

// place is where the page lies in the widget, and the scale from its pixels to units.
func (m *partsMap) place() (at fyne.Position, scale float32) {
	s := m.Size()
	if m.page.X == 0 || m.page.Y == 0 {
		return fyne.Position{}, 0
	}
	scale = min(s.Width/float32(m.page.X), s.Height/float32(m.page.Y))
	return fyne.NewPos((s.Width-scale*float32(m.page.X))/2, 0), scale
}

// at returns the smallest part whose box has a position in it, or -1.
func (m *partsMap) at(p fyne.Position) int {
	origin, scale := m.place()
	if scale == 0 {
		return -1
	}
	pixel := image.Pt(int((p.X-origin.X)/scale), int((p.Y-origin.Y)/scale))
	best, area := -1, 0
	for i, part := range m.parts {
		if a := part.Box.Dx() * part.Box.Dy(); pixel.In(part.Box) && (best < 0 || a < area) {
			best, area = i, a
		}
	}
	return best
}

// Tapped implements fyne.Tappable.
func (m *partsMap) Tapped(e *fyne.PointEvent) {
	if i := m.at(e.Position); i >= 0 {
		m.tapped(m.parts[i], e.AbsolutePosition)
	}
}

// MouseIn implements desktop.Hoverable.
func (m *partsMap) MouseIn(e *desktop.MouseEvent) { m.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (m *partsMap) MouseMoved(e *desktop.MouseEvent) {
	if i := m.at(e.Position); i != m.hovered {
		m.hovered = i
		m.Refresh()
	}
}

// MouseOut implements desktop.Hoverable.
func (m *partsMap) MouseOut() { m.hovered = -1; m.Refresh() }

// Cursor implements desktop.Cursorable.
func (m *partsMap) Cursor() desktop.Cursor {
	if m.hovered >= 0 {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

// MinSize implements fyne.Widget.
func (m *partsMap) MinSize() fyne.Size { return fyne.NewSquareSize(160) }

// CreateRenderer implements fyne.Widget.
func (m *partsMap) CreateRenderer() fyne.WidgetRenderer {
	return &partsRenderer{m: m, paper: canvas.NewRectangle(color.White)}
}

type partsRenderer struct {
	m     *partsMap
	paper *canvas.Rectangle
	boxes []*canvas.Rectangle
}

// Layout implements fyne.WidgetRenderer.
func (r *partsRenderer) Layout(s fyne.Size) {
	at, scale := r.m.place()
	page := fyne.NewSize(scale*float32(r.m.page.X), scale*float32(r.m.page.Y))
	r.paper.Move(at)
	r.paper.Resize(page)
	r.m.drawing.Move(at)
	r.m.drawing.Resize(page)
	for i, box := range r.boxes {
		if i >= len(r.m.parts) {
			box.Hide()
			continue
		}
		b := r.m.parts[i].Box
		box.Move(at.AddXY(scale*float32(b.Min.X)-2, scale*float32(b.Min.Y)-2))
		box.Resize(fyne.NewSize(scale*float32(b.Dx())+4, scale*float32(b.Dy())+4))
		box.Show()
	}
}

// MinSize implements fyne.WidgetRenderer.
func (r *partsRenderer) MinSize() fyne.Size { return r.m.MinSize() }

// Refresh implements fyne.WidgetRenderer.
func (r *partsRenderer) Refresh() {
	for len(r.boxes) < len(r.m.parts) {
		box := canvas.NewRectangle(color.Transparent)
		box.CornerRadius = 3
		r.boxes = append(r.boxes, box)
	}
	for i, box := range r.boxes {
		box.StrokeWidth, box.StrokeColor = 1, theme.Color(theme.ColorNameDisabled)
		if i < len(r.m.parts) && r.m.parts[i].Told {
			box.StrokeColor = theme.Color(theme.ColorNamePrimary)
		}
		if i == r.m.hovered {
			box.StrokeWidth, box.StrokeColor = 2, theme.Color(theme.ColorNamePrimary)
		}
	}
	for _, o := range []fyne.CanvasObject{r.paper, r.m.drawing} {
		if r.m.drawing.Image == nil {
			o.Hide()
		} else {
			o.Show()
		}
	}
	r.Layout(r.m.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// Objects implements fyne.WidgetRenderer.
func (r *partsRenderer) Objects() []fyne.CanvasObject {
	all := []fyne.CanvasObject{r.paper, r.m.drawing}
	for _, b := range r.boxes {
		all = append(all, b)
	}
	return all
}

// Destroy implements fyne.WidgetRenderer.
func (r *partsRenderer) Destroy() {}
