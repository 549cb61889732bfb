package control

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"golang.org/x/image/draw"
)

// FidelityTolerance is how far, in pixels, an edge of a picture may lie from the
// line that it follows.
const FidelityTolerance = 2

// Fidelity says how well a picture follows the lines that it was made from.
type Fidelity struct {
	// F1 is the harmonic mean of Precision, the part of the picture's edges that
	// lie on a line, and Recall, the part of the lines that became an edge; all
	// within FidelityTolerance, 0…1.
	F1        float64 `json:"f1"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	// Chamfer is the symmetric chamfer distance of lines and edges in pixels.
	Chamfer float64 `json:"chamfer"`
	// Straight is the share, by length, of the StraightLines straight lines of
	// the drawing that are straight edges of the picture, 0…1. StraightLines is 0
	// for drawings that aren't made of straight lines as facades are.
	Straight      float64 `json:"straight,omitempty"`
	StraightLines int     `json:"straight_lines,omitempty"`
}

// ErrNoLines says that there is no line that a picture could follow.
var ErrNoLines = errors.New("the control image has no lines")

// MeasureFidelity compares a picture with the control image that it was made
// from: white lines on black, as the extractors of line kinds make. The
// kind is the control's. The picture's edges are OpenCV's Canny 100/200, as in ControlNet++; wide lines
// count by their centre line. A picture of another size is brought to that of
// the lines. Errors: ErrNoLines, an empty or too large image, a cancelled context.
func MeasureFidelity(ctx context.Context, kind Kind, lines, picture image.Image) (Fidelity, error) {
	size := lines.Bounds().Size()
	shown, err := pictureAt(picture, size)
	if err != nil {
		return Fidelity{}, fmt.Errorf("measure fidelity: %w", err)
	}
	edges, err := edgesOf(shown)
	if err != nil {
		return Fidelity{}, fmt.Errorf("measure fidelity: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Fidelity{}, err
	}
	drawn, err := pictureAt(lines, size)
	if err != nil {
		return Fidelity{}, fmt.Errorf("measure fidelity: %w", err)
	}
	want := edgeMask(drawn).thinned()
	if want.empty() {
		return Fidelity{}, fmt.Errorf("measure fidelity: %w", ErrNoLines)
	}
	var f Fidelity
	f.Precision, f.Recall, f.F1 = agreement(edges, want, edges.grown(FidelityTolerance), want.grown(FidelityTolerance))
	f.Chamfer = chamfer(edges, want, edges.distances(), want.distances())
	if f.Straight, f.StraightLines, err = keptStraight(ctx, kind == Straight, want, edges, shown); err != nil {
		return Fidelity{}, fmt.Errorf("measure fidelity: %w", err)
	}
	return f, ctx.Err()
}

// Edges are the edges of a picture, white on black, as MeasureFidelity finds
// them, at a size of 1 pixel or more.
func Edges(picture image.Image, size image.Point) (*image.RGBA, error) {
	shown, err := pictureAt(picture, size)
	if err != nil {
		return nil, fmt.Errorf("edges: %w", err)
	}
	m, err := edgesOf(shown)
	if err != nil {
		return nil, fmt.Errorf("edges: %w", err)
	}
	out := blackPage(size)
	for i, v := range m.on {
		if v != 0 {
			out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2] = 255, 255, 255
		}
	}
	return out, nil
}

// Chamfer is the symmetric chamfer distance of two edge images of one size,
// white on black, in pixels: half the sum of the mean distance of got's edge
// pixels to want's nearest and of want's to got's. It is 0 for two images
// without edges and the picture's diagonal when just one has any, or when their
// sizes differ.
func Chamfer(got, want *image.RGBA) float64 {
	g, w := edgeMask(got), edgeMask(want)
	if g.w != w.w || g.h != w.h {
		return math.Hypot(float64(max(g.w, w.w)), float64(max(g.h, w.h)))
	}
	return chamfer(g, w, g.distances(), w.distances())
}

// chamfer is Chamfer of two masks of one size, given each one's distances.
func chamfer(g, w *mask, awayG, awayW []float32) float64 {
	switch {
	case g.empty() && w.empty():
		return 0
	case g.empty() || w.empty():
		return math.Hypot(float64(g.w), float64(g.h))
	}
	return (g.meanOf(awayW) + w.meanOf(awayG)) / 2
}

func (m *mask) empty() bool {
	for _, v := range m.on {
		if v != 0 {
			return false
		}
	}
	return true
}

// meanOf averages values over the mask.
func (m *mask) meanOf(values []float32) float64 {
	sum, n := 0., 0
	for i, v := range m.on {
		if v != 0 {
			sum += float64(values[i])
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// pictureAt lays a picture over white at a size, scaled to fill it.
func pictureAt(m image.Image, size image.Point) (*image.RGBA, error) {
	from := m.Bounds().Size()
	if min(from.X, from.Y, size.X, size.Y) < 1 || int64(from.X)*int64(from.Y) > maxSourcePixels || int64(size.X)*int64(size.Y) > maxSourcePixels {
		return nil, fmt.Errorf("a picture of %dx%d pixels can't be measured at %dx%d", from.X, from.Y, size.X, size.Y)
	}
	if r, ok := m.(*image.RGBA); ok && from == size && r.Stride == 4*size.X && r.Opaque() {
		return &image.RGBA{Pix: r.Pix, Stride: r.Stride, Rect: image.Rectangle{Max: size}}, nil
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	if from == size {
		draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(out, out.Rect, m, m.Bounds(), draw.Over, nil)
	}
	return out, nil
}

// edgesOf runs Canny with the thresholds that published figures use.
func edgesOf(m *image.RGBA) (*mask, error) {
	in, err := rgbaPixels(m).view()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	edges := image.NewGray(m.Rect)
	if err := canny(in.Mat, edges, values{"low": 100, "high": 200}); err != nil {
		return nil, err
	}
	return inked(edges, 128), nil
}

// Limits on what counts as a straight line and as keeping it.
const (
	straightLength = .06 // of the shorter side, at least
	straightShare  = .6  // of a drawing's lines that run in two directions, as a facade's do
	straightAxis   = 4   // degrees within which lines run in one direction
	straightCover  = .8  // of a line's length that has an edge of its direction
	straightTilt   = 22  // degrees between a line and the edges that show it
)

// keptStraight finds the straight lines of a drawing and which share of them,
// by length, the picture shows as straight edges. Curves have pieces that pass for
// straight, so only a facade's lines count unless all are known to be straight.
func keptStraight(ctx context.Context, all bool, drawn, edges *mask, picture *image.RGBA) (share float64, lines int, err error) {
	short := float64(min(drawn.w, drawn.h))
	unit := max(1, short/512)
	f := &lineFinder{
		m:        &mask{w: drawn.w, h: drawn.h, on: slices.Clone(drawn.on)},
		all:      drawn,
		shortest: max(10, straightLength*short), wobble: unit, gap: 8 * unit,
	}
	found, err := f.find(ctx)
	if err != nil {
		return 0, 0, err
	}
	on, _ := covered(drawn, drawn)
	if len(found) == 0 || !all && inTwoDirections(found) < straightShare*float64(on) {
		return 0, 0, nil
	}
	total, kept := 0., 0.
	for _, s := range found {
		total += s.length()
		if covers(edges, picture, s) {
			kept += s.length()
		}
	}
	return kept / total, len(found), nil
}

// inTwoDirections is the length of the lines that run in the two directions that
// most do.
func inTwoDirections(lines []segment) float64 {
	along := func(s segment, angle float64) bool {
		own := math.Atan2(s.y1-s.y0, s.x1-s.x0) * 180 / math.Pi
		return math.Abs(math.Remainder(own-angle, 180)) <= straightAxis
	}
	left, sum := slices.Clone(lines), 0.
	for range 2 {
		best, most := 0., 0.
		for angle := 0.; angle < 180; angle++ {
			length := 0.
			for _, s := range left {
				if along(s, angle) {
					length += s.length()
				}
			}
			if length > most {
				best, most = angle, length
			}
		}
		left = slices.DeleteFunc(left, func(s segment) bool { return along(s, best) })
		sum += most
	}
	return sum
}

// covers reports whether edges that run along a segment lie on most of it. Its
// ends are left out, where other lines meet it.
func covers(edges *mask, picture *image.RGBA, s segment) bool {
	ux, uy := s.direction()
	end := min(3, s.length()/4)
	hit, all := 0, 0
	for t := end; t <= s.length()-end; t++ {
		all++
		if alongside(edges, picture, int(math.Round(s.x0+t*ux)), int(math.Round(s.y0+t*uy)), ux, uy) {
			hit++
		}
	}
	return float64(hit) >= straightCover*float64(all)
}

// alongside reports whether an edge near a place runs in a direction.
func alongside(edges *mask, picture *image.RGBA, x, y int, ux, uy float64) bool {
	across := math.Sin(straightTilt * math.Pi / 180)
	for dy := -FidelityTolerance; dy <= FidelityTolerance; dy++ {
		for dx := -FidelityTolerance; dx <= FidelityTolerance; dx++ {
			if edges.at(x+dx, y+dy) == 0 {
				continue
			}
			gx, gy := gradient(picture, x+dx, y+dy)
			if n := math.Hypot(gx, gy); n > 0 && math.Abs(gx*ux+gy*uy) <= across*n {
				return true
			}
		}
	}
	return false
}

// gradient is Sobel's at a pixel, of the channel where it is strongest, as
// Canny takes it.
func gradient(m *image.RGBA, x, y int) (gx, gy float64) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	at := func(x, y, c int) float64 {
		return float64(m.Pix[min(max(y, 0), h-1)*m.Stride+4*min(max(x, 0), w-1)+c])
	}
	for c := range 3 {
		sx := at(x+1, y-1, c) + 2*at(x+1, y, c) + at(x+1, y+1, c) - at(x-1, y-1, c) - 2*at(x-1, y, c) - at(x-1, y+1, c)
		sy := at(x-1, y+1, c) + 2*at(x, y+1, c) + at(x+1, y+1, c) - at(x-1, y-1, c) - 2*at(x, y-1, c) - at(x+1, y-1, c)
		if sx*sx+sy*sy > gx*gx+gy*gy {
			gx, gy = sx, sy
		}
	}
	return gx, gy
}
