package arch

import (
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// ControlNet is a ControlNetModel: a copy of a UNet's encoder that reads a
// control image and gives residuals for the UNet.
type ControlNet struct {
	component *checkpoint.Component
	config    unetConfig
	views     *ViewSharing
}

// NewControlNet reads the config of a ControlNet. Errors: *ConfigError.
func NewControlNet(c *checkpoint.Component) (*ControlNet, error) {
	config, err := parseUNet(c)
	if err != nil {
		return nil, err
	}
	if err := checkDownTypes(c.Dir, config); err != nil {
		return nil, err
	}
	return &ControlNet{component: c, config: config}, nil
}

// Shared is the same ControlNet for the views of one object, see ViewSharing.
func (n *ControlNet) Shared(v ViewSharing) *ControlNet {
	out := *n
	out.views = &v
	return &out
}

// Context is the width of the text embeddings that it reads.
func (n *ControlNet) Context() int { return n.config.crossDim }

// Residuals is the number of residuals down_0, down_1, … beside mid.
func (n *ControlNet) Residuals() int { return n.config.residuals() }

// HintScale is how many pixels of the control image, in each direction, make
// one cell of the latents.
func (n *ControlNet) HintScale() int { return 1 << (len(n.config.HintChannels) - 1) }

// Fits says whether its residuals fit the UNet: the same levels, widths and text.
func (n *ControlNet) Fits(u *UNet) bool {
	a, b := n.config, u.config
	// A UNet for inpainting reads more than the latents, its ControlNets don't.
	if a.crossDim != b.crossDim || a.InChannels != b.OutChannels || a.pooled() != b.pooled() || len(a.Channels) != len(b.Channels) {
		return false
	}
	for i := range a.Channels {
		if a.Channels[i] != b.Channels[i] || a.layers[i] != b.layers[i] {
			return false
		}
	}
	return true
}

// HintGraph writes the part that reads the control image; it runs once a render.
//
// Input: image [1, 3, H, W] in 0…1, RGB, H and W being HintScale times the
// latents'. Output: hint [1, C, h, w].
func (n *ControlNet) HintGraph(size Size) (*graph.Model, error) {
	b := graph.New("ControlNet's hint block")
	image := b.Input("image", graph.Float32, 1, int64(n.config.HintIn), scaled(size.Height, n.HintScale()), scaled(size.Width, n.HintScale()))
	net := newHintBlock(b.Scope(n.component).Sub("controlnet_cond_embedding"), n.config)
	if b.Err() == nil {
		if n.config.HintOrder == "bgr" {
			image = image.Slice(1, 2, 3).Concat(1, image.Slice(1, 1, 2), image.Slice(1, 0, 1))
		}
		b.Output("hint", net.forward(image))
	}
	return b.Model()
}

// Graph writes the ControlNet.
//
// Inputs: sample [batch, in, h, w]; timestep float32 [1]; encoder_hidden_states
// [batch, tokens, context]; for Stable Diffusion XL text_embeds and time_ids as
// the UNet's; hint [1 or batch, C, h, w] from HintGraph; weight float32
// [Residuals+1, batch] or [Residuals+1, 1], for down_0 … and mid; prev_down_0 …
// and prev_mid: the residuals of the ControlNet before this
// one, or a zero [1,1,1,1] each. Outputs: down_0 … and mid, each the previous
// residual plus weight times this ControlNet's.
func (n *ControlNet) Graph(size Size) (*graph.Model, error) {
	b := graph.New("ControlNet")
	b.Numbers(size.Numbers)
	x := b.Input("sample", graph.Float32, dim(size.Batch), int64(n.config.InChannels), dim(size.Height), dim(size.Width))
	in := n.config.inputs(b, size.Batch)
	in.context.views = n.views.inputs(b, size.Batch)
	hint := b.Input("hint", graph.Float32, graph.Dynamic, int64(n.config.Channels[0]), dim(size.Height), dim(size.Width))
	weight := b.Input("weight", graph.Float32, int64(n.Residuals()+1), graph.Dynamic)
	prev := make([]graph.Value, n.Residuals())
	for i := range prev {
		prev[i] = anyResidual(b, "prev_"+Down(i))
	}
	prevMid := anyResidual(b, "prev_mid")
	net := newControlNet(b.Scope(n.component), n.config)
	if b.Err() == nil {
		down, mid := net.forward(x, in, hint)
		for i, d := range down {
			b.Output(Down(i), d.Mul(residualWeight(weight, i)).AddResidual(prev[i]))
		}
		b.Output("mid", mid.Mul(residualWeight(weight, n.Residuals())).AddResidual(prevMid))
	}
	return b.Model()
}

// residualWeight is the weight of residual i, [batch or 1, 1, 1, 1].
func residualWeight(weight graph.Value, i int) graph.Value {
	return weight.Slice(0, int64(i), int64(i+1)).Reshape(-1, 1, 1, 1)
}

// controlNet is the network's weights.
type controlNet struct {
	encoder    unetEncoder
	downBlocks []conv2D // controlnet_down_blocks
	midBlock   conv2D   // controlnet_mid_block
}

func newControlNet(s graph.Scope, c unetConfig) controlNet {
	n := controlNet{encoder: newUNetEncoder(s, c)}
	add := func(channels int) {
		n.downBlocks = append(n.downBlocks, newConv2D(s.Sub("controlnet_down_blocks").Index(len(n.downBlocks)), channels, channels, 1))
	}
	add(c.Channels[0])
	for i, ch := range c.Channels {
		for range c.layers[i] {
			add(ch)
		}
		if i < len(c.Channels)-1 {
			add(ch)
		}
	}
	last := c.Channels[len(c.Channels)-1]
	n.midBlock = newConv2D(s.Sub("controlnet_mid_block"), last, last, 1)
	return n
}

func (n controlNet) forward(x graph.Value, in conditions, hint graph.Value) ([]graph.Value, graph.Value) {
	temb := n.encoder.embed(in)
	x = n.encoder.convIn.forward(x).AddResidual(hint)
	mid, skips := n.encoder.forward(x, temb, in.context)
	for i := range skips {
		skips[i] = n.downBlocks[i].forward(skips[i])
	}
	return skips, n.midBlock.forward(mid)
}

// hintBlock is ControlNetConditioningEmbedding.
type hintBlock struct {
	convIn  conv2D
	blocks  []conv2D
	convOut conv2D
}

func newHintBlock(s graph.Scope, c unetConfig) hintBlock {
	ch := c.HintChannels
	h := hintBlock{convIn: newConv2D(s.Sub("conv_in"), c.HintIn, ch[0], 3)}
	for i := range len(ch) - 1 {
		same := newConv2D(s.Sub("blocks").Index(2*i), ch[i], ch[i], 3)
		half := newConv2D(s.Sub("blocks").Index(2*i+1), ch[i], ch[i+1], 3)
		half.stride = 2
		h.blocks = append(h.blocks, same, half)
	}
	h.convOut = newConv2D(s.Sub("conv_out"), ch[len(ch)-1], c.Channels[0], 3)
	return h
}

func (h hintBlock) forward(x graph.Value) graph.Value {
	x = h.convIn.forward(x).SiLU()
	for _, conv := range h.blocks {
		x = conv.forward(x).SiLU()
	}
	return h.convOut.forward(x)
}
