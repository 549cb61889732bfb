package views

import (
	"image"
	"math"
)

// stepShare is the depth step, as a share of the object's size, from which a
// surface that passes behind itself gets a line.
const stepShare = .03

// lines draws silhouettes, edges and strokes at half the buffer's size.
func (b *buffer) lines(width float64) *image.Gray {
	on := b.edges()
	for _, s := range b.mesh.Strokes {
		b.stroke(on, s)
	}
	return thick(on, b.w, b.h, width)
}

// edges marks the nearer pixel of two neighbours between which the surface ends
// or turns a corner.
func (b *buffer) edges() []uint8 {
	low, high := b.mesh.Bounds()
	step := stepShare * high.sub(low).length() / math.Sqrt(2)
	on := make([]uint8, b.w*b.h)
	compare := func(i, j, dx, dy int) {
		s, t := b.tri[i], b.tri[j]
		if s == t {
			return
		}
		if s >= 0 && t >= 0 && b.mesh.Triangles[s].Patch == b.mesh.Triangles[t].Patch && b.apart(i, j, dx, dy) < step {
			return
		}
		if b.near[i] >= b.near[j] {
			on[i] = 1
		} else {
			on[j] = 1
		}
	}
	for y := range b.h {
		for x := range b.w {
			i := y*b.w + x
			if x+1 < b.w {
				compare(i, i+1, 1, 0)
			}
			if y+1 < b.h {
				compare(i, i+b.w, 0, 1)
			}
		}
	}
	return on
}

// stroke marks where a line on the surface is seen. It may lie a little below
// the surface, whose triangles cut curves short.
func (b *buffer) stroke(on []uint8, s []Vec) {
	low, high := b.mesh.Bounds()
	slack := .006 * high.sub(low).length()
	for k := 1; k < len(s); k++ {
		p, dp := b.lens.project(s[k-1])
		q, dq := b.lens.project(s[k])
		if math.IsNaN(b.nearness(dp) + b.nearness(dq)) {
			continue
		}
		n := int(math.Ceil(max(math.Abs(q.x-p.x), math.Abs(q.y-p.y))))
		if n > 4*(b.w+b.h) {
			continue
		}
		for i := range n + 1 {
			t := float64(i) / max(float64(n), 1)
			at, depth := p.to(q, t), dp+t*(dq-dp)
			x, y := int(math.Floor(at.x)), int(math.Floor(at.y))
			if x < 0 || y < 0 || x >= b.w || y >= b.h {
				continue
			}
			if j := y*b.w + x; b.tri[j] >= 0 && depth < b.depth(float64(b.near[j]))+slack {
				on[j] = 1
			}
		}
	}
}

// thick widens marks to lines of a width in pixels of the half-sized result.
func thick(on []uint8, w, h int, width float64) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, w/2, h/2))
	wide := make([]uint8, len(on))
	// A disc of the line's width around each mark, in samples.
	reach := width - .5
	var disc [][2]int
	for dy := -3; dy <= 3; dy++ {
		for dx := -3; dx <= 3; dx++ {
			if math.Hypot(float64(dx), float64(dy)) <= reach {
				disc = append(disc, [2]int{dx, dy})
			}
		}
	}
	for i, v := range on {
		if v == 0 {
			continue
		}
		x, y := i%w, i/w
		if width < 1.5 { // one whole pixel of the result
			x, y = x&^1, y&^1
			wide[y*w+x], wide[y*w+x+1], wide[(y+1)*w+x], wide[(y+1)*w+x+1] = 1, 1, 1, 1
			continue
		}
		for _, d := range disc {
			if px, py := x+d[0], y+d[1]; px >= 0 && py >= 0 && px < w && py < h {
				wide[py*w+px] = 1
			}
		}
	}
	for y := range h / 2 {
		for x := range w / 2 {
			i := 2*y*w + 2*x
			n := int(wide[i]) + int(wide[i+1]) + int(wide[i+w]) + int(wide[i+w+1])
			out.Pix[y*(w/2)+x] = uint8((255*n + 2) / 4)
		}
	}
	return out
}
