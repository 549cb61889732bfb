package sketchpad

import (
	"image"
	"math"
)

// Kind says what an object is and therefore how its points are read.
type Kind string

// The kinds of object a document holds.
const (
	KindBrush     Kind = "brush"     // a freehand stroke through Points
	KindEraser    Kind = "eraser"    // a freehand stroke that takes ink away from what lies under it
	KindLine      Kind = "line"      // a straight line from Points[0] to Points[1]
	KindRectangle Kind = "rectangle" // an outline with Points[0] and Points[1] as opposite corners
	KindEllipse   Kind = "ellipse"   // an outline inscribed in the box of Points[0] and Points[1]
	KindPolygon   Kind = "polygon"   // a closed outline through Points
	KindImage     Kind = "image"     // pasted pixels filling the box of Points[0] and Points[1]

	kindOpen Kind = "open" // straight lines through Points: a polygon that is not closed yet; never in a document
)

// Point is a position on the canvas in canvas pixels, with (0,0) at the top left corner of the top left pixel, and the
// share of the object's width that the line has there (1 = full width).
type Point struct {
	X, Y, Pressure float32
}

// Axis marks the lines about which an object is mirrored as well. A mirrored object is one object: its copies share one
// coverage, so that they never darken each other where they meet.
type Axis struct {
	// Vertical mirrors left and right about x = X; Horizontal mirrors top and bottom about y = Y.
	Vertical, Horizontal bool
	X, Y                 float32
}

// Object is one thing that was drawn. Objects are never changed once they are in a document, so slices of them can be
// shared between the document, its history and goroutines that rasterise or encode it.
type Object struct {
	Kind     Kind
	Points   []Point
	Width    float64 // of the line at Pressure 1, in canvas pixels
	Softness float64 // 0 = crisp edge, 1 = fades from the centre line outwards
	Mirror   Axis
	Image    *Picture // KindImage only

	box image.Rectangle // pixels that the object can touch, mirror copies included
}

// Brush is what the brush, the eraser and the shapes draw with.
type Brush struct {
	Size     float64 // diameter in canvas pixels, MinBrushSize to MaxBrushSize
	Softness float64 // 0 to 1, see Object.Softness
	Taper    float64 // 0 to 1: how much a fast stroke gets thinner
}

// The limits of Brush.Size in canvas pixels.
const (
	MinBrushSize = 1
	MaxBrushSize = 200
)

// clamped returns the brush with every field inside its range.
func (b Brush) clamped() Brush {
	b.Size = clamp(b.Size, MinBrushSize, MaxBrushSize)
	b.Softness = clamp(b.Softness, 0, 1)
	b.Taper = clamp(b.Taper, 0, 1)
	return b
}

// clamp returns v limited to lo…hi, and lo for a v that is not a number.
func clamp(v, lo, hi float64) float64 {
	if !(v > lo) {
		return lo
	}
	return math.Min(v, hi)
}

// transform maps canvas coordinates to the pixels of a raster: p·scale + offset.
type transform struct {
	scale, dx, dy float64
}

// identity is the transform of a raster that has the size of the canvas.
func identity() transform { return transform{scale: 1} }

// computeBox fills in o.box.
func (o *Object) computeBox() {
	var r bounds
	margin := o.Width/2 + 1
	if o.Kind == KindImage {
		margin = 1
	}
	for _, p := range o.Points {
		r.add(float64(p.X), float64(p.Y), margin)
		o.Mirror.each(float64(p.X), float64(p.Y), func(x, y float64) { r.add(x, y, margin) })
	}
	o.box = r.rect()
}

// copies returns how many mirror images of the object there are besides the object itself: 0, 1 or 3.
func (a Axis) copies() int {
	switch {
	case a.Vertical && a.Horizontal:
		return 3
	case a.Vertical || a.Horizontal:
		return 1
	}
	return 0
}

// reflect returns (x,y) as it appears in the mirror copy with the given number, counted from 1; 0 is the original.
func (a Axis) reflect(copy int, x, y float64) (float64, float64) {
	flipX := a.Vertical && copy&1 == 1
	flipY := a.Horizontal && (copy >= 2 || copy == 1 && !a.Vertical)
	if flipX {
		x = 2*float64(a.X) - x
	}
	if flipY {
		y = 2*float64(a.Y) - y
	}
	return x, y
}

// each calls f with every mirror image of (x,y).
func (a Axis) each(x, y float64, f func(x, y float64)) {
	for i := 1; i <= a.copies(); i++ {
		f(a.reflect(i, x, y))
	}
}

// scaled returns the object moved and scaled by t.
func (o *Object) scaled(t transform) *Object {
	n := *o
	n.Points = make([]Point, len(o.Points))
	for i, p := range o.Points {
		n.Points[i] = bounded(float64(p.X)*t.scale+t.dx, float64(p.Y)*t.scale+t.dy, float64(p.Pressure))
	}
	n.Width = o.Width * t.scale
	axis := bounded(float64(o.Mirror.X)*t.scale+t.dx, float64(o.Mirror.Y)*t.scale+t.dy, 0)
	n.Mirror.X, n.Mirror.Y = axis.X, axis.Y
	n.computeBox()
	return &n
}

// quantised makes a point with two decimals: the text of a document stays short, and a document read back draws exactly
// the pixels that were drawn.
func quantised(x, y, pressure float64) Point {
	return Point{
		X:        float32(math.Round(x*100) / 100),
		Y:        float32(math.Round(y*100) / 100),
		Pressure: float32(math.Round(clamp(pressure, 0, 1)*100) / 100),
	}
}

// bounded is quantised for a point that may be far outside the canvas.
func bounded(x, y, pressure float64) Point {
	return quantised(clamp(x, -maxCoordinate, maxCoordinate), clamp(y, -maxCoordinate, maxCoordinate), pressure)
}

// bounds collects a bounding box; its zero value is empty.
type bounds struct {
	x0, y0, x1, y1 float64
	any            bool
}

func (b *bounds) add(x, y, margin float64) {
	if !b.any {
		*b = bounds{x - margin, y - margin, x + margin, y + margin, true}
		return
	}
	b.x0, b.y0 = math.Min(b.x0, x-margin), math.Min(b.y0, y-margin)
	b.x1, b.y1 = math.Max(b.x1, x+margin), math.Max(b.y1, y+margin)
}

// rect returns the pixels that the box touches.
func (b *bounds) rect() image.Rectangle {
	if !b.any {
		return image.Rectangle{}
	}
	const far = 1 << 20 // keeps the conversion to int safe for any coordinate a document can hold
	lo := func(v float64) int { return int(math.Floor(clamp(v, -far, far))) }
	hi := func(v float64) int { return int(math.Ceil(clamp(v, -far, far))) }
	return image.Rect(lo(b.x0), lo(b.y0), hi(b.x1), hi(b.y1))
}
