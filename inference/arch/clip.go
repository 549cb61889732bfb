package arch

import (
	"fmt"
	"math"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// TextEncoder is a CLIPTextModel or CLIPTextModelWithProjection: it turns the
// tokens of a prompt into the embeddings that UNet and ControlNet read.
type TextEncoder struct {
	component *checkpoint.Component
	config    clipConfig
	patch     graph.Patch
}

type clipConfig struct {
	Vocabulary   int     `json:"vocab_size"`
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Positions    int     `json:"max_position_embeddings"`
	Activation   string  `json:"hidden_act"`
	Eps          float32 `json:"layer_norm_eps"`
	Projection   int     `json:"projection_dim"`
	End          int64   `json:"eos_token_id"`
}

// NewTextEncoder reads the config of a text encoder. Errors: *ConfigError.
func NewTextEncoder(c *checkpoint.Component) (*TextEncoder, error) {
	config := clipConfig{Vocabulary: 49408, Hidden: 512, Intermediate: 2048, Layers: 12, Heads: 8, Positions: 77, Activation: "quick_gelu", Eps: 1e-5, Projection: 512}
	if err := parse(c, &config); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, &ConfigError{c.Dir, err.Error()}
	}
	if config.End <= 2 {
		// Old configs say 2 and mean CLIP's end of text, its last token.
		config.End = int64(config.Vocabulary) - 1
	}
	return &TextEncoder{component: c, config: config}, nil
}

func (c clipConfig) check() error {
	if c.Activation != "quick_gelu" && c.Activation != "gelu" {
		return fmt.Errorf("hidden_act %q is not supported; supported are quick_gelu and gelu", c.Activation)
	}
	if err := checkSizes("a size", 1, maxChannels, c.Hidden, c.Intermediate, c.Vocabulary-1); err != nil {
		return err
	}
	if err := checkSizes("num_hidden_layers or num_attention_heads", 1, maxLayers, c.Layers, c.Heads); err != nil {
		return err
	}
	if c.Hidden%c.Heads != 0 {
		return fmt.Errorf("hidden_size %d can't be split into %d attention heads", c.Hidden, c.Heads)
	}
	if err := checkSizes("projection_dim", 1, maxChannels, c.Projection); err != nil {
		return err
	}
	return checkSizes("max_position_embeddings", 1, 4096, c.Positions)
}

// Width is the number of channels of the embeddings.
func (t *TextEncoder) Width() int { return t.config.Hidden }

// Tokens is the number of tokens of a prompt, 77 for CLIP.
func (t *TextEncoder) Tokens() int { return t.config.Positions }

// Vocabulary is the number of different tokens.
func (t *TextEncoder) Vocabulary() int { return t.config.Vocabulary }

// Pooled is the width of the embedding of a whole prompt, 0 without projection.
func (t *TextEncoder) Pooled() int {
	if t.component.Class != checkpoint.ClassTextProjection {
		return 0
	}
	return t.config.Projection
}

// Layers is the number of layers.
func (t *TextEncoder) Layers() int { return t.config.Layers }

// Patched is the same text encoder with weights that p changes.
func (t *TextEncoder) Patched(p graph.Patch) *TextEncoder {
	return &TextEncoder{t.component, t.config, p}
}

// TextOutput says what a text encoder gives.
type TextOutput struct {
	// Skip is the number of layers that are left out at the end ("clip skip"
	// counts from 1, so it is Skip+1).
	Skip int
	// Raw leaves the final norm out, as Stable Diffusion XL wants it.
	Raw bool
	// Vectors gives the graph two more inputs, with which vectors stand in place
	// of token embeddings, as textual inversions want it: keep [batch, Tokens, 1]
	// is 1 where the token counts and 0 where vectors [batch, Tokens, Width] does.
	Vectors bool
}

// Graph writes the text encoder for a batch of prompts (0: any number).
//
// Input: input_ids int64 [batch, Tokens]. Outputs: last_hidden_state [batch,
// Tokens, Width], after the final norm unless it is left out; and if the encoder
// has a projection, pooled [batch, Pooled], the projected embedding of the end
// of text after all layers.
func (t *TextEncoder) Graph(batch int, want TextOutput) (*graph.Model, error) {
	b := graph.New("text encoder")
	b.Patch(t.patch)
	if want.Skip < 0 || want.Skip >= t.config.Layers {
		b.Fail(fmt.Errorf("%s: %d of %d layers can't be left out", t.component.Dir, want.Skip, t.config.Layers))
		return b.Model()
	}
	ids := b.Input("input_ids", graph.Int64, dim(batch), int64(t.config.Positions))
	c := t.config
	if t.Pooled() == 0 {
		c.Layers -= want.Skip // the last ones aren't needed at all
	}
	s := b.Scope(t.component)
	net := newClip(s.Sub("text_model"), c)
	var projection linear
	if t.Pooled() > 0 {
		projection = newLinearNoBias(s.Sub("text_projection"), c.Hidden, c.Projection)
	}
	if b.Err() != nil {
		return b.Model()
	}
	x := net.tokenEmbedding.Gather(ids)
	if want.Vectors {
		keep := b.Input("keep", graph.Float32, dim(batch), int64(c.Positions), 1)
		vectors := b.Input("vectors", graph.Float32, dim(batch), int64(c.Positions), int64(c.Hidden))
		x = x.Mul(keep).Add(vectors)
	}
	states, last := net.forward(x, t.config.Layers-want.Skip)
	if !want.Raw {
		states = net.finalLayerNorm.forward(states)
	}
	b.Output("last_hidden_state", states)
	if t.Pooled() > 0 {
		end := net.finalLayerNorm.forward(last).Pick(ids.FirstOf(c.End))
		b.Output("pooled", projection.forward(end))
	}
	return b.Model()
}

type clip struct {
	tokenEmbedding    graph.Value // [vocabulary, hidden]
	positionEmbedding graph.Value // [positions, hidden]
	mask              graph.Value // [positions, positions]
	layers            []clipLayer
	finalLayerNorm    layerNorm
}

func newClip(s graph.Scope, c clipConfig) clip {
	n := clip{
		// A table in half precision is cast as a whole, not after the look-up: a
		// look-up in half precision needs a GPU that computes in it.
		tokenEmbedding:    s.Weight("embeddings.token_embedding.weight", int64(c.Vocabulary), int64(c.Hidden)),
		positionEmbedding: s.Weight("embeddings.position_embedding.weight", int64(c.Positions), int64(c.Hidden)),
		mask:              causalMask(s.Builder(), c.Positions),
		finalLayerNorm:    newLayerNorm(s.Sub("final_layer_norm"), c.Hidden, c.Eps),
	}
	for i := range c.Layers {
		n.layers = append(n.layers, newClipLayer(s.Sub("encoder.layers").Index(i), c))
	}
	return n
}

// forward takes token embeddings and gives what layer number use (from 1) gives,
// and the last one.
func (n clip) forward(x graph.Value, use int) (states, last graph.Value) {
	x = x.Add(n.positionEmbedding)
	for i, layer := range n.layers {
		x = layer.forward(x, n.mask)
		if i+1 == use {
			states = x
		}
	}
	return states, x
}

// causalMask lets a token look at itself and those before it.
func causalMask(b *graph.Builder, n int) graph.Value {
	mask := make([]float32, n*n)
	for i := range n {
		for j := i + 1; j < n; j++ {
			mask[i*n+j] = -math.MaxFloat32
		}
	}
	return b.Floats([]int64{int64(n), int64(n)}, mask...)
}

// clipLayer is CLIPEncoderLayer.
type clipLayer struct {
	layerNorm1                   layerNorm
	qProj, kProj, vProj, outProj linear
	layerNorm2                   layerNorm
	fc1, fc2                     linear
	heads                        int64
	quick                        bool
}

func newClipLayer(s graph.Scope, c clipConfig) clipLayer {
	attn, mlp := s.Sub("self_attn"), s.Sub("mlp")
	return clipLayer{
		layerNorm1: newLayerNorm(s.Sub("layer_norm1"), c.Hidden, c.Eps),
		qProj:      newLinear(attn.Sub("q_proj"), c.Hidden, c.Hidden),
		kProj:      newLinear(attn.Sub("k_proj"), c.Hidden, c.Hidden),
		vProj:      newLinear(attn.Sub("v_proj"), c.Hidden, c.Hidden),
		outProj:    newLinear(attn.Sub("out_proj"), c.Hidden, c.Hidden),
		layerNorm2: newLayerNorm(s.Sub("layer_norm2"), c.Hidden, c.Eps),
		fc1:        newLinear(mlp.Sub("fc1"), c.Hidden, c.Intermediate),
		fc2:        newLinear(mlp.Sub("fc2"), c.Intermediate, c.Hidden),
		heads:      int64(c.Heads),
		quick:      c.Activation == "quick_gelu",
	}
}

func (l clipLayer) forward(x, mask graph.Value) graph.Value {
	x = x.Add(l.attend(l.layerNorm1.forward(x), mask))
	h := l.fc1.forward(l.layerNorm2.forward(x))
	if l.quick {
		h = h.QuickGELU()
	} else {
		h = h.GELU()
	}
	return x.Add(l.fc2.forward(h))
}

// attend is self-attention spelled out: not every provider's fused operator
// knows a mask, and with 77 tokens it costs nothing.
func (l clipLayer) attend(x, mask graph.Value) graph.Value {
	hidden := x.Dim(2)
	split := func(p linear) graph.Value { // [batch, heads, tokens, channels]
		return p.forward(x).Reshape(0, 0, l.heads, hidden/l.heads).Transpose(0, 2, 1, 3)
	}
	scale := x.Builder().Float(float32(1 / math.Sqrt(float64(hidden/l.heads))))
	scores := split(l.qProj).Mul(scale).MatMul(split(l.kProj).Transpose(0, 1, 3, 2))
	if mask.Valid() { // pictures have none
		scores = scores.Add(mask)
	}
	h := scores.Softmax().MatMul(split(l.vProj))
	return l.outProj.forward(h.Transpose(0, 2, 1, 3).Reshape(0, 0, hidden))
}
