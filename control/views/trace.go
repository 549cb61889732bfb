package views

import (
	"image"
	"math"
	"slices"
)

// trace follows the outer border of the part of the outline that holds its
// topmost pixel, clockwise in the picture: the middles of pixel sides.
func (o *outline) trace() []point {
	return traceMask(o.in, o.drawing.Size, o.box)
}

func traceMask(in []uint8, size image.Point, box image.Rectangle) []point {
	w, h := size.X, size.Y
	inside := func(x, y int) bool { return x >= 0 && y >= 0 && x < w && y < h && in[y*w+x] != 0 }
	start := image.Pt(-1, -1)
	for y := box.Min.Y; y < box.Max.Y && start.X < 0; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if inside(x, y) {
				start = image.Pt(x, y)
				break
			}
		}
	}
	if start.X < 0 {
		return nil
	}
	// Walk on the sides between pixels with the inside at the right hand.
	steps := [4]image.Point{{X: 1}, {Y: 1}, {X: -1}, {Y: -1}} // east, south, west, north
	at, dir := start, 0
	var out []point
	for range 8 * w * h {
		d := steps[dir]
		out = append(out, point{float64(at.X) + float64(d.X)/2, float64(at.Y) + float64(d.Y)/2})
		at = at.Add(d)
		// The pixels ahead, at the left and at the right of the way.
		var left, right image.Point
		switch dir {
		case 0:
			left, right = at.Add(image.Pt(0, -1)), at
		case 1:
			left, right = at, at.Add(image.Pt(-1, 0))
		case 2:
			left, right = at.Add(image.Pt(-1, 0)), at.Add(image.Pt(-1, -1))
		default:
			left, right = at.Add(image.Pt(-1, -1)), at.Add(image.Pt(0, -1))
		}
		switch {
		case inside(left.X, left.Y):
			dir = (dir + 3) % 4
		case !inside(right.X, right.Y):
			dir = (dir + 1) % 4
		}
		if at == start && dir == 0 {
			break
		}
	}
	return out
}

// polygon reduces a closed line to corners no farther than tolerance from it.
// Corners are where straight lines meet that are fitted to the line between
// them, so that they are more exact than a pixel.
func polygon(line []point, tolerance float64) []point {
	if len(line) < 8 {
		return nil
	}
	// Start at the point farthest from the middle, which is a corner.
	var c point
	for _, p := range line {
		c = c.add(p.mul(1 / float64(len(line))))
	}
	first := 0
	for i, p := range line {
		if p.sub(c).length() > line[first].sub(c).length() {
			first = i
		}
	}
	line = append(slices.Clone(line[first:]), line[:first]...)
	far := 0
	for i, p := range line {
		if p.sub(line[0]).length() > line[far].sub(line[0]).length() {
			far = i
		}
	}
	closed := append(slices.Clone(line), line[0])
	rough := append(simplified(closed[:far+1], tolerance), simplified(closed[far:], tolerance)[1:]...)
	rough = rough[:len(rough)-1]
	rough = dropStraight(rough)
	return sharpen(line, rough)
}

// dropStraight leaves out corners where the polygon hardly turns.
func dropStraight(c []point) []point {
	for len(c) > 3 {
		least, at := 7*math.Pi/180, -1
		for i := range c {
			a, b, d := c[(i+len(c)-1)%len(c)], c[i], c[(i+1)%len(c)]
			u, v := b.sub(a), d.sub(b)
			if turn := math.Abs(math.Atan2(u.cross(v), u.dot(v))); turn < least {
				least, at = turn, i
			}
		}
		if at < 0 {
			break
		}
		c = slices.Delete(slices.Clone(c), at, at+1)
	}
	return c
}

// sharpen fits a line to each side and puts the corners where the lines meet.
func sharpen(line, corners []point) []point {
	index := make(map[point]int, len(line))
	for i, p := range line {
		index[p] = i
	}
	n := len(corners)
	type fit struct{ at, dir point }
	fits := make([]fit, n)
	for i := range corners {
		a, b := index[corners[i]], index[corners[(i+1)%n]]
		count := (b - a + len(line)) % len(line)
		cut := min(count/5, 8)
		var pts []point
		for k := cut; k <= count-cut; k++ {
			pts = append(pts, line[(a+k)%len(line)])
		}
		f := fit{corners[i], corners[(i+1)%n].sub(corners[i])}
		if len(pts) > 3 {
			var m point
			for _, p := range pts {
				m = m.add(p.mul(1 / float64(len(pts))))
			}
			var xx, xy, yy float64
			for _, p := range pts {
				d := p.sub(m)
				xx, xy, yy = xx+d.x*d.x, xy+d.x*d.y, yy+d.y*d.y
			}
			s, c := math.Sincos(.5 * math.Atan2(2*xy, xx-yy))
			f = fit{m, point{c, s}}
		}
		fits[i] = f
	}
	out := make([]point, n)
	for i := range corners {
		u, v := fits[(i+n-1)%n], fits[i]
		out[i] = corners[i]
		det := u.dir.cross(v.dir)
		if math.Abs(det) < .1*u.dir.length()*v.dir.length() {
			continue
		}
		p := u.at.add(u.dir.mul(v.at.sub(u.at).cross(v.dir) / det))
		if p.sub(corners[i]).length() < 8 {
			out[i] = p
		}
	}
	return out
}

// triangulate cuts a polygon with holes into triangles by clipping ears; the
// result indexes the outer corners followed by those of the holes. Holes are
// joined to the border by cuts first. Directions of the borders don't matter.
func triangulate(outer []point, holes [][]point) (all []point, triangles [][3]int) {
	ring := oriented(outer, 0, true)
	all = slices.Clone(outer)
	type hole struct {
		at    []int
		right int // its rightmost corner, as a place in at
	}
	var cuts []hole
	for _, h := range holes {
		if len(h) < 3 {
			continue
		}
		c := hole{at: oriented(h, len(all), false)}
		all = append(all, h...)
		for i := range c.at {
			if all[c.at[i]].x > all[c.at[c.right]].x {
				c.right = i
			}
		}
		cuts = append(cuts, c)
	}
	exact := all
	all = shaken(all)
	slices.SortFunc(cuts, func(a, b hole) int { return cmpFloat(all[b.at[b.right]].x, all[a.at[a.right]].x) })
	for _, c := range cuts {
		p := all[c.at[c.right]]
		best, away := -1, math.Inf(1)
		for i, r := range ring {
			q := all[r]
			d := q.sub(p).length()
			if d < away && opens(all, ring, i, p) && visible(all, ring, c.at, p, q) {
				best, away = i, d
			}
		}
		if best < 0 {
			continue // a hole that touches the border in an odd way stays filled
		}
		bridge := []int{ring[best]}
		for k := range len(c.at) + 1 {
			bridge = append(bridge, c.at[(c.right+k)%len(c.at)])
		}
		ring = slices.Insert(ring, best, bridge...)
	}
	return exact, ears(all, ring)
}

// shaken moves corners by up to a hundredth of a pixel, each differently, so that
// no three of them lie on one line, as those of windows in a row do.
func shaken(pts []point) []point {
	out := slices.Clone(pts)
	for i := range out {
		a := float64(i) * 2.399963 // the golden angle spreads the directions
		out[i] = out[i].add(point{math.Cos(a), math.Sin(a)}.mul(.004 + .006*math.Mod(float64(i)*.618, 1)))
	}
	return out
}

// oriented lists corner numbers, counter-clockwise in a picture with y up or the
// other way round.
func oriented(p []point, base int, positive bool) []int {
	area := 0.
	for i := range p {
		area += p[i].cross(p[(i+1)%len(p)])
	}
	out := make([]int, len(p))
	for i := range out {
		out[i] = base + i
	}
	if (area > 0) != positive {
		slices.Reverse(out)
	}
	return out
}

// opens reports whether the way from corner i of the ring to p starts inside the
// ring. Corners at both ends of a cut appear twice, and only one copy faces p.
func opens(all []point, ring []int, i int, p point) bool {
	a, b, c := all[ring[(i+len(ring)-1)%len(ring)]], all[ring[i]], all[ring[(i+1)%len(ring)]]
	in, out := b.sub(a).cross(p.sub(a)) >= 0, c.sub(b).cross(p.sub(b)) >= 0
	if b.sub(a).cross(c.sub(b)) >= 0 {
		return in && out
	}
	return in || out
}

// visible reports whether no side of the ring or the hole crosses the way from p to q.
func visible(all []point, ring, hole []int, p, q point) bool {
	crosses := func(a, b point) bool {
		d1, d2 := q.sub(p).cross(a.sub(p)), q.sub(p).cross(b.sub(p))
		d3, d4 := b.sub(a).cross(p.sub(a)), b.sub(a).cross(q.sub(a))
		return d1*d2 < -1e-9 && d3*d4 < -1e-9
	}
	for _, r := range [2][]int{ring, hole} {
		for i := range r {
			if crosses(all[r[i]], all[r[(i+1)%len(r)]]) {
				return false
			}
		}
	}
	return true
}

// ears clips a ring of corners.
func ears(all []point, ring []int) (out [][3]int) {
	ring = slices.Clone(ring)
	for len(ring) > 3 {
		cut := -1
		for i := range ring {
			a, b, c := all[ring[(i+len(ring)-1)%len(ring)]], all[ring[i]], all[ring[(i+1)%len(ring)]]
			if b.sub(a).cross(c.sub(b)) <= 1e-9 {
				continue
			}
			free := true
			for j, k := range ring {
				p := all[k]
				if p == a || p == b || p == c {
					continue
				}
				before, after := all[ring[(j+len(ring)-1)%len(ring)]], all[ring[(j+1)%len(ring)]]
				if p.sub(before).cross(after.sub(p)) > 0 {
					continue // only corners that point inwards can lie in an ear
				}
				if b.sub(a).cross(p.sub(a)) >= 0 && c.sub(b).cross(p.sub(b)) >= 0 && a.sub(c).cross(p.sub(c)) >= 0 {
					free = false
					break
				}
			}
			if free {
				cut = i
				break
			}
		}
		if cut < 0 { // a border that crosses itself: take what is left as it is
			cut = 0
			a, b, c := all[ring[len(ring)-1]], all[ring[0]], all[ring[1]]
			if b.sub(a).cross(c.sub(b)) <= 0 {
				ring = slices.Delete(ring, 0, 1)
				continue
			}
		}
		out = append(out, [3]int{ring[(cut+len(ring)-1)%len(ring)], ring[cut], ring[(cut+1)%len(ring)]})
		ring = slices.Delete(ring, cut, cut+1)
	}
	if len(ring) == 3 {
		out = append(out, [3]int{ring[0], ring[1], ring[2]})
	}
	return out
}
