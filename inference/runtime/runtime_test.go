package runtime

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maquette/inference/graph"
)

func open(t *testing.T) *Runtime {
	t.Helper()
	lib, err := FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// square is a model that multiplies matrices of n×n again and again.
func square(t *testing.T, n int64, times int) *graph.Model {
	t.Helper()
	b := graph.New("test model")
	x := b.Input("x", graph.Float32, n, n)
	scale := b.Float(1 / float32(n))
	for range times {
		x = x.MatMul(x).Mul(scale)
	}
	b.Output("y", x)
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ones(t *testing.T, shape ...int64) *Tensor {
	t.Helper()
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	x, err := NewFloat32(shape, slices.Repeat([]float32{1}, int(n)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func session(t *testing.T, r *Runtime, m *graph.Model, o Options) *Session {
	t.Helper()
	s, err := r.NewSession(context.Background(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestRunFeedsAnotherSessionWithoutCopying(t *testing.T) {
	r := open(t)
	first := session(t, r, square(t, 4, 1), Options{Threads: 1})
	second := session(t, r, square(t, 4, 2), Options{LowMemory: true})
	out, err := first.Run(context.Background(), map[string]*Tensor{"x": ones(t, 4, 4)})
	if err != nil {
		t.Fatal(err)
	}
	defer CloseAll(out)
	if got := out["y"].Float32(); len(got) != 16 || got[0] != 1 {
		t.Fatalf("the first session gave %v", got)
	}
	// What a session reads is the memory that the caller sees.
	out["y"].Float32()[0] = 5
	again, err := second.Run(context.Background(), map[string]*Tensor{"x": out["y"]})
	if err != nil {
		t.Fatal(err)
	}
	defer CloseAll(again)
	if got := again["y"].Float32()[0]; got <= 1 {
		t.Errorf("the second session gave %v; it hasn't seen the change", got)
	}
}

func TestRunStopsWhenTheContextEnds(t *testing.T) {
	r := open(t)
	s := session(t, r, square(t, 700, 400), Options{Threads: 1})
	x := ones(t, 700, 700)
	whole := time.Now()
	out, err := s.Run(context.Background(), map[string]*Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	CloseAll(out)
	full := time.Since(whole)

	ctx, cancel := context.WithTimeout(context.Background(), full/10)
	defer cancel()
	// A run that isn't stopped comes to its end without an error.
	if _, err := s.Run(ctx, map[string]*Tensor{"x": x}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
	// The session is usable afterwards.
	if out, err = s.Run(context.Background(), map[string]*Tensor{"x": x}); err != nil {
		t.Fatal(err)
	}
	CloseAll(out)
	cancel()
	if _, err := s.Run(ctx, map[string]*Tensor{"x": x}); err == nil {
		t.Error("a run with an ended context ran")
	}
}

func TestRunChecksItsInputs(t *testing.T) {
	r := open(t)
	s := session(t, r, square(t, 4, 1), Options{})
	for want, in := range map[string]map[string]*Tensor{
		"input x is missing":             {},
		"input x has shape [2 2], want ": {"x": ones(t, 2, 2)},
		"it has no input z":              {"x": ones(t, 4, 4), "z": ones(t, 1)},
	} {
		if _, err := s.Run(context.Background(), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestClose(t *testing.T) {
	r := open(t)
	s := session(t, r, square(t, 4, 1), Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Run(context.Background(), map[string]*Tensor{"x": ones(t, 4, 4)}); !errors.Is(err, ErrClosed) {
		t.Errorf("running a closed session gave %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.NewSession(context.Background(), square(t, 4, 1), Options{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed runtime gave %v", err)
	}
}

func TestSessionRunsConcurrentlyAndClosesAfterwards(t *testing.T) {
	r := open(t)
	s := session(t, r, square(t, 64, 20), Options{Threads: 1})
	x := ones(t, 64, 64)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out, err := s.Run(context.Background(), map[string]*Tensor{"x": x})
			if err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			CloseAll(out)
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestProvidersFallBackLoudly(t *testing.T) {
	r := open(t)
	var notes []string
	s := session(t, r, square(t, 4, 1), Options{
		Providers: []string{"NoSuchProvider", "cpu", "CUDA"}, Note: func(n string) { notes = append(notes, n) },
	})
	if s.Provider() != CPU {
		t.Errorf("it runs on %s", s.Provider())
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "NoSuchProvider can't run the test model") {
		t.Errorf("the notes are %q; want one, and none about providers after the CPU", notes)
	}
}

func TestProbe(t *testing.T) {
	r := open(t)
	if got := r.Probe(context.Background(), "CPUExecutionProvider", nil); !got.OK || got.Name != CPU || got.Reason != "" {
		t.Errorf("the CPU is %+v", got)
	}
	for _, name := range []string{"NoSuchProvider", CUDA, TensorRT} {
		if got := r.Probe(context.Background(), name, nil); got.OK || got.Reason == "" {
			t.Errorf("%s is %+v; the library has no such provider", name, got)
		}
	}
}

func TestOpenTakesOneLibrary(t *testing.T) {
	r := open(t)
	if again, err := Open(r.Library(), nil); err != nil || again.Version() != r.Version() {
		t.Errorf("opening the library again: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "other.so"), nil); err == nil {
		t.Error("another library was accepted")
	}
}

func TestFindLibrary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libonnxruntime.so")
	t.Setenv(EnvLibrary, path)
	if _, err := FindLibrary(); err == nil || !strings.Contains(err.Error(), EnvLibrary) {
		t.Errorf("a path that isn't there gave %v", err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := FindLibrary(); err != nil || got != path {
		t.Errorf("got %s, %v", got, err)
	}
	if msg := (&NoLibraryError{Tried: []string{"/a"}}).Error(); !strings.Contains(msg, "/a") || !strings.Contains(msg, EnvLibrary) {
		t.Errorf("the error says %q", msg)
	}
}

func TestTensorsRefuseImpossibleShapes(t *testing.T) {
	for _, shape := range [][]int64{nil, {0}, {-1, 2}, {math.MaxInt64, 4}, {3}} {
		if x, err := NewFloat32(shape, []float32{1, 2}); err == nil {
			t.Errorf("shape %v was accepted", shape)
			x.Close()
		}
	}
	var none *Tensor
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
