package lora_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/runtime"
)

// tolerance is how far results may be from the reference's, absolutely.
const tolerance = 1e-4

// network is a network without weights: names and shapes.
type network map[string][]int64

func (n network) Names() []string { return slices.Sorted(maps.Keys(n)) }

func (n network) Lookup(name string) (string, checkpoint.Tensor, bool) {
	shape, ok := n[name]
	return "", checkpoint.Tensor{Name: name, Shape: shape}, ok
}

// tiny reads one of the tiny checkpoints that make_fixtures.py describes.
func tiny(t testing.TB, name string) lora.Networks {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var parts map[lora.Part]network
	if err := json.Unmarshal(data, &parts); err != nil {
		t.Fatal(err)
	}
	nets := lora.Networks{}
	for part, net := range parts {
		nets[part] = net
	}
	return nets
}

// floats reads a float32 tensor of a fixture.
func floats(t testing.TB, f *checkpoint.File, name string) ([]int64, []float32) {
	t.Helper()
	info, ok := f.Tensor(name)
	if !ok || info.DType != "F32" {
		t.Fatalf("%s has no float32 tensor %s", f.Path, name)
	}
	file, err := os.Open(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data := make([]byte, info.Bytes)
	if _, err := file.ReadAt(data, info.Offset); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return info.Shape, out
}

func openRuntime(t testing.TB) *runtime.Runtime {
	t.Helper()
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	return rt
}

func tensor(t testing.TB, shape []int64, data []float32) *runtime.Tensor {
	t.Helper()
	x, err := runtime.NewFloat32(shape, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// run runs a graph and returns its outputs.
func run(t testing.TB, rt *runtime.Runtime, b *graph.Builder, inputs map[string]*runtime.Tensor) map[string]*runtime.Tensor {
	t.Helper()
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.NewSession(context.Background(), m, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.CloseAll(out) })
	return out
}

// same compares got with factor times want.
func same(t testing.TB, what string, got *runtime.Tensor, shape []int64, want []float32, factor float64) {
	t.Helper()
	if !slices.Equal(got.Shape(), shape) {
		t.Errorf("%s: shape %v, want %v", what, got.Shape(), shape)
		return
	}
	worst := 0.0
	for i, w := range want {
		if d := math.Abs(float64(got.Float32()[i]) - factor*float64(w)); !(d <= worst) { // true for NaN as well
			worst = d
		}
	}
	if !(worst <= tolerance) {
		t.Errorf("%s: largest difference %v, want at most %v", what, worst, tolerance)
	}
}

// entry is a tensor of a file that a test makes; nil data means zeros in half precision.
type entry struct {
	name  string
	shape []int64
	data  []byte
}

func f32(v ...float32) []byte {
	var out []byte
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

// store writes a safetensors file. Zeros take no space on most file systems.
func store(t testing.TB, list ...entry) string {
	t.Helper()
	header := map[string]any{}
	end := int64(0)
	for _, e := range list {
		count, dtype, size := int64(1), "F16", int64(2)
		for _, d := range e.shape {
			count *= d
		}
		if e.data != nil {
			dtype, size = "F32", 4
		}
		header[e.name] = map[string]any{"dtype": dtype, "shape": e.shape, "data_offsets": []int64{end, end + size*count}}
		end += size * count
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "made.safetensors")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	start := int64(8 + len(text))
	_, err = f.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...))
	at := start
	for _, e := range list {
		if e.data != nil {
			_, werr := f.WriteAt(e.data, at)
			err = errors.Join(err, werr)
			at += int64(len(e.data))
			continue
		}
		count := int64(2)
		for _, d := range e.shape {
			count *= d
		}
		at += count
	}
	if err := errors.Join(err, f.Truncate(start+end)); err != nil {
		t.Fatal(err)
	}
	return path
}
