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
		make: white(straightImage),
	}
}

func straightImage(ctx context.Context, pg *page, v values) (*image.Gray, error) {
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
	return drawSegments(lines, pg.size, v.int("thickness"))
}

// thinLines is the page's strokes, or a photograph's edges, one pixel wide.
func thinLines(ctx context.Context, pg *page) (*mask, error) {
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
func drawSegments(lines []segment, size image.Point, thickness int) (*image.Gray, error) {
	g := image.NewGray(image.Rectangle{Max: size})
	white := color.RGBA{R: 255, G: 255, B: 255, A: 255}
	err := write(grayPixels(g), func(out *gocv.Mat) error {
		for _, s := range lines {
			a := image.Pt(int(math.Round(s.x0)), int(math.Round(s.y0)))
			b := image.Pt(int(math.Round(s.x1)), int(math.Round(s.y1)))
			if err := gocv.Line(out, a, b, white, thickness); err != nil {
				return fmt.Errorf("draw lines: %w", err)
			}
		}
		return nil
	})
	return g, err
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
	found, err := f.join(ctx, found)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(s segment) bool { return s.length() < f.shortest })
	f.meet(found)
	return found, nil
}

// propose lists Hough segments of at least the given length, longest first.
func (f *lineFinder) propose(least float64) ([]segment, error) {
	in, err := bytePixels(f.m.on, f.m.w, f.m.h).view()
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
