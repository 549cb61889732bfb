package views

import (
	"math"
	"slices"
)

// boxFit is a box with its camera: a turn about the upright axis, an elevation,
// full sizes, and the middle of the front face's lower edge.
type boxFit struct {
	cam     Camera
	size    Vec // width, height, depth
	at      Vec
	seen    []seen
	free    bool    // the camera's angles are to be found too
	residue float64 // mean distance of corners, in pixels
}

// seen is a corner of the unit box and where the drawing has it.
type seen struct {
	corner [3]float64 // x −½…½, y 0…1, z 0 (front) … −1 (back)
	at     point
}

func (f *boxFit) corner(c [3]float64) Vec {
	return Vec{f.at[0] + c[0]*f.size[0], f.at[1] + c[1]*f.size[1], f.at[2] + c[2]*f.size[2]}
}

// boxOf reads an object as one upright box: from its outline of six corners,
// which a box shows when two or three faces are seen. A wrong reading is told by
// corners that no box can have.
func (b *builder) boxOf(o *outline) (*Mesh, Camera, bool) {
	line := o.trace()
	for _, tolerance := range []float64{1.3, 2, 3, 4.5, 6.5} {
		corners := polygon(line, tolerance*b.unit)
		if len(corners) != 6 {
			continue
		}
		var best *boxFit
		for _, f := range append(b.frontal(corners), b.corners(corners)...) {
			b.settle(f)
			if best == nil || f.residue < best.residue {
				best = f
			}
		}
		if best != nil && best.residue < 4*b.unit && min(best.size[0], best.size[1], best.size[2]) > 0 {
			return best.mesh(), best.cam, true
		}
	}
	return nil, Camera{}, false
}

// frontal sees the six corners as a box from before and above: the lower edge of
// the front, its upper corners, and the back's upper edge.
func (b *builder) frontal(c []point) []*boxFit {
	sorted := slices.Clone(c)
	slices.SortFunc(sorted, func(a, b point) int { return cmpFloat(b.y, a.y) })
	pair := func(i int) (left, right point) {
		left, right = sorted[i], sorted[i+1]
		if left.x > right.x {
			left, right = right, left
		}
		return left, right
	}
	bl, br := pair(0)
	fl, fr := pair(2)
	tl, tr := pair(4)
	width := br.x - bl.x
	if width < 8*b.unit || math.Abs(br.y-bl.y) > .06*width || math.Abs(fr.y-fl.y) > .06*width ||
		math.Abs(tr.y-tl.y) > .06*width || tl.x < fl.x || tr.x > fr.x {
		return nil
	}
	cam := b.camera
	if !b.known && cam.Elevation == 0 {
		cam.Elevation = 12 * math.Pi / 180
	}
	l := cam.on(b.l.Size)
	f := &boxFit{cam: cam, seen: []seen{
		{[3]float64{-.5, 0, 0}, bl}, {[3]float64{.5, 0, 0}, br}, {[3]float64{-.5, 1, 0}, fl},
		{[3]float64{.5, 1, 0}, fr}, {[3]float64{-.5, 1, -1}, tl}, {[3]float64{.5, 1, -1}, tr},
	}}
	p, q := l.onPlane(bl, cam.Target, 0), l.onPlane(br, cam.Target, 0)
	f.at = p.to(q, .5)
	f.size = Vec{q.sub(p).length(), l.onPlane(fl, cam.Target, 0)[1] - p[1], q.sub(p).length()}
	return []*boxFit{f}
}

// corners sees them as a box with two sides and its top: three edges meet in a
// corner inside the outline. Seen from far, the directions of three edges at
// right angles tell how they are turned (pᵢ·pⱼ + zᵢzⱼ = 0).
func (b *builder) corners(c []point) (fits []*boxFit) {
	if b.known {
		return nil
	}
	for k := range 2 {
		at := func(i int) point { return c[(k+i)%6] }
		// The corners next to the inner one are k, k+2 and k+4.
		var inner point
		for i := 0; i < 6; i += 2 {
			inner = inner.add(at(i).add(at(i + 2)).sub(at(i + 1)).mul(1. / 3))
		}
		inner, drawn := b.junction(inner, [3]point{at(0), at(2), at(4)})
		if drawn < .5 {
			continue
		}
		edges := []point{at(0).sub(inner), at(2).sub(inner), at(4).sub(inner)}
		// The upright edge leads down, the others to the left and to the right.
		down := 0
		for i := range edges {
			if edges[i].y/edges[i].length() > edges[down].y/edges[down].length() {
				down = i
			}
		}
		left, right := (down+1)%3, (down+2)%3
		if edges[left].x > edges[right].x {
			left, right = right, left
		}
		if f := b.trihedral(inner, edges[down], edges[left], edges[right], c); f != nil {
			fits = append(fits, f)
		}
	}
	return fits
}

// junction moves the inner corner to where the edges from it to the ends are
// drawn best, and says how well, 0…1.
func (b *builder) junction(from point, ends [3]point) (best point, drawn float64) {
	reach := 0.
	for _, e := range ends {
		reach = max(reach, .1*e.sub(from).length())
	}
	for dx := -reach; dx <= reach; dx += 2 * b.unit {
		for dy := -reach; dy <= reach; dy += 2 * b.unit {
			p := from.add(point{dx, dy})
			sum, n := 0., 0.
			for _, e := range ends {
				for s := 0.; s <= .85; s += .05 {
					sum, n = sum+math.Exp(-b.inkAt(p.to(e, s))/(3*b.unit)), n+1
				}
			}
			if sum/n > drawn {
				best, drawn = p, sum/n
			}
		}
	}
	return best, drawn
}

// trihedral starts a fit from the three edges at the inner corner. The wider of
// the two sides is the front.
func (b *builder) trihedral(inner, down, left, right point, all []point) *boxFit {
	dl, dr, lr := down.dot(left), down.dot(right), left.dot(right)
	if dl >= 0 || dr >= 0 || lr >= 0 {
		return nil // no right angles look like this
	}
	deep := func(a, b, c float64) float64 { return math.Sqrt(-a * b / c) }
	zd, zl, zr := deep(dl, dr, lr), deep(dl, lr, dr), deep(dr, lr, dl)
	length := func(p point, z float64) float64 { return math.Hypot(p.length(), z) }
	height := length(down, zd)
	cam := b.camera
	cam.Elevation = math.Asin(min(1, zd/height))
	s := 1 / cam.on(b.l.Size).scale
	ll, lrLen := length(left, zl), length(right, zr)
	f := &boxFit{free: true}
	near := -1. // the inner corner is the front's upper left one …
	depth, side := left, zl
	if ll >= lrLen {
		near, depth, side = 1, right, zr // … or its upper right one
		f.size = Vec{ll, height, lrLen}
	} else {
		f.size = Vec{lrLen, height, ll}
	}
	f.size = f.size.mul(s)
	// The depth edge leads away from the front: its direction is −z of the box.
	n := length(depth, side)
	cam.Azimuth = math.Atan2(depth.x/n, side/n/math.Cos(cam.Elevation))
	f.cam = cam
	l := cam.on(b.l.Size)
	origin, dir := l.ray(inner)
	p := origin.add(dir.mul(l.distance))
	f.at = Vec{p[0] - near/2*f.size[0], p[1] - f.size[1], p[2]}
	for _, c := range [][3]float64{{near / 2, 0, 0}, {-near / 2, 0, 0}, {-near / 2, 1, 0}, {-near / 2, 1, -1}, {near / 2, 1, -1}, {near / 2, 0, -1}} {
		at, _ := l.project(f.corner(c))
		nearest := slices.MinFunc(all, func(p, q point) int { return cmpFloat(p.sub(at).length(), q.sub(at).length()) })
		f.seen = append(f.seen, seen{c, nearest})
	}
	return f
}

// settle moves box and camera until the corners lie where they are drawn, by
// Levenberg and Marquardt's damped least squares with differences for slopes.
func (b *builder) settle(f *boxFit) {
	values := []*float64{&f.size[0], &f.size[1], &f.size[2], &f.at[0], &f.at[1]}
	if f.free {
		values = append(values, &f.cam.Azimuth, &f.cam.Elevation, &f.cam.Field)
	}
	errors := func() []float64 {
		l := f.cam.on(b.l.Size)
		var out []float64
		for _, s := range f.seen {
			p, _ := l.project(f.corner(s.corner))
			out = append(out, p.x-s.at.x, p.y-s.at.y)
		}
		return out
	}
	sum := func(e []float64) (t float64) {
		for _, v := range e {
			t += v * v
		}
		return t
	}
	damp, now := 1e-3, errors()
	for range 40 {
		n := len(values)
		slopes := make([][]float64, n)
		for k, v := range values {
			const h = 1e-5
			*v += h
			next := errors()
			*v -= h
			for i := range next {
				next[i] = (next[i] - now[i]) / h
			}
			slopes[k] = next
		}
		a := make([][]float64, n)
		for i := range a {
			a[i] = make([]float64, n+1)
			for j := range n {
				for k := range now {
					a[i][j] += slopes[i][k] * slopes[j][k]
				}
			}
			for k := range now {
				a[i][n] -= slopes[i][k] * now[k]
			}
			a[i][i] *= 1 + damp
		}
		step, ok := solve(a)
		if !ok {
			break
		}
		for k, v := range values {
			*v += step[k]
		}
		if next := errors(); sum(next) < sum(now) {
			done := sum(now)-sum(next) < 1e-9*sum(now)
			now, damp = next, damp/4
			if done {
				break
			}
			continue
		}
		for k, v := range values {
			*v -= step[k]
		}
		if damp *= 6; damp > 1e9 {
			break
		}
	}
	f.residue = math.Sqrt(sum(now) / float64(len(f.seen)))
	if math.IsNaN(f.residue) || math.Abs(f.cam.Elevation) > math.Pi/2 || f.cam.Field < .02 || f.cam.Field > 1.5 {
		f.residue = math.Inf(1)
	}
}

// solve reduces a linear system of n rows and n+1 columns.
func solve(a [][]float64) ([]float64, bool) {
	n := len(a)
	for i := range n {
		p := i
		for r := i + 1; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		if math.Abs(a[i][i]) < 1e-300 {
			return nil, false
		}
		for r := range n {
			if r == i {
				continue
			}
			k := a[r][i] / a[i][i]
			for c := i; c <= n; c++ {
				a[r][c] -= k * a[i][c]
			}
		}
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = a[i][n] / a[i][i]
	}
	return out, true
}

// mesh builds the box.
func (f *boxFit) mesh() *Mesh {
	low := f.corner([3]float64{-.5, 0, -1})
	high := f.corner([3]float64{.5, 1, 0})
	return block(low, high)
}

// block is a box between two corners.
func block(low, high Vec) *Mesh {
	m := &Mesh{}
	at := func(x, y, z int) Vec {
		pick := [2]Vec{low, high}
		return Vec{pick[x][0], pick[y][1], pick[z][2]}
	}
	m.quad(at(0, 0, 1), at(1, 0, 1), at(1, 1, 1), at(0, 1, 1))
	m.quad(at(1, 0, 0), at(0, 0, 0), at(0, 1, 0), at(1, 1, 0))
	m.quad(at(1, 0, 1), at(1, 0, 0), at(1, 1, 0), at(1, 1, 1))
	m.quad(at(0, 0, 0), at(0, 0, 1), at(0, 1, 1), at(0, 1, 0))
	m.quad(at(0, 1, 1), at(1, 1, 1), at(1, 1, 0), at(0, 1, 0))
	m.quad(at(0, 0, 0), at(1, 0, 0), at(1, 0, 1), at(0, 0, 1))
	return m
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
