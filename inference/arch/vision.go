package arch

import (
	"fmt"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// VisionEncoder is a CLIPVisionModelWithProjection: it turns a picture into an
// embedding that can be compared with those of other pictures and of texts.
type VisionEncoder struct {
	component *checkpoint.Component
	config    visionConfig
}

type visionConfig struct {
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Image        int     `json:"image_size"`
	Patch        int     `json:"patch_size"`
	Activation   string  `json:"hidden_act"`
	Eps          float32 `json:"layer_norm_eps"`
	Projection   int     `json:"projection_dim"`
}

// NewVisionEncoder reads the config of an image encoder. Errors: *ConfigError.
func NewVisionEncoder(c *checkpoint.Component) (*VisionEncoder, error) {
	config := visionConfig{Hidden: 768, Intermediate: 3072, Layers: 12, Heads: 12, Image: 224, Patch: 32, Activation: "quick_gelu", Eps: 1e-5, Projection: 512}
	if err := parse(c, &config); err != nil {
		return nil, err
	}
	err := config.clip(1).check()
	if err == nil {
		err = checkSizes("image_size or patch_size", 1, 1024, config.Image, config.Patch)
	}
	if err == nil && config.Image%config.Patch != 0 {
		err = fmt.Errorf("image_size %d can't be cut into patches of %d", config.Image, config.Patch)
	}
	if err != nil {
		return nil, &ConfigError{c.Dir, err.Error()}
	}
	return &VisionEncoder{c, config}, nil
}

// clip is the config of the layers, which are the text encoder's.
func (c visionConfig) clip(positions int) clipConfig {
	return clipConfig{Vocabulary: 2, Hidden: c.Hidden, Intermediate: c.Intermediate, Layers: c.Layers, Heads: c.Heads,
		Positions: positions, Activation: c.Activation, Eps: c.Eps, Projection: c.Projection}
}

// Side is the height and width of the pictures in pixels.
func (v *VisionEncoder) Side() int { return v.config.Image }

// Width is the number of values of an embedding.
func (v *VisionEncoder) Width() int { return v.config.Projection }

// Graph writes the encoder for one picture.
//
// Input: pixel_values float32 [1, 3, Side, Side], normalised. Output: embedding
// [1, Width], not normalised.
func (v *VisionEncoder) Graph() (*graph.Model, error) {
	b := graph.New("image encoder")
	c := v.config
	side := int64(c.Image)
	pixels := b.Input("pixel_values", graph.Float32, 1, 3, side, side)
	s := b.Scope(v.component)
	net := newVision(s.Sub("vision_model"), c)
	projection := newLinearNoBias(s.Sub("visual_projection"), c.Hidden, c.Projection)
	if b.Err() != nil {
		return b.Model()
	}
	b.Output("embedding", projection.forward(net.forward(pixels)))
	return b.Model()
}

type vision struct {
	patchEmbedding    graph.Value // [hidden, 3, patch, patch]
	classEmbedding    graph.Value // [hidden]
	positionEmbedding graph.Value // [1 + patches, hidden]
	preLayernorm      layerNorm
	layers            []clipLayer
	postLayernorm     layerNorm
	patch, hidden     int64
}

func newVision(s graph.Scope, c visionConfig) vision {
	across := c.Image / c.Patch
	hidden, patch := int64(c.Hidden), int64(c.Patch)
	e := s.Sub("embeddings")
	n := vision{
		patchEmbedding:    e.Weight("patch_embedding.weight", hidden, 3, patch, patch),
		classEmbedding:    e.Weight("class_embedding", hidden),
		positionEmbedding: e.Weight("position_embedding.weight", int64(across*across+1), hidden),
		preLayernorm:      newLayerNorm(s.Sub("pre_layrnorm"), c.Hidden, c.Eps), // sic, in all files
		postLayernorm:     newLayerNorm(s.Sub("post_layernorm"), c.Hidden, c.Eps),
		patch:             patch, hidden: hidden,
	}
	for i := range c.Layers {
		n.layers = append(n.layers, newClipLayer(s.Sub("encoder.layers").Index(i), c.clip(across*across+1)))
	}
	return n
}

// forward gives the class token of one picture after all layers, [1, hidden].
func (n vision) forward(pixels graph.Value) graph.Value {
	patches := pixels.Conv2D(n.patchEmbedding, graph.Value{}, n.patch, [4]int64{})
	x := patches.Reshape(0, n.hidden, -1).Transpose(0, 2, 1)
	x = n.classEmbedding.Reshape(1, 1, n.hidden).Concat(1, x).Add(n.positionEmbedding)
	x = n.preLayernorm.forward(x)
	for _, layer := range n.layers {
		x = layer.forward(x, graph.Value{})
	}
	return n.postLayernorm.forward(x.Slice(1, 0, 1).Reshape(1, n.hidden))
}
