package control

import (
	"image"
	"math/rand/v2"
	"testing"
)

// whiten looks at many pixels together; none may be missed or whitened too much,
// whatever is left at the end.
func TestWhitenTakesEveryPixel(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, size := range []image.Point{{1, 1}, {31, 1}, {32, 1}, {33, 3}, {64, 65}, {101, 97}} {
		edges := image.NewGray(image.Rectangle{Max: size})
		for range len(edges.Pix) / 9 {
			edges.Pix[r.IntN(len(edges.Pix))] = 255
		}
		edges.Pix[len(edges.Pix)-1] = 255
		img := blackPage(size)
		whiten(img, edges)
		if img.Rect != edges.Rect || len(img.Pix) != 4*len(edges.Pix) {
			t.Fatalf("%v: the image has %v and %d bytes", size, img.Rect, len(img.Pix))
		}
		for i, v := range edges.Pix {
			if got := [4]uint8(img.Pix[4*i:]); got != [4]uint8{v, v, v, 255} {
				t.Fatalf("%v: pixel %d is %v, its edge value %d", size, i, got, v)
			}
		}
	}
}
