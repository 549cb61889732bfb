package graph_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// kernels are random convolutions from in to out channels, as a checkpoint has them.
func kernels(t testing.TB, in, out, n int) weights {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	header, data := "{", []byte(nil)
	add := func(name string, size int, scale float64, shape string) {
		values := make([]float32, size)
		for i := range values {
			values[i] = float32(rng.NormFloat64() * scale)
		}
		if header != "{" {
			header += ","
		}
		header += fmt.Sprintf(`"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}`, name, shape, len(data), len(data)+4*size)
		data = append(data, f32(values...)...)
	}
	for i := range n {
		add(fmt.Sprintf("%d.weight", i), out*in*9, 1/math.Sqrt(float64(9*in)), fmt.Sprintf("[%d,%d,3,3]", out, in))
		add(fmt.Sprintf("%d.bias", i), out, 1, fmt.Sprintf("[%d]", out))
	}
	return store(t, header+"}", data)
}

// convolve writes n convolutions one after the other, and between them doubles the size.
func convolve(w weights, n, in, out int64, size [2]int64, numbers graph.Numbers, patch graph.Patch) (*graph.Model, error) {
	b := graph.New("test")
	b.Numbers(numbers)
	b.Patch(patch)
	x := b.Input("x", graph.Float32, graph.Dynamic, in, size[0], size[1])
	for i := range n {
		if i > 0 {
			x = x.Upsample2x()
		}
		s := b.Scope(w).Index(int(i))
		x = x.Conv2D(s.Weight("weight", out, in, 3, 3), s.Weight("bias", out), 1, [4]int64{1, 1, 1, 1})
	}
	b.Output("y", x)
	return b.Model()
}

const plenty = 1 << 30

// Convolutions in Winograd's form give what ordinary ones give.
func TestWinogradEqualsConv(t *testing.T) {
	r := open(t)
	for _, c := range []struct{ batch, in, out, h, w int64 }{
		{1, 192, 192, 16, 16}, {2, 160, 256, 16, 24}, {3, 256, 160, 32, 16},
		{1, 200, 200, 160, 128}, // in strips
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := kernels(t, int(c.in), int(c.out), 1)
			rng := rand.New(rand.NewPCG(3, 4))
			pixels := make([]float32, c.batch*c.in*c.h*c.w)
			for i := range pixels {
				pixels[i] = float32(rng.NormFloat64())
			}
			x, err := runtime.NewFloat32([]int64{c.batch, c.in, c.h, c.w}, pixels)
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			run := func(budget int64) ([]float32, int) {
				m, err := convolve(w, 1, c.in, c.out, [2]int64{c.h, c.w}, graph.Numbers{Winograd: budget}, nil)
				if err != nil {
					t.Fatal(err)
				}
				out, err := session(t, r, m).Run(context.Background(), map[string]*runtime.Tensor{"x": x})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := out["y"].Shape(), []int64{c.batch, c.out, c.h, c.w}; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("the result has shape %v, want %v", got, want)
				}
				return out["y"].Float32(), m.Nodes
			}
			want, nodes := run(0)
			got, more := run(plenty)
			if nodes != 1 || more <= nodes {
				t.Fatalf("%d and %d nodes", nodes, more)
			}
			worst, sum := 0.0, 0.0
			for i := range want {
				d := math.Abs(float64(got[i] - want[i]))
				worst, sum = max(worst, d), sum+d*d
			}
			if mean := math.Sqrt(sum / float64(len(want))); !(worst < 3e-5 && mean < 3e-6) {
				t.Errorf("it differs by %.1e at most, by %.1e on average", worst, mean)
			}
		})
	}
}

// The memory is spent on the largest images first, and counted.
func TestWinogradBudget(t *testing.T) {
	const channels, kernel, extra = 192, 4 * 192 * 192 * 9, 4 * 192 * 192 * 27
	w := kernels(t, channels, channels, 3)
	sizes := map[int]bool{}
	for n := range int64(5) {
		m, err := convolve(w, 3, channels, channels, [2]int64{16, 16}, graph.Numbers{Winograd: extra*n + extra/2}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m.MemoryBytes, 3*(kernel+4*channels)+min(n, 3)*extra; got != want {
			t.Errorf("with memory for %d convolutions, the model says that it takes %d bytes, want %d", n, got, want)
		}
		sizes[m.Nodes] = true
	}
	if len(sizes) != 4 { // for 0, 1, 2 and 3 of them
		t.Errorf("%d different graphs", len(sizes))
	}
}

// What doesn't suit stays an ordinary convolution.
func TestWinogradLeavesOthers(t *testing.T) {
	for name, c := range map[string]struct {
		in, out int64
		size    [2]int64
		numbers graph.Numbers
		patch   graph.Patch
	}{
		"few channels":     {256, 64, [2]int64{32, 32}, graph.Numbers{Winograd: plenty}, nil},
		"small image":      {192, 192, [2]int64{8, 8}, graph.Numbers{Winograd: plenty}, nil},
		"odd size":         {192, 192, [2]int64{30, 32}, graph.Numbers{Winograd: plenty}, nil},
		"unknown size":     {192, 192, [2]int64{graph.Dynamic, 32}, graph.Numbers{Winograd: plenty}, nil},
		"too little":       {192, 192, [2]int64{32, 32}, graph.Numbers{Winograd: 1000}, nil},
		"changed by LoRAs": {192, 192, [2]int64{32, 32}, graph.Numbers{Winograd: plenty}, plusOne{}},
		"in float16":       {192, 192, [2]int64{32, 32}, graph.Numbers{Winograd: plenty, Half: true}, nil},
	} {
		m, err := convolve(kernels(t, int(c.in), int(c.out), 1), 1, c.in, c.out, c.size, c.numbers, c.patch)
		if err != nil {
			t.Fatal(err)
		}
		c.numbers.Winograd = 0
		plain, err := convolve(kernels(t, int(c.in), int(c.out), 1), 1, c.in, c.out, c.size, c.numbers, c.patch)
		if err != nil {
			t.Fatal(err)
		}
		if m.Nodes != plain.Nodes {
			t.Errorf("%s: %d nodes, want %d", name, m.Nodes, plain.Nodes)
		}
	}
}

// plusOne adds one to every weight, as a LoHa may.
type plusOne struct{}

func (plusOne) Delta(b *graph.Builder, w graph.Weight) graph.Value { return b.Float(1) }
func (plusOne) Linear(graph.Value, graph.Weight) graph.Value       { return graph.Value{} }
func (plusOne) Conv2D(graph.Value, graph.Weight, int64, [4]int64) graph.Value {
	return graph.Value{}
}

// BenchmarkWinograd compares convolutions of Stable Diffusion 1.5 at 512² in both forms.
func BenchmarkWinograd(b *testing.B) {
	r := open(b)
	for _, c := range []struct{ batch, in, out, side int64 }{{2, 320, 320, 64}, {2, 640, 640, 32}, {1, 512, 512, 64}, {1, 256, 256, 256}, {1, 128, 128, 512}} {
		w := kernels(b, int(c.in), int(c.out), 1)
		for name, budget := range map[string]int64{"conv": 0, "winograd": plenty} {
			b.Run(fmt.Sprintf("%d×%d,%d²,%s", c.batch, c.in, c.side, name), func(b *testing.B) {
				m, err := convolve(w, 1, c.in, c.out, [2]int64{c.side, c.side}, graph.Numbers{Winograd: budget}, nil)
				if err != nil {
					b.Fatal(err)
				}
				x, err := runtime.NewFloat32([]int64{c.batch, c.in, c.side, c.side}, make([]float32, c.batch*c.in*c.side*c.side))
				if err != nil {
					b.Fatal(err)
				}
				defer x.Close()
				s := session(b, r, m)
				for b.Loop() {
					out, err := s.Run(context.Background(), map[string]*runtime.Tensor{"x": x})
					if err != nil {
						b.Fatal(err)
					}
					out["y"].Close()
				}
			})
		}
	}
}

func session(t testing.TB, r *runtime.Runtime, m *graph.Model) *runtime.Session {
	t.Helper()
	s, err := r.NewSession(context.Background(), m, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
