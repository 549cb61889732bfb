package graph

// Weight names a tensor of the model, or equal parts of its rows where a layer
// that is stored fused is read as several.
type Weight struct {
	// Name is the tensor's diffusers name, Shape the whole tensor's as the model
	// reads it: a 1×1 convolution that is read as a matrix is [out, in].
	Name  string
	Shape []int64
	// Part of Parts is the span of the first dimension that is meant; 0 of 1 is all.
	Part, Parts int64
}

// Patch changes weights while a model runs: a layer with weight W computes with
// W + Σ strength·Δ, as LoRAs want it. The model's graph is written once; the
// strengths are inputs of it, which the Patch declares with Builder.Input when
// it first needs them, so a new strength needs no new graph.
//
// For each layer that a Builder with a Patch adds (Value.Linear, Value.Conv2D
// with a weight out of a Scope), the Patch is asked both ways of applying a
// change and may answer in either or both, the zero Value standing for none:
//
//   - Delta gives Σ strength·Δ in the shape of the weight, or of the span of its
//     rows, which is added to W before use. It serves any kind of change.
//   - Linear and Conv2D give Σ strength·Δ(x), which is added to the layer's
//     output. For changes of low rank that is less work and leaves W a constant.
//
// x has the layer's input; the result must have its output's shape.
type Patch interface {
	Delta(b *Builder, w Weight) Value
	Linear(x Value, w Weight) Value
	Conv2D(x Value, w Weight, stride int64, pads [4]int64) Value
}

// Patch makes p change the weights of the layers that are added from now on;
// nil changes none.
func (b *Builder) Patch(p Patch) { b.patch = p }

// effective is w with the changes that go into the weight itself.
func (w Value) effective() Value {
	if w.b.patch == nil || w.v.weight == nil {
		return w
	}
	if d := w.b.patch.Delta(w.b, *w.v.weight); d.Valid() {
		return w.Add(d)
	}
	return w
}

// patched adds to a layer's output what the builder's patch makes of its input.
func (y Value) patched(w Value, change func(Patch, Weight) Value) Value {
	if y.b.patch == nil || w.v.weight == nil {
		return y
	}
	if d := change(y.b.patch, *w.v.weight); d.Valid() {
		return y.Add(d)
	}
	return y
}
