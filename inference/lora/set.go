package lora

import (
	"fmt"

	"maquette/inference/graph"
)

// Set is what several LoRAs do to one network's graph. Their strengths are
// inputs of the model.
type Set struct {
	strengths []graph.Value
	deltas    []map[string]*Delta
}

// Input is the name of the input that takes the strength of file i, a float32 of
// shape [1].
func Input(i int) string { return fmt.Sprintf("lora_%d", i) }

// NewSet declares the strengths of files in the graph of a network. A file that
// doesn't change the network has an input all the same, which nothing reads.
func NewSet(b *graph.Builder, part Part, files []*File) *Set {
	s := &Set{}
	for i, f := range files {
		s.strengths = append(s.strengths, b.Input(Input(i), graph.Float32, 1))
		s.deltas = append(s.deltas, f.Deltas[part])
	}
	return s
}

// each calls apply for the changes of a weight.
func (s *Set) each(weight string, lowRank bool, apply func(d *Delta, strength graph.Value)) {
	if s == nil {
		return
	}
	for i, deltas := range s.deltas {
		if d := deltas[weight]; d != nil && d.LowRank() == lowRank {
			apply(d, s.strengths[i])
		}
	}
}

// Weight is w with the changes that must be made to the weight itself (LoHa).
// w is the tensor of that diffusers name, or a span of its rows.
func (s *Set) Weight(name string, w graph.Value, span Span) graph.Value {
	s.each(name, false, func(d *Delta, strength graph.Value) {
		v := d.Value(strength, span)
		if len(v.Shape()) != len(w.Shape()) { // a 1×1 convolution may be read in either form
			v = v.Reshape(w.Shape()...)
		}
		w = w.Add(v)
	})
	return w
}

// Linear adds to y, the output of a linear layer for x, what LoRAs of its
// weight, or of a span of its rows, add.
func (s *Set) Linear(name string, x, y graph.Value, span Span) graph.Value {
	s.each(name, true, func(d *Delta, strength graph.Value) { y = y.Add(d.Linear(x, strength, span)) })
	return y
}

// Conv2D adds to y, the output of a convolution of x with that stride and
// padding, what LoRAs and LoCons of its weight add.
func (s *Set) Conv2D(name string, x, y graph.Value, stride int64, pads [4]int64) graph.Value {
	s.each(name, true, func(d *Delta, strength graph.Value) { y = y.Add(d.Conv2D(x, strength, stride, pads)) })
	return y
}
