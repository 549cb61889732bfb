package control

import (
	"context"
	"fmt"
	"image"
	"math"
)

// NewNormal makes normal maps in the colours that ControlNet 1.1 (Normal BAE)
// learned, those of ScanNet: red faces left, green faces up, blue faces the
// viewer; each component n is stored as (n+1)/2. The surface is the one of
// NewDepth, and so are the options.
func NewNormal(opts ...Option) Extractor {
	o := collect(opts)
	return &extractor{
		kind: Normal, label: "Normals",
		help: "Which way each surface faces, as colours. Carries relief and light better than depth.",
		params: append(depthParams(), Param{Name: "strength", Label: "Strength",
			Help: "How steep the relief is taken to be.",
			Type: Float, Min: .1, Max: 4, Step: .1, Default: 1},
			Param{Name: "background", Label: "Background", Help: "For photographs: everything farther than this is flat.",
				Type: Float, Min: 0, Max: .9, Step: .05, Default: .1}),
		make: func(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
			if err := pg.look(ctx); err != nil {
				return nil, err
			}
			w, h := pg.size.X, pg.size.Y
			solid := make([]bool, w*h)
			var z []float32
			if pg.photo {
				d, err := photoDepth(ctx, pg, o.photoDepth)
				if err != nil {
					return nil, err
				}
				for i, near := range d {
					solid[i] = float64(near) > v.float("background")
				}
				// Slopes magnify the steps of a map that had fewer pixels or levels.
				if z, err = blurFloat(d, w, h, max(1, float64(min(w, h))/512)); err != nil {
					return nil, fmt.Errorf("smooth depth: %w", err)
				}
				// A photograph's depth is taken to span a third of its width.
				for i := range z {
					z[i] *= float32(min(w, h)) / 3
				}
			} else {
				r, err := drawnRelief(ctx, pg, v)
				if err != nil {
					return nil, err
				}
				z = r.z
				for i, o := range r.object {
					solid[i] = o != 0
				}
			}
			out := normals(z, solid, w, h, v.float("strength"))
			if pg.photo {
				pg.blankOutside(out, 128, 128, 255)
			}
			return out, ctx.Err()
		},
	}
}

// normals colours a height map of w × h pixels by where its surface faces.
// Slopes are Sobel derivatives, an eighth of the 3×3 sums. Neighbours that are
// not solid continue the surface, so that outlines get no steep seam; what is
// not solid faces the viewer.
func normals(z []float32, solid []bool, w, h int, strength float64) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	var near [9]float64
	for y := range h {
		for x := range w {
			i := y*w + x
			p := out.Pix[4*i : 4*i+4 : 4*i+4]
			if !solid[i] {
				p[0], p[1], p[2], p[3] = 128, 128, 255, 255
				continue
			}
			around(z, solid, w, h, x, y, &near)
			dx := (near[2] + 2*near[5] + near[8] - near[0] - 2*near[3] - near[6]) / 8 * strength
			dy := (near[6] + 2*near[7] + near[8] - near[0] - 2*near[1] - near[2]) / 8 * strength
			n := math.Sqrt(dx*dx + dy*dy + 1)
			// The normal is (−dx, −dy, 1)/n with x right and y down; left and up
			// are the positive directions of the colours.
			p[0] = clamp255((dx/n + 1) / 2 * 255)
			p[1] = clamp255((dy/n + 1) / 2 * 255)
			p[2] = clamp255((1/n + 1) / 2 * 255)
			p[3] = 255
		}
	}
	return out
}

// around collects the 3×3 heights around a pixel. Missing ones mirror the
// opposite neighbour through the centre, or repeat the centre.
func around(z []float32, solid []bool, w, h, x, y int, near *[9]float64) {
	c := float64(z[y*w+x])
	get := func(dx, dy int) (float64, bool) {
		px, py := x+dx, y+dy
		if px < 0 || py < 0 || px >= w || py >= h || !solid[py*w+px] {
			return 0, false
		}
		return float64(z[py*w+px]), true
	}
	for k := range near {
		dx, dy := k%3-1, k/3-1
		if v, ok := get(dx, dy); ok {
			near[k] = v
		} else if v, ok := get(-dx, -dy); ok {
			near[k] = 2*c - v
		} else {
			near[k] = c
		}
	}
}
