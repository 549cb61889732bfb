package terminal

import (
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"
)

// depthLibrary is a library with a depth model that takes what is red for near.
type depthLibrary struct {
	*fakeLibrary
	calls int
}

func (l *depthLibrary) PhotoDepth(_ context.Context, photo image.Image) (*image.Gray16, error) {
	l.calls++
	b := photo.Bounds()
	d := image.NewGray16(image.Rectangle{Max: b.Size()})
	for y := range d.Rect.Dy() {
		for x := range d.Rect.Dx() {
			r, _, _, _ := photo.At(b.Min.X+x, b.Min.Y+y).RGBA()
			d.SetGray16(x, y, color.Gray16{Y: uint16(r)})
		}
	}
	return d, nil
}

func TestControlDepthOfPhotographs(t *testing.T) {
	b := newBench(t)
	photo := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for i := range 160 * 120 {
		x, y := i%160, i/160
		wave := uint8(90 + 60*math.Sin(float64(x+2*y)/25))
		photo.SetRGBA(x, y, color.RGBA{uint8(30 + x), wave, wave / 2, 255})
	}
	f, err := os.Create(b.path("photo.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, photo); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"depth", "normal"} {
		if code := b.run(t.Context(), "control", kind, b.path("photo.png"), "-o", b.path("none.png")); code != ExitFailure ||
			!strings.Contains(b.err.String(), "needs a depth model") {
			t.Errorf("%s without a model: exit code %d, %s", kind, code, &b.err)
		}
	}
	if _, err := os.Stat(b.path("none.png")); !os.IsNotExist(err) {
		t.Errorf("a failure left an image: %v", err)
	}
	library := &depthLibrary{fakeLibrary: b.library}
	b.models = library
	b.ok("control", "depth", b.path("photo.png"), "-o", b.path("depth.png"))
	img := openPNG(t, b.path("depth.png"))
	left, _, _, _ := img.At(2, 60).RGBA()
	right, _, _, _ := img.At(157, 60).RGBA()
	if library.calls != 1 || left>>8 > 10 || right>>8 < 245 {
		t.Errorf("%d calls of the model; depth from %d to %d, want 0 to 255", library.calls, left>>8, right>>8)
	}
}
