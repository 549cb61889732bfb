package control

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
)

// Drift says how far the geometry of pictures that should show the same one has
// moved, picture by picture: each against all the others.
type Drift struct {
	// Share is 1 − F1 of two pictures' edges within FidelityTolerance, 0…1, and
	// Chamfer the symmetric chamfer distance in pixels, both averaged over the
	// others.
	Share   float64 `json:"share"`
	Chamfer float64 `json:"chamfer"`
}

// driftBand is how far from a line, in pixels of a 512-pixel picture, an edge
// counts as the line's: a texture within the areas is no drift of the geometry.
const driftBand = 8

// ErrNoSiblings says that a single picture can't have drifted.
var ErrNoSiblings = errors.New("geometry drift needs two pictures or more")

// MeasureDrift compares the edges of pictures that were made from the same
// control image; picture returns the i-th of n. Only edges near its lines count, white on black; lines may be
// nil, and then all do. Pictures are compared at the size of the lines, or else
// of the first picture. Errors: ErrNoSiblings, an empty picture, a cancelled context.
func MeasureDrift(ctx context.Context, lines image.Image, n int, picture func(i int) (image.Image, error)) ([]Drift, error) {
	if n < 2 {
		return nil, ErrNoSiblings
	}
	var size image.Point
	var band *mask
	if lines != nil {
		size = lines.Bounds().Size()
		drawn, err := pictureAt(lines, size)
		if err != nil {
			return nil, fmt.Errorf("measure drift: %w", err)
		}
		unit := max(1, float64(min(size.X, size.Y))/512)
		band = edgeMask(drawn).thinned().grown(int(math.Round(driftBand * unit)))
	}
	type side struct{ edges, near *mask } // near: within tolerance
	sides := make([]side, n)
	away := make([][]float32, n)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := picture(i)
		if err != nil {
			return nil, fmt.Errorf("measure drift: picture %d: %w", i+1, err)
		}
		if size == (image.Point{}) {
			size = img.Bounds().Size()
		}
		shown, err := pictureAt(img, size)
		if err != nil {
			return nil, fmt.Errorf("measure drift: picture %d: %w", i+1, err)
		}
		edges, err := edgesOf(shown)
		if err != nil {
			return nil, fmt.Errorf("measure drift: picture %d: %w", i+1, err)
		}
		if band != nil {
			for k, v := range band.on {
				edges.on[k] &= v
			}
		}
		sides[i] = side{edges, edges.grown(FidelityTolerance)}
		away[i] = edges.distances()
	}
	out := make([]Drift, n)
	for i := range sides {
		for j := range i {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			_, _, f1 := agreement(sides[i].edges, sides[j].edges, sides[i].near, sides[j].near)
			d := chamfer(sides[i].edges, sides[j].edges, away[i], away[j])
			for _, k := range [2]int{i, j} {
				out[k].Share += (1 - f1) / float64(len(sides)-1)
				out[k].Chamfer += d / float64(len(sides)-1)
			}
		}
	}
	return out, nil
}
