package graph_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// branching is y = 2x+weight where on, else x: an If that reads a value and a
// weight in half precision from outside, and gives a value from outside.
func branching(b *graph.Builder, s graph.Scope) {
	x := b.Input("x", graph.Float32, 1, 2)
	on := b.Input("on", graph.Bool, 1)
	twice := x.Add(x)
	out := b.If(on, func() []graph.Value {
		return []graph.Value{twice.Add(s.Weight("half", 2))}
	}, func() []graph.Value {
		return []graph.Value{x}
	})
	b.Output("y", out[0].Mul(b.Float(1)))
}

func TestIfRunsOneSide(t *testing.T) {
	header := `{"half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`
	w := store(t, header, []byte{0x00, 0x3c, 0x00, 0xc0}) // 1, -2
	for _, on := range []bool{true, false} {
		b := graph.New("test")
		branching(b, b.Scope(w))
		open(t)
		side, err := runtime.NewBool(on)
		if err != nil {
			t.Fatal(err)
		}
		defer side.Close()
		y := eval(t, b, map[string]*runtime.Tensor{"x": tensor(t, []int64{1, 2}, 3, 5), "on": side}).Float32()
		want := map[bool][2]float32{true: {7, 8}, false: {3, 5}}[on]
		if y[0] != want[0] || y[1] != want[1] {
			t.Errorf("on %v: got %v, want %v", on, y, want)
		}
	}
}

// What is inside of an If is pruned, spelled out and counted like the rest.
func TestIfKeepsFusedAttentionWhereItIsWanted(t *testing.T) {
	b := graph.New("test")
	x := b.Input("x", graph.Float32, 1, 4, 8)
	on := b.Input("on", graph.Bool, 1)
	out := b.If(on, func() []graph.Value {
		x.Exp() // nobody reads it
		return []graph.Value{x.Attention(x, x, 2)}
	}, func() []graph.Value { return []graph.Value{x} })
	b.Output("y", out[0].Sigmoid())
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	if m.Nodes != 4 { // If, attention, Identity, Sigmoid
		t.Errorf("%d nodes, want 4", m.Nodes)
	}
	if fused := strings.Count(string(m.Proto), "MultiHeadAttention"); fused == 0 {
		t.Error("no fused attention")
	}
	if plain := m.Plain(); strings.Contains(string(plain), "MultiHeadAttention") || !strings.Contains(string(plain), "Softmax") {
		t.Error("the attention inside isn't spelled out")
	}
	r := open(t)
	var got [2][]float32
	for i, proto := range [][]byte{m.Proto, m.Plain()} {
		same := *m
		same.Proto = proto
		s, err := r.NewSession(context.Background(), &same, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		values := make([]float32, 32)
		for k := range values {
			values[k] = float32(math.Sin(float64(k)))
		}
		side, err := runtime.NewBool(true)
		if err != nil {
			t.Fatal(err)
		}
		defer side.Close()
		res, err := s.Run(context.Background(), map[string]*runtime.Tensor{"x": tensor(t, []int64{1, 4, 8}, values...), "on": side})
		if err != nil {
			t.Fatal(err)
		}
		defer runtime.CloseAll(res)
		got[i] = res["y"].Float32()
	}
	for k := range got[0] {
		if d := math.Abs(float64(got[0][k] - got[1][k])); !(d < 1e-5) {
			t.Fatalf("value %d is %v fused and %v spelled out", k, got[0][k], got[1][k])
		}
	}
}

func TestIfRefusesSidesThatDiffer(t *testing.T) {
	for name, otherwise := range map[string]func(b *graph.Builder, x graph.Value) []graph.Value{
		"count": func(b *graph.Builder, x graph.Value) []graph.Value { return nil },
		"type":  func(b *graph.Builder, x graph.Value) []graph.Value { return []graph.Value{x.Cast(graph.Int64)} },
		"rank":  func(b *graph.Builder, x graph.Value) []graph.Value { return []graph.Value{x.Reshape(-1)} },
		"none":  func(b *graph.Builder, x graph.Value) []graph.Value { return []graph.Value{{}} },
	} {
		b := graph.New("test")
		x := b.Input("x", graph.Float32, 1, 2)
		out := b.If(b.Input("on", graph.Bool, 1), func() []graph.Value { return []graph.Value{x} },
			func() []graph.Value { return otherwise(b, x) })
		if len(out) > 0 {
			b.Output("y", out[0])
		}
		if _, err := b.Model(); err == nil || !strings.Contains(fmt.Sprint(err), "If") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
