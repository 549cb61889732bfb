package runtime

import (
	"context"
	"testing"

	"maquette/inference/graph"
)

// A closed output is written to by the next run on inputs of the same shapes, one
// that is open never.
func TestClosedOutputsAreReused(t *testing.T) {
	r := open(t)
	b := graph.New("test")
	x := b.Input("x", graph.Float32, graph.Dynamic, 4)
	b.Output("y", x.Add(b.Float(1)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	s := session(t, r, m, Options{})
	run := func(rows int64, value float32) *Tensor {
		t.Helper()
		data := make([]float32, 4*rows)
		for i := range data {
			data[i] = value
		}
		in, err := NewFloat32([]int64{rows, 4}, data)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		out, err := s.Run(context.Background(), map[string]*Tensor{"x": in})
		if err != nil {
			t.Fatal(err)
		}
		return out["y"]
	}
	first := run(2, 1)
	second := run(2, 2)
	if first.Float32()[0] != 2 || second.Float32()[7] != 3 {
		t.Fatalf("got %v and %v", first.Float32(), second.Float32())
	}
	memory := &first.Float32()[0]
	first.Close()
	if third := run(2, 5); &third.Float32()[0] != memory || third.Float32()[0] != 6 || second.Float32()[0] != 3 {
		t.Errorf("a closed output isn't reused, or an open one is written to: %v", second.Float32())
	}
	second.Close()
	if other := run(3, 7); len(other.Float32()) != 12 || other.Float32()[11] != 8 {
		t.Errorf("inputs of another shape gave %v", other.Float32())
	}
	late := run(2, 9)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := late.Close(); err != nil {
		t.Errorf("closing an output after its session: %v", err)
	}
}
