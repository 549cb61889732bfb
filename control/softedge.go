package control

import (
	"context"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"
)

// newSoftEdge makes soft white lines as a HED network does: strokes of drawings
// with a falloff, gradients of photographs over several scales.
func newSoftEdge() *extractor {
	return &extractor{
		kind: SoftEdge, label: "Soft edges",
		help: "Strokes and edges with a soft rim. Follows shapes and forgives wobbly lines.",
		params: []Param{
			{Name: "softness", Label: "Softness", Help: "How far the rim of a line reaches, in pixels.",
				Type: Float, Min: .5, Max: 6, Step: .5, Default: 1.5},
		},
		make: white(softEdgeImage),
	}
}

func softEdgeImage(ctx context.Context, pg *page, v values) (*image.Gray, error) {
	if pg.photo {
		return softEdges(ctx, pg, v.float("softness"))
	}
	ink, err := pg.strokes(ctx)
	if err != nil {
		return nil, err
	}
	soft, err := blurGray(ink, v.float("softness"))
	if err != nil {
		return nil, fmt.Errorf("blur strokes: %w", err)
	}
	// The stroke itself stays sharp and full; around it lies twice its blur,
	// which brings a thin stroke's rim to the strength that HED gives it.
	for i, d := range ink.Pix {
		soft.Pix[i] = max(d, uint8(min(255, 2*int(soft.Pix[i])*3/4)))
	}
	return soft, nil
}

// softEdges is the gradient magnitude of a picture, averaged over three scales
// from sigma up and stretched so that its strongest half percent is white.
func softEdges(ctx context.Context, pg *page, sigma float64) (*image.Gray, error) {
	r, err := pg.load(ctx)
	if err != nil {
		return nil, err
	}
	w, h := pg.size.X, pg.size.Y
	var planes [][]float32
	if r.gray != nil {
		planes = [][]float32{grayFloats(r.gray)}
	} else {
		planes = channelFloats(r.colour)
	}
	total := make([]float32, w*h)
	for scale := range 3 {
		s := sigma * math.Pow(1.8, float64(scale))
		best := make([]float32, w*h)
		for _, p := range planes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			soft, err := blurFloat(p, w, h, s)
			if err != nil {
				return nil, fmt.Errorf("blur: %w", err)
			}
			dx, err := sobel(soft, w, h, 1, 0)
			if err != nil {
				return nil, err
			}
			dy, err := sobel(soft, w, h, 0, 1)
			if err != nil {
				return nil, err
			}
			for i := range best {
				best[i] = max(best[i], float32(math.Hypot(float64(dx[i]), float64(dy[i]))))
			}
		}
		// Blurring by s lowers a step's gradient by s: weigh it back in.
		for i, g := range best {
			total[i] += g * float32(s)
		}
	}
	top := quantile(total, .995)
	out := image.NewGray(image.Rect(0, 0, w, h))
	if top < 1 {
		return out, nil
	}
	for i, g := range total {
		out.Pix[i] = clamp255(255 * math.Pow(float64(g)/float64(top), .9))
	}
	return out, nil
}

// sobel is OpenCV's 3×3 Sobel derivative of a float map.
func sobel(src []float32, w, h, dx, dy int) ([]float32, error) {
	out, err := floatOp(src, w, h, func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.Sobel(in, out, gocv.MatTypeCV32F, dx, dy, 3, 1, 0, gocv.BorderReflect101)
	})
	if err != nil {
		return nil, fmt.Errorf("gradient: %w", err)
	}
	return out, nil
}

// quantile is the value below which the part q of v lies, found over 4096 bins
// between 0 and the maximum; v has no negative values.
func quantile(v []float32, q float64) float32 {
	var top float32
	for _, x := range v {
		top = max(top, x)
	}
	if top == 0 {
		return 0
	}
	var hist [4096]int
	for _, x := range v {
		hist[int(x/top*4095)]++
	}
	seen, want := 0, int(q*float64(len(v)))
	for i, n := range hist {
		if seen += n; seen >= want {
			return float32(i+1) / 4096 * top
		}
	}
	return top
}
