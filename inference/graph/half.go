package graph

// as is a weight or constant in an element type: straight from the file where it
// is stored in that type.
func (w Value) as(t DType) Value {
	b := w.b
	if w.Type() == t {
		return w
	}
	if from, ok := b.stored[w.v]; ok {
		w = from
	}
	if w.Type() == t {
		return w
	}
	key := typed{w.v, t}
	if v, ok := b.casts[key]; ok {
		return v
	}
	v := w.Cast(t)
	if b.casts == nil {
		b.casts = map[typed]Value{}
	}
	b.casts[key] = v
	return v
}

// typed is a value in an element type.
type typed struct {
	v *value
	t DType
}

// layer brings the operands of a linear layer or convolution into the numbers that
// the graph computes in. The bias may be missing.
func (b *Builder) layer(x, w, bias Value) (Value, Value, Value) {
	if !b.numbers.Half || w.v == nil {
		return x, w, bias
	}
	if bias.Valid() {
		bias = bias.as(Float16)
	}
	return x.as(Float16), w.as(Float16), bias
}

// inFloat computes with x in float32 and gives the result x's element type.
func (x Value) inFloat(compute func(x Value) Value) Value {
	if x.Type() != Float16 {
		return compute(x)
	}
	return compute(x.as(Float32)).Cast(Float16)
}
