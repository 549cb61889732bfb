package views

import (
	"fmt"
	"image"
	"math"
)

// Name is a camera that has a name.
type Name string

// The named views, by the words that prompts use for them.
const (
	Front             Name = "front"
	ThreeQuarterLeft  Name = "three-quarter-left"
	ThreeQuarterRight Name = "three-quarter-right"
	SideLeft          Name = "side-left"
	SideRight         Name = "side-right"
	Back              Name = "back"
	Top               Name = "top"
)

// Names lists the named views in the order in which a turntable shows them.
func Names() []Name {
	return []Name{Front, ThreeQuarterRight, SideRight, Back, SideLeft, ThreeQuarterLeft, Top}
}

// DefaultField is the angle of view of the named cameras: a long lens, as
// product photographs have, and that of the starter checkpoint's training.
const DefaultField = 26 * math.Pi / 180

// Camera looks at a target. All angles are in radians. Its up direction is as
// near to the world's as it can be.
type Camera struct {
	// Azimuth turns around the object: 0 is in front, positive values show its
	// right side. Elevation is the angle above the horizon.
	Azimuth, Elevation float64
	// Field is the vertical angle of view; 0 is orthographic.
	Field float64
	// Span is the height of the picture in world units, measured in the plane
	// through the target. 0 lets Frame choose it.
	Span   float64
	Target Vec
}

// Named returns the camera of a named view, to be framed.
func Named(n Name) (Camera, error) {
	degrees := map[Name][2]float64{
		Front: {0, 12}, ThreeQuarterLeft: {-40, 20}, ThreeQuarterRight: {40, 20}, SideLeft: {-90, 12},
		SideRight: {90, 12}, Back: {180, 14}, Top: {25, 62},
	}
	d, ok := degrees[n]
	if !ok {
		return Camera{}, fmt.Errorf("unknown view %q; there are %v", string(n), Names())
	}
	return Camera{Azimuth: d[0] * math.Pi / 180, Elevation: d[1] * math.Pi / 180, Field: DefaultField}, nil
}

// check reports what makes a camera unusable.
func (c Camera) check() error {
	for _, v := range []float64{c.Azimuth, c.Elevation, c.Field, c.Span, c.Target[0], c.Target[1], c.Target[2]} {
		if math.IsNaN(v) || math.Abs(v) > 1e6 {
			return fmt.Errorf("camera: %g is not a usable number", v)
		}
	}
	if c.Elevation < -math.Pi/2 || c.Elevation > math.Pi/2 {
		return fmt.Errorf("camera: elevation %.1f° is not in −90…90°", c.Elevation*180/math.Pi)
	}
	if c.Field < 0 || c.Field > 2 {
		return fmt.Errorf("camera: field of view %.1f° is not in 0…114°", c.Field*180/math.Pi)
	}
	if c.Span < 0 {
		return fmt.Errorf("camera: span %g is negative", c.Span)
	}
	return nil
}

// lens is a camera on a picture of one size.
type lens struct {
	right, up, forward Vec
	eye                Vec // of an orthographic camera: a point in the target plane
	ortho              bool
	distance           float64 // from the eye to the target
	scale              float64 // pixels per world unit in the target plane
	middle             point
}

func (c Camera) on(size image.Point) lens {
	sa, ca := math.Sincos(c.Azimuth)
	se, ce := math.Sincos(c.Elevation)
	l := lens{
		forward: Vec{-sa * ce, -se, -ca * ce},
		right:   Vec{ca, 0, -sa},
		ortho:   c.Field == 0,
		scale:   float64(size.Y) / c.Span,
		middle:  point{float64(size.X) / 2, float64(size.Y) / 2},
	}
	l.up = l.right.cross(l.forward)
	l.eye = c.Target
	if !l.ortho {
		l.distance = c.Span / 2 / math.Tan(c.Field/2)
		l.eye = c.Target.sub(l.forward.mul(l.distance))
	}
	return l
}

// project returns where p appears and how far it lies along the view direction,
// from the eye or, for an orthographic camera, from the target plane.
func (l *lens) project(p Vec) (at point, depth float64) {
	rel := p.sub(l.eye)
	depth = rel.dot(l.forward)
	s := l.scale
	if !l.ortho {
		s *= l.distance / depth
	}
	return point{l.middle.x + s*rel.dot(l.right), l.middle.y - s*rel.dot(l.up)}, depth
}

// ray returns the line through a place in the picture. dir has a component of 1
// along the view direction, so that origin + depth·dir has that depth.
func (l *lens) ray(p point) (origin, dir Vec) {
	x, y := (p.x-l.middle.x)/l.scale, (l.middle.y-p.y)/l.scale
	side := l.right.mul(x).add(l.up.mul(y))
	if l.ortho {
		return l.eye.add(side), l.forward
	}
	return l.eye, l.forward.add(side.mul(1 / l.distance))
}

// onPlane is where the line through p meets the upright plane before the target
// that faces the camera horizontally, moved by towards world units to the camera.
func (l *lens) onPlane(p point, target Vec, towards float64) Vec {
	origin, dir := l.ray(p)
	n := l.facing()
	t := (towards - origin.sub(target).dot(n)) / dir.dot(n)
	return origin.add(dir.mul(t))
}

// facing is the horizontal direction from the target to the camera.
func (l *lens) facing() Vec { return Vec{-l.right[2], 0, l.right[0]} }

// Frame returns the camera aimed and spanned so that a mesh fills the given
// share of a picture of that size; a span that is set already is kept, and then
// only the aim is centred.
func (c Camera) Frame(m *Mesh, size image.Point, fill float64) Camera {
	low, high := m.Bounds()
	c.Target = low.to(high, .5)
	if len(m.Points) == 0 {
		if c.Span == 0 {
			c.Span = 1
		}
		return c
	}
	given := c.Span > 0
	if !given {
		c.Span = max(high.sub(low).length(), 1e-6)
	}
	aspect := float64(size.X) / float64(size.Y)
	// A few rounds settle it, as perspective changes with the distance.
	for range 6 {
		l := c.on(size)
		x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
		for _, p := range m.Points {
			at, depth := l.project(p)
			if !l.ortho && depth <= 1e-6*l.distance {
				continue
			}
			x0, x1, y0, y1 = min(x0, at.x), max(x1, at.x), min(y0, at.y), max(y1, at.y)
		}
		if math.IsInf(x0, 1) {
			c.Span *= 2
			continue
		}
		dx, dy := (x0+x1)/2-l.middle.x, (y0+y1)/2-l.middle.y
		c.Target = c.Target.add(l.right.mul(dx / l.scale)).sub(l.up.mul(dy / l.scale))
		if !given {
			c.Span *= max((x1-x0)/aspect, y1-y0) / (fill * float64(size.Y))
		}
	}
	return c
}
