package sketchpad

import (
	"image"
	"math"

	"fyne.io/fyne/v2"
)

// snapReach is how near, in units, the pointer has to come to a point for it to snap there.
const snapReach = 9

// snapIndex holds the points of a document to which others snap.
type snapIndex struct {
	doc      *Document
	revision uint64
	points   []Point
}

// gridStep returns the distance of the snapping grid's lines in canvas pixels: 16 to 64 steps along the longer side.
func gridStep(canvas image.Point) float64 {
	return math.Max(8, math.Exp2(math.Round(math.Log2(float64(max(canvas.X, canvas.Y))/32))))
}

// snapped returns the canvas point for a pointer at pos: an end point or corner of what is drawn if one is near, else the
// nearest crossing of the grid; where snapping is off, the point under the pointer.
func (p *Pad) snapped(pos fyne.Position) Point {
	x, y := p.view.ToCanvas(pos)
	if !p.snap {
		return bounded(x, y, 1)
	}
	if q, ok := p.anchor(x, y); ok {
		return q
	}
	step := gridStep(p.canvas)
	return bounded(math.Round(x/step)*step, math.Round(y/step)*step, 1)
}

// anchor returns the end point or corner nearest to (x,y), if one is within reach.
func (p *Pad) anchor(x, y float64) (Point, bool) {
	p.snapIndex.update(p.doc)
	best, found := Point{}, false
	nearest := snapReach * p.view.Scale / p.view.Zoom
	for _, list := range [][]Point{p.snapIndex.points, p.poly} {
		for _, q := range list {
			if d := math.Hypot(float64(q.X)-x, float64(q.Y)-y); d < nearest {
				best, found, nearest = q, true, d
			}
		}
	}
	best.Pressure = 1
	return best, found
}

// update collects the points of doc if it has changed.
func (s *snapIndex) update(doc *Document) {
	if r := doc.Revision(); s.doc != doc || s.revision != r {
		*s = snapIndex{doc: doc, revision: r}
		for _, o := range doc.Objects() {
			for c := 0; c <= o.Mirror.copies(); c++ {
				for _, q := range o.anchors() {
					x, y := o.Mirror.reflect(c, float64(q.X), float64(q.Y))
					s.points = append(s.points, Point{float32(x), float32(y), 1})
				}
			}
		}
	}
}

// anchors returns the points of the object that others snap to.
func (o *Object) anchors() []Point {
	n := len(o.Points)
	switch o.Kind {
	case KindBrush:
		return []Point{o.Points[0], o.Points[n-1]}
	case KindLine, KindPolygon:
		return o.Points
	case KindRectangle:
		a, b := o.Points[0], o.Points[1]
		return []Point{a, {b.X, a.Y, 1}, b, {a.X, b.Y, 1}}
	case KindEllipse:
		a, b := o.Points[0], o.Points[1]
		cx, cy := (a.X+b.X)/2, (a.Y+b.Y)/2
		return []Point{{cx, a.Y, 1}, {b.X, cy, 1}, {cx, b.Y, 1}, {a.X, cy, 1}, {cx, cy, 1}}
	}
	return nil
}

// mark returns the position of the small ring on the pad: the first corner of a polygon that a click would close, or the
// point to which the next point snaps.
func (p *Pad) mark() (fyne.Position, bool) {
	at := func(q Point) fyne.Position { return p.view.ToPad(float64(q.X), float64(q.Y)) }
	if len(p.poly) > 2 {
		if first := at(p.poly[0]); far(first, p.hover) < snapReach {
			return first, true
		}
	}
	freehand := p.tool == ToolBrush || p.tool == ToolEraser
	if !p.snap || freehand || !p.hovering || p.panReady() {
		return fyne.Position{}, false
	}
	return at(p.snapped(p.hover)), true
}
