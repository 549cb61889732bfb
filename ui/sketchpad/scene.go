package sketchpad

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// scene is everything on the pad besides the tiles: the surround, the paper's shadow and edge, guides and the cursor.
type scene struct {
	pad      *Pad
	surround *canvas.Rectangle
	clip     *container.Clip
	shadows  []*canvas.Rectangle
	edge     *canvas.Rectangle
	guides   *fyne.Container
	rim      *canvas.Circle // the brush's outline, dark, seen on light ground
	inner    *canvas.Circle // … and light, seen on ink
	marker   *canvas.Circle // where a point snaps to, or the start of a polygon
}

// paperColor is the ground of every drawing, in every theme.
func paperColor() color.Color { return color.NRGBA{R: 255, G: 255, B: 255, A: 255} }

func newScene(p *Pad) *scene {
	s := &scene{
		pad:      p,
		surround: canvas.NewRectangle(color.Transparent),
		edge:     canvas.NewRectangle(paperColor()),
		guides:   container.NewWithoutLayout(),
		rim:      canvas.NewCircle(color.Transparent),
		inner:    canvas.NewCircle(color.Transparent),
		marker:   canvas.NewCircle(color.Transparent),
	}
	all := container.NewWithoutLayout()
	// A soft shadow as a few rounded rectangles, each a little larger and very faint.
	for range 6 {
		r := canvas.NewRectangle(color.NRGBA{A: 6})
		s.shadows = append(s.shadows, r)
		all.Add(r)
	}
	for _, o := range []fyne.CanvasObject{s.edge, p.screen.layer, s.guides, s.marker, s.inner, s.rim} {
		all.Add(o)
	}
	for _, c := range []*canvas.Circle{s.rim, s.inner, s.marker} {
		c.Hide()
	}
	s.clip = container.NewClip(all)
	s.recolour()
	return s
}

// recolour takes the colours of the theme. The paper stays white.
func (s *scene) recolour() {
	s.surround.FillColor = surroundColor()
	s.edge.StrokeColor = color.NRGBA{A: 0x30}
	s.rim.StrokeColor = color.NRGBA{A: 0xb0}
	s.inner.StrokeColor = color.NRGBA{R: 255, G: 255, B: 255, A: 0xb0}
	s.marker.StrokeColor = theme.Color(theme.ColorNamePrimary)
	s.surround.Refresh()
}

// surroundColor is a calm tone a little darker than the window, so that the paper stands out in both themes.
func surroundColor() color.Color {
	r, g, b, _ := theme.Color(theme.ColorNameBackground).RGBA()
	keep := uint32(92)
	if r+g+b < 3*0x8000 {
		keep = 70
	}
	dim := func(v uint32) uint8 { return uint8(v * keep / 100 >> 8) }
	return color.NRGBA{R: dim(r), G: dim(g), B: dim(b), A: 255}
}

// place lays everything out for the pad's view.
func (s *scene) place() {
	v := s.pad.view
	shown := v.shown(s.pad.canvas)
	at := fyne.NewPos(float32(v.OriginX/v.Scale), float32(v.OriginY/v.Scale))
	size := fyne.NewSize(float32(float64(shown.X)/v.Scale), float32(float64(shown.Y)/v.Scale))
	for i, r := range s.shadows {
		grow := float32(2*i + 1)
		r.CornerRadius = grow + 1
		r.Move(at.SubtractXY(grow, grow-3))
		r.Resize(size.AddWidthHeight(2*grow, 2*grow))
	}
	pixel := float32(1 / v.Scale)
	s.edge.StrokeWidth = pixel
	s.edge.Move(at.SubtractXY(pixel, pixel))
	s.edge.Resize(size.AddWidthHeight(2*pixel, 2*pixel))
	s.placeGuides()
	s.placeCursor()
}

// placeGuides draws the mirror axes, the guides and the snapping grid.
func (s *scene) placeGuides() {
	p := s.pad
	var lines []fyne.CanvasObject
	w, h := float64(p.canvas.X), float64(p.canvas.Y)
	upright := func(x float64, c color.Color) { lines = append(lines, s.guide(x, 0, x, h, c)) }
	level := func(y float64, c color.Color) { lines = append(lines, s.guide(0, y, w, y, c)) }
	if p.snap {
		faint := color.NRGBA{R: 0x30, G: 0x60, B: 0x90, A: 0x26}
		step := gridStep(p.canvas)
		// Lines nearer than a few pixels would only grey the paper.
		for step*p.view.Zoom < 8*p.view.Scale {
			step *= 2
		}
		for x := step; x < w; x += step {
			upright(x, faint)
		}
		for y := step; y < h; y += step {
			level(y, faint)
		}
	}
	if p.guides {
		soft := color.NRGBA{R: 0x20, G: 0x70, B: 0xc0, A: 0x66}
		for _, part := range []float64{1. / 3, 1. / 2, 2. / 3} {
			upright(w*part, soft)
			level(h*part, soft)
		}
	}
	axis := color.NRGBA{R: 0xd0, G: 0x40, B: 0x80, A: 0xa0}
	if p.mirrorV {
		upright(w/2, axis)
	}
	if p.mirrorH {
		level(h/2, axis)
	}
	if len(lines) == 0 && len(s.guides.Objects) == 0 {
		return
	}
	s.guides.Objects = lines
	s.guides.Refresh()
}

// guide returns a line one screen pixel wide between two points of the canvas.
func (s *scene) guide(x0, y0, x1, y1 float64, c color.Color) fyne.CanvasObject {
	l := canvas.NewLine(c)
	half := float32(0.5 / s.pad.view.Scale)
	l.StrokeWidth = 2 * half
	l.Position1 = s.pad.view.ToPad(x0, y0).AddXY(half, half)
	l.Position2 = s.pad.view.ToPad(x1, y1).AddXY(half, half)
	return l
}

// placeCursor shows the brush's outline at the pointer and the mark where a point would go.
func (s *scene) placeCursor() {
	p := s.pad
	d := float32(p.Brush().Size * p.view.Zoom / p.view.Scale)
	freehand := p.tool != ToolLine && p.tool != ToolRectangle && p.tool != ToolEllipse && p.tool != ToolPolygon
	outline := p.hovering && freehand && !p.panReady() && d >= 6
	pixel := float32(1 / p.view.Scale)
	s.circle(s.rim, p.hover, d+2*pixel, pixel, outline)
	s.circle(s.inner, p.hover, d, pixel, outline)
	at, marked := p.mark()
	s.circle(s.marker, at, 10, 1.5, marked)
}

// wake asks for a frame. Fyne paints none for an object that was hidden so far; the surround is always there and costs
// nothing to refresh.
func (s *scene) wake() { s.surround.Refresh() }

// circle puts c around a place, or hides it.
func (s *scene) circle(c *canvas.Circle, at fyne.Position, diameter, stroke float32, shown bool) {
	if !shown {
		if c.Visible() {
			c.Hide()
		}
		return
	}
	c.StrokeWidth = stroke
	c.Resize(fyne.NewSquareSize(diameter))
	c.Move(at.SubtractXY(diameter/2, diameter/2))
	if !c.Visible() {
		c.Show()
		s.wake()
	}
}
