package depth

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"

	"github.com/disintegration/imaging"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// What Depth Anything was trained with: its sides are multiples of 14, the
// shorter one 518. MiDaS has the same colours; its files have a fixed size.
const (
	patch     = 14
	shortSide = 518
	maxSide   = 2072 // of a picture: four times the short side
)

// Estimator is a depth model that is ready to run. It is safe for concurrent use.
type Estimator struct {
	session *runtime.Session
	in, out graph.IO
}

// Open loads a depth model. Errors: those of Inspect, and what ONNX Runtime
// says about a model that it can't load.
func Open(ctx context.Context, r *runtime.Runtime, path string, o runtime.Options) (*Estimator, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("depth model: %w", err)
	}
	in, out, size, err := read(path)
	if err != nil {
		return nil, err
	}
	proto, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("depth model: %w", err)
	}
	m := &graph.Model{
		Name: "depth model " + filepath.Base(path), Proto: proto, Root: filepath.Dir(path), // where its external data lies
		Inputs: []graph.IO{in}, Outputs: []graph.IO{out}, WeightBytes: size,
	}
	session, err := r.NewSession(ctx, m, o)
	if err != nil {
		return nil, err
	}
	return &Estimator{session, in, out}, nil
}

// Close frees the model.
func (e *Estimator) Close() error { return e.session.Close() }

// Estimate returns the depth of a picture as disparity, near = high, stretched
// to the full range; the result has the network's size. Without any depth it is
// all 0. Transparent parts count as black.
func (e *Estimator) Estimate(ctx context.Context, photo image.Image) (*image.Gray16, error) {
	size := e.size(photo.Bounds().Size())
	x, err := runtime.NewFloat32([]int64{1, 3, int64(size.Y), int64(size.X)}, planes(photo, size))
	if err != nil {
		return nil, err
	}
	defer x.Close()
	out, err := e.session.Run(ctx, map[string]*runtime.Tensor{e.in.Name: x})
	if err != nil {
		return nil, err
	}
	defer runtime.CloseAll(out)
	y := out[e.out.Name]
	w, h := size.X, size.Y
	if s := y.Shape(); len(s) >= 2 {
		w, h = int(s[len(s)-1]), int(s[len(s)-2])
	}
	d := y.Float32()
	if w <= 0 || h <= 0 || len(d) != w*h {
		return nil, fmt.Errorf("%s: %w but has shape %v", e.session.Name(), errShape, y.Shape())
	}
	return stretched(d, w, h), nil
}

// size is that of the picture which the network sees: its own where it is
// fixed, else the photo's shape with the shorter side 518.
func (e *Estimator) size(photo image.Point) image.Point {
	scale := shortSide / float64(max(min(photo.X, photo.Y), 1))
	side := func(n int, fixed int64) int {
		if fixed != graph.Dynamic {
			return int(fixed)
		}
		most := float64(maxSide / patch)
		return patch * int(min(max(math.Round(float64(n)*scale/patch), 1), most))
	}
	return image.Pt(side(photo.X, e.in.Shape[3]), side(photo.Y, e.in.Shape[2]))
}

// planes scales a photo with a cubic filter and gives its colours [3,H,W] as
// ImageNet's networks take them.
func planes(photo image.Image, size image.Point) []float32 {
	m := imaging.Resize(photo, size.X, size.Y, imaging.CatmullRom)
	mean, deviation := [3]float32{.485, .456, .406}, [3]float32{.229, .224, .225}
	n := size.X * size.Y
	x := make([]float32, 3*n)
	for i := range n {
		for c := range 3 {
			x[c*n+i] = (float32(m.Pix[4*i+c])/255 - mean[c]) / deviation[c]
		}
	}
	return x
}

// stretched brings values to the full range. What is no number counts as far.
func stretched(d []float32, w, h int) *image.Gray16 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, z := range d {
		if v := float64(z); !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	out := image.NewGray16(image.Rect(0, 0, w, h))
	if !(high > low) {
		return out
	}
	for i, z := range d {
		v := math.Round(65535 * min(max((float64(z)-low)/(high-low), 0), 1))
		if math.IsNaN(v) {
			v = 0
		}
		out.Pix[2*i], out.Pix[2*i+1] = uint8(uint16(v)>>8), uint8(uint16(v))
	}
	return out
}
