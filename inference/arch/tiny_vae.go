package arch

import (
	"errors"
	"fmt"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// tinyVAE is AutoencoderTiny, the architecture of TAESD: plain convolutions,
// a tenth of the work of AutoencoderKL.
type tinyVAE struct {
	component *checkpoint.Component
	config    tinyConfig
}

type tinyConfig struct {
	InChannels      int     `json:"in_channels"`
	OutChannels     int     `json:"out_channels"`
	LatentChannels  int     `json:"latent_channels"`
	EncoderChannels []int   `json:"encoder_block_out_channels"`
	DecoderChannels []int   `json:"decoder_block_out_channels"`
	EncoderBlocks   []int   `json:"num_encoder_blocks"`
	DecoderBlocks   []int   `json:"num_decoder_blocks"`
	Activation      string  `json:"act_fn"`
	UpsampleFn      string  `json:"upsample_fn"`
	UpsampleScale   int     `json:"upsampling_scaling_factor"`
	ScalingFactor   float32 `json:"scaling_factor"`
	ShiftFactor     float32 `json:"shift_factor"`
}

func newTinyVAE(c *checkpoint.Component) (*tinyVAE, error) {
	config := tinyConfig{
		InChannels: 3, OutChannels: 3, LatentChannels: 4,
		EncoderChannels: []int{64, 64, 64, 64}, DecoderChannels: []int{64, 64, 64, 64},
		EncoderBlocks: []int{1, 3, 3, 3}, DecoderBlocks: []int{3, 3, 3, 1},
		Activation: "relu", UpsampleFn: "nearest", UpsampleScale: 2, ScalingFactor: 1,
	}
	if err := parse(c, &config); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, &ConfigError{c.Dir, err.Error()}
	}
	return &tinyVAE{c, config}, nil
}

func (c tinyConfig) check() error {
	n := len(c.DecoderChannels)
	switch {
	case n < 1 || n > maxLevels || len(c.DecoderBlocks) != n:
		return fmt.Errorf("decoder_block_out_channels has %d levels and num_decoder_blocks %d; want the same, 1 to %d", n, len(c.DecoderBlocks), maxLevels)
	case len(c.EncoderChannels) != n || len(c.EncoderBlocks) != n:
		return errors.New("encoder and decoder must have the same number of levels")
	case c.Activation != "relu":
		return fmt.Errorf("act_fn %q is not supported; supported is relu", c.Activation)
	case c.UpsampleFn != "nearest" || c.UpsampleScale != 2:
		return errors.New("upsample_fn must be nearest and upsampling_scaling_factor 2")
	case c.InChannels != 3 || c.OutChannels != 3:
		return errors.New("in_channels and out_channels must be 3")
	case !(c.ScalingFactor > 0):
		return fmt.Errorf("scaling_factor %v is not positive", c.ScalingFactor)
	}
	for _, list := range [][]int{c.DecoderChannels, c.EncoderChannels} {
		for i, ch := range list {
			// diffusers builds each level from its own width alone, so levels of
			// different widths don't fit together there either.
			if ch != list[0] || ch < 1 || ch > maxChannels {
				return fmt.Errorf("level %d has %d channels; all levels must have the same number", i, ch)
			}
		}
	}
	blocks := append(append([]int{}, c.DecoderBlocks...), c.EncoderBlocks...)
	return errors.Join(checkSizes("a number of blocks", 0, maxLayers, blocks...), checkSizes("latent_channels", 1, maxChannels, c.LatentChannels))
}

func (v *tinyVAE) ScalingFactor() float32 { return v.config.ScalingFactor }
func (v *tinyVAE) ShiftFactor() float32   { return v.config.ShiftFactor }
func (v *tinyVAE) LatentChannels() int    { return v.config.LatentChannels }
func (v *tinyVAE) Scale() int             { return 1 << (len(v.config.DecoderChannels) - 1) }

func (v *tinyVAE) Decoder(size Size) (*graph.Model, error) {
	b := graph.New("VAE decoder")
	x := b.Input("latents", graph.Float32, dim(size.Batch), int64(v.config.LatentChannels), dim(size.Height), dim(size.Width))
	net := newTinyDecoder(b.Scope(v.component).Sub("decoder.layers"), v.config)
	if b.Err() == nil {
		b.Output("image", net.forward(x))
	}
	return b.Model()
}

func (v *tinyVAE) Encoder(size Size) (*graph.Model, error) {
	b := graph.New("VAE encoder")
	x := b.Input("image", graph.Float32, dim(size.Batch), 3, scaled(size.Height, v.Scale()), scaled(size.Width, v.Scale()))
	net := newTinyEncoder(b.Scope(v.component).Sub("encoder.layers"), v.config)
	if b.Err() == nil {
		// From -1…1 to 0…1, which TAESD works in.
		b.Output("mean", net.forward(x.Add(b.Float(1)).Mul(b.Float(0.5))))
	}
	return b.Model()
}

// layer is one entry of a torch.nn.Sequential.
type layer interface {
	forward(graph.Value) graph.Value
}

// sequential is torch.nn.Sequential: layers by number.
type sequential struct {
	scope  graph.Scope
	layers []layer
}

// next is the scope of the next layer.
func (s *sequential) next() graph.Scope { return s.scope.Index(len(s.layers)) }

func (s *sequential) add(l layer) { s.layers = append(s.layers, l) }

func (s *sequential) forward(x graph.Value) graph.Value {
	for _, l := range s.layers {
		x = l.forward(x)
	}
	return x
}

// relu and double are layers without weights.
type relu struct{}

func (relu) forward(x graph.Value) graph.Value { return x.ReLU() }

type double struct{}

func (double) forward(x graph.Value) graph.Value { return x.Upsample2x() }

// tinyBlock is AutoencoderTinyBlock: three convolutions beside a skip.
type tinyBlock struct{ conv0, conv2, conv4 conv2D }

func newTinyBlock(s graph.Scope, channels int) tinyBlock {
	conv := func(name string) conv2D { return newConv2D(s.Sub(name), channels, channels, 3) }
	return tinyBlock{conv("conv.0"), conv("conv.2"), conv("conv.4")}
}

func (t tinyBlock) forward(x graph.Value) graph.Value {
	h := t.conv2.forward(t.conv0.forward(x).ReLU()).ReLU()
	return t.conv4.forward(h).Add(x).ReLU()
}

// tinyDecoder is DecoderTiny.
type tinyDecoder struct{ layers sequential }

func newTinyDecoder(s graph.Scope, c tinyConfig) tinyDecoder {
	ch, last := c.DecoderChannels[0], len(c.DecoderBlocks)-1
	l := sequential{scope: s}
	l.add(newConv2D(l.next(), c.LatentChannels, ch, 3))
	l.add(relu{})
	for i, blocks := range c.DecoderBlocks {
		for range blocks {
			l.add(newTinyBlock(l.next(), ch))
		}
		if i == last {
			l.add(newConv2D(l.next(), ch, c.OutChannels, 3))
			continue
		}
		l.add(double{})
		l.add(newConvNoBias(l.next(), ch, ch, 3))
	}
	return tinyDecoder{l}
}

// forward squashes the latents to -3…3 first, and goes from 0…1 to -1…1 last.
func (d tinyDecoder) forward(x graph.Value) graph.Value {
	b := x.Builder()
	x = x.Div(b.Float(3)).Tanh().Mul(b.Float(3))
	return d.layers.forward(x).Mul(b.Float(2)).Sub(b.Float(1))
}

// tinyEncoder is EncoderTiny.
type tinyEncoder struct{ layers sequential }

func newTinyEncoder(s graph.Scope, c tinyConfig) tinyEncoder {
	ch := c.EncoderChannels[0]
	l := sequential{scope: s}
	for i, blocks := range c.EncoderBlocks {
		if i == 0 {
			l.add(newConv2D(l.next(), c.InChannels, ch, 3))
		} else {
			half := newConvNoBias(l.next(), ch, ch, 3)
			half.stride = 2
			l.add(half)
		}
		for range blocks {
			l.add(newTinyBlock(l.next(), ch))
		}
	}
	l.add(newConv2D(l.next(), ch, c.LatentChannels, 3))
	return tinyEncoder{l}
}

func (e tinyEncoder) forward(x graph.Value) graph.Value { return e.layers.forward(x) }
