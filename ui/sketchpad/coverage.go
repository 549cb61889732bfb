package sketchpad

import (
	"image"
	"math"
)

// coverage is an 8-bit plane that says how much of each pixel the line work of one object covers.
//
// Pieces of a line are joined by taking the larger coverage, so a soft stroke keeps its profile where pieces overlap and
// a stroke that crosses itself does not get darker.
type coverage struct {
	pix    []uint8
	stride int
	rect   image.Rectangle
}

func newCoverage(rect image.Rectangle) *coverage {
	return &coverage{pix: make([]uint8, rect.Dx()*rect.Dy()), stride: rect.Dx(), rect: rect}
}

// row returns the coverage of the pixels x0 ≤ x < x1 of row y.
func (c *coverage) row(x0, x1, y int) []uint8 {
	i := (y-c.rect.Min.Y)*c.stride - c.rect.Min.X
	return c.pix[i+x0 : i+x1]
}

// clear sets the pixels of r to zero.
func (c *coverage) clear(r image.Rectangle) {
	r = r.Intersect(c.rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(c.row(r.Min.X, r.Max.X, y))
	}
}

// line covers the straight piece from a to b, round at both ends, with a radius that changes evenly between them.
// touched is told each rectangle of pixels that may have changed; long pieces are cut up, so that the rectangles hug a
// slanted line.
func (c *coverage) line(a, b node, softness float64, touched func(image.Rectangle)) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	piece := math.Max(16, 2*math.Max(a.r, b.r))
	k := int(math.Min(math.Ceil(length/piece), 4096))
	from := a
	for i := 1; i <= k; i++ {
		to, t := b, float64(i)/float64(k)
		if i < k {
			to = node{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y), a.r + t*(b.r-a.r)}
		}
		c.capsule(from, to, softness, touched)
		from = to
	}
	if k == 0 {
		c.capsule(a, b, softness, touched)
	}
}

// capsule is line for a short piece. The coverage of a pixel is its distance from the edge, which for a line wider than
// a pixel is very nearly the covered area.
func (c *coverage) capsule(a, b node, softness float64, touched func(image.Rectangle)) {
	var box bounds
	box.add(a.x, a.y, a.r+0.5)
	box.add(b.x, b.y, b.r+0.5)
	r := box.rect().Intersect(c.rect)
	if r.Empty() {
		return
	}
	dx, dy := b.x-a.x, b.y-a.y
	inv := 0.0
	if l2 := dx*dx + dy*dy; l2 > 0 {
		inv = 1 / l2
	}
	dr := b.r - a.r
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.row(r.Min.X, r.Max.X, y)
		py := float64(y) + 0.5 - a.y
		px := float64(r.Min.X) + 0.5 - a.x
		for i := range row {
			t := (px*dx + py*dy) * inv
			if t < 0 {
				t = 0
			} else if t > 1 {
				t = 1
			}
			ex, ey := px-t*dx, py-t*dy
			px++
			d2 := ex*ex + ey*ey
			outer := a.r + t*dr + 0.5
			if d2 >= outer*outer || row[i] == 255 {
				continue
			}
			// The edge is one pixel wide when crisp, and reaches the centre line when wholly soft.
			band := 1 + softness*(outer-1)
			if inner := outer - band; inner > 0 && d2 <= inner*inner {
				row[i] = 255
				continue
			}
			v := math.Min(1, (outer-math.Sqrt(d2))/band)
			if softness > 0 {
				v += softness * (v*v*(3-2*v) - v)
			}
			if n := uint8(v*255 + 0.5); n > row[i] {
				row[i] = n
			}
		}
	}
	if touched != nil {
		touched(r)
	}
}
