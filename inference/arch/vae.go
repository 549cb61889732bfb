package arch

import (
	"errors"
	"fmt"
	"slices"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// VAE turns images into latents and back.
type VAE interface {
	// Decoder writes the graph from latents [batch, c, h, w], divided by
	// ScalingFactor already, to image [batch, 3, H, W] in about -1…1.
	Decoder(Size) (*graph.Model, error)
	// Encoder writes the graph from image [batch, 3, H, W] in -1…1 to mean and
	// std [batch, c, h, w], not yet multiplied by ScalingFactor. An autoencoder
	// that isn't variational has a std of zero, which is left out of its outputs.
	Encoder(Size) (*graph.Model, error)
	// ScalingFactor is what the UNet's latents are multiples of: latents =
	// (mean - ShiftFactor) · ScalingFactor.
	ScalingFactor() float32
	ShiftFactor() float32
	// LatentChannels is the number of channels of the latents, Scale how many
	// pixels in each direction make one cell of them.
	LatentChannels() int
	Scale() int
}

// NewVAE reads the config of an AutoencoderKL or AutoencoderTiny. Errors: *ConfigError.
func NewVAE(c *checkpoint.Component) (VAE, error) {
	if c.Class == checkpoint.ClassTinyVAE {
		return newTinyVAE(c)
	}
	return newKL(c)
}

// klVAE is AutoencoderKL.
type klVAE struct {
	component *checkpoint.Component
	config    klConfig
}

type klConfig struct {
	InChannels      int      `json:"in_channels"`
	OutChannels     int      `json:"out_channels"`
	LatentChannels  int      `json:"latent_channels"`
	Channels        []int    `json:"block_out_channels"`
	Layers          int      `json:"layers_per_block"`
	NormGroups      int      `json:"norm_num_groups"`
	Activation      string   `json:"act_fn"`
	ScalingFactor   float32  `json:"scaling_factor"`
	ShiftFactor     *float32 `json:"shift_factor"`
	DownTypes       []string `json:"down_block_types"`
	UpTypes         []string `json:"up_block_types"`
	QuantConv       bool     `json:"use_quant_conv"`
	PostQuantConv   bool     `json:"use_post_quant_conv"`
	MidAddAttention bool     `json:"mid_block_add_attention"`
}

func newKL(c *checkpoint.Component) (*klVAE, error) {
	config := klConfig{
		InChannels: 3, OutChannels: 3, LatentChannels: 4, Channels: []int{64}, Layers: 1, NormGroups: 32, Activation: "silu",
		ScalingFactor: 0.18215, QuantConv: true, PostQuantConv: true, MidAddAttention: true,
	}
	if err := parse(c, &config); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, &ConfigError{c.Dir, err.Error()}
	}
	return &klVAE{c, config}, nil
}

func (c klConfig) check() error {
	for _, t := range append(slices.Clone(c.DownTypes), c.UpTypes...) {
		if t != "DownEncoderBlock2D" && t != "UpDecoderBlock2D" {
			return fmt.Errorf("block type %q is not supported", t)
		}
	}
	switch {
	case len(c.Channels) < 1 || len(c.Channels) > maxLevels:
		return fmt.Errorf("block_out_channels has %d levels; want 1 to %d", len(c.Channels), maxLevels)
	case c.Activation != "silu" && c.Activation != "swish":
		return fmt.Errorf("act_fn %q is not supported; supported is silu", c.Activation)
	case c.InChannels != 3 || c.OutChannels != 3:
		return errors.New("in_channels and out_channels must be 3")
	case !(c.ScalingFactor > 0):
		return fmt.Errorf("scaling_factor %v is not positive", c.ScalingFactor)
	case c.NormGroups < 1:
		return fmt.Errorf("norm_num_groups is %d", c.NormGroups)
	}
	for _, ch := range c.Channels {
		if ch < 1 || ch > maxChannels || ch%c.NormGroups != 0 {
			return fmt.Errorf("%d channels can't be split into %d groups (norm_num_groups)", ch, c.NormGroups)
		}
	}
	return checkSizes("layers_per_block or latent_channels", 1, maxLayers, c.Layers, c.LatentChannels)
}

func (v *klVAE) ScalingFactor() float32 { return v.config.ScalingFactor }
func (v *klVAE) LatentChannels() int    { return v.config.LatentChannels }
func (v *klVAE) Scale() int             { return 1 << (len(v.config.Channels) - 1) }
func (v *klVAE) ShiftFactor() float32 {
	if v.config.ShiftFactor == nil {
		return 0
	}
	return *v.config.ShiftFactor
}

func (v *klVAE) Decoder(size Size) (*graph.Model, error) {
	b := graph.New("VAE decoder")
	b.Numbers(size.Numbers)
	c := v.config
	x := b.Input("latents", graph.Float32, dim(size.Batch), int64(c.LatentChannels), dim(size.Height), dim(size.Width))
	s := b.Scope(v.component)
	var post conv2D
	if c.PostQuantConv {
		post = newConv2D(s.Sub("post_quant_conv"), c.LatentChannels, c.LatentChannels, 1)
	}
	net := newKLDecoder(s.Sub("decoder"), c)
	if b.Err() == nil {
		if c.PostQuantConv {
			x = post.forward(x)
		}
		b.Output("image", net.forward(x))
	}
	return b.Model()
}

func (v *klVAE) Encoder(size Size) (*graph.Model, error) {
	b := graph.New("VAE encoder")
	b.Numbers(size.Numbers)
	c := v.config
	x := b.Input("image", graph.Float32, dim(size.Batch), 3, scaled(size.Height, v.Scale()), scaled(size.Width, v.Scale()))
	s := b.Scope(v.component)
	net := newKLEncoder(s.Sub("encoder"), c)
	var quant conv2D
	if c.QuantConv {
		quant = newConv2D(s.Sub("quant_conv"), 2*c.LatentChannels, 2*c.LatentChannels, 1)
	}
	if b.Err() == nil {
		moments := net.forward(x)
		if c.QuantConv {
			moments = quant.forward(moments)
		}
		n := int64(c.LatentChannels)
		b.Output("mean", moments.Slice(1, 0, n))
		logvar := moments.Slice(1, n, 2*n).Clip(-30, 20)
		b.Output("std", logvar.Mul(b.Float(0.5)).Exp())
	}
	return b.Model()
}

// klMid is the mid block: attention between two resnets.
type klMid struct {
	resnet0, resnet1 resnetBlock
	attention        *klAttention
}

const klEps = 1e-6

func newKLMid(s graph.Scope, channels int, c klConfig) klMid {
	m := klMid{
		resnet0: newResnetBlock(s.Sub("resnets.0"), channels, channels, 0, c.NormGroups, klEps),
		resnet1: newResnetBlock(s.Sub("resnets.1"), channels, channels, 0, c.NormGroups, klEps),
	}
	if c.MidAddAttention {
		m.attention = newKLAttention(s.Sub("attentions.0"), channels, c)
	}
	return m
}

func (m klMid) forward(x graph.Value) graph.Value {
	x = m.resnet0.forward(x, graph.Value{})
	if m.attention != nil {
		x = m.attention.forward(x)
	}
	return m.resnet1.forward(x, graph.Value{})
}

// klAttention is self-attention with one head over all pixels.
type klAttention struct {
	groupNorm            groupNorm
	toQ, toK, toV, toOut linear
	channels             int64
}

func newKLAttention(s graph.Scope, ch int, c klConfig) *klAttention {
	return &klAttention{
		groupNorm: newGroupNorm(s.Sub("group_norm"), ch, c.NormGroups, klEps),
		toQ:       newLinear(s.Sub("to_q"), ch, ch),
		toK:       newLinear(s.Sub("to_k"), ch, ch),
		toV:       newLinear(s.Sub("to_v"), ch, ch),
		toOut:     newLinear(s.Sub("to_out.0"), ch, ch),
		channels:  int64(ch),
	}
}

func (a *klAttention) forward(x graph.Value) graph.Value {
	image := a.groupNorm.forward(x).Transpose(0, 2, 3, 1)
	h := image.Reshape(tokens(image.Shape())...)
	h = a.toQ.forward(h).Attention(a.toK.forward(h), a.toV.forward(h), 1)
	return x.Add(a.toOut.forward(h).ReshapeLike(image, a.channels).Transpose(0, 3, 1, 2))
}

// klLevel is DownEncoderBlock2D or UpDecoderBlock2D.
type klLevel struct {
	resnets      []resnetBlock
	downsamplers []downsample
	upsamplers   []upsample
}

func newKLLevel(s graph.Scope, in, out, layers int, c klConfig) klLevel {
	var l klLevel
	for j := range layers {
		l.resnets = append(l.resnets, newResnetBlock(s.Sub("resnets").Index(j), in, out, 0, c.NormGroups, klEps))
		in = out
	}
	return l
}

func (l klLevel) forward(x graph.Value) graph.Value {
	for _, r := range l.resnets {
		x = r.forward(x, graph.Value{})
	}
	for _, d := range l.downsamplers {
		x = d.forward(x)
	}
	for _, u := range l.upsamplers {
		x = u.forward(x, graph.Value{})
	}
	return x
}

type klDecoder struct {
	convIn      conv2D
	midBlock    klMid
	upBlocks    []klLevel
	convNormOut groupNorm
	convOut     conv2D
}

func newKLDecoder(s graph.Scope, c klConfig) klDecoder {
	widths := slices.Clone(c.Channels)
	slices.Reverse(widths)
	d := klDecoder{
		convIn:      newConv2D(s.Sub("conv_in"), c.LatentChannels, widths[0], 3),
		midBlock:    newKLMid(s.Sub("mid_block"), widths[0], c),
		convNormOut: newGroupNorm(s.Sub("conv_norm_out"), c.Channels[0], c.NormGroups, klEps),
		convOut:     newConv2D(s.Sub("conv_out"), c.Channels[0], c.OutChannels, 3),
	}
	in := widths[0]
	for i, out := range widths {
		at := s.Sub("up_blocks").Index(i)
		level := newKLLevel(at, in, out, c.Layers+1, c)
		if i < len(widths)-1 {
			level.upsamplers = []upsample{newUpsample(at.Sub("upsamplers.0"), out)}
		}
		d.upBlocks = append(d.upBlocks, level)
		in = out
	}
	return d
}

func (d klDecoder) forward(x graph.Value) graph.Value {
	x = d.midBlock.forward(d.convIn.forward(x))
	for _, level := range d.upBlocks {
		x = level.forward(x)
	}
	return d.convOut.forward(d.convNormOut.forward(x).SiLU())
}

type klEncoder struct {
	convIn      conv2D
	downBlocks  []klLevel
	midBlock    klMid
	convNormOut groupNorm
	convOut     conv2D
}

func newKLEncoder(s graph.Scope, c klConfig) klEncoder {
	last := c.Channels[len(c.Channels)-1]
	e := klEncoder{
		convIn:      newConv2D(s.Sub("conv_in"), c.InChannels, c.Channels[0], 3),
		midBlock:    newKLMid(s.Sub("mid_block"), last, c),
		convNormOut: newGroupNorm(s.Sub("conv_norm_out"), last, c.NormGroups, klEps),
		convOut:     newConv2D(s.Sub("conv_out"), last, 2*c.LatentChannels, 3),
	}
	in := c.Channels[0]
	for i, out := range c.Channels {
		at := s.Sub("down_blocks").Index(i)
		level := newKLLevel(at, in, out, c.Layers, c)
		if i < len(c.Channels)-1 {
			level.downsamplers = []downsample{newDownsample(at.Sub("downsamplers.0"), out, 0)}
		}
		e.downBlocks = append(e.downBlocks, level)
		in = out
	}
	return e
}

func (e klEncoder) forward(x graph.Value) graph.Value {
	x = e.convIn.forward(x)
	for _, level := range e.downBlocks {
		x = level.forward(x)
	}
	x = e.midBlock.forward(x)
	return e.convOut.forward(e.convNormOut.forward(x).SiLU())
}
