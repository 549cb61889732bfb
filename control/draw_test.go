package control

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// pen draws test sketches as coverage: 0 is paper, 255 full ink.
type pen struct{ *image.Gray }

func newPen(w, h int) pen { return pen{image.NewGray(image.Rect(0, 0, w, h))} }

// stroke draws a line of the given width with soft edges and round caps.
func (p pen) stroke(x0, y0, x1, y1, width float64) {
	r := width/2 + 1
	for y := int(math.Floor(min(y0, y1) - r)); y <= int(math.Ceil(max(y0, y1)+r)); y++ {
		for x := int(math.Floor(min(x0, x1) - r)); x <= int(math.Ceil(max(x0, x1)+r)); x++ {
			if !image.Pt(x, y).In(p.Rect) {
				continue
			}
			dx, dy := x1-x0, y1-y0
			t := 0.
			if n := dx*dx + dy*dy; n > 0 {
				t = min(max(((float64(x)-x0)*dx+(float64(y)-y0)*dy)/n, 0), 1)
			}
			d := math.Hypot(float64(x)-x0-t*dx, float64(y)-y0-t*dy)
			v := uint8(255 * min(max(width/2-d+.5, 0), 1))
			i := p.PixOffset(x, y)
			p.Pix[i] = max(p.Pix[i], v)
		}
	}
}

// path draws a closed line through points.
func (p pen) path(width float64, pts ...[2]float64) {
	for i, a := range pts {
		b := pts[(i+1)%len(pts)]
		p.stroke(a[0], a[1], b[0], b[1], width)
	}
}

// ring draws an ellipse.
func (p pen) ring(cx, cy, rx, ry, width float64) {
	const n = 180
	pts := make([][2]float64, n)
	for i := range pts {
		a := 2 * math.Pi * float64(i) / n
		pts[i] = [2]float64{cx + rx*math.Cos(a), cy + ry*math.Sin(a)}
	}
	p.path(width, pts...)
}

// vase draws a rounded object with bands and a handle-less neck.
func vase(w, h int, width float64) pen {
	p := newPen(w, h)
	fx, fy := float64(w)/256, float64(h)/256
	var left, right [][2]float64
	for i := range 41 {
		t := float64(i) / 40
		r := 26 + 42*math.Sin(math.Pi*math.Pow(t, 1.3)) + 8*t
		y := 30 + 190*t
		left = append(left, [2]float64{(128 - r) * fx, y * fy})
		right = append(right, [2]float64{(128 + r) * fx, y * fy})
	}
	for i := range 40 {
		p.stroke(left[i][0], left[i][1], left[i+1][0], left[i+1][1], width)
		p.stroke(right[i][0], right[i][1], right[i+1][0], right[i+1][1], width)
	}
	for _, i := range []int{0, 14, 20, 40} {
		p.stroke(left[i][0], left[i][1], right[i][0], right[i][1], width)
	}
	return p
}

// on draws the ink in one colour over a ground.
func (p pen) on(ground, ink color.Color) *image.RGBA {
	out := image.NewRGBA(p.Rect)
	draw.Draw(out, out.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	a := &image.Alpha{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
	draw.DrawMask(out, out.Rect, image.NewUniform(ink), image.Point{}, a, image.Point{}, draw.Over)
	return out
}

// clear draws the ink in one colour on a transparent ground.
func (p pen) clear(ink color.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(p.Rect)
	for i, v := range p.Pix {
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = ink.R, ink.G, ink.B, v
	}
	return out
}

// ball renders a shaded sphere before a soft background, as a photograph.
func ball(w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(90 + 60*x/w), uint8(120 + 50*y/h), 140, 255}
			dx, dy := (float64(x)/float64(w)-.5)*3, (float64(y)/float64(h)-.5)*3
			if r2 := dx*dx + dy*dy; r2 < 1 {
				l := min(max(-.5*dx-.6*dy+.62*math.Sqrt(1-r2), .06), 1)
				c = color.RGBA{uint8(230*l + 10), uint8(120*l + 10), uint8(60*l + 10), 255}
			}
			out.SetRGBA(x, y, c)
		}
	}
	return out
}
