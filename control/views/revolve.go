package views

import (
	"math"

	"maquette/control"
)

// What makes an outline a body of revolution.
const (
	leastSymmetry = .93 // share of the outline that is covered by its mirror image
	leastSupport  = .55 // how well its base ring must follow drawn strokes
	ringSupport   = .6  // how well a band around it must
	wallShare     = .05 // thickness of a vessel's wall, of its greatest radius
)

// revolve reads an object as a body of revolution about an upright axis. The
// camera is the one the drawing shows it from; without one the elevation is the
// one at which rims, bands and base follow the drawn strokes best. fits says
// whether the drawing supports this reading at all.
func (b *builder) revolve(o *outline) (m *Mesh, cam Camera, fits bool) {
	axis, half, symmetry := o.halves()
	if len(half) < 8 {
		return nil, Camera{}, false
	}
	line := o.contour(half, 1.4*b.unit)
	t, support := b.turn(o, axis, line, b.camera)
	cam = b.camera
	if !b.known {
		for e := 0.; e <= 40; e++ {
			c := b.camera
			c.Elevation = e * math.Pi / 180
			// Of equally good ones the lowest, as drawn in elevation.
			if u, s := b.turn(o, axis, line, c); u != nil && (t == nil || s > support+.004) {
				t, support, cam = u, s, c
			}
		}
	}
	if t == nil {
		return nil, cam, false
	}
	return b.vessel(o, t), cam, symmetry >= leastSymmetry && support >= leastSupport
}

// turn lifts the outline for one camera, and measures how well the rings that
// follow from it are drawn.
func (b *builder) turn(o *outline, axis float64, line []point, c Camera) (*lathe, float64) {
	t := newLathe(o, c.on(b.l.Size), c.Target, axis, line)
	if len(t.outside) < 2 {
		return nil, 0
	}
	last := len(t.outside) - 1
	base := b.support(t, t.outside[last], 0, 75)
	sum, n := 2*base, 2.
	for _, y := range b.crossings(o, axis) {
		if ring, ok := t.under(y); ok && y < t.bottom.y-4*b.unit {
			sum, n = sum+b.support(t, ring, 0, 75), n+1
		}
	}
	sum, n = sum+b.support(t, t.outside[0], math.Pi, 75), n+1
	return t, min(sum/n, (base+1)/2)
}

// support is how well part of a ring follows drawn strokes, 0…1: the arc of
// reach degrees to both sides of an angle around the axis.
func (b *builder) support(t *lathe, ring point, middle, reach float64) float64 {
	const steps = 12
	sum := 0.
	for k := -steps; k <= steps; k++ {
		p := t.at(ring, middle+float64(k)/steps*reach*math.Pi/180)
		sum += math.Exp(-b.inkAt(p) / (2.5 * b.unit))
	}
	return sum / (2*steps + 1)
}

// crossings lists the heights at which strokes cross the object's axis.
func (b *builder) crossings(o *outline, axis float64) []float64 {
	w, x := b.l.Size.X, int(axis)
	var out []float64
	from := -1
	for y := o.box.Min.Y; y <= o.box.Max.Y; y++ {
		on := y < o.box.Max.Y && b.l.Ink[y*w+x] != 0
		if on && from < 0 {
			from = y
		}
		if !on && from >= 0 {
			if from > o.box.Min.Y+1 && y < o.box.Max.Y-1 {
				out = append(out, float64(from+y)/2)
			}
			from = -1
		}
	}
	return out
}

// vessel builds the body: outside, bands, and a hollow where a rim shows that
// the body is open.
func (b *builder) vessel(o *outline, t *lathe) *Mesh {
	outside := simplified(settled(t.outside, 3*b.unit/t.lens.scale), .5*b.unit/t.lens.scale)
	rim, base := outside[0], outside[len(outside)-1]
	widest := 0.
	for _, p := range outside {
		widest = max(widest, p.x)
	}
	profile := []point{{0, base.y}}
	for i := len(outside) - 1; i >= 0; i-- {
		profile = append(profile, outside[i])
	}
	front, back := t.at(rim, 0).y, t.at(rim, math.Pi).y
	var bands []float64
	wall, inner, drawn := wallShare*widest, false, false
	for _, y := range b.crossings(o, t.axis) {
		switch {
		case math.Abs(y-front) < max(2.5*b.unit, .12*(front-back)):
			drawn = true
		case y < front && y > back+1.5*b.unit:
			// The last one before the rim is the near edge of the opening.
			if r := rim.x * (y - (front+back)/2) / max((front-back)/2, 1e-9); r > .5*rim.x {
				wall, inner = rim.x-r, true
			}
		case y > front:
			bands = append(bands, y)
		}
	}
	flares := len(outside) > 2 && rim.x > 1.06*radiusBelow(outside, .12)
	wide := rim.x > .6*widest
	inside, deep := hollow(outside, wall)
	if deep && (inner || (drawn || front-back < 3*b.unit) && (flares || wide)) {
		profile = append(profile, inside...)
	} else {
		profile = append(profile, point{0, rim.y})
	}
	m := turned(profile, t.foot)
	for _, y := range bands {
		if ring, ok := t.under(y); ok && b.support(t, ring, 0, 70) > ringSupport {
			m.Strokes = append(m.Strokes, circle(t.foot, ring.x, ring.y))
		}
	}
	return m
}

// radiusBelow is the outside's radius a share of its height below the rim.
func radiusBelow(outside []point, share float64) float64 {
	top, bottom := outside[0].y, outside[len(outside)-1].y
	for _, p := range outside {
		if p.y < top-share*(top-bottom) {
			return p.x
		}
	}
	return outside[len(outside)-1].x
}

// settled takes the jitter out of a profile where the outline runs along rings:
// heights never rise on the way down, and the rim is one point.
func settled(outside []point, jitter float64) []point {
	out := make([]point, 0, len(outside))
	for i, p := range outside {
		if i > 0 {
			p.y = min(p.y, out[i-1].y)
		}
		out = append(out, p)
	}
	rim, n := out[0], 1
	for n < len(out)-1 && out[n].y > out[0].y-jitter && out[n].x > rim.x-2*jitter {
		rim.x = max(rim.x, out[n].x)
		n++
	}
	return append([]point{rim}, out[n:]...)
}

// hollow is the inside of a vessel from its rim down to its floor: the outside,
// set in by the wall, as far down as it keeps a fair width. deep says whether
// that is more than a dent.
func hollow(outside []point, wall float64) (inside []point, deep bool) {
	rim, base := outside[0], outside[len(outside)-1]
	floor := base.y + .1*(rim.y-base.y)
	in := []point{{max(rim.x-wall, .2*rim.x), rim.y}}
	for _, p := range outside[1:] {
		prev := in[len(in)-1]
		p.x -= wall
		if p.y < floor && p.y < prev.y {
			p = prev.to(p, (floor-prev.y)/(p.y-prev.y))
		}
		if p.x < .2*rim.x || p.x < .45*prev.x {
			break
		}
		in = append(in, p)
		if p.y <= floor {
			break
		}
	}
	end := in[len(in)-1]
	return append(in, point{0, end.y}), rim.y-end.y > .15*rim.x
}

// inkDistance is how far each pixel is from the nearest stroke's centre line, in
// pixels, up to a limit: two sweeps of steps 1 and √2.
func inkDistance(l *control.Lifted, limit float32) []float32 {
	w, h := l.Size.X, l.Size.Y
	d := make([]float32, w*h)
	for i, v := range l.Thin {
		d[i] = limit
		if v != 0 {
			d[i] = 0
		}
	}
	at := func(x, y int) float32 {
		if x < 0 || y < 0 || x >= w || y >= h {
			return limit
		}
		return d[y*w+x]
	}
	for y := range h {
		for x := range w {
			i := y*w + x
			d[i] = min(d[i], at(x-1, y)+1, at(x, y-1)+1, at(x-1, y-1)+math.Sqrt2, at(x+1, y-1)+math.Sqrt2)
		}
	}
	for y := h - 1; y >= 0; y-- {
		for x := w - 1; x >= 0; x-- {
			i := y*w + x
			d[i] = min(d[i], at(x+1, y)+1, at(x, y+1)+1, at(x+1, y+1)+math.Sqrt2, at(x-1, y+1)+math.Sqrt2)
		}
	}
	return d
}

// inkAt is the distance to the nearest stroke.
func (b *builder) inkAt(p point) float64 {
	x, y := int(math.Floor(p.x)), int(math.Floor(p.y))
	if x < 0 || y < 0 || x >= b.l.Size.X || y >= b.l.Size.Y {
		return inkLimit
	}
	return float64(b.ink[y*b.l.Size.X+x])
}

// inkLimit is the farthest distance that inkDistance tells apart.
const inkLimit = 24
