package control

import (
	"context"
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// newScribble makes pure black and white: for drawings a threshold, for
// photographs the thinned edges that ControlNet's scribble annotator draws.
func newScribble() *extractor {
	return &extractor{
		kind: Scribble, label: "Scribble",
		help: "Pure black and white strokes. Leaves the model the most freedom between them.",
		params: []Param{
			{Name: "threshold", Label: "Threshold", Help: "How dark a stroke must be on white paper: strokes below this level are kept. Higher keeps fainter strokes.",
				Type: Int, Min: 1, Max: 250, Step: 1, Default: 127},
			{Name: "sigma", Label: "Smoothness", Help: "For photographs: how far edges are smoothed into strokes, in pixels.",
				Type: Float, Min: 1, Max: 8, Step: .5, Default: 3},
		},
		make: white(scribbleImage),
	}
}

func scribbleImage(ctx context.Context, pg *page, v values) (*image.Gray, error) {
	if pg.photo {
		edges, err := softEdges(ctx, pg, v.float("sigma")/2)
		if err != nil {
			return nil, err
		}
		// Gradients are weaker than the network edges that the usual 127 is for.
		strokes, err := thinEdges(edges, v.float("sigma"), 64)
		if err != nil {
			return nil, err
		}
		// Where an outline runs along one of the four directions, its flanks pass
		// for ridges too and the stroke swells into a knob. Its middle line drawn
		// again has an even width.
		for i, on := range inked(strokes, 255).thinned().on {
			strokes.Pix[i] = 255 * on
		}
		return thicken(strokes, v.float("sigma"))
	}
	ink, err := pg.strokes(ctx)
	if err != nil {
		return nil, err
	}
	// min(R, G, B) < threshold on white paper is ink above 255 − threshold.
	limit := uint8(255 - v.int("threshold"))
	for i, d := range ink.Pix {
		ink.Pix[i] = 0
		if d > limit {
			ink.Pix[i] = 255
		}
	}
	return ink, nil
}

// thinEdges draws the ridges of an edge map as strokes of even width, as
// ControlNet does: blur, keep what is largest along one of four directions and
// above threshold, blur, keep what is above 4.
func thinEdges(edges *image.Gray, sigma float64, threshold uint8) (*image.Gray, error) {
	soft, err := blurGray(edges, sigma)
	if err != nil {
		return nil, fmt.Errorf("blur edges: %w", err)
	}
	ridges := image.NewGray(soft.Rect)
	for _, dir := range [][9]byte{
		{0, 0, 0, 1, 1, 1, 0, 0, 0}, {0, 1, 0, 0, 1, 0, 0, 1, 0},
		{1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 1, 0, 1, 0, 1, 0, 0},
	} {
		if err := keepRidges(soft, ridges, dir, threshold); err != nil {
			return nil, err
		}
	}
	return thicken(ridges, sigma)
}

// thicken draws thin white lines as strokes about three times sigma wide.
func thicken(lines *image.Gray, sigma float64) (*image.Gray, error) {
	strokes, err := blurGray(lines, sigma)
	if err != nil {
		return nil, fmt.Errorf("blur strokes: %w", err)
	}
	for i, v := range strokes.Pix {
		strokes.Pix[i] = 0
		if v > 4 {
			strokes.Pix[i] = 255
		}
	}
	return strokes, nil
}

// keepRidges marks pixels that no neighbour in the 3×3 pattern exceeds.
func keepRidges(src, dst *image.Gray, pattern [9]byte, threshold uint8) error {
	kernel, err := bytePixels(pattern[:], 3, 3).view()
	if err != nil {
		return err
	}
	defer kernel.Close()
	most, err := grayOp(src, func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.Dilate(in, out, kernel.Mat)
	})
	if err != nil {
		return fmt.Errorf("find ridges: %w", err)
	}
	for i, v := range src.Pix {
		if v == most.Pix[i] && v > threshold {
			dst.Pix[i] = 255
		}
	}
	return nil
}
