package arch

import "maquette/inference/graph"

// attention is diffusers' Attention: queries from x, keys and values from x
// itself or from the text.
type attention struct {
	toQ, toK, toV, toOut linear
	heads                int64
}

func newAttention(s graph.Scope, channels, context, heads int) attention {
	return attention{
		toQ:   newLinearNoBias(s.Sub("to_q"), channels, channels),
		toK:   newLinearNoBias(s.Sub("to_k"), context, channels),
		toV:   newLinearNoBias(s.Sub("to_v"), context, channels),
		toOut: newLinear(s.Sub("to_out.0"), channels, channels),
		heads: int64(heads),
	}
}

func (a attention) forward(x, context graph.Value) graph.Value {
	h := a.toQ.forward(x).Attention(a.toK.forward(context), a.toV.forward(context), a.heads)
	return a.toOut.forward(h)
}

// feedForward is a gated linear unit with GELU (GEGLU, Shazeer 2020, arXiv
// 2002.05202) and a projection back. The file has value and gate fused in one
// tensor; reading it as two spares splitting the activations.
type feedForward struct{ value, gate, out linear }

func newFeedForward(s graph.Scope, channels int) feedForward {
	inner := int64(4 * channels)
	proj := s.Sub("net.0.proj")
	half := func(part int64) linear {
		return linear{proj.Rows("weight", part, 2, inner, int64(channels)), proj.Rows("bias", part, 2, inner)}
	}
	return feedForward{value: half(0), gate: half(1), out: newLinear(s.Sub("net.2"), int(inner), channels)}
}

func (f feedForward) forward(x graph.Value) graph.Value {
	return f.out.forward(f.value.forward(x).Mul(f.gate.forward(x).GELU()))
}

// transformerBlock is diffusers' BasicTransformerBlock.
type transformerBlock struct {
	norm1 layerNorm
	attn1 attention
	norm2 layerNorm
	attn2 attention
	norm3 layerNorm
	ff    feedForward
}

func newTransformerBlock(s graph.Scope, channels, context, heads int) transformerBlock {
	const eps = 1e-5
	return transformerBlock{
		norm1: newLayerNorm(s.Sub("norm1"), channels, eps),
		attn1: newAttention(s.Sub("attn1"), channels, channels, heads),
		norm2: newLayerNorm(s.Sub("norm2"), channels, eps),
		attn2: newAttention(s.Sub("attn2"), channels, context, heads),
		norm3: newLayerNorm(s.Sub("norm3"), channels, eps),
		ff:    newFeedForward(s.Sub("ff"), channels),
	}
}

func (t transformerBlock) forward(x graph.Value, context reading) graph.Value {
	h := t.norm1.forward(x)
	x = x.Add(t.attn1.forwardViews(h, context.views))
	x = x.Add(t.attn2.forward(t.norm2.forward(x), context.text))
	return x.Add(t.ff.forward(t.norm3.forward(x)))
}

// transformer is diffusers' Transformer2DModel: it lets the pixels of a feature
// map look at each other and at the text.
type transformer struct {
	norm              groupNorm
	projIn, projOut   conv2D
	linearIn, lineOut linear // in place of projIn and projOut if use_linear_projection
	blocks            []transformerBlock
	linear            bool
	channels          int64
}

func newTransformer(s graph.Scope, channels, heads, layers int, c unetConfig) transformer {
	t := transformer{
		norm: newGroupNorm(s.Sub("norm"), channels, c.NormGroups, 1e-6),
		// In int8 a 1×1 convolution is the same work as a matrix, without turning
		// the image twice.
		linear:   c.LinearProjection || s.Builder().Quantizing(),
		channels: int64(channels),
	}
	if t.linear {
		t.linearIn, t.lineOut = newLinear(s.Sub("proj_in"), channels, channels), newLinear(s.Sub("proj_out"), channels, channels)
	} else {
		t.projIn, t.projOut = newConv2D(s.Sub("proj_in"), channels, channels, 1), newConv2D(s.Sub("proj_out"), channels, channels, 1)
	}
	for i := range layers {
		t.blocks = append(t.blocks, newTransformerBlock(s.Sub("transformer_blocks").Index(i), channels, c.crossDim, heads))
	}
	return t
}

func (t transformer) forward(x graph.Value, context reading) graph.Value {
	h := t.norm.forward(x)
	if !t.linear {
		h = t.projIn.forward(h)
	}
	image := h.Transpose(0, 2, 3, 1)            // [batch, height, width, channels]
	h = image.Reshape(tokens(image.Shape())...) // [batch, height·width, channels]
	if t.linear {
		h = t.linearIn.forward(h)
	}
	for _, block := range t.blocks {
		h = block.forward(h, context)
	}
	if t.linear {
		h = t.lineOut.forward(h)
	}
	h = h.ReshapeLike(image, t.channels).Transpose(0, 3, 1, 2)
	if !t.linear {
		h = t.projOut.forward(h)
	}
	return x.Add(h)
}

// tokens is the shape [batch, height·width, channels] for an image [batch,
// height, width, channels], fixed as far as the image's is.
func tokens(image []int64) []int64 {
	n := graph.Dynamic
	if image[1] != graph.Dynamic && image[2] != graph.Dynamic {
		n = image[1] * image[2]
	}
	return []int64{0, n, image[3]}
}
