package views

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
)

// grazing is the cosine of the angle at which a surface must at least be seen
// for its colours to be used from another side: what is seen at a flatter angle
// would be drawn out to streaks.
const grazing = .2

// guess is the weight of a colour that the picture does not show but that the
// object has at the same height, beside 1 of one that it does show: what is shown
// decides in some 60 pixels around, the guess farther off.
const guess = .0005

// enough is the share of the object that must be seen in the picture too for its
// colours to spread; below it the guesses count fully.
const enough = .02

// Warp shows a picture of a mesh from another side. from is the camera of the
// picture and to the other one, both framed. What the picture does not show
// takes smooth colours from what lies around it, and farther off those that the
// object has at that height; the ground stays in its place.
// Errors: a picture whose size is outside 64…4096 pixels (*control.SizeError),
// cameras that are out of range or not framed, a cancelled context.
func Warp(ctx context.Context, m *Mesh, picture image.Image, from, to Camera) (*image.RGBA, error) {
	size := picture.Bounds().Size()
	src, err := See(ctx, m, from, size)
	if err != nil {
		return nil, fmt.Errorf("warp: %w", err)
	}
	dst, err := See(ctx, m, to, size)
	if err != nil {
		return nil, fmt.Errorf("warp: %w", err)
	}
	flat := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(flat, flat.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, picture, picture.Bounds().Min, draw.Over)
	w := &warp{src, flat}
	heights := w.heights()
	object, ground := newPatchwork(size), newPatchwork(size)
	known, hidden := 0, []int(nil)
	for y := range size.Y {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for x := range size.X {
			i := y*size.X + x
			if s, on := dst.At(x, y); on {
				if c, ok := w.colour(s.Point); ok {
					object.set(i, c, 1)
					known++
				} else {
					object.set(i, heights.at(s.Point), guess)
					hidden = append(hidden, i)
				}
			} else if !src.shows(x, y) {
				ground.set(i, w.at(x, y), 1)
			}
		}
	}
	if float64(known) < enough*float64(known+len(hidden)) {
		for _, i := range hidden {
			object.pix[4*i+3] = 1
		}
	}
	object.fill()
	ground.fill()
	for i := range size.X * size.Y {
		c := ground.pix[4*i : 4*i+3]
		if dst.shows(i%size.X, i/size.X) {
			c = object.pix[4*i : 4*i+3]
		}
		for k, v := range c {
			flat.Pix[4*i+k] = uint8(min(max(v, 0), 255) + .5)
		}
	}
	return flat, nil
}

// warp takes colours from one view to another.
type warp struct {
	src     *Sight
	picture *image.RGBA
}

func (w *warp) at(x, y int) [3]float32 {
	p := w.picture.Pix[w.picture.PixOffset(x, y):]
	return [3]float32{float32(p[0]), float32(p[1]), float32(p[2])}
}

// colour is that of a point of the surface, if the picture shows it and not at
// too flat an angle.
func (w *warp) colour(p Vec) (c [3]float32, ok bool) {
	x, y, visible := w.src.Find(p)
	if !visible {
		return c, false
	}
	x0, y0 := int(math.Floor(x-.5)), int(math.Floor(y-.5))
	fx, fy := float32(x-.5-float64(x0)), float32(y-.5-float64(y0))
	for k := range 4 {
		share := (1 - fx + float32(k&1)*(2*fx-1)) * (1 - fy + float32(k>>1)*(2*fy-1))
		for ch, v := range w.at(x0+k&1, y0+k>>1) {
			c[ch] += share * v
		}
	}
	s, _ := w.src.At(x0, y0)
	return c, s.Facing >= grazing
}

// heights are the mean colours of an object in bands from its foot to its top.
type heights struct {
	foot, top float64
	bands     *patchwork // one column
}

// heightBands is how many bands there are: a roof, a wall and a base are told apart.
const heightBands = 16

// heights gathers the colours that the picture shows of the object.
func (w *warp) heights() heights {
	h := heights{math.Inf(1), math.Inf(-1), newPatchwork(image.Pt(1, heightBands))}
	size := w.picture.Rect.Size()
	each := func(do func(s Surface, x, y int)) {
		for y := range size.Y {
			for x := range size.X {
				if s, on := w.src.At(x, y); on {
					do(s, x, y)
				}
			}
		}
	}
	each(func(s Surface, x, y int) { h.foot, h.top = min(h.foot, s.Point[1]), max(h.top, s.Point[1]) })
	each(func(s Surface, x, y int) {
		band := h.bands.pix[4*h.band(s.Point):]
		for k, v := range w.at(x, y) {
			band[k] += v
		}
		band[3]++
	})
	for i := 0; i < len(h.bands.pix); i += 4 {
		if n := h.bands.pix[i+3]; n > 0 {
			for k := range 3 {
				h.bands.pix[i+k] /= n
			}
			h.bands.pix[i+3] = 1
		}
	}
	h.bands.fill()
	return h
}

// band is the number of the band that a point of the surface lies in.
func (h heights) band(p Vec) int {
	if h.top <= h.foot {
		return 0
	}
	return int(min(max((p[1]-h.foot)/(h.top-h.foot), 0), .999) * heightBands)
}

func (h heights) at(p Vec) [3]float32 {
	return [3]float32(h.bands.pix[4*h.band(p):])
}

// patchwork is a picture with gaps.
type patchwork struct {
	w, h int
	pix  []float32 // red, green, blue, and how much is known, 0…1
}

func newPatchwork(size image.Point) *patchwork {
	return &patchwork{size.X, size.Y, make([]float32, 4*size.X*size.Y)}
}

func (p *patchwork) set(i int, c [3]float32, known float32) {
	copy(p.pix[4*i:], []float32{c[0], c[1], c[2], known})
}

// fill closes the gaps from what lies around them: the picture is halved until
// it has none, and each gap takes what the next smaller picture has there.
func (p *patchwork) fill() {
	if p.w == 1 && p.h == 1 {
		return
	}
	half := newPatchwork(image.Pt((p.w+1)/2, (p.h+1)/2))
	for y := range p.h {
		for x := range p.w {
			from, to := p.pix[4*(y*p.w+x):], half.pix[4*(y/2*half.w+x/2):]
			for k := range 3 {
				to[k] += from[k] * from[3]
			}
			to[3] += from[3]
		}
	}
	for i := 0; i < len(half.pix); i += 4 {
		if known := half.pix[i+3]; known > 0 {
			for k := range 3 {
				half.pix[i+k] /= known
			}
			half.pix[i+3] = min(known, 1)
		}
	}
	half.fill()
	for y := range p.h {
		for x := range p.w {
			to := p.pix[4*(y*p.w+x):]
			if to[3] >= 1 {
				continue
			}
			c := half.sample(float32(x)/2-.25, float32(y)/2-.25)
			for k := range 3 {
				to[k] = to[k]*to[3] + c[k]*(1-to[3])
			}
			to[3] = max(to[3], c[3])
		}
	}
}

// sample is the bilinear colour between pixel centres at whole numbers.
func (p *patchwork) sample(x, y float32) (c [4]float32) {
	x, y = min(max(x, 0), float32(p.w-1)), min(max(y, 0), float32(p.h-1))
	x0, y0 := int(x), int(y)
	fx, fy := x-float32(x0), y-float32(y0)
	for k := range 4 {
		sx, sy := min(x0+k&1, p.w-1), min(y0+k>>1, p.h-1)
		share := (1 - fx + float32(k&1)*(2*fx-1)) * (1 - fy + float32(k>>1)*(2*fy-1))
		for ch, v := range p.pix[4*(sy*p.w+sx):][:4] {
			c[ch] += share * v
		}
	}
	return c
}
