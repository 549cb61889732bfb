package quant_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/models"
	"maquette/inference/quant"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// source is a safetensors file as a source of weights.
type source struct{ *checkpoint.File }

func (s source) Lookup(name string) (string, checkpoint.Tensor, bool) {
	t, ok := s.Tensor(name)
	return s.Path, t, ok
}

// normal is n values of a normal distribution.
func normal(n int, seed int64, scale float32) []float32 {
	v := make([]float32, n)
	sampler.NewGenerator(seed).Normal(v)
	for i := range v {
		v[i] *= scale
	}
	return v
}

func write(t *testing.T, d models.DType, list ...models.Tensor) source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := models.Write(path, list, d); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	return source{f}
}

func random(name string, seed int64, shape ...int64) models.Tensor {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return models.Tensor{Name: name, Shape: shape, Values: normal(int(n), seed, 0.1)}
}

func all(graph.Weight) bool { return true }

// layersOf collects the layers of a graph.
func layersOf(t *testing.T, s source, build func(b *graph.Builder)) []quant.Layer {
	t.Helper()
	c := quant.NewCollector(s, all)
	b := graph.New("test")
	b.Numbers(graph.Numbers{Int8: c})
	build(b)
	if _, err := b.Model(); err != nil {
		t.Fatal(err)
	}
	return c.Layers()
}

// read gives the tensors of a copy of a weight.
func read(t *testing.T, c *quant.Copy, w graph.Weight) ([]int8, []float32) {
	t.Helper()
	q, ok := c.Int8(w)
	if !ok {
		t.Fatalf("the copy lacks %s", w.Name)
	}
	data, err := os.ReadFile(c.Path())
	if err != nil {
		t.Fatal(err)
	}
	values := make([]int8, q.Values.Bytes)
	for i, b := range data[q.Values.Offset:][:q.Values.Bytes] {
		values[i] = int8(b)
	}
	scale := make([]float32, q.Scale.Shape[0])
	if err := checkpoint.Floats(scale, data[q.Scale.Offset:][:q.Scale.Bytes], "F32"); err != nil {
		t.Fatal(err)
	}
	return values, scale
}

// Every stored type gives the rounded weights in the order that products want.
func TestWeightsAreRoundedPerChannel(t *testing.T) {
	const out, in, k = 70, 5, 3 // more channels than are read at once
	for _, d := range []models.DType{models.F32, models.F16, models.BF16, models.E4M3, models.E5M2} {
		w := random("conv.weight", 1, out, in, k, k)
		clear(w.Values[:in*k*k]) // a channel of zeros
		s := write(t, d, w)
		layers := layersOf(t, s, func(b *graph.Builder) {
			x := b.Input("x", graph.Float32, 1, in, 8, 8)
			b.Output("y", x.Conv2D(b.Scope(s).Weight("conv.weight", out, in, k, k), graph.Value{}, 1, [4]int64{1, 1, 1, 1}))
		})
		store := &quant.Store{Dir: t.TempDir(), Limit: 1 << 30}
		c, err := store.Get(context.Background(), "hash", layers, nil)
		if err != nil {
			t.Fatal(err)
		}
		values, scale := read(t, c, graph.Weight{Name: "conv.weight", Shape: []int64{out, in, k, k}, Parts: 1})
		stored := w.Values
		if d != models.F32 {
			stored = models.Round(w.Values, d)
		}
		for o := range out {
			row := stored[o*in*k*k:][:in*k*k]
			most := float32(0)
			for _, v := range row {
				most = max(most, v, -v)
			}
			if math.Abs(float64(scale[o]-most/127)) > 1e-9 {
				t.Fatalf("%s: scale %d is %v, want %v", d, o, scale[o], most/127)
			}
			for i := range in {
				for at := range k * k {
					got, want := float32(values[(at*in+i)*out+o])*scale[o], row[i*k*k+at]
					if math.Abs(float64(got-want)) > 0.5001*float64(scale[o]) {
						t.Fatalf("%s: weight %d %d %d is %v, want %v", d, o, i, at, got, want)
					}
				}
			}
		}
	}
}

// evaluate runs a graph with one input x and one output y.
func evaluate(t *testing.T, b *graph.Builder, shape []int64, x []float32) []float32 {
	t.Helper()
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.NewSession(context.Background(), m, runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := runtime.NewFloat32(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := s.Run(context.Background(), map[string]*runtime.Tensor{"x": in})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.CloseAll(out)
	return slices.Clone(out["y"].Float32())
}

// Layers in int8 give what they give in float32, but for rounding.
func TestLayersAgreeWithFloat32(t *testing.T) {
	const in, out = 24, 40
	for name, c := range map[string]struct {
		weight []int64
		shape  []int64
		layer  func(x, w, bias graph.Value) graph.Value
	}{
		"linear": {[]int64{out, in}, []int64{2, 30, in}, func(x, w, bias graph.Value) graph.Value { return x.Linear(w, bias) }},
		"1×1":    {[]int64{out, in, 1, 1}, []int64{2, in, 5, 9}, func(x, w, bias graph.Value) graph.Value { return x.Conv2D(w, bias, 1, [4]int64{}) }},
		"3×3": {[]int64{out, in, 3, 3}, []int64{2, in, 5, 9}, func(x, w, bias graph.Value) graph.Value {
			return x.Conv2D(w, bias, 1, [4]int64{1, 1, 1, 1})
		}},
		"strided": {[]int64{out, in, 3, 3}, []int64{1, in, 8, 6}, func(x, w, bias graph.Value) graph.Value {
			return x.Conv2D(w, bias, 2, [4]int64{1, 1, 1, 1})
		}},
		"padded at the end": {[]int64{out, in, 3, 3}, []int64{1, in, 8, 6}, func(x, w, bias graph.Value) graph.Value {
			return x.Conv2D(w, bias, 2, [4]int64{0, 0, 1, 1})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := write(t, models.F16, random("l.weight", 3, c.weight...), random("l.bias", 4, out))
			build := func(b *graph.Builder) {
				x := b.Input("x", graph.Float32, c.shape...)
				at := b.Scope(s).Sub("l")
				b.Output("y", c.layer(x, at.Weight("weight", c.weight...), at.Weight("bias", out)))
			}
			store := &quant.Store{Dir: t.TempDir(), Limit: 1 << 30}
			copied, err := store.Get(context.Background(), "hash", layersOf(t, s, build), nil)
			if err != nil {
				t.Fatal(err)
			}
			n := 1
			for _, d := range c.shape {
				n *= int(d)
			}
			x := normal(n, 5, 1)
			float, int8 := graph.New("float"), graph.New("int8")
			int8.Numbers(graph.Numbers{Int8: copied})
			build(float)
			build(int8)
			want, got := evaluate(t, float, c.shape, x), evaluate(t, int8, c.shape, x)
			var wrong, size float64
			for i := range want {
				wrong += float64(got[i]-want[i]) * float64(got[i]-want[i])
				size += float64(want[i]) * float64(want[i])
			}
			if rel := math.Sqrt(wrong / size); !(rel < 0.02) || rel == 0 {
				t.Errorf("the relative error is %.4f; want below 0.02, and some", rel)
			}
		})
	}
}

// oneLayer is a file with a linear layer, and the layer.
func oneLayer(t *testing.T, rows int64) []quant.Layer {
	s := write(t, models.F32, random("w", 7, rows, 64))
	return layersOf(t, s, func(b *graph.Builder) {
		x := b.Input("x", graph.Float32, 1, 64)
		b.Output("y", x.Linear(b.Scope(s).Weight("w", rows, 64), graph.Value{}))
	})
}

// files lists a folder without its lock.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestManyWritersMakeOneCopy(t *testing.T) {
	dir, layers := t.TempDir(), oneLayer(t, 500)
	var mu sync.Mutex
	made := 0
	var wg sync.WaitGroup
	for range 6 {
		store := &quant.Store{Dir: dir, Limit: 1 << 30} // as another process has it
		wg.Go(func() {
			first := true
			_, err := store.Get(context.Background(), "hash", layers, func(done, total int64) {
				mu.Lock()
				defer mu.Unlock()
				if first {
					made++
				}
				first = false
				if done > total || done <= 0 {
					t.Errorf("%d of %d bytes done", done, total)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 || len(files(t, dir)) != 1 {
		t.Errorf("made %d times, files %q", made, files(t, dir))
	}
}

func TestCopiesUsedLongestAgoGo(t *testing.T) {
	layers := oneLayer(t, 100)
	store := &quant.Store{Dir: t.TempDir(), Limit: 1 << 30}
	get := func(hash string) *quant.Copy {
		t.Helper()
		c, err := store.Get(context.Background(), hash, layers, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := get("a"), get("b")
	old := time.Now().Add(-time.Hour)
	for _, c := range []*quant.Copy{a, b} {
		if err := os.Chtimes(c.Path(), old, old); err != nil {
			t.Fatal(err)
		}
	}
	get("a") // now b was used longest ago
	info, err := os.Stat(a.Path())
	if err != nil {
		t.Fatal(err)
	}
	store.Limit = 2*info.Size() + 10
	c := get("c")
	got := files(t, store.Dir)
	want := []string{filepath.Base(a.Path()), filepath.Base(c.Path())}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	store.Limit = 1
	if d := get("d"); !slices.Equal(files(t, store.Dir), []string{filepath.Base(d.Path())}) {
		t.Errorf("a limit of a byte kept %q", files(t, store.Dir))
	}
}

func TestDamagedAndUnfinishedCopies(t *testing.T) {
	layers := oneLayer(t, 100)
	store := &quant.Store{Dir: t.TempDir(), Limit: 1 << 30}
	c, err := store.Get(context.Background(), "hash", layers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(c.Path(), 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store.Dir, ".writing-123"), []byte("left by a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err = store.Get(context.Background(), "hash", layers, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.OpenSafetensors(c.Path()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = store.Get(ctx, "other", oneLayer(t, 1000), func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := files(t, store.Dir); len(got) != 1 {
		t.Errorf("left %q", got)
	}
	_, err = (&quant.Store{Dir: filepath.Join(c.Path(), "below a file")}).Get(context.Background(), "x", layers, nil)
	if err == nil {
		t.Error("a folder that can't be made was accepted")
	}
}

func ExampleStore() {
	store := &quant.Store{Dir: "copies", Limit: quant.DefaultLimit}
	_, err := store.Get(context.Background(), "hash of the file", nil, nil)
	fmt.Println(err)
	// Output: quantizing: no layers were chosen
}
