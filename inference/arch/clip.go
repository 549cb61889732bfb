package arch

import (
	"fmt"
	"math"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// TextEncoder is a CLIPTextModel: it turns the tokens of a prompt into the
// embeddings that UNet and ControlNet read.
type TextEncoder struct {
	component *checkpoint.Component
	config    clipConfig
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
}

// NewTextEncoder reads the config of a text encoder. Errors: *ConfigError.
func NewTextEncoder(c *checkpoint.Component) (*TextEncoder, error) {
	config := clipConfig{Vocabulary: 49408, Hidden: 512, Intermediate: 2048, Layers: 12, Heads: 8, Positions: 77, Activation: "quick_gelu", Eps: 1e-5}
	if err := parse(c, &config); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, &ConfigError{c.Dir, err.Error()}
	}
	return &TextEncoder{c, config}, nil
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
	return checkSizes("max_position_embeddings", 1, 4096, c.Positions)
}

// Width is the number of channels of the embeddings.
func (t *TextEncoder) Width() int { return t.config.Hidden }

// Tokens is the number of tokens of a prompt, 77 for CLIP.
func (t *TextEncoder) Tokens() int { return t.config.Positions }

// Vocabulary is the number of different tokens.
func (t *TextEncoder) Vocabulary() int { return t.config.Vocabulary }

// Graph writes the text encoder for a batch of prompts (0: any number).
//
// Input: input_ids int64 [batch, Tokens]. Output: last_hidden_state [batch,
// Tokens, Width], after the final norm.
func (t *TextEncoder) Graph(batch int) (*graph.Model, error) {
	b := graph.New("text encoder")
	ids := b.Input("input_ids", graph.Int64, dim(batch), int64(t.config.Positions))
	net := newClip(b.Scope(t.component).Sub("text_model"), t.config)
	if b.Err() == nil {
		b.Output("last_hidden_state", net.forward(ids))
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

func (n clip) forward(ids graph.Value) graph.Value {
	x := n.tokenEmbedding.Gather(ids).Add(n.positionEmbedding)
	for _, layer := range n.layers {
		x = layer.forward(x, n.mask)
	}
	return n.finalLayerNorm.forward(x)
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
	h := scores.Add(mask).Softmax().MatMul(split(l.vProj))
	return l.outProj.forward(h.Transpose(0, 2, 1, 3).Reshape(0, 0, hidden))
}
