package arch

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// unetConfig is what config.json says about a UNet or a ControlNet.
type unetConfig struct {
	InChannels       int      `json:"in_channels"`
	OutChannels      int      `json:"out_channels"`
	DownTypes        []string `json:"down_block_types"`
	UpTypes          []string `json:"up_block_types"`
	MidType          *string  `json:"mid_block_type"`
	Channels         []int    `json:"block_out_channels"`
	Layers           perLevel `json:"layers_per_block"`
	TransformerDepth perLevel `json:"transformer_layers_per_block"`
	CrossDim         perLevel `json:"cross_attention_dim"`
	HeadDim          perLevel `json:"attention_head_dim"`
	Heads            perLevel `json:"num_attention_heads"`
	NormGroups       int      `json:"norm_num_groups"`
	NormEps          float32  `json:"norm_eps"`
	DownPadding      int      `json:"downsample_padding"`
	LinearProjection bool     `json:"use_linear_projection"`
	FlipSinToCos     bool     `json:"flip_sin_to_cos"`
	FreqShift        float64  `json:"freq_shift"`
	Activation       string   `json:"act_fn"`
	// Stable Diffusion XL's embedding of the whole prompt and the sizes.
	Addition     *string `json:"addition_embed_type"`
	AdditionTime int     `json:"addition_time_embed_dim"`
	AdditionIn   int     `json:"projection_class_embeddings_input_dim"`

	// ControlNets only.
	HintChannels []int  `json:"conditioning_embedding_out_channels"`
	HintIn       int    `json:"conditioning_channels"`
	HintOrder    string `json:"controlnet_conditioning_channel_order"`

	layers, depth, heads []int // one for each level
	crossDim             int
}

// parseUNet reads and checks the config of a UNet or ControlNet. What the
// config leaves out has diffusers' default.
func parseUNet(c *checkpoint.Component) (unetConfig, error) {
	mid := "UNetMidBlock2DCrossAttn"
	u := unetConfig{
		InChannels: 4, OutChannels: 4, MidType: &mid,
		DownTypes: []string{"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"},
		UpTypes:   []string{"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"},
		Channels:  []int{320, 640, 1280, 1280}, Layers: perLevel{2}, TransformerDepth: perLevel{1}, CrossDim: perLevel{1280},
		HeadDim: perLevel{8}, NormGroups: 32, NormEps: 1e-5, DownPadding: 1, FlipSinToCos: true, Activation: "silu",
		HintChannels: []int{16, 32, 96, 256}, HintIn: 3, HintOrder: "rgb",
	}
	if err := parse(c, &u); err != nil {
		return u, err
	}
	if err := u.check(c.Class == checkpoint.ClassUNet); err != nil {
		return u, &ConfigError{c.Dir, err.Error()}
	}
	if err := refuseOptions(c.Config); err != nil {
		return u, &ConfigError{c.Dir, err.Error()}
	}
	return u, nil
}

// check validates the config and fills in the values for each level.
func (u *unetConfig) check(isUNet bool) error {
	n := len(u.Channels)
	switch {
	case n < 1 || n > maxLevels:
		return fmt.Errorf("block_out_channels has %d levels; want 1 to %d", n, maxLevels)
	case len(u.DownTypes) != n:
		return fmt.Errorf("down_block_types has %d entries for %d levels", len(u.DownTypes), n)
	case isUNet && len(u.UpTypes) != n:
		return fmt.Errorf("up_block_types has %d entries for %d levels", len(u.UpTypes), n)
	case u.MidType == nil || *u.MidType != "UNetMidBlock2DCrossAttn":
		return fmt.Errorf("mid_block_type is not supported; supported is UNetMidBlock2DCrossAttn")
	case u.Activation != "silu" && u.Activation != "swish":
		return fmt.Errorf("act_fn %q is not supported; supported is silu", u.Activation)
	case u.DownPadding != 1 && u.DownPadding != 0:
		return fmt.Errorf("downsample_padding %d is not supported; supported are 0 and 1", u.DownPadding)
	case u.NormGroups < 1:
		return fmt.Errorf("norm_num_groups is %d", u.NormGroups)
	case u.HintOrder != "rgb" && u.HintOrder != "bgr":
		return fmt.Errorf("controlnet_conditioning_channel_order %q is not supported; supported are rgb and bgr", u.HintOrder)
	case u.Addition != nil && *u.Addition != "text_time":
		return fmt.Errorf("addition_embed_type %q is not supported; supported is text_time", *u.Addition)
	case u.Addition != nil && (u.AdditionTime < 2 || u.AdditionTime > 4096 || u.AdditionIn <= sizeCount*u.AdditionTime || u.AdditionIn > maxChannels):
		return fmt.Errorf("addition_time_embed_dim %d and projection_class_embeddings_input_dim %d don't fit together", u.AdditionTime, u.AdditionIn)
	case len(u.HintChannels) < 1 || len(u.HintChannels) > maxLevels:
		return fmt.Errorf("conditioning_embedding_out_channels has %d entries; want 1 to %d", len(u.HintChannels), maxLevels)
	}
	all := append([]int{u.InChannels, u.OutChannels, u.HintIn}, u.HintChannels...)
	if err := checkSizes("a channel count", 1, maxChannels, append(all, u.Channels...)...); err != nil {
		return err
	}
	for _, ch := range u.Channels {
		if ch%u.NormGroups != 0 {
			return fmt.Errorf("%d channels can't be split into %d groups (norm_num_groups)", ch, u.NormGroups)
		}
	}
	return u.expand(n)
}

// expand fills in the values that may differ from level to level.
func (u *unetConfig) expand(n int) error {
	heads := u.Heads
	if len(heads) == 0 {
		// diffusers' configs of Stable Diffusion 1 say attention_head_dim and
		// mean the number of heads; the name is kept there for old files.
		heads = u.HeadDim
	}
	for _, field := range []struct {
		name string
		from perLevel
		to   *[]int
	}{
		{"layers_per_block", u.Layers, &u.layers},
		{"transformer_layers_per_block", u.TransformerDepth, &u.depth},
		{"attention_head_dim", heads, &u.heads},
	} {
		list, ok := field.from.expand(n)
		if !ok {
			return fmt.Errorf("%s is %v for %d levels", field.name, field.from, n)
		}
		if err := checkSizes(field.name, 1, maxLayers, list...); err != nil {
			return err
		}
		*field.to = list
	}
	for i, ch := range u.Channels {
		if ch%u.heads[i] != 0 {
			return fmt.Errorf("%d channels can't be split into %d attention heads", ch, u.heads[i])
		}
	}
	cross, ok := u.CrossDim.expand(n)
	if !ok {
		return fmt.Errorf("cross_attention_dim is %v for %d levels", u.CrossDim, n)
	}
	for _, d := range cross {
		if d != cross[0] {
			return fmt.Errorf("cross_attention_dim %v differs between levels, which is not supported", u.CrossDim)
		}
	}
	u.crossDim = cross[0]
	return checkSizes("cross_attention_dim", 1, maxChannels, u.crossDim)
}

// refuseOptions reports options that change the network in ways that aren't
// supported. Each is off where it is null, false, or has the value given here.
func refuseOptions(config json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return err
	}
	off := map[string]string{
		"class_embed_type": "", "num_class_embeds": "", "encoder_hid_dim": "", "encoder_hid_dim_type": "",
		"time_embedding_type": `"positional"`, "time_embedding_dim": "", "time_embedding_act_fn": "", "timestep_post_act": "",
		"time_cond_proj_dim": "", "only_cross_attention": "", "mid_block_only_cross_attention": "", "dual_cross_attention": "",
		"resnet_time_scale_shift": `"default"`, "resnet_skip_time_act": "", "resnet_out_scale_factor": "1", "mid_block_scale_factor": "1",
		"conv_in_kernel": "3", "conv_out_kernel": "3", "attention_type": `"default"`, "cross_attention_norm": "", "center_input_sample": "",
		"class_embeddings_concat": "", "reverse_transformer_layers_per_block": "", "global_pool_conditions": "",
	}
	for key, want := range off {
		value, ok := all[key]
		text := strings.TrimSuffix(strings.TrimSpace(string(value)), ".0")
		if ok && text != "null" && text != "false" && text != want {
			return fmt.Errorf("%s = %s is not supported; this is not a network of the Stable Diffusion kind", key, text)
		}
	}
	return nil
}

// frequencies are those of the sinusoidal timestep embedding, rounded to
// float32 at the places where diffusers rounds.
func frequencies(b *graph.Builder, half int, shift float64) graph.Value {
	f := make([]float32, half)
	for i := range f {
		exponent := float32(-math.Log(10000)) * float32(i) / float32(float64(half)-shift)
		f[i] = float32(math.Exp(float64(exponent)))
	}
	return b.Floats([]int64{int64(half)}, f...)
}

// sizeCount is the number of sizes that Stable Diffusion XL is told: height and
// width of the original, top and left of the crop, height and width to make.
const sizeCount = 6

// pooled is the width of the embedding of the whole prompt, 0 without one.
func (u *unetConfig) pooled() int {
	if u.Addition == nil {
		return 0
	}
	return u.AdditionIn - sizeCount*u.AdditionTime
}
