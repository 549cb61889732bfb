package arch

import "maquette/inference/graph"

// unetEncoder is the half that UNet and ControlNet share: time embedding, down
// blocks and mid block.
type unetEncoder struct {
	convIn        conv2D
	timeEmbedding timeEmbedding
	addEmbedding  *addEmbedding // Stable Diffusion XL only
	downBlocks    []downBlock
	midBlock      midBlock
}

func newUNetEncoder(s graph.Scope, c unetConfig) unetEncoder {
	e := unetEncoder{
		convIn:        newConv2D(s.Sub("conv_in"), c.InChannels, c.Channels[0], 3),
		timeEmbedding: newTimeEmbedding(s.Sub("time_embedding"), c.Channels[0], c.FlipSinToCos, c.FreqShift),
	}
	if c.Addition != nil {
		e.addEmbedding = newAddEmbedding(s.Sub("add_embedding"), c)
	}
	in, last := c.Channels[0], len(c.Channels)-1
	for i, out := range c.Channels {
		e.downBlocks = append(e.downBlocks, newDownBlock(s.Sub("down_blocks").Index(i), c, i, in, out))
		in = out
	}
	e.midBlock = newMidBlock(s.Sub("mid_block"), c, c.Channels[last], last)
	return e
}

// conditions are what a UNet or ControlNet reads beside the latents.
type conditions struct {
	timestep graph.Value // [1]
	context  reading
	// text [batch, pooled] and sizes [batch, 6] are Stable Diffusion XL's.
	text, sizes graph.Value
}

// inputs declares the conditions as inputs of the graph.
func (c unetConfig) inputs(b *graph.Builder, batch int) conditions {
	in := conditions{
		timestep: b.Input("timestep", graph.Float32, 1),
		context:  reading{text: b.Input("encoder_hidden_states", graph.Float32, dim(batch), graph.Dynamic, int64(c.crossDim))},
	}
	if c.Addition != nil {
		in.text = b.Input("text_embeds", graph.Float32, dim(batch), int64(c.pooled()))
		in.sizes = b.Input("time_ids", graph.Float32, dim(batch), sizeCount)
	}
	return in
}

// embed is SiLU, which all blocks share, of the embedding of time and of
// whatever else there is: [1 or batch, 4·channels].
func (e unetEncoder) embed(in conditions) graph.Value {
	temb := e.timeEmbedding.forward(in.timestep)
	if e.addEmbedding != nil {
		temb = temb.Add(e.addEmbedding.forward(in.text, in.sizes))
	}
	return temb.SiLU()
}

// forward starts after conv_in and gives the mid block's output and what it
// passed on the way: x itself, and the output of each resnet and downsampler.
func (e unetEncoder) forward(x, temb graph.Value, context reading) (graph.Value, []graph.Value) {
	skips := []graph.Value{x}
	for _, block := range e.downBlocks {
		var more []graph.Value
		x, more = block.forward(x, temb, context)
		skips = append(skips, more...)
	}
	return e.midBlock.forward(x, temb, context), skips
}

// downBlock is DownBlock2D or, with attentions, CrossAttnDownBlock2D.
type downBlock struct {
	resnets      []resnetBlock
	attentions   []transformer
	downsamplers []downsample
}

func newDownBlock(s graph.Scope, c unetConfig, level, in, out int) downBlock {
	var b downBlock
	for j := range c.layers[level] {
		b.resnets = append(b.resnets, newResnetBlock(s.Sub("resnets").Index(j), in, out, 4*c.Channels[0], c.NormGroups, c.NormEps))
		if c.DownTypes[level] == "CrossAttnDownBlock2D" {
			b.attentions = append(b.attentions, newTransformer(s.Sub("attentions").Index(j), out, c.heads[level], c.depth[level], c))
		}
		in = out
	}
	if level < len(c.Channels)-1 {
		b.downsamplers = append(b.downsamplers, newDownsample(s.Sub("downsamplers").Index(0), out, c.DownPadding))
	}
	return b
}

func (b downBlock) forward(x, temb graph.Value, context reading) (graph.Value, []graph.Value) {
	var skips []graph.Value
	for j, r := range b.resnets {
		x = r.forward(x, temb)
		if len(b.attentions) > 0 {
			x = b.attentions[j].forward(x, context)
		}
		skips = append(skips, x)
	}
	for _, d := range b.downsamplers {
		x = d.forward(x)
		skips = append(skips, x)
	}
	return x, skips
}

// midBlock is UNetMidBlock2DCrossAttn with one layer.
type midBlock struct {
	resnet0   resnetBlock
	attention transformer
	resnet1   resnetBlock
}

func newMidBlock(s graph.Scope, c unetConfig, channels, level int) midBlock {
	resnet := func(i int) resnetBlock {
		return newResnetBlock(s.Sub("resnets").Index(i), channels, channels, 4*c.Channels[0], c.NormGroups, c.NormEps)
	}
	return midBlock{resnet(0), newTransformer(s.Sub("attentions.0"), channels, c.heads[level], c.depth[level], c), resnet(1)}
}

func (m midBlock) forward(x, temb graph.Value, context reading) graph.Value {
	x = m.resnet0.forward(x, temb)
	return m.resnet1.forward(m.attention.forward(x, context), temb)
}
