package control

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// join merges pieces of one line: nearly parallel, on one line within the
// wobble, and with no more than a gap between them.
func (f *lineFinder) join(ctx context.Context, lines []segment) ([]segment, error) {
	slices.SortStableFunc(lines, func(a, b segment) int { return cmp.Compare(b.length(), a.length()) })
	for merged := true; merged; {
		merged = false
		for i := 0; i < len(lines); i++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for j := i + 1; j < len(lines); j++ {
				if s, ok := f.joined(lines[i], lines[j]); ok {
					lines[i] = s
					lines = slices.Delete(lines, j, j+1)
					merged = true
					j--
				}
			}
		}
	}
	return lines, nil
}

// joined merges b into the longer a if they are pieces of one line.
func (f *lineFinder) joined(a, b segment) (segment, bool) {
	ux, uy := a.direction()
	vx, vy := b.direction()
	tilt := math.Abs(math.Asin(min(1, math.Abs(ux*vy-uy*vx))))
	t0, c0 := a.offset(b.x0, b.y0)
	t1, c1 := a.offset(b.x1, b.y1)
	low, high := min(t0, t1), max(t0, t1)
	overlap := min(high, a.length()) - max(low, 0)
	reach := 1.5 * f.wobble
	if overlap > .5*b.length() {
		// Side by side: one stroke only when they lie on each other, else two.
		reach = max(.75, .4*f.wobble)
	}
	// Short pieces tell their direction less well than long ones.
	limit := max(2.5*math.Pi/180, math.Atan(1.5*f.wobble/max(b.length(), 1)))
	if tilt > min(limit, 12*math.Pi/180) || -overlap > f.gap+2*f.wobble {
		return a, false
	}
	from, to := min(low, 0), max(high, a.length())
	// The line through both, weighted by length.
	wa, wb := a.length(), b.length()
	type point struct{ t, c, w float64 }
	pts := [4]point{{0, 0, wa}, {wa, 0, wa}, {t0, c0, wb}, {t1, c1, wb}}
	var n, st, sc, stt, stc float64
	for _, p := range pts {
		n, st, sc = n+p.w, st+p.w*p.t, sc+p.w*p.c
		stt, stc = stt+p.w*p.t*p.t, stc+p.w*p.t*p.c
	}
	slope := (n*stc - st*sc) / max(n*stt-st*st, 1e-9)
	base := (sc - slope*st) / n
	for _, p := range pts {
		if math.Abs(p.c-base-slope*p.t) > reach {
			return a, false // one line can't stand for both
		}
	}
	at := func(t float64) (x, y float64) {
		c := base + slope*t
		return a.x0 + t*ux - c*uy, a.y0 + t*uy + c*ux
	}
	x0, y0 := at(from)
	x1, y1 := at(to)
	return segment{x0, y0, x1, y1}, true
}

// meet moves ends to where their line crosses another one close by, so that
// corners close and mullions reach their frame.
func (f *lineFinder) meet(lines []segment) {
	reach := 2.5*f.wobble + 2
	old := slices.Clone(lines)
	for i := range lines {
		lines[i].x0, lines[i].y0 = nearestCrossing(old, i, old[i].x0, old[i].y0, reach)
		lines[i].x1, lines[i].y1 = nearestCrossing(old, i, old[i].x1, old[i].y1, reach)
	}
}

// nearestCrossing is where line i meets the closest other line within reach of
// its end (x, y), or that end itself.
func nearestCrossing(lines []segment, i int, x, y, reach float64) (float64, float64) {
	bx, by, best := x, y, reach
	s := lines[i]
	ux, uy := s.direction()
	for j, o := range lines {
		if j == i {
			continue
		}
		vx, vy := o.direction()
		det := ux*vy - uy*vx
		if math.Abs(det) < .3 { // nearly parallel lines cross anywhere
			continue
		}
		t := ((o.x0-s.x0)*vy - (o.y0-s.y0)*vx) / det
		px, py := s.x0+t*ux, s.y0+t*uy
		along, _ := o.offset(px, py)
		if along < -reach || along > o.length()+reach {
			continue
		}
		if d := math.Hypot(px-x, py-y); d < best {
			bx, by, best = px, py, d
		}
	}
	return bx, by
}
