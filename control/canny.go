package control

import (
	"context"
	"fmt"
	"image"
	"unsafe"

	"gocv.io/x/gocv"
)

// newCanny finds edges as OpenCV's Canny does, on the image at render size.
// Nothing is blurred unless asked for. Canny answers alike for an image and its
// negative, so polarity needs no detection here.
func newCanny() *extractor {
	return &extractor{
		kind: Canny, label: "Canny edges",
		help: "Both sides of every stroke and every sharp edge of a picture, as thin lines. Follows the drawing most strictly.",
		params: []Param{
			{Name: "low", Label: "Low threshold", Help: "Weak edges above this are kept where they continue strong ones. Lower keeps more detail.",
				Type: Int, Min: 1, Max: 500, Step: 1, Default: 100},
			{Name: "high", Label: "High threshold", Help: "Edges above this are always kept. Lower keeps fainter strokes.",
				Type: Int, Min: 1, Max: 500, Step: 1, Default: 200},
			{Name: "blur", Label: "Blur", Help: "Softens the picture first, in pixels, so that texture and paper grain leave no edges. 0 for drawings.",
				Type: Float, Min: 0, Max: 8, Step: .1, Default: 0},
		},
		make: cannyImage,
	}
}

func cannyImage(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
	src, photo, err := cannySource(ctx, pg)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	in := &src.Mat
	if sigma := v.float("blur"); sigma > 0 {
		soft := gocv.NewMat()
		defer soft.Close()
		if err := gocv.GaussianBlur(src.Mat, &soft, image.Point{}, sigma, sigma, gocv.BorderReflect101); err != nil {
			return nil, fmt.Errorf("blur: %w", err)
		}
		in = &soft
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	edges := image.NewGray(image.Rectangle{Max: pg.size})
	out, err := viewGray(edges)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	low, high := v.float("low"), v.float("high")
	if err := gocv.Canny(*in, &out.Mat, float32(min(low, high)), float32(max(low, high))); err != nil {
		return nil, fmt.Errorf("find edges: %w", err)
	}
	if err := out.filled(unsafe.Pointer(unsafe.SliceData(edges.Pix))); err != nil {
		return nil, err
	}
	img, err := toRGBA(edges)
	if err != nil {
		return nil, err
	}
	if photo {
		pg.blankOutside(img, 0, 0, 0)
	}
	return img, nil
}

// cannySource hands the pixels to OpenCV: straight from the source where it is
// opaque and of render size already, else as a loaded page. Coloured pages keep
// four channels: Canny then takes the strongest channel's gradient at each
// pixel, and the constant alpha has none.
func cannySource(ctx context.Context, pg *page) (src *view, photo bool, err error) {
	if pg.from == pg.size {
		switch m := pg.src.(type) {
		case *image.Gray:
			if m.Stride == m.Rect.Dx() {
				src, err = viewGray(m)
				return src, false, err
			}
		case *image.RGBA:
			if plain(m) {
				g, err := toGray(m)
				if err != nil {
					return nil, false, err
				}
				src, err = viewGray(g)
				return src, false, err
			}
		}
	}
	r, err := pg.load(ctx)
	if err != nil {
		return nil, false, err
	}
	if r.gray != nil {
		src, err = viewGray(r.gray)
	} else {
		src, err = viewRGBA(r.colour)
	}
	return src, pg.photo, err
}

// plain reports whether all pixels are opaque and gray, in rows without gaps.
func plain(m *image.RGBA) bool {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if m.Stride != 4*w {
		return false
	}
	for y := range h {
		if !rowIsPlain(m.Pix[4*w*y : 4*w*(y+1)]) {
			return false
		}
	}
	return true
}
