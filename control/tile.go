package control

import (
	"context"
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// newTile makes the blurred colour copy that the tile ControlNet adds detail to:
// sides rounded to 64, scaled down by 2ⁿ, then n times up by a pyramid step.
func newTile() *extractor {
	return &extractor{
		kind: Tile, label: "Tile",
		help: "A soft copy of the whole picture with its colours. Keeps the picture and lets the model add detail.",
		params: []Param{
			{Name: "levels", Label: "Coarseness", Help: "How much detail is left to the model: each level halves what is kept.",
				Type: Int, Min: 1, Max: 5, Step: 1, Default: 3},
		},
		make: tileImage,
	}
}

func tileImage(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
	r, err := pg.load(ctx)
	if err != nil {
		return nil, err
	}
	src := r.colour
	if src == nil {
		if src, err = toRGBA(r.gray); err != nil {
			return nil, err
		}
	}
	if pg.negative { // the picture's own colours, not their negative
		for i := 0; i < len(src.Pix); i += 4 {
			src.Pix[i], src.Pix[i+1], src.Pix[i+2] = 255-src.Pix[i], 255-src.Pix[i+1], 255-src.Pix[i+2]
		}
	}
	levels := v.int("levels")
	whole := image.Pt(roundTo64(pg.size.X), roundTo64(pg.size.Y))
	in, err := rgbaPixels(src).view()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cur := gocv.NewMat()
	defer func() { cur.Close() }()
	if err := gocv.Resize(in.Mat, &cur, whole.Div(1<<levels), 0, 0, gocv.InterpolationArea); err != nil {
		return nil, fmt.Errorf("scale down: %w", err)
	}
	for range levels {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		up := gocv.NewMat()
		if err := gocv.PyrUp(cur, &up, image.Point{}, gocv.BorderDefault); err != nil {
			up.Close()
			return nil, fmt.Errorf("scale up: %w", err)
		}
		cur.Close()
		cur = up
	}
	dst := image.NewRGBA(image.Rectangle{Max: pg.size})
	err = write(rgbaPixels(dst), func(out *gocv.Mat) error {
		return scale(pg.size, gocv.InterpolationLinear)(cur, out)
	})
	if err != nil {
		return nil, err
	}
	pg.blankOutside(dst, pg.ground[0], pg.ground[1], pg.ground[2])
	return dst, nil
}

// roundTo64 rounds to the nearest multiple of 64, at least 64.
func roundTo64(n int) int { return max(64, (n+32)/64*64) }
