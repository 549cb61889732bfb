package lora

import (
	"fmt"

	"maquette/inference/graph"
)

// Side says where LoRA and LoCon are applied; LoHa always changes the weights.
//
// Measured on linear layers of Stable Diffusion 1.5 at 512² with guidance, fp32
// on one core, rank 16, milliseconds of CPU time (BenchmarkSides):
//
//	tokens × channels   no LoRA   Activations   Weights
//	8192 × 320             15.9          23.8      17.0
//	2048 × 640             14.1          15.2      15.1
//	 512 × 1280            12.2          14.4      17.2
//	 128 × 1280             3.5           4.0       5.8
type Side int

const (
	// Weights adds Δ to the weight in each run. It costs as much as the weight is
	// large, whatever the image's size, so it is the cheaper side where there are
	// many pixels. The sum is a matrix that can't be packed beforehand.
	Weights Side = iota
	// Activations adds what Δ does to the layer's input. The weight stays the
	// constant that it was, so this is the side for weights in int8, and for
	// those that are to stay mapped from their file.
	Activations
)

// Patch is what several LoRAs do to one network: a graph.Patch. Their strengths
// are inputs of the model. It serves one graph at a time.
type Patch struct {
	deltas []map[string]*Delta
	side   Side

	b         *graph.Builder
	strengths map[int]graph.Value // of the files that change what b has so far
}

// Input is the name of the input that takes the strength of file i, a float32 of
// shape [1]. A model has it if the file changes the network.
func Input(i int) string { return fmt.Sprintf("lora_%d", i) }

// NewPatch applies files to a network.
func NewPatch(part Part, files []*File, side Side) *Patch {
	p := &Patch{side: side}
	for _, f := range files {
		p.deltas = append(p.deltas, f.Deltas[part])
	}
	return p
}

// sum adds up what apply gives for each change of a weight that is made on a side.
func (p *Patch) sum(b *graph.Builder, w graph.Weight, side Side, apply func(d *Delta, strength graph.Value) graph.Value) graph.Value {
	var total graph.Value
	for i, deltas := range p.deltas {
		d := deltas[w.Name]
		if d == nil || (side == Activations) != (p.side == Activations && d.LowRank()) {
			continue
		}
		v := apply(d, p.strength(b, i))
		if total.Valid() {
			v = total.Add(v)
		}
		total = v
	}
	return total
}

// strength is the input of file i in the graph b.
func (p *Patch) strength(b *graph.Builder, i int) graph.Value {
	if p.b != b {
		p.b, p.strengths = b, map[int]graph.Value{}
	}
	s, ok := p.strengths[i]
	if !ok {
		s = b.Input(Input(i), graph.Float32, 1)
		p.strengths[i] = s
	}
	return s
}

// Delta implements graph.Patch.
func (p *Patch) Delta(b *graph.Builder, w graph.Weight) graph.Value {
	return p.sum(b, w, Weights, func(d *Delta, strength graph.Value) graph.Value {
		v := d.Value(strength, Span{w.Part, w.Parts})
		if len(v.Shape()) == len(w.Shape) {
			return v
		}
		// A 1×1 convolution may be read as a matrix, and a matrix as one.
		shape := append([]int64{w.Shape[0] / w.Parts}, w.Shape[1:]...)
		return v.Reshape(shape...)
	})
}

// Linear implements graph.Patch.
func (p *Patch) Linear(x graph.Value, w graph.Weight) graph.Value {
	return p.sum(x.Builder(), w, Activations, func(d *Delta, strength graph.Value) graph.Value {
		return d.Linear(x, strength, Span{w.Part, w.Parts})
	})
}

// Conv2D implements graph.Patch.
func (p *Patch) Conv2D(x graph.Value, w graph.Weight, stride int64, pads [4]int64) graph.Value {
	return p.sum(x.Builder(), w, Activations, func(d *Delta, strength graph.Value) graph.Value {
		return d.Conv2D(x, strength, stride, pads)
	})
}
