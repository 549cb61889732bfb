//go:build matprofile

package control

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// TestEveryMatIsClosed counts OpenCV's matrices before and after every kind of
// call: they live outside Go's heap, nothing else would ever free them.
// Run with -tags 'gocv_specific_modules matprofile'.
func TestEveryMatIsClosed(t *testing.T) {
	broken := errors.New("no model today")
	failing := WithPhotoDepth(func(context.Context, image.Image) (*image.Gray16, error) { return nil, broken })
	working := WithPhotoDepth(func(_ context.Context, m image.Image) (*image.Gray16, error) {
		return image.NewGray16(image.Rect(0, 0, 40, 30)), nil
	})
	drawing := vase(300, 300, 3).on(color.White, color.Black)
	sources := []image.Image{drawing, grayOf(drawing), ball(200, 300), vase(90, 90, 2).clear(color.NRGBA{200, 30, 30, 255}), nil}
	start := gocv.MatProfile.Count()
	check := func(what string, k Kind) {
		t.Helper()
		if n := gocv.MatProfile.Count(); n != start {
			var b bytes.Buffer
			_ = gocv.MatProfile.WriteTo(&b, 1)
			t.Fatalf("%s, %s: %d matrices are left open, %d before\n%s", k, what, n, start, b.String())
		}
	}
	used := false
	for _, opts := range [][]Option{nil, {failing}, {working}} {
		for _, e := range Extractors(opts...) {
			for _, src := range sources {
				for _, size := range []image.Point{{64, 64}, {300, 300}, {256, 320}, {1, 1}} {
					_, err := e.Extract(context.Background(), src, size, nil)
					used = used || err == nil
					check("run", e.Kind())
				}
				_, _ = e.Extract(context.Background(), src, image.Pt(128, 128), Params{"blur": 2, "low": -1})
				check("bad parameter", e.Kind())
			}
			if e.Kind() == Canny {
				if _, err := e.Extract(context.Background(), drawing, image.Pt(256, 256), Params{"blur": 2}); err != nil {
					t.Fatal(err)
				}
				check("blurred", e.Kind())
			}
			// Cancelled at many moments, so that every stage is left early.
			for d := time.Microsecond; d < 40*time.Millisecond; d = d * 7 / 4 {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				_, _ = e.Extract(ctx, drawing, image.Pt(512, 512), nil)
				_, _ = e.Extract(ctx, sources[2], image.Pt(512, 512), nil)
				cancel()
				check("cancelled", e.Kind())
			}
		}
	}
	if !used {
		t.Fatal("no extractor worked")
	}
	// The counter counts.
	m := gocv.NewMat()
	if gocv.MatProfile.Count() != start+1 {
		t.Error("an open matrix is not counted")
	}
	_ = m.Close()
}
