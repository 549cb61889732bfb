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

// Set is what several LoRAs do to one network's graph. Their strengths are
// inputs of the model.
type Set struct {
	side      Side
	strengths []graph.Value
	deltas    []map[string]*Delta
}

// Input is the name of the input that takes the strength of file i, a float32 of
// shape [1].
func Input(i int) string { return fmt.Sprintf("lora_%d", i) }

// NewSet declares the strengths of files in the graph of a network. A file that
// doesn't change the network has an input all the same, which nothing reads.
func NewSet(b *graph.Builder, part Part, files []*File, side Side) *Set {
	s := &Set{side: side}
	for i, f := range files {
		s.strengths = append(s.strengths, b.Input(Input(i), graph.Float32, 1))
		s.deltas = append(s.deltas, f.Deltas[part])
	}
	return s
}

// each calls apply for the changes of a weight that are made on a side.
func (s *Set) each(weight string, side Side, apply func(d *Delta, strength graph.Value)) {
	if s == nil {
		return
	}
	for i, deltas := range s.deltas {
		d := deltas[weight]
		if d == nil || (side == Activations) != (s.side == Activations && d.LowRank()) {
			continue
		}
		apply(d, s.strengths[i])
	}
}

// Weight is w with the changes that are made to the weight itself. w is the
// tensor of that diffusers name, or a span of its rows. A nil Set changes nothing.
func (s *Set) Weight(name string, w graph.Value, span Span) graph.Value {
	s.each(name, Weights, func(d *Delta, strength graph.Value) {
		v := d.Value(strength, span)
		if len(v.Shape()) != len(w.Shape()) { // a 1×1 convolution may be read in either form
			v = v.Reshape(w.Shape()...)
		}
		w = w.Add(v)
	})
	return w
}

// Linear adds to y, the output of a linear layer for x, what the changes of its
// weight, or of a span of its rows, add on the side of the activations.
func (s *Set) Linear(name string, x, y graph.Value, span Span) graph.Value {
	s.each(name, Activations, func(d *Delta, strength graph.Value) { y = y.Add(d.Linear(x, strength, span)) })
	return y
}

// Conv2D adds to y, the output of a convolution of x with that stride and
// padding, what the changes of its weight add on the side of the activations.
func (s *Set) Conv2D(name string, x, y graph.Value, stride int64, pads [4]int64) graph.Value {
	s.each(name, Activations, func(d *Delta, strength graph.Value) { y = y.Add(d.Conv2D(x, strength, stride, pads)) })
	return y
}
