package arch

import (
	"math"

	"maquette/inference/graph"
)

// resnetBlock is diffusers' ResnetBlock2D: two convolutions beside a shortcut,
// with the time embedding added between them. Autoencoders have no embedding.
type resnetBlock struct {
	norm1        groupNorm
	conv1        conv2D
	timeEmbProj  linear
	norm2        groupNorm
	conv2        conv2D
	convShortcut conv2D
}

// newResnetBlock reads a block; temb is the width of the time embedding or 0.
func newResnetBlock(s graph.Scope, in, out, temb, groups int, eps float32) resnetBlock {
	r := resnetBlock{
		norm1: newGroupNorm(s.Sub("norm1"), in, groups, eps),
		conv1: newConv2D(s.Sub("conv1"), in, out, 3),
		norm2: newGroupNorm(s.Sub("norm2"), out, groups, eps),
		conv2: newConv2D(s.Sub("conv2"), out, out, 3),
	}
	if temb > 0 {
		r.timeEmbProj = newLinear(s.Sub("time_emb_proj"), temb, out)
	}
	if in != out {
		r.convShortcut = newConv2D(s.Sub("conv_shortcut"), in, out, 1)
	}
	return r
}

// forward takes SiLU(temb), which all blocks share, or the zero Value.
func (r resnetBlock) forward(x, temb graph.Value) graph.Value {
	h := r.conv1.forward(r.norm1.forward(x).SiLU())
	if r.timeEmbProj.weight.Valid() {
		shift := r.timeEmbProj.forward(temb) // [1 or batch, channels]
		h = h.Add(shift.Reshape(0, 0, 1, 1))
	}
	h = r.conv2.forward(r.norm2.forward(h).SiLU())
	if r.convShortcut.weight.Valid() {
		x = r.convShortcut.forward(x)
	}
	return x.Add(h)
}

// timeEmbedding is the sinusoidal embedding of the timestep and its two layers.
type timeEmbedding struct {
	linear1, linear2 linear
	frequencies      graph.Value // [channels/2]
	flipSinToCos     bool
}

func newTimeEmbedding(s graph.Scope, channels int, flip bool, freqShift float64) timeEmbedding {
	hidden := 4 * channels
	return timeEmbedding{
		linear1:      newLinear(s.Sub("linear_1"), channels, hidden),
		linear2:      newLinear(s.Sub("linear_2"), hidden, hidden),
		frequencies:  frequencies(s.Builder(), channels/2, freqShift),
		flipSinToCos: flip,
	}
}

// forward takes the timestep [1] and gives the embedding, [1, 4·channels].
func (t timeEmbedding) forward(timestep graph.Value) graph.Value {
	h := t.linear1.forward(sinusoids(timestep, t.frequencies, t.flipSinToCos)).SiLU()
	return t.linear2.forward(h)
}

// sinusoids are sines and cosines of each of the values, [values, 2·frequencies].
func sinusoids(values, frequencies graph.Value, flip bool) graph.Value {
	angle := oneTurn(values.Reshape(-1, 1).Mul(frequencies))
	first, second := angle.Sin(), angle.Cos()
	if flip {
		first, second = second, first
	}
	return first.Concat(1, second)
}

// addEmbedding is diffusers' "text_time" embedding: of the whole prompt and of
// the sizes that Stable Diffusion XL is told.
type addEmbedding struct {
	linear1, linear2 linear
	frequencies      graph.Value // [channels/2]
	flipSinToCos     bool
	width            int64 // of all sizes' sinusoids
}

func newAddEmbedding(s graph.Scope, c unetConfig) *addEmbedding {
	hidden := 4 * c.Channels[0]
	return &addEmbedding{
		linear1:      newLinear(s.Sub("linear_1"), c.AdditionIn, hidden),
		linear2:      newLinear(s.Sub("linear_2"), hidden, hidden),
		frequencies:  frequencies(s.Builder(), c.AdditionTime/2, c.FreqShift),
		flipSinToCos: c.FlipSinToCos,
		width:        int64(sizeCount * c.AdditionTime),
	}
}

// forward takes text [batch, pooled] and sizes [batch, 6].
func (a *addEmbedding) forward(text, sizes graph.Value) graph.Value {
	waves := sinusoids(sizes, a.frequencies, a.flipSinToCos).Reshape(-1, a.width)
	return a.linear2.forward(a.linear1.forward(text.Concat(1, waves)).SiLU())
}

// oneTurn takes whole turns off angles of up to some thousand radians, so that
// they lie within ±π: GPUs compute the sine of larger ones badly. 2π is split in
// three parts whose multiples are exact in float32 (Cody and Waite 1980).
func oneTurn(angle graph.Value) graph.Value {
	b := angle.Builder()
	const high, middle, low = 6.28125, 0.00193500518798828125, 3.0199159795e-07
	turns := angle.Mul(b.Float(1 / (2 * math.Pi))).Add(b.Float(0.5)).Floor()
	for _, part := range [...]float32{high, middle, low} {
		angle = angle.Sub(turns.Mul(b.Float(part)))
	}
	return angle
}

// downsample halves the size with a strided convolution.
type downsample struct{ conv conv2D }

// newDownsample reads a downsampler. With padding 0, diffusers pads the bottom
// and right edge by one instead.
func newDownsample(s graph.Scope, channels, padding int) downsample {
	d := downsample{newConv2D(s.Sub("conv"), channels, channels, 3)}
	d.conv.stride = 2
	if padding == 0 {
		d.conv.pads = [4]int64{0, 0, 1, 1}
	}
	return d
}

func (d downsample) forward(x graph.Value) graph.Value { return d.conv.forward(x) }

// upsample doubles the size and smooths with a convolution.
type upsample struct{ conv conv2D }

func newUpsample(s graph.Scope, channels int) upsample {
	return upsample{newConv2D(s.Sub("conv"), channels, channels, 3)}
}

// forward doubles x, or takes the size of like where there is one: a size that
// isn't even was rounded up on the way down.
func (u upsample) forward(x, like graph.Value) graph.Value {
	double := func(i int) bool { return x.Dim(i) != graph.Dynamic && like.Dim(i) == 2*x.Dim(i) }
	// A fixed scale needs no arithmetic with shapes, which GPUs leave to the CPU.
	if like.Valid() && !(double(2) && double(3)) {
		return u.conv.forward(x.ResizeLike(like))
	}
	return u.conv.forward(x.Upsample2x())
}
