package arch_test

import (
	"path/filepath"
	"slices"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// Weights stored in few bits give what the same numbers in float32 give.
func TestPrecisionsEqualFloat32(t *testing.T) {
	all, err := models.Load(filepath.Join("..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	m := all["sd1"]
	cases, err := checkpoint.OpenSafetensors(filepath.Join("..", "testdata", "families.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	tensors := m.Fuse(m.Control)
	for dtype, precision := range map[models.DType]string{
		models.F16: "fp16", models.BF16: "bf16", models.E4M3: "fp8 e4m3fn", models.E5M2: "fp8 e5m2",
	} {
		t.Run(precision, func(t *testing.T) {
			f := &fixture{t: t, rt: openRuntime(t), cases: cases}
			rounded := slices.Clone(tensors)
			for i := range rounded {
				rounded[i].Values = models.Round(rounded[i].Values, dtype)
			}
			mid := func(stored models.DType) []float32 {
				path := filepath.Join(t.TempDir(), "control.safetensors")
				if err := models.Write(path, rounded, stored); err != nil {
					t.Fatal(err)
				}
				c, err := checkpoint.OpenControlNet(path)
				if err != nil {
					t.Fatal(err)
				}
				if stored != models.F32 && c.Precision() != precision {
					t.Errorf("its precision is %s", c.Precision())
				}
				n, err := arch.NewControlNet(c)
				if err != nil {
					t.Fatal(err)
				}
				g, err := n.HintGraph(arch.Size{Height: 8, Width: 12})
				return f.run(g, err, map[string]*runtime.Tensor{"image": f.tensor("sd1.image")})["hint"].Float32()
			}
			want, got := mid(models.F32), mid(dtype)
			for i := range want {
				if d := want[i] - got[i]; d > tolerance || d < -tolerance {
					t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}

// shift is a Patch that changes one weight by strength·rows·columns, in one of
// the two ways.
type shift struct {
	name   string
	inside bool
	rows   func(b *graph.Builder, w graph.Weight) (up, down graph.Value) // [out,1], [1,in]
}

func (s shift) strength(b *graph.Builder) graph.Value { return b.Input("strength", graph.Float32, 1) }

func (s shift) Delta(b *graph.Builder, w graph.Weight) graph.Value {
	if !s.inside || w.Name != s.name {
		return graph.Value{}
	}
	up, down := s.rows(b, w)
	return up.MatMul(down).Mul(s.strength(b))
}

func (s shift) Linear(x graph.Value, w graph.Weight) graph.Value {
	if s.inside || w.Name != s.name {
		return graph.Value{}
	}
	b := x.Builder()
	up, down := s.rows(b, w)
	return x.Linear(down, graph.Value{}).Mul(s.strength(b)).Linear(up, graph.Value{})
}

func (s shift) Conv2D(graph.Value, graph.Weight, int64, [4]int64) graph.Value { return graph.Value{} }

// A patch changes the layer it names, as much as its strength says, either way.
func TestPatchedTextEncoder(t *testing.T) {
	f := openFixture(t, "narrow")
	enc, err := arch.NewTextEncoder(f.model.TextEncoder)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(b *graph.Builder, w graph.Weight) (graph.Value, graph.Value) {
		line := func(n int64, at float32) []float32 {
			v := make([]float32, n)
			for i := range v {
				v[i] = at - float32(i)/float32(n)
			}
			return v
		}
		return b.Floats([]int64{w.Shape[0], 1}, line(w.Shape[0], 0.7)...), b.Floats([]int64{1, w.Shape[1]}, line(w.Shape[1], 0.3)...)
	}
	ids := f.tensor("text.input_ids")
	run := func(inside bool, strength float32) []float32 {
		s, err := runtime.NewFloat32([]int64{1}, []float32{strength})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		p := shift{"text_model.encoder.layers.0.mlp.fc1.weight", inside, rows}
		m, err := enc.Patched(p).Graph(2, arch.TextOutput{})
		return f.run(m, err, map[string]*runtime.Tensor{"input_ids": ids, "strength": s})["last_hidden_state"].Float32()
	}
	m, err := enc.Graph(2, arch.TextOutput{})
	plain := f.run(m, err, map[string]*runtime.Tensor{"input_ids": ids})["last_hidden_state"].Float32()
	apart := func(a, b []float32) float32 {
		var most float32
		for i := range a {
			most = max(most, a[i]-b[i], b[i]-a[i])
		}
		return most
	}
	if d := apart(run(true, 0), plain); d > tolerance {
		t.Errorf("at strength 0 it differs by %v", d)
	}
	weight, output := run(true, 0.8), run(false, 0.8)
	if d := apart(weight, plain); d < 100*tolerance {
		t.Errorf("at strength 0.8 it differs by %v only", d)
	}
	if d := apart(weight, output); d > tolerance {
		t.Errorf("the two ways differ by %v", d)
	}
}
