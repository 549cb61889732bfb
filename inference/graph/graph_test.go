package graph_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// weights is a source of tensors in one file.
type weights struct{ *checkpoint.File }

func (w weights) Lookup(name string) (string, checkpoint.Tensor, bool) {
	t, ok := w.Tensor(name)
	return w.Path, t, ok
}

// store writes a safetensors file; its name has an odd length, so that no
// tensor is aligned.
func store(t *testing.T, header string, data []byte) weights {
	t.Helper()
	path := filepath.Join(t.TempDir(), "möbel model.safetensors")
	all := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	if err := os.WriteFile(path, append(all, data...), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	return weights{f}
}

func f32(values ...float32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

func open(t *testing.T) *runtime.Runtime {
	t.Helper()
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// eval runs a graph with one output y.
func eval(t *testing.T, b *graph.Builder, inputs map[string]*runtime.Tensor) *runtime.Tensor {
	t.Helper()
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	r := open(t)
	s, err := r.NewSession(context.Background(), m, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.CloseAll(out) })
	return out["y"]
}

func tensor(t *testing.T, shape []int64, data ...float32) *runtime.Tensor {
	t.Helper()
	open(t) // tensors need the library
	x, err := runtime.NewFloat32(shape, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// TestWeightsAreReadFromTheFile reads a fused tensor as two, a 1×1 convolution
// as a matrix, and tensors in half precision, at offsets that aren't aligned.
func TestWeightsAreReadFromTheFile(t *testing.T) {
	data := append([]byte{7}, f32(1, 2, 3, 4, 5, 6, 7, 8)...)             // "fused" [4,2] after one byte
	data = append(data, 0x00, 0x3c, 0x00, 0xc0)                           // "half" [2]: 1, -2 in F16
	data = append(data, 0x80, 0x3f, 0x00, 0x40)                           // "brain" [2]: 1, 2 in BF16
	data = append(data, f32(1, 0, 0, 1)...)                               // "conv" [2,2,1,1]
	header := `{"odd":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},` + //
		`"block.0.fused":{"dtype":"F32","shape":[4,2],"data_offsets":[1,33]},` +
		`"half":{"dtype":"F16","shape":[2],"data_offsets":[33,37]},` +
		`"brain":{"dtype":"BF16","shape":[2],"data_offsets":[37,41]},` +
		`"conv":{"dtype":"F32","shape":[2,2,1,1],"data_offsets":[41,57]}}`
	w := store(t, header, data)
	for name, c := range map[string]struct {
		want  []float32
		apply func(s graph.Scope, x graph.Value) graph.Value
	}{
		"rows": {[]float32{18, 22}, func(s graph.Scope, x graph.Value) graph.Value {
			second := s.Sub("block").Index(0).Rows("fused", 1, 2, 2, 2) // 5 6; 7 8, times (1, 2) and 1 more
			return x.Linear(second, s.Weight("half", 2)).Add(s.Builder().Floats([]int64{2}, 0, 1))
		}},
		"half":  {[]float32{2, 0}, func(s graph.Scope, x graph.Value) graph.Value { return x.Add(s.Weight("half", 2)) }},
		"brain": {[]float32{2, 4}, func(s graph.Scope, x graph.Value) graph.Value { return x.Add(s.Weight("brain", 2)) }},
		"conv":  {[]float32{1, 2}, func(s graph.Scope, x graph.Value) graph.Value { return x.Linear(s.Weight("conv", 2, 2), graph.Value{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := graph.New("test")
			x := b.Input("x", graph.Float32, 1, 2)
			b.Output("y", c.apply(b.Scope(w), x))
			got := eval(t, b, map[string]*runtime.Tensor{"x": tensor(t, []int64{1, 2}, 1, 2)})
			if !slices.Equal(got.Float32(), c.want) {
				t.Errorf("got %v, want %v", got.Float32(), c.want)
			}
		})
	}
}

func TestErrorsNameTheTensor(t *testing.T) {
	w := store(t, `{"a.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a.ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}`, make([]byte, 16))
	build := func(use func(s graph.Scope) graph.Value) error {
		b := graph.New("UNet")
		b.Output("y", use(b.Scope(w).Sub("a")))
		_, err := b.Model()
		return err
	}
	var missing *graph.MissingTensorError
	if err := build(func(s graph.Scope) graph.Value { return s.Sub("b").Index(3).Weight("bias", 2) }); !errors.As(err, &missing) ||
		missing.Name != "a.b.3.bias" || !strings.Contains(err.Error(), "UNet") {
		t.Errorf("a missing tensor gave %v", err)
	}
	var shape *graph.ShapeError
	if err := build(func(s graph.Scope) graph.Value { return s.Weight("weight", 3) }); !errors.As(err, &shape) ||
		shape.Name != "a.weight" || fmt.Sprint(shape.Got, shape.Want) != "[2] [3]" || shape.Path != w.Path {
		t.Errorf("a wrong shape gave %v", err)
	}
	if err := build(func(s graph.Scope) graph.Value { return s.Weight("ids", 1) }); err == nil || !strings.Contains(err.Error(), "I64") {
		t.Errorf("an integer weight gave %v", err)
	}
}

// TestFirstErrorSticks checks that model code needs no error handling of its own.
func TestFirstErrorSticks(t *testing.T) {
	b := graph.New("test")
	x := b.Input("x", graph.Float32, 2, 3)
	y := x.MatMul(x).Add(x).Conv2D(x, x, 1, [4]int64{}).Reshape(5).SiLU()
	b.Output("y", y)
	if _, err := b.Model(); err == nil || !strings.Contains(err.Error(), "matrix product of shapes [2 3] and [2 3]") {
		t.Errorf("got %v", err)
	}
	if _, err := graph.New("test").Model(); err == nil {
		t.Error("a graph without outputs was accepted")
	}
}

func TestShapesAreFollowed(t *testing.T) {
	b := graph.New("test")
	x := b.Input("x", graph.Float32, graph.Dynamic, 4, 6, graph.Dynamic)
	filled := b.Input("f", graph.Float32, 2, 4, 6, 8)
	w := b.Input("w", graph.Float32, 8, 4, 3, 3)
	for _, c := range []struct {
		name string
		got  graph.Value
		want string
	}{
		{"conv", x.Conv2D(w, graph.Value{}, 2, [4]int64{1, 1, 1, 1}), "[-1 8 3 -1]"},
		{"conv fixed", filled.Conv2D(w, graph.Value{}, 1, [4]int64{1, 1, 1, 1}), "[2 8 6 8]"},
		{"upsample", x.Upsample2x(), "[-1 4 12 -1]"},
		{"transpose", x.Transpose(0, 2, 3, 1), "[-1 6 -1 4]"},
		{"reshape", filled.Reshape(0, 0, -1), "[2 4 48]"},
		{"reshape unknown", x.Reshape(0, 0, -1), "[-1 4 -1]"},
		{"concat", x.Concat(1, filled), "[2 8 6 8]"},
		{"broadcast", filled.Add(b.Floats([]int64{8}, make([]float32, 8)...)), "[2 4 6 8]"},
		{"split", filled.Split(2)[1], "[2 4 6 4]"},
		{"slice", filled.Slice(1, 1, 3), "[2 2 6 8]"},
	} {
		if got := fmt.Sprint(c.got.Shape()); got != c.want {
			t.Errorf("%s: shape %s, want %s", c.name, got, c.want)
		}
	}
	if err := b.Err(); err != nil {
		t.Error(err)
	}
}

// TestAddResidualLeavesItsInputAlone: the sum is a value of its own, and a zero
// of one element stands for no residual.
func TestAddResidualLeavesItsInputAlone(t *testing.T) {
	b := graph.New("test")
	x := b.Input("x", graph.Float32, 1, 1, 1, 2)
	r := b.Input("r", graph.Float32, graph.Dynamic, graph.Dynamic, graph.Dynamic, graph.Dynamic)
	h := x.Mul(b.Float(2))
	sum := h.AddResidual(r)
	b.Output("y", h.Concat(3, sum)) // h is read after the sum is made
	for _, c := range []struct{ r, want []float32 }{{[]float32{0}, []float32{2, 4, 2, 4}}, {[]float32{10, 20}, []float32{2, 4, 12, 24}}} {
		got := eval(t, b, map[string]*runtime.Tensor{
			"x": tensor(t, []int64{1, 1, 1, 2}, 1, 2), "r": tensor(t, []int64{1, 1, 1, int64(len(c.r))}, c.r...),
		})
		if !slices.Equal(got.Float32(), c.want) {
			t.Errorf("residual %v gave %v, want %v", c.r, got.Float32(), c.want)
		}
	}
}
