package lora_test

import (
	"context"
	"fmt"
	"testing"

	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/runtime"
)

// BenchmarkSides runs linear layers of Stable Diffusion 1.5 at 512², for both
// halves of guidance, without a LoRA, with one of rank 16 on the side of the
// activations, and with the same on the side of the weights.
func BenchmarkSides(b *testing.B) {
	rt := openRuntime(b)
	for _, size := range [][2]int64{{8192, 320}, {2048, 640}, {512, 1280}, {128, 1280}} {
		tokens, width := size[0], size[1]
		net := lora.Networks{lora.UNet: network{"to_q.weight": {width, width}}}
		path := store(b, entry{"unet.to_q.lora_B.weight", []int64{width, 16}, nil}, entry{"unet.to_q.lora_A.weight", []int64{16, width}, nil})
		f, err := lora.Open(path, net)
		if err != nil {
			b.Fatal(err)
		}
		d := f.Deltas[lora.UNet]["to_q.weight"]
		none := graph.Value{}
		for _, side := range []struct {
			name  string
			apply func(x, w, s graph.Value) graph.Value
		}{
			{"none", func(x, w, s graph.Value) graph.Value { return x.Linear(w, none) }},
			{"activations", func(x, w, s graph.Value) graph.Value {
				return x.Linear(w, none).Add(d.Linear(x, s, lora.All()))
			}},
			{"weights", func(x, w, s graph.Value) graph.Value { return x.Linear(w.Add(d.Value(s, lora.All())), none) }},
		} {
			b.Run(fmt.Sprintf("%dx%d/%s", tokens, width, side.name), func(b *testing.B) {
				g := graph.New("layer")
				x, s := g.Input("x", graph.Float32, tokens, width), g.Input("s", graph.Float32, 1)
				g.Output("y", side.apply(x, g.Floats([]int64{width, width}, make([]float32, width*width)...), s))
				m, err := g.Model()
				if err != nil {
					b.Fatal(err)
				}
				sess, err := rt.NewSession(context.Background(), m, runtime.Options{Threads: 1})
				if err != nil {
					b.Fatal(err)
				}
				defer sess.Close()
				in := map[string]*runtime.Tensor{"x": tensor(b, []int64{tokens, width}, make([]float32, tokens*width)), "s": tensor(b, []int64{1}, []float32{1})}
				for b.Loop() {
					out, err := sess.Run(context.Background(), in)
					if err != nil {
						b.Fatal(err)
					}
					runtime.CloseAll(out)
				}
			})
		}
	}
}
