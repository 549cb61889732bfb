package depth

import (
	"bytes"
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// network is a small depth network: a 3×3 convolution to some channels, ReLU,
// and a 1×1 convolution to one.
type network struct {
	channels     int
	first, bias1 []float32 // [channels,3,3,3], [channels]
	second       []float32 // [1,channels,1,1]
}

func newNetwork() network {
	r := rand.New(rand.NewPCG(7, 8))
	n := network{channels: 4}
	take := func(count int) []float32 {
		v := make([]float32, count)
		for i := range v {
			v[i] = float32(r.NormFloat64()) / 4
		}
		return v
	}
	n.first, n.bias1, n.second = take(n.channels*27), take(n.channels), take(n.channels)
	return n
}

// store writes the network as an ONNX file for pictures of w × h pixels, whose
// output has the given number of dimensions.
func (n network) store(t testing.TB, name string, w, h int64, dims int) string {
	t.Helper()
	b := graph.New("depth")
	c := int64(n.channels)
	x := b.Input("image", graph.Float32, 1, 3, h, w)
	y := x.Conv2D(b.Floats([]int64{c, 3, 3, 3}, n.first...), b.Floats([]int64{c}, n.bias1...), 1, [4]int64{1, 1, 1, 1}).ReLU()
	y = y.Conv2D(b.Floats([]int64{1, c, 1, 1}, n.second...), graph.Value{}, 1, [4]int64{})
	if dims == 3 {
		y = y.Reshape(1, h, w)
	}
	b.Output("depth", y)
	return save(t, name, b)
}

func save(t testing.TB, name string, b *graph.Builder) string {
	t.Helper()
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, m.Proto, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// run is the network in plain arithmetic, on pixels of one picture.
func (n network) run(m *image.NRGBA) []float64 {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	mean, deviation := [3]float64{.485, .456, .406}, [3]float64{.229, .224, .225}
	at := func(c, x, y int) float64 {
		if x < 0 || y < 0 || x >= w || y >= h {
			return 0
		}
		return (float64(m.Pix[m.PixOffset(x, y)+c])/255 - mean[c]) / deviation[c]
	}
	out := make([]float64, w*h)
	for i := range out {
		for k := range n.channels {
			sum := float64(n.bias1[k])
			for c := range 3 {
				for j := range 9 {
					sum += float64(n.first[(k*3+c)*9+j]) * at(c, i%w+j%3-1, i/w+j/3-1)
				}
			}
			out[i] += float64(n.second[k]) * max(sum, 0)
		}
	}
	return out
}

func photo(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := float64(i%w)/float64(w), float64(i/w)/float64(h)
		p := m.Pix[4*i : 4*i+4]
		p[0], p[1], p[2], p[3] = uint8(255*x), uint8(128+127*math.Sin(9*y)), uint8(255*x*y), 255
	}
	return m
}

func open(t *testing.T, path string) *Estimator {
	t.Helper()
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(context.Background(), r, path, runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// The map is that of the network on ImageNet's colours, stretched.
func TestEstimateIsTheNetworksAnswer(t *testing.T) {
	n := newNetwork()
	m := photo(48, 32)
	want := n.run(m)
	low, high := slices.Min(want), slices.Max(want)
	for name, path := range map[string]string{
		"as MiDaS":          n.store(t, "midas.onnx", 48, 32, 3),
		"with a channel":    n.store(t, "other.onnx", 48, 32, 4),
		"as Depth Anything": n.store(t, "any.onnx", graph.Dynamic, graph.Dynamic, 4),
	} {
		e := open(t, path)
		src := m
		if name == "as Depth Anything" {
			if size := e.size(m.Rect.Size()); size != image.Pt(56*patch, 37*patch) { // 777 × 518
				t.Errorf("%s: a picture of 48×32 is seen at %v", name, size)
			}
			if size := e.size(image.Pt(10, 100_000)); size != image.Pt(518, maxSide) {
				t.Errorf("%s: a strip is seen at %v", name, size)
			}
			src = photo(784, 518)
		}
		d, err := e.Estimate(context.Background(), src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Rect.Size() != src.Rect.Size() {
			t.Fatalf("%s: the map is %v", name, d.Rect)
		}
		expected, from, to := want, low, high
		if src != m {
			expected = n.run(src)
			from, to = slices.Min(expected), slices.Max(expected)
		}
		for i, v := range expected {
			got := float64(d.Gray16At(i%d.Rect.Dx(), i/d.Rect.Dx()).Y)
			if math.Abs(got-65535*(v-from)/(to-from)) > 8 {
				t.Fatalf("%s: pixel %d is %g, want %g", name, i, got, 65535*(v-from)/(to-from))
			}
		}
		done, stop := context.WithCancel(context.Background())
		stop()
		if _, err := e.Estimate(done, m); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled: %v", name, err)
		}
	}
}

func TestStretchedTakesNumbersOnly(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	d := stretched([]float32{nan, 1, 3, 2, inf, -inf}, 3, 2)
	for i, want := range []uint16{0, 0, 65535, 32768, 65535, 0} {
		if got := d.Gray16At(i%3, i/3).Y; got != want {
			t.Errorf("value %d becomes %d, want %d", i, got, want)
		}
	}
	for _, v := range stretched([]float32{nan, 4, 4, 4, 4, 4}, 3, 2).Pix {
		if v != 0 {
			t.Fatal("a flat map has depth")
		}
	}
}

func TestInspectRefusesOtherModels(t *testing.T) {
	write := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	build := func(name string, make func(b *graph.Builder)) string {
		b := graph.New(name)
		make(b)
		return save(t, name+".onnx", b)
	}
	good, err := os.ReadFile(newNetwork().store(t, "midas.onnx", 64, 64, 3))
	if err != nil {
		t.Fatal(err)
	}
	for says, path := range map[string]string{
		"2 inputs": build("two", func(b *graph.Builder) {
			b.Output("y", b.Input("x", graph.Float32, 1, 3, 64, 64).Add(b.Input("z", graph.Float32, 1, 3, 64, 64)))
		}),
		"not one map": build("upscaler", func(b *graph.Builder) {
			b.Output("y", b.Input("x", graph.Float32, 1, 3, 64, 64).ReLU())
		}),
		"not a picture": build("halves", func(b *graph.Builder) {
			b.Output("y", b.Input("x", graph.Float16, 1, 3, 64, 64).ReLU())
		}),
		"does not fit": build("smaller", func(b *graph.Builder) {
			w := b.Floats([]int64{1, 3, 1, 1}, 1, 1, 1)
			b.Output("y", b.Input("x", graph.Float32, 1, 3, 64, 64).Conv2D(w, graph.Value{}, 2, [4]int64{}))
		}),
		"damaged":           write("cut.onnx", good[:len(good)/2]),
		"not an ONNX model": write("empty.onnx", nil),
		"is not a depth":    write("text.onnx", []byte("once upon a time, there was no model here")),
		"cut short":         write("claims.onnx", []byte("\x3a\xff\xff\xff\xff\xff\xff\xff\x7f")),
		"at most 2 GB":      t.TempDir(),
		"more than":         write("many.onnx", bytes.Repeat([]byte{0x10, 0}, 1<<20+1)),
	} {
		_, err := Inspect(path)
		var no *NotDepthError
		if !errors.As(err, &no) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not say %q: %v", filepath.Base(path), says, err)
		}
	}
	if _, err := Inspect(filepath.Join(t.TempDir(), "none.onnx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestFindPutsNamedModelsFirst(t *testing.T) {
	data, err := os.ReadFile(newNetwork().store(t, "x.onnx", 64, 64, 3))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, name := range []string{"a.onnx", "z/Depth-Anything/model.onnx", ".cache/midas.onnx", "1/2/3/4/5/6/7/midas.onnx"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "depth.onnx"), data[:50], 0o666); err != nil {
		t.Fatal(err)
	}
	found, err := Find(context.Background(), []string{root, filepath.Join(root, "missing"), root})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range found {
		rel, err := filepath.Rel(root, e.Path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(rel))
		if e.Kind != Kind || e.Bytes != int64(len(data)) {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(names, []string{"z/Depth-Anything/model.onnx", "a.onnx"}) {
		t.Errorf("found %v", names)
	}
	done, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Find(done, []string{root}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
