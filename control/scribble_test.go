package control

import (
	"image"
	"math"
	"testing"
)

// The outline of a round thing in a photograph is one stroke of even width, also
// where it runs along the rows, columns and diagonals of the pixels.
func TestScribbleOfPhotographHasEvenStrokes(t *testing.T) {
	const side, centre = 512, 256
	out := extract(t, Scribble, ball(side, side), image.Pt(side, side), nil)
	thin, thick := side, 0
	for k := range 64 {
		sin, cos := math.Sincos(float64(k) * math.Pi / 32)
		width := 0
		for r := 0.; r < centre-2; r += .5 {
			if out.Pix[out.PixOffset(centre+int(math.Round(r*cos)), centre+int(math.Round(r*sin)))] == 255 {
				width++
			}
		}
		thin, thick = min(thin, width/2), max(thick, width/2)
	}
	if thin < 6 || thick > thin+4 {
		t.Errorf("the outline is %d to %d pixels wide", thin, thick)
	}
}
