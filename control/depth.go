package control

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"
)

// ErrNeedsDepthModel says that depth of a photograph can't be told without a
// depth network. Line drawings need none.
var ErrNeedsDepthModel = errors.New("this is a photograph or a shaded picture, and its depth needs a depth model; " +
	"add one (such as Depth Anything V2 Small as ONNX) to the model library, or use a line drawing")

// depthParams are shared by depth and normal, which reads the same surface.
func depthParams() []Param {
	return []Param{
		{Name: "gap", Label: "Close gaps", Help: "Strokes that stop this near to another one are taken as joined; outlines that stay open get three times as much. In pixels of a 512-pixel drawing.",
			Type: Int, Min: 0, Max: 48, Step: 1, Default: 12},
		{Name: "parts", Label: "Bulge of parts", Help: "How much the parts of a rounded object bulge by themselves. 0 follows the outline only.",
			Type: Float, Min: 0, Max: 1, Step: .05, Default: .2},
	}
}

// NewDepth lifts line drawings to a depth image: closed regions are inflated
// (rounded ones) or become planes (straight-edged ones), nested regions are
// stacked. For photographs it asks the model given by WithPhotoDepth.
func NewDepth(opts ...Option) Extractor {
	o := collect(opts)
	return &extractor{
		kind: Depth, label: "Depth",
		help: "Near is white. Closed shapes of a drawing become rounded or flat bodies; photographs need a depth model.",
		params: append(depthParams(), Param{Name: "rim", Label: "Distance to background",
			Help: "How much nearer than the background the rim of an object is. 0 lets objects fade into it.",
			Type: Float, Min: 0, Max: .6, Step: .05, Default: .2}),
		make: white(func(ctx context.Context, pg *page, v values) (*image.Gray, error) {
			d, err := depthOf(ctx, pg, v, o)
			if err != nil {
				return nil, err
			}
			g := image.NewGray(image.Rectangle{Max: pg.size})
			for i, z := range d {
				g.Pix[i] = clamp255(255 * float64(z))
			}
			return g, nil
		}),
	}
}

func collect(opts []Option) options {
	var o options
	for _, f := range opts {
		f(&o)
	}
	return o
}

// depthOf returns depth from 0 to 1 at each pixel.
func depthOf(ctx context.Context, pg *page, v values, o options) ([]float32, error) {
	if pg.photo {
		return photoDepth(ctx, pg, o.photoDepth)
	}
	r, err := drawnRelief(ctx, pg, v)
	if err != nil {
		return nil, err
	}
	return r.shade(v.float("rim")), nil
}

// drawnRelief lifts a line drawing.
func drawnRelief(ctx context.Context, pg *page, v values) (*relief, error) {
	ink, err := pg.strokes(ctx)
	if err != nil {
		return nil, err
	}
	unit := max(1, float64(min(pg.size.X, pg.size.Y))/512)
	d, err := findRegions(ctx, ink, int(math.Round(v.float("gap")*unit)))
	if err != nil {
		return nil, err
	}
	return d.raise(ctx, v.float("parts"), unit)
}

// photoDepth asks the depth model and stretches its answer from 0 to 1.
func photoDepth(ctx context.Context, pg *page, model PhotoDepth) ([]float32, error) {
	if model == nil {
		return nil, ErrNeedsDepthModel
	}
	r, err := pg.load(ctx)
	if err != nil {
		return nil, err
	}
	photo := r.colour
	if photo == nil {
		if photo, err = toRGBA(r.gray); err != nil {
			return nil, err
		}
	}
	d, err := model(ctx, photo.SubImage(pg.fit))
	if errors.Is(err, ErrNeedsDepthModel) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("depth model: %w", err)
	}
	if d == nil || d.Rect.Empty() {
		return nil, errors.New("depth model: it returned no image; try another depth model")
	}
	fitted, err := resizeDepth(d, pg.fit.Size())
	if err != nil {
		return nil, err
	}
	low, high := fitted[0], fitted[0]
	for _, z := range fitted {
		low, high = min(low, z), max(high, z)
	}
	out := make([]float32, pg.size.X*pg.size.Y)
	for y := range pg.size.Y {
		// Beyond the photograph its border continues, as in the page's pixels.
		fy := min(max(y-pg.fit.Min.Y, 0), pg.fit.Dy()-1)
		for x := range pg.size.X {
			fx := min(max(x-pg.fit.Min.X, 0), pg.fit.Dx()-1)
			if high > low {
				out[y*pg.size.X+x] = (fitted[fy*pg.fit.Dx()+fx] - low) / (high - low)
			}
		}
	}
	return out, nil
}

// resizeDepth scales 16-bit depth to float values of another size.
func resizeDepth(d *image.Gray16, to image.Point) ([]float32, error) {
	w, h := d.Rect.Dx(), d.Rect.Dy()
	src := make([]float32, w*h)
	for y := range h {
		for x := range w {
			src[y*w+x] = float32(d.Gray16At(d.Rect.Min.X+x, d.Rect.Min.Y+y).Y)
		}
	}
	dst := make([]float32, to.X*to.Y)
	if err := convert(floatPixels(src, w, h), floatPixels(dst, to.X, to.Y), scale(to, gocv.InterpolationCubic)); err != nil {
		return nil, fmt.Errorf("depth: %w", err)
	}
	return dst, nil
}
