package inference

import (
	"context"
	"fmt"
	"image"
	"testing"
)

func fmtSize(w, h int) string { return fmt.Sprintf("%dx%d", w, h) }

// difference is the greatest difference of two images' 8-bit values, and the mean one.
func difference(t testing.TB, got *image.RGBA, want image.Image) (most int, mean float64) {
	t.Helper()
	if got.Rect.Size() != want.Bounds().Size() {
		t.Fatalf("image of %v, want %v", got.Rect.Size(), want.Bounds().Size())
	}
	b := want.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := want.At(b.Min.X+x, b.Min.Y+y).RGBA()
			p := got.Pix[got.PixOffset(x, y):]
			for c, v := range [3]uint32{r, g, bl} {
				d := int(p[c]) - int(v>>8)
				if d < 0 {
					d = -d
				}
				most = max(most, d)
				mean += float64(d)
			}
		}
	}
	return most, mean / float64(3*b.Dx()*b.Dy())
}

func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return e
}

// Whole renders must equal diffusers' pipelines: StableDiffusionPipeline, with
// ControlNets and from an image.
func TestRendersEqualDiffusers(t *testing.T) {
	p := fixtures(t)
	e := newEngine(t, Config{})
	for _, c := range p.cases {
		t.Run(c.Name, func(t *testing.T) {
			res, err := e.Render(context.Background(), p.request(t, c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Images) != c.Count {
				t.Fatalf("%d images, want %d", len(res.Images), c.Count)
			}
			for i, img := range res.Images {
				name := c.Name
				if i > 0 {
					name += fmt.Sprintf("-%d", i)
				}
				most, mean := difference(t, img, p.png(t, name+".png"))
				t.Logf("image %d: greatest difference %d levels, mean %.4f", i, most, mean)
				if most > 2 {
					t.Errorf("image %d differs by up to %d levels, want at most 2", i, most)
				}
			}
		})
	}
}
