package control

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gocv.io/x/gocv"
)

// newStraight finds straight segments for architecture, at render size, as the
// M-LSD annotator does with a network: strokes are thinned, a probabilistic
// Hough transform proposes lines from long to short, each is fitted to the
// stroke pixels that it explains, collinear pieces are joined, corners closed.
func newStraight() *extractor {
	return &extractor{
		kind: Straight, label: "Straight lines",
		help: "Only straight edges, drawn with a ruler. For facades, rooms and furniture: mullions stay straight.",
		params: []Param{
			{Name: "length", Label: "Shortest line", Help: "Lines shorter than this are left out. In percent of the picture's shorter side.",
				Type: Float, Min: 1, Max: 30, Step: .5, Default: 2.5},
			{Name: "wobble", Label: "Wobble", Help: "How far a hand-drawn line may stray from straight, in pixels of a 512-pixel drawing.",
				Type: Float, Min: .5, Max: 6, Step: .5, Default: 2},
			{Name: "gap", Label: "Close gaps", Help: "Pieces of one line are joined over gaps up to this, in pixels of a 512-pixel drawing.",
				Type: Int, Min: 0, Max: 40, Step: 1, Default: 8},
			{Name: "thickness", Label: "Line width", Help: "Width of the drawn lines in pixels.",
				Type: Int, Min: 1, Max: 4, Step: 1, Default: 2},
		},
		make: straightImage,
	}
}

func straightImage(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
	thin, err := thinLines(ctx, pg)
	if err != nil {
		return nil, err
	}
	short := float64(min(pg.size.X, pg.size.Y))
	unit := max(1, short/512)
	f := &lineFinder{
		m:        thin,
		all:      &mask{w: thin.w, h: thin.h, on: slices.Clone(thin.on)},
		shortest: max(6, v.float("length")/100*short),
		wobble:   v.float("wobble") * unit,
		gap:      v.float("gap") * unit,
	}
	lines, err := f.find(ctx)
	if err != nil {
		return nil, err
	}
	return drawSegments(lines, pg, v.int("thickness"))
}

// thinLines is the page's strokes, or a photograph's edges, one pixel wide.
func thinLines(ctx context.Context, pg *page) (*mask, error) {
	if err := pg.look(ctx); err != nil {
		return nil, err
	}
	if pg.photo {
		edges, err := (&cannyMethod{}).image(ctx, pg, values{"low": 60, "high": 150, "blur": 1})
		if err != nil {
			return nil, err
		}
		m := newMask(pg.size.X, pg.size.Y)
		for i := range m.on {
			m.on[i] = edges.Pix[4*i] & 1
		}
		return m, nil
	}
	ink, err := pg.strokes(ctx)
	if err != nil {
		return nil, err
	}
	return inked(ink, 72).thinned(), ctx.Err()
}

// drawSegments draws white lines on black.
func drawSegments(lines []segment, pg *page, thickness int) (*image.RGBA, error) {
	g := image.NewGray(image.Rectangle{Max: pg.size})
	dst, err := viewGray(g)
	if err != nil {
		return nil, err
	}
	defer dst.Close()
	white := color.RGBA{R: 255, G: 255, B: 255, A: 255}
	for _, s := range lines {
		a := image.Pt(int(math.Round(s.x0)), int(math.Round(s.y0)))
		b := image.Pt(int(math.Round(s.x1)), int(math.Round(s.y1)))
		if err := gocv.Line(&dst.Mat, a, b, white, thickness); err != nil {
			return nil, fmt.Errorf("draw lines: %w", err)
		}
	}
	out, err := toRGBA(g)
	if err == nil && pg.photo {
		pg.blankOutside(out, 0, 0, 0)
	}
	return out, err
}

// segment is a straight line between two points.
type segment struct{ x0, y0, x1, y1 float64 }

func (s segment) length() float64 { return math.Hypot(s.x1-s.x0, s.y1-s.y0) }

// direction is the unit vector from start to end.
func (s segment) direction() (ux, uy float64) {
	n := max(s.length(), 1e-9)
	return (s.x1 - s.x0) / n, (s.y1 - s.y0) / n
}

// offset is how far a point lies along and across the segment's line.
func (s segment) offset(x, y float64) (along, across float64) {
	ux, uy := s.direction()
	return (x-s.x0)*ux + (y-s.y0)*uy, (y-s.y0)*ux - (x-s.x0)*uy
}

// lineFinder looks for segments in thin strokes.
type lineFinder struct {
	m                     *mask // the stroke pixels that no line explains yet
	all                   *mask // all of them
	shortest, wobble, gap float64
}

// find runs the transform from long to short lines. Pixels that a line explains
// are taken out, so that the next round sees what is left; lines may still rest
// on them where they cross.
func (f *lineFinder) find(ctx context.Context) ([]segment, error) {
	var found []segment
	for _, times := range []float64{8, 3, 1.5, 1} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		want := times * f.shortest
		// A second look at each length finds lines that the random sampling of
		// the first one broke up.
		for range 2 {
			more, err := f.propose(want)
			if err != nil {
				return nil, err
			}
			before := len(found)
			for _, s := range more {
				if s, ok := f.fit(s, .7*want); ok {
					f.take(s)
					found = append(found, s)
				}
			}
			if len(found) == before {
				break
			}
		}
	}
	// What is left are short strokes cut up by the lines across them.
	for _, s := range f.remains() {
		if s, ok := f.fit(s, .7*f.shortest); ok {
			f.take(s)
			found = append(found, s)
		}
	}
	found = f.join(found)
	found = slices.DeleteFunc(found, func(s segment) bool { return s.length() < f.shortest })
	f.meet(found)
	return found, nil
}

// propose lists Hough segments of at least the given length, longest first.
func (f *lineFinder) propose(least float64) ([]segment, error) {
	in, err := viewBytes(f.m.h, f.m.w, gocv.MatTypeCV8UC1, 1, f.m.on)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	lines := gocv.NewMat()
	defer lines.Close()
	votes := max(6, int(.3*least))
	if err := gocv.HoughLinesPWithParams(in.Mat, &lines, 1, math.Pi/360, votes, float32(least), float32(f.gap+2*f.wobble+2)); err != nil {
		return nil, fmt.Errorf("find lines: %w", err)
	}
	out := make([]segment, 0, lines.Rows())
	for i := range lines.Rows() {
		v := lines.GetVeciAt(i, 0)
		out = append(out, segment{float64(v[0]), float64(v[1]), float64(v[2]), float64(v[3])})
	}
	slices.SortStableFunc(out, func(a, b segment) int { return cmp.Compare(b.length(), a.length()) })
	return out, nil
}

// remains lists the principal axis of each connected set of pixels that no line
// explains yet, longest first. Sets of fewer than four pixels are noise.
func (f *lineFinder) remains() []segment {
	seen := newMask(f.m.w, f.m.h)
	var out []segment
	for start, v := range f.m.on {
		if v == 0 || seen.on[start] != 0 {
			continue
		}
		set := []image.Point{{X: start % f.m.w, Y: start / f.m.w}}
		seen.on[start] = 1
		for i := 0; i < len(set); i++ {
			for _, d := range neighbours8() {
				p := set[i].Add(d)
				if f.m.at(p.X, p.Y) != 0 && seen.at(p.X, p.Y) == 0 {
					seen.on[p.Y*f.m.w+p.X] = 1
					set = append(set, p)
				}
			}
		}
		if len(set) >= 4 {
			out = append(out, axis(set))
		}
	}
	slices.SortStableFunc(out, func(a, b segment) int { return cmp.Compare(b.length(), a.length()) })
	return out
}

// axis is the segment along the principal direction of a set of pixels.
func axis(set []image.Point) segment {
	n := float64(len(set))
	var mx, my, xx, xy, yy float64
	for _, p := range set {
		mx, my = mx+float64(p.X)/n, my+float64(p.Y)/n
	}
	for _, p := range set {
		dx, dy := float64(p.X)-mx, float64(p.Y)-my
		xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
	}
	angle := .5 * math.Atan2(2*xy, xx-yy)
	ux, uy := math.Cos(angle), math.Sin(angle)
	low, high := 0., 0.
	for _, p := range set {
		t := (float64(p.X)-mx)*ux + (float64(p.Y)-my)*uy
		low, high = min(low, t), max(high, t)
	}
	return segment{mx + low*ux, my + low*uy, mx + high*ux, my + high*uy}
}

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
