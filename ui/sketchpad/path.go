package sketchpad

import (
	"image"
	"math"
)

// node is a point of a flattened outline in the pixels of a raster: its centre and the line's radius there.
type node struct{ x, y, r float64 }

// flatness is how far, in pixels of the raster, a flattened curve may stray from the true one.
const flatness = 0.08

// minRadius keeps every line at least one pixel wide at whatever size it is rasterised, so that no stroke disappears
// from a control image that is smaller than the canvas.
const minRadius = 0.5

// outline calls emit with every straight piece of the object's line work, mirror copies included, in the pixels of a
// raster placed by t. Freehand segments that do not reach clip are left out.
func (o *Object) outline(t transform, clip image.Rectangle, emit func(a, b node)) {
	for c := 0; c <= o.Mirror.copies(); c++ {
		pen := pen{o: o, t: t, copy: c}
		switch o.Kind {
		case KindBrush, KindEraser, KindMask, KindUnmask:
			for i := 0; i < max(1, len(o.Points)-1); i++ {
				if pen.reaches(i, clip) {
					pen.segment(i, emit)
				}
			}
		case KindLine:
			emit(pen.node(o.Points[0]), pen.node(o.Points[1]))
		case KindRectangle:
			a, b := o.Points[0], o.Points[1]
			pen.loop([]Point{a, {b.X, a.Y, 1}, b, {a.X, b.Y, 1}}, emit)
		case KindEllipse:
			pen.loop(pen.ellipse(), emit)
		case KindPolygon:
			pen.loop(o.Points, emit)
		case kindOpen:
			for i := range len(o.Points) - 1 {
				emit(pen.node(o.Points[i]), pen.node(o.Points[i+1]))
			}
		}
	}
}

// pen places the points of one mirror copy of an object on a raster.
type pen struct {
	o    *Object
	t    transform
	copy int
}

// node returns p as it lies on the raster.
func (n pen) node(p Point) node {
	x, y := n.o.Mirror.reflect(n.copy, float64(p.X), float64(p.Y))
	return node{
		x: x*n.t.scale + n.t.dx,
		y: y*n.t.scale + n.t.dy,
		r: math.Max(minRadius, n.o.Width*float64(p.Pressure)*n.t.scale/2),
	}
}

// loop emits the closed outline through points.
func (n pen) loop(points []Point, emit func(a, b node)) {
	for i, p := range points {
		emit(n.node(p), n.node(points[(i+1)%len(points)]))
	}
}

// ellipse returns points on the ellipse inscribed in the object's box, near enough to each other for the raster.
func (n pen) ellipse() []Point {
	a, b := n.o.Points[0], n.o.Points[1]
	cx, cy := float64(a.X+b.X)/2, float64(a.Y+b.Y)/2
	rx, ry := math.Abs(float64(b.X-a.X))/2, math.Abs(float64(b.Y-a.Y))/2
	// A chord over the angle 2π/k leaves the circle of radius r by r·(1-cos(π/k)) ≈ r·π²/(2k²).
	long := math.Max(rx, ry) * n.t.scale
	k := int(clamp(math.Ceil(math.Pi*math.Sqrt(long/(2*flatness))), 8, 512))
	points := make([]Point, k)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(k))
		points[i] = Point{float32(cx + rx*cos), float32(cy + ry*sin), 1}
	}
	return points
}

// reaches reports whether segment i of a freehand stroke may touch clip. The spline stays within half its longest chord
// of the points around it.
func (n pen) reaches(i int, clip image.Rectangle) bool {
	var box bounds
	for j := max(i-1, 0); j <= min(i+2, len(n.o.Points)-1); j++ {
		p := n.node(n.o.Points[j])
		box.add(p.x, p.y, p.r+1)
	}
	grow := math.Max(box.x1-box.x0, box.y1-box.y0) / 2
	return box.x0-grow < float64(clip.Max.X) && box.x1+grow > float64(clip.Min.X) &&
		box.y0-grow < float64(clip.Max.Y) && box.y1+grow > float64(clip.Min.Y)
}

// segment emits the curve of a freehand stroke from point i to point i+1, or a dot if the stroke is a single point.
//
// The curve is the centripetal Catmull–Rom spline, which passes through every point without loops or overshoot (Yuksel,
// Schaefer, Keyser: "Parameterization and applications of Catmull–Rom curves", 2011), taken as a cubic Bézier. It depends
// on the points i-1 … i+2 only, so that a stroke can be rasterised while it is being drawn.
func (n pen) segment(i int, emit func(a, b node)) {
	at := func(j int) node { return n.node(n.o.Points[min(max(j, 0), len(n.o.Points)-1)]) }
	p0, p1, p2, p3 := at(i-1), at(i), at(i+1), at(i+2)
	c1, c2 := controls(p0, p1, p2, p3)
	// A cubic strays from its chord pieces by at most 6·|second difference|/(8·k²) for k pieces.
	bend := math.Max(
		math.Hypot(p1.x-2*c1.x+c2.x, p1.y-2*c1.y+c2.y),
		math.Hypot(c1.x-2*c2.x+p2.x, c1.y-2*c2.y+p2.y))
	k := int(clamp(math.Ceil(math.Sqrt(0.75*bend/flatness)), 1, 64))
	from := p1
	for s := 1; s <= k; s++ {
		to := p2
		if s < k {
			to = bezier(p1, c1, c2, p2, float64(s)/float64(k))
		}
		emit(from, to)
		from = to
	}
}

// controls returns the inner control points of the Bézier curve equal to the centripetal Catmull–Rom segment p1…p2.
func controls(p0, p1, p2, p3 node) (c1, c2 node) {
	d1 := math.Hypot(p1.x-p0.x, p1.y-p0.y)
	d2 := math.Hypot(p2.x-p1.x, p2.y-p1.y)
	d3 := math.Hypot(p3.x-p2.x, p3.y-p2.y)
	s1, s2, s3 := math.Sqrt(d1), math.Sqrt(d2), math.Sqrt(d3)
	c1, c2 = p1, p2
	const tiny = 1e-9
	if s1 > tiny && s2 > tiny {
		k, w := 3*s1*(s1+s2), 2*d1+3*s1*s2+d2
		c1.x = (d1*p2.x - d2*p0.x + w*p1.x) / k
		c1.y = (d1*p2.y - d2*p0.y + w*p1.y) / k
	}
	if s3 > tiny && s2 > tiny {
		k, w := 3*s3*(s3+s2), 2*d3+3*s3*s2+d2
		c2.x = (d3*p1.x - d2*p3.x + w*p2.x) / k
		c2.y = (d3*p1.y - d2*p3.y + w*p2.y) / k
	}
	return c1, c2
}

// bezier evaluates a cubic Bézier curve at t; the radius goes straight from one end to the other.
func bezier(p1, c1, c2, p2 node, t float64) node {
	u := 1 - t
	a, b, c, d := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
	return node{
		x: a*p1.x + b*c1.x + c*c2.x + d*p2.x,
		y: a*p1.y + b*c1.y + c*c2.y + d*p2.y,
		r: u*p1.r + t*p2.r,
	}
}
