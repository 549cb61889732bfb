package arch

import (
	"fmt"
	"slices"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// UNet is a UNet2DConditionModel: it predicts the noise (or velocity) in latents.
type UNet struct {
	component *checkpoint.Component
	config    unetConfig
	patch     graph.Patch
	views     *ViewSharing
}

// NewUNet reads the config of a UNet. Errors: *ConfigError.
func NewUNet(c *checkpoint.Component) (*UNet, error) {
	config, err := parseUNet(c)
	if err != nil {
		return nil, err
	}
	for i, t := range config.UpTypes {
		if t != "UpBlock2D" && t != "CrossAttnUpBlock2D" {
			return nil, &ConfigError{c.Dir, fmt.Sprintf("up_block_types[%d] %q is not supported", i, t)}
		}
	}
	if err := checkDownTypes(c.Dir, config); err != nil {
		return nil, err
	}
	return &UNet{component: c, config: config}, nil
}

func checkDownTypes(dir string, c unetConfig) error {
	for i, t := range c.DownTypes {
		if t != "DownBlock2D" && t != "CrossAttnDownBlock2D" {
			return &ConfigError{dir, fmt.Sprintf("down_block_types[%d] %q is not supported", i, t)}
		}
	}
	return nil
}

// Context is the width of the text embeddings that the UNet reads.
func (u *UNet) Context() int { return u.config.crossDim }

// LatentChannels is the number of channels of its input.
func (u *UNet) LatentChannels() int { return u.config.InChannels }

// OutChannels is the number of channels of its output.
func (u *UNet) OutChannels() int { return u.config.OutChannels }

// Pooled is the width of the embedding of the whole prompt that Stable Diffusion
// XL's UNet reads; 0 for the others.
func (u *UNet) Pooled() int { return u.config.pooled() }

// Patched is the same UNet with weights that p changes.
func (u *UNet) Patched(p graph.Patch) *UNet {
	out := *u
	out.patch = p
	return &out
}

// Shared is the same UNet for the views of one object, see ViewSharing.
func (u *UNet) Shared(v ViewSharing) *UNet {
	out := *u
	out.views = &v
	return &out
}

// Residuals is the number of residuals down_0, down_1, … that a ControlNet
// gives beside mid: one after the first convolution, each resnet and each
// downsampler.
func (u *UNet) Residuals() int { return u.config.residuals() }

// LevelFactor is what latent sizes should be a multiple of. Other sizes work;
// they are rounded up on the way down, as in diffusers.
func (u *UNet) LevelFactor() int { return 1 << (len(u.config.Channels) - 1) }

func (c unetConfig) residuals() int {
	n := 1
	for i, layers := range c.layers {
		n += layers
		if i < len(c.layers)-1 {
			n++
		}
	}
	return n
}

// Down is the name of residual i: "down_0", "down_1", …
func Down(i int) string { return fmt.Sprintf("down_%d", i) }

// Graph writes the UNet.
//
// Inputs: sample [batch, in, h, w]; timestep float32 [1]; encoder_hidden_states
// [batch, tokens, context]; for Stable Diffusion XL text_embeds [batch, Pooled]
// and time_ids [batch, 6], see sizeCount; and, if controlled, down_0 … and mid: a ControlNet's
// residuals or a zero [1,1,1,1] each; and those of ViewSharing, if it is Shared.
// Output: out_sample [batch, out, h, w].
// Errors: *graph.MissingTensorError, *graph.ShapeError.
func (u *UNet) Graph(size Size, controlled bool) (*graph.Model, error) {
	b := graph.New("UNet")
	b.Patch(u.patch)
	b.Numbers(size.Numbers)
	x := b.Input("sample", graph.Float32, dim(size.Batch), int64(u.config.InChannels), dim(size.Height), dim(size.Width))
	in := u.config.inputs(b, size.Batch)
	in.context.views = u.views.inputs(b, size.Batch)
	var down []graph.Value
	var mid graph.Value
	if controlled {
		for i := range u.Residuals() {
			down = append(down, anyResidual(b, Down(i)))
		}
		mid = anyResidual(b, "mid")
	}
	net := newUNet(b.Scope(u.component), u.config)
	if b.Err() == nil {
		b.Output("out_sample", net.forward(x, in, down, mid))
	}
	return b.Model()
}

// anyResidual is an input that takes a residual or a zero that stands for none.
func anyResidual(b *graph.Builder, name string) graph.Value {
	return b.Input(name, graph.Float32, graph.Dynamic, graph.Dynamic, graph.Dynamic, graph.Dynamic)
}

// unet is the network's weights.
type unet struct {
	encoder     unetEncoder
	upBlocks    []upBlock
	convNormOut groupNorm
	convOut     conv2D
}

func newUNet(s graph.Scope, c unetConfig) unet {
	n := len(c.Channels)
	u := unet{encoder: newUNetEncoder(s, c)}
	widths := slices.Clone(c.Channels)
	slices.Reverse(widths)
	prev := widths[0]
	for i, ch := range widths {
		level := n - 1 - i // the up blocks go back through the levels
		skip := widths[min(i+1, n-1)]
		u.upBlocks = append(u.upBlocks, newUpBlock(s.Sub("up_blocks").Index(i), c, level, upWidths{
			in: prev, out: ch, skip: skip, cross: c.UpTypes[i] == "CrossAttnUpBlock2D", last: i == n-1,
		}))
		prev = ch
	}
	u.convNormOut = newGroupNorm(s.Sub("conv_norm_out"), c.Channels[0], c.NormGroups, c.NormEps)
	u.convOut = newConv2D(s.Sub("conv_out"), c.Channels[0], c.OutChannels, 3)
	return u
}

func (u unet) forward(x graph.Value, in conditions, down []graph.Value, mid graph.Value) graph.Value {
	temb, context := u.encoder.embed(in), in.context
	x, skips := u.encoder.forward(u.encoder.convIn.forward(x), temb, context)
	// The residuals are added after the mid block has read its input, and each
	// sum is a value of its own: nothing that the mid block sees changes.
	for i, r := range down {
		skips[i] = skips[i].AddResidual(r)
	}
	if mid.Valid() {
		x = x.AddResidual(mid)
	}
	for _, block := range u.upBlocks {
		n := len(skips) - len(block.resnets)
		var like graph.Value
		if n > 0 {
			like = skips[n-1] // what the next block joins has the size to reach
		}
		x = block.forward(x, skips[n:], temb, context, like)
		skips = skips[:n]
	}
	return u.convOut.forward(u.convNormOut.forward(x).SiLU())
}

// upBlock is UpBlock2D or, with attentions, CrossAttnUpBlock2D.
type upBlock struct {
	resnets    []resnetBlock
	attentions []transformer
	upsamplers []upsample
}

// upWidths are the channels that an up block deals with.
type upWidths struct {
	in, out, skip int
	cross, last   bool
}

func newUpBlock(s graph.Scope, c unetConfig, level int, w upWidths) upBlock {
	var b upBlock
	layers := c.layers[level] + 1
	for j := range layers {
		in, skip := w.out, w.out
		if j == 0 {
			in = w.in
		}
		if j == layers-1 {
			skip = w.skip
		}
		b.resnets = append(b.resnets, newResnetBlock(s.Sub("resnets").Index(j), in+skip, w.out, 4*c.Channels[0], c.NormGroups, c.NormEps))
		if w.cross {
			b.attentions = append(b.attentions, newTransformer(s.Sub("attentions").Index(j), w.out, c.heads[level], c.depth[level], c))
		}
	}
	if !w.last {
		b.upsamplers = append(b.upsamplers, newUpsample(s.Sub("upsamplers").Index(0), w.out))
	}
	return b
}

// forward joins the skips from the last to the first.
func (b upBlock) forward(x graph.Value, skips []graph.Value, temb graph.Value, context reading, like graph.Value) graph.Value {
	for j, r := range b.resnets {
		x = r.forward(x.Concat(1, skips[len(skips)-1-j]), temb)
		if len(b.attentions) > 0 {
			x = b.attentions[j].forward(x, context)
		}
	}
	for _, u := range b.upsamplers {
		x = u.forward(x, like)
	}
	return x
}
