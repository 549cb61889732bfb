package control

import (
	"cmp"
	"math"
	"slices"
)

// support is a stroke pixel near a line, by where it lies along the line.
type support struct {
	along, across float64
	fresh         bool // no other line explains it yet
}

// gather walks along a segment and beyond its ends and takes, at each step, the
// stroke pixel nearest to the line within reach. It stops at gaps.
func (f *lineFinder) gather(s segment, reach float64) []support {
	ux, uy := s.direction()
	var out []support
	walk := func(from, to, step float64) {
		missed := 0.
		for t := from; step > 0 && t <= to || step < 0 && t >= to; t += step {
			ok := false
			for r := 0.; r <= reach && !ok; r += .5 {
				for _, c := range [2]float64{r, -r} {
					x, y := s.x0+t*ux-c*uy, s.y0+t*uy+c*ux
					px, py := int(math.Round(x)), int(math.Round(y))
					if f.all.at(px, py) != 0 {
						along, across := s.offset(float64(px), float64(py))
						out = append(out, support{along, across, f.m.at(px, py) != 0})
						ok = true
						break
					}
				}
			}
			missed++
			if ok {
				missed = 0
			}
			// Between the proposed ends gaps may be longer.
			if missed > f.gap && (t > s.length() || t < 0) {
				return
			}
		}
	}
	far := float64(f.m.w + f.m.h)
	walk(0, far, 1)
	walk(-1, -far, -1)
	return out
}

// fit moves a proposed segment to the stroke pixels that lie along it, by least
// squares, and to the ends of their longest run. It reports false when too
// little of the segment is backed by pixels, when other lines explain them
// already, or when they follow a curve.
func (f *lineFinder) fit(s segment, least float64) (segment, bool) {
	for round := range 3 {
		reach := f.wobble
		if round == 0 {
			reach++
		}
		pts := f.gather(s, reach)
		slices.SortFunc(pts, func(a, b support) int { return cmp.Compare(a.along, b.along) })
		pts = longestRun(pts, f.gap, 3*f.taken()+4)
		if len(pts) < 4 {
			return s, false
		}
		from, to := pts[0].along, pts[len(pts)-1].along
		if to-from < least || float64(len(pts)) < .7*(to-from) {
			return s, false
		}
		fresh := 0
		for _, p := range pts {
			if p.fresh {
				fresh++
			}
		}
		if fresh < 4 || float64(fresh) < .15*float64(len(pts)) {
			return s, false
		}
		inner := pts
		if cut := int(f.taken()); len(pts) > 5*cut {
			inner = pts[cut : len(pts)-cut] // thinned strokes bend at corners
		}
		base, slope, sag := fitCurve(inner)
		curved := math.Abs(sag) > max(1.2, .6*f.wobble)
		if curved && math.Abs(sag) > .05*(to-from) {
			return s, false
		}
		ux, uy := s.direction()
		at := func(t float64) (x, y float64) {
			c := base + slope*t
			return s.x0 + t*ux - c*uy, s.y0 + t*uy + c*ux
		}
		x0, y0 := at(from)
		x1, y1 := at(to)
		s = segment{x0, y0, x1, y1}
		// A piece of a curve goes on at both ends, bending the same way.
		if curved && math.Abs(sag) > .018*s.length() && f.goesOn(s, sag) &&
			f.goesOn(segment{s.x1, s.y1, s.x0, s.y0}, -sag) {
			return s, false
		}
	}
	return s, true
}

// goesOn reports whether the stroke continues beyond the segment's end towards
// the side that it bends to: the one opposite to the bow sag of its middle.
func (f *lineFinder) goesOn(s segment, sag float64) bool {
	ux, uy := s.direction()
	side := -math.Copysign(1, sag)
	for t := 4.; t <= 7; t++ {
		for c := -.5; c <= f.wobble+4; c += .5 {
			x, y := s.x1+t*ux-side*c*uy, s.y1+t*uy+side*c*ux
			if f.all.at(int(math.Round(x)), int(math.Round(y))) != 0 {
				return true
			}
		}
	}
	return false
}

// fitCurve fits across = base + slope·along by least squares, and a parabola to
// tell how far the middle of the support bows from its ends; sag is positive when
// it bows to positive across.
func fitCurve(pts []support) (base, slope, sag float64) {
	n := float64(len(pts))
	var mt, mc float64
	for _, p := range pts {
		mt, mc = mt+p.along/n, mc+p.across/n
	}
	var t2, t3, t4, tc, ttc float64
	for _, p := range pts {
		t, c := p.along-mt, p.across-mc
		t2, t3, t4 = t2+t*t, t3+t*t*t, t4+t*t*t*t
		tc, ttc = tc+t*c, ttc+t*t*c
	}
	if t2 < 1e-9 {
		return mc, 0, 0
	}
	slope = tc / t2
	// The parabola's bend, after taking line and mean out of t².
	if d := t4 - t2*t2/n - t3*t3/t2; d > 1e-9 {
		half := (pts[len(pts)-1].along - pts[0].along) / 2
		sag = -(ttc - t3*tc/t2) / d * half * half
	}
	return mc - slope*mt, slope, sag
}

// longestRun cuts sorted support at gaps, and where other lines explain a
// longer stretch than a crossing, and keeps the longest piece.
func longestRun(pts []support, gap, crossing float64) []support {
	best, from := pts[:0], 0
	stale := 0 // where the current stretch of explained pixels began
	for i := 1; i <= len(pts); i++ {
		whole := i < len(pts) && pts[i].along-pts[i-1].along <= gap
		if i < len(pts) && (pts[i].fresh || pts[i-1].fresh) {
			stale = i
		}
		if whole && (pts[i].fresh || pts[i].along-pts[stale].along <= crossing) {
			continue
		}
		run := pts[from:i]
		if len(best) == 0 || run[len(run)-1].along-run[0].along > best[len(best)-1].along-best[0].along {
			best = run
		}
		from, stale = i, i
	}
	return best
}

// taken is how far from a line pixels count as explained by it.
func (f *lineFinder) taken() float64 { return f.wobble + .75 }

// take removes the pixels that a segment explains.
func (f *lineFinder) take(s segment) {
	ux, uy := s.direction()
	reach := f.taken()
	for t := -1.; t <= s.length()+1; t += .5 {
		for c := -reach; c <= reach; c += .5 {
			x, y := int(math.Round(s.x0+t*ux-c*uy)), int(math.Round(s.y0+t*uy+c*ux))
			if x >= 0 && y >= 0 && x < f.m.w && y < f.m.h {
				f.m.on[y*f.m.w+x] = 0
			}
		}
	}
}
