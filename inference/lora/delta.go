package lora

import (
	"errors"
	"fmt"
	"slices"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// Kind is how a change is stored.
type Kind string

// The kinds of changes.
const (
	// LoRA is a product of two matrices: Δ = up·down.
	LoRA Kind = "LoRA"
	// LoCon is LoRA for convolutions: down is a convolution to few channels and up
	// a 1×1 convolution back, if need be with a small one (mid) between them.
	LoCon Kind = "LoCon"
	// LoHa is the element-wise product of two such products.
	LoHa Kind = "LoHa"
)

// Delta is the change of one weight at strength 1.
//
// There are two ways to apply one. On the side of the weights, W + s·Δ takes the
// place of W. On the side of the activations, y + s·up(down(x)) takes the place
// of y. Both give the same numbers up to rounding; see Side for which is better
// where. LoHa has no up and down, so only the first serves it.
type Delta struct {
	Part Part
	// Weight is the diffusers name of the weight that changes.
	Weight string
	Kind   Kind
	// Shape is the weight's, [out, in] or [out, in, k, k]; a 1×1 convolution's is [out, in].
	Shape []int64
	// Rank is the number of rows of down; Scale is alpha/Rank, or 1 without an alpha.
	Rank  int64
	Scale float32

	products []product
	source   source
}

// product is a·b as matrices, or with a core t (Tucker decomposition) the sum
// over i and j of a[out,i]·t[i,j,k,k]·b[j,in].
type product struct {
	a, b, core checkpoint.Tensor
	tucker     bool // there is a core
	// flipped says that a is stored [rank, out], as LoHa does if it has a core.
	flipped bool
	rank    int64 // rows of b
}

// errType marks an element type that graphs can't read.
var errType = errors.New("LoRAs in F32, F16 and BF16 are applied")

// check compares the factors with the shape of the weight, so that nothing is
// left for the graph to fail on, and sets the rank.
func (p *product) check(weight []int64) error {
	out, in, kernel := weight[0], weight[1], weight[2:]
	p.rank = rows(p.b)
	type factor struct {
		t    checkpoint.Tensor
		want []int64
	}
	var factors []factor
	switch {
	case p.tucker:
		inner := rows(p.core) // the ranks of the two sides may differ
		side := []int64{out, inner}
		if p.flipped {
			side = []int64{inner, out}
		}
		factors = []factor{{p.a, side}, {p.b, []int64{p.rank, in}}, {p.core, append([]int64{inner, p.rank}, kernel...)}}
	case len(p.b.Shape) == 2:
		factors = []factor{{p.a, []int64{out, p.rank}}, {p.b, []int64{p.rank, in * area(kernel)}}}
	default:
		factors = []factor{{p.a, []int64{out, p.rank}}, {p.b, append([]int64{p.rank, in}, kernel...)}}
	}
	for _, f := range factors {
		switch {
		case !slices.Contains([]string{"F32", "F16", "BF16"}, f.t.DType):
			return fmt.Errorf("tensor %.200q is %s: %w", f.t.Name, f.t.DType, errType)
		case !slices.Equal(trim(f.t.Shape), f.want) || f.t.Bytes == 0:
			return fmt.Errorf("tensor %.200q has shape %v where %v is needed", f.t.Name, f.t.Shape, f.want)
		}
	}
	return nil
}

// rows is the first dimension.
func rows(t checkpoint.Tensor) int64 {
	if len(t.Shape) == 0 {
		return 0
	}
	return t.Shape[0]
}

// area is the number of places of a convolution's kernel.
func area(kernel []int64) int64 {
	n := int64(1)
	for _, k := range kernel {
		n *= k
	}
	return n
}

// Elements is the number of values that the file has for the change.
func (d *Delta) Elements() int64 {
	sum := int64(0)
	for _, p := range d.products {
		for _, t := range []checkpoint.Tensor{p.a, p.b, p.core} {
			if len(t.Shape) > 0 {
				sum += area(t.Shape)
			}
		}
	}
	return sum
}

// LowRank says whether Linear and Conv2D can be used.
func (d *Delta) LowRank() bool { return d.Kind != LoHa }

// All is the part of a weight that is the whole of it.
func All() Span { return Span{0, 1} }

// Span is one of several equal parts of a weight's rows, for layers that are
// stored fused and read as several.
type Span struct{ Part, Parts int64 }

// Value is strength·Δ in the shape of the weight, or of the span of its rows;
// only weights of two dimensions have spans. strength has the shape [1].
func (d *Delta) Value(strength graph.Value, span Span) graph.Value {
	s := strength.Builder().Scope(d.source)
	shape := slices.Clone(d.Shape)
	shape[0] /= span.Parts
	// The strength goes to the smallest factor.
	delta := d.products[0].value(s, shape, span, d.scaled(strength))
	for _, p := range d.products[1:] {
		delta = delta.Mul(p.value(s, shape, span, graph.Value{}))
	}
	return delta
}

// scaled is strength·Scale.
func (d *Delta) scaled(strength graph.Value) graph.Value {
	if d.Scale == 1 {
		return strength
	}
	return strength.Mul(strength.Builder().Float(d.Scale))
}

// left is the factor a as [out, rank], or a span of its rows.
func (p *product) left(s graph.Scope, span Span) graph.Value {
	out, rank := p.a.Shape[0], p.a.Shape[1]
	if p.flipped {
		return s.Weight(p.a.Name, out, rank).Transpose(1, 0)
	}
	if span.Parts == 1 {
		return s.Weight(p.a.Name, out, rank)
	}
	part := slices.Clone(p.a.Shape)
	part[0] /= span.Parts
	return s.Rows(p.a.Name, span.Part, span.Parts, part...).Reshape(part[0], rank)
}

// value multiplies the product out, times factor where there is one.
func (p *product) value(s graph.Scope, shape []int64, span Span, factor graph.Value) graph.Value {
	a := p.left(s, span)
	if factor.Valid() {
		a = a.Mul(factor)
	}
	if !p.tucker {
		b := s.Weight(p.b.Name, p.b.Shape...)
		if len(p.b.Shape) > 2 {
			b = b.Reshape(p.rank, -1)
		}
		delta := a.MatMul(b)
		if len(shape) > 2 {
			delta = delta.Reshape(shape...)
		}
		return delta
	}
	in, kh, kw := shape[1], int64(1), int64(1)
	if len(shape) == 4 {
		kh, kw = shape[2], shape[3]
	}
	inner := rows(p.core)
	core := s.Weight(p.core.Name, inner, p.rank, kh, kw).Transpose(0, 2, 3, 1) // [inner, kh, kw, rank]
	core = core.MatMul(s.Weight(p.b.Name, p.rank, in)).Reshape(inner, kh*kw*in)
	delta := a.MatMul(core)
	if len(shape) == 2 {
		return delta
	}
	return delta.Reshape(shape[0], kh, kw, in).Transpose(0, 3, 1, 2)
}

// Linear is strength·Δ·x for x [..., in], where Δ changes a linear layer or a
// span of its outputs. It needs LowRank.
func (d *Delta) Linear(x, strength graph.Value, span Span) graph.Value {
	p := &d.products[0]
	s := x.Builder().Scope(d.source)
	if p.tucker { // of a 1×1 kernel: the core is a matrix between the two
		x = x.Linear(s.Weight(p.b.Name, p.rank, d.Shape[1]), graph.Value{})
		x = x.Linear(s.Weight(p.core.Name, rows(p.core), p.rank), graph.Value{})
	} else {
		x = x.Linear(s.Weight(p.b.Name, p.rank, d.Shape[1]), graph.Value{})
	}
	return x.Mul(d.scaled(strength)).Linear(p.left(s, span), graph.Value{})
}

// Conv2D is strength times the convolution of x [N, in, H, W] with Δ, at the
// stride and padding of the layer that Δ changes. It needs LowRank.
func (d *Delta) Conv2D(x, strength graph.Value, stride int64, pads [4]int64) graph.Value {
	p := &d.products[0]
	s := x.Builder().Scope(d.source)
	kernel := []int64{1, 1}
	if len(d.Shape) == 4 {
		kernel = d.Shape[2:]
	}
	first, none := [4]int64{}, graph.Value{}
	if p.tucker {
		x = x.Conv2D(s.Weight(p.b.Name, p.rank, d.Shape[1], 1, 1), none, 1, first)
		x = x.Conv2D(s.Weight(p.core.Name, rows(p.core), p.rank, kernel[0], kernel[1]), none, stride, pads)
	} else {
		x = x.Conv2D(p.kernels(s, d.Shape[1], kernel), none, stride, pads)
	}
	return x.Mul(d.scaled(strength)).Conv2D(s.Weight(p.a.Name, p.a.Shape[0], p.a.Shape[1], 1, 1), none, 1, first)
}

// kernels is b as the weight of a convolution.
func (p *product) kernels(s graph.Scope, in int64, kernel []int64) graph.Value {
	if len(p.b.Shape) == 2 && area(kernel) > 1 {
		return s.Weight(p.b.Name, p.b.Shape...).Reshape(p.rank, in, kernel[0], kernel[1])
	}
	return s.Weight(p.b.Name, p.rank, in, kernel[0], kernel[1])
}
