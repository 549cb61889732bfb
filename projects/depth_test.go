package projects

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/control"
	"maquette/inference/graph"
)

// storeDepthModel writes a depth model that takes what is red for near.
func storeDepthModel(t *testing.T, path string) {
	t.Helper()
	b := graph.New("depth")
	x := b.Input("image", graph.Float32, 1, 3, 64, 64)
	red := b.Floats([]int64{2, 3, 1, 1}, 1, 0, 0, 0, 0, 0)
	y := x.Conv2D(red, b.Floats([]int64{2}, 10, 0), 1, [4]int64{}).ReLU()
	b.Output("depth", y.Conv2D(b.Floats([]int64{1, 2, 1, 1}, 3, 1), graph.Value{}, 1, [4]int64{}).Reshape(1, 64, 64))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Proto, 0o666); err != nil {
		t.Fatal(err)
	}
}

// shaded is a picture with many levels and no paper: redder to the right,
// lighter in waves.
func shaded(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			wave := 90 + 60*math.Sin(float64(x+2*y)/25)
			m.SetRGBA(x, y, color.RGBA{uint8(40 + 200*x/w), uint8(wave), uint8(wave / 2), 255})
		}
	}
	return m
}

// TestPhotoDepth takes the whole way: a model file in a model folder, ONNX
// Runtime, a control image.
func TestPhotoDepth(t *testing.T) {
	dir := t.TempDir()
	l, err := NewLibrary([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, photo, size := context.Background(), shaded(200, 160), image.Pt(160, 128)
	extract := extractWith(l)
	for _, k := range []control.Kind{control.Depth, control.Normal} {
		if _, err := extract(ctx, k, photo, size, nil); !errors.Is(err, control.ErrNeedsDepthModel) {
			t.Fatalf("%s without a model: %v", k, err)
		}
	}
	storeDepthModel(t, filepath.Join(dir, "depth.onnx"))
	if found, err := l.DepthModels(ctx); err != nil || len(found) != 0 {
		t.Errorf("the folders are walked at each question: %v, %v", found, err)
	}
	l.Refresh()
	found, err := l.DepthModels(ctx)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	for range 2 { // the second time the model is loaded already
		img, err := extract(ctx, control.Depth, photo, size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if img.Rect.Size() != size {
			t.Fatalf("the control image is %v", img.Rect)
		}
		for y := 10; y < size.Y; y += 20 {
			for x := 4; x < size.X; x += 8 {
				want := 255 * float64(x) / float64(size.X-1)
				if got := img.RGBAAt(x, y); math.Abs(float64(got.R)-want) > 6 || got.G != got.R || got.A != 255 {
					t.Fatalf("%v at %d,%d, want about %.0f: near is white", got, x, y, want)
				}
			}
		}
	}
	if _, err := extract(ctx, control.Normal, photo, size, nil); err != nil {
		t.Errorf("normals: %v", err)
	}
	// A drawing needs no model and doesn't ask it.
	drawing := image.NewGray(image.Rect(0, 0, 128, 128))
	for i := range drawing.Pix {
		drawing.Pix[i] = 255
		if x, y := i%128-64, i/128-64; math.Abs(math.Hypot(float64(x), float64(y))-40) < 2 {
			drawing.Pix[i] = 0
		}
	}
	img, err := extract(ctx, control.Depth, drawing, image.Pt(128, 128), nil)
	if err != nil || img.RGBAAt(64, 64).R < 240 || img.RGBAAt(2, 2).R != 0 {
		t.Errorf("the depth of a drawing: %v", err)
	}
	// A model that can't be loaded says which one it is.
	damaged := filepath.Join(dir, "a-depth.onnx")
	data, err := os.ReadFile(found[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(data) - 4 {
		if string(data[i:i+4]) == "Conv" {
			copy(data[i:], "Coxv")
		}
	}
	if err := os.WriteFile(damaged, data, 0o666); err != nil {
		t.Fatal(err)
	}
	l.Refresh()
	if _, err := extract(ctx, control.Depth, photo, size, nil); err == nil || !strings.Contains(err.Error(), "a-depth.onnx") {
		t.Errorf("a damaged model: %v", err)
	}
}
