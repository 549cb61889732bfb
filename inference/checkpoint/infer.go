package checkpoint

import (
	"encoding/json"
	"fmt"
	"slices"
)

// config is a component's config.json as it would be, worked out from shapes.
type config map[string]any

func (c config) encode() json.RawMessage {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("checkpoint: encoding a config of numbers and texts: %v", err))
	}
	return data
}

// dim is a dimension of a tensor, 0 where there is none.
func (t tensors) dim(name string, i int) int64 {
	if shape := t[name].Shape; i < len(shape) {
		return shape[i]
	}
	return 0
}

// count is how many of the names format makes of 0, 1, 2, … are there.
func (t tensors) count(format string, args ...any) int {
	for n := range maxBlocks {
		if !t.has(fmt.Sprintf(format, append(slices.Clone(args), n)...)) {
			return n
		}
	}
	return maxBlocks
}

// inferUNet works out the config of a UNet or ControlNet. What shapes don't tell
// is the families' own: Stable Diffusion 1, whose transformers begin with a
// convolution, has 8 attention heads everywhere; 2 and XL, where it is a linear
// layer, have heads of 64 channels; all have 32 groups in their norms.
func inferUNet(t tensors, class string) config {
	c := config{
		"_class_name": class, "in_channels": t.dim("conv_in.weight", 1), "norm_num_groups": 32, "norm_eps": 1e-5,
		"flip_sin_to_cos": true, "freq_shift": 0, "downsample_padding": 1, "act_fn": "silu",
	}
	linear := len(t["mid_block.attentions.0.proj_in.weight"].Shape) == 2
	var channels, layers, depth, heads []int64
	down, up := []string{}, []string{}
	for i := range t.count("down_blocks.%d.resnets.0.conv1.weight") {
		at := fmt.Sprintf("down_blocks.%d", i)
		ch := t.dim(at+".resnets.0.conv1.weight", 0)
		channels = append(channels, ch)
		layers = append(layers, int64(t.count(at+".resnets.%d.conv1.weight")))
		kind := "DownBlock2D"
		if t.has(at + ".attentions.0.norm.weight") {
			kind = "CrossAttnDownBlock2D"
		}
		down = append(down, kind)
		depth = append(depth, max(1, int64(t.count(at+".attentions.0.transformer_blocks.%d.norm1.weight"))))
		if linear {
			heads = append(heads, max(1, ch/64))
		} else {
			heads = append(heads, 8)
		}
	}
	for i := range channels {
		kind := "UpBlock2D"
		if t.has(fmt.Sprintf("up_blocks.%d.attentions.0.norm.weight", i)) {
			kind = "CrossAttnUpBlock2D"
		}
		up = append(up, kind)
	}
	c["block_out_channels"], c["layers_per_block"], c["transformer_layers_per_block"] = channels, layers, depth
	c["attention_head_dim"], c["down_block_types"], c["use_linear_projection"] = heads, down, linear
	c["cross_attention_dim"] = t.dim("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1)
	if t.has("add_embedding.linear_1.weight") {
		c["addition_embed_type"], c["addition_time_embed_dim"] = "text_time", 256
		c["projection_class_embeddings_input_dim"] = t.dim("add_embedding.linear_1.weight", 1)
	}
	if class == ClassUNet {
		c["out_channels"], c["up_block_types"] = t.dim("conv_out.weight", 0), up
		return c
	}
	const hint = "controlnet_cond_embedding."
	sizes := []int64{t.dim(hint+"conv_in.weight", 0)}
	for i := 1; t.has(fmt.Sprintf("%sblocks.%d.weight", hint, i)) && i < maxBlocks; i += 2 {
		sizes = append(sizes, t.dim(fmt.Sprintf("%sblocks.%d.weight", hint, i), 0))
	}
	c["conditioning_embedding_out_channels"], c["conditioning_channels"] = sizes, t.dim(hint+"conv_in.weight", 1)
	return c
}

// inferText works out the config of a text encoder: OpenAI's CLIP or OpenCLIP,
// both with heads of 64 channels.
func inferText(t tensors, class string, open bool) config {
	hidden := t.dim("text_model.embeddings.token_embedding.weight", 1)
	c := config{
		"architectures": []string{class}, "vocab_size": t.dim("text_model.embeddings.token_embedding.weight", 0), "hidden_size": hidden,
		"intermediate_size":       t.dim("text_model.encoder.layers.0.mlp.fc1.weight", 0),
		"num_hidden_layers":       t.count("text_model.encoder.layers.%d.layer_norm1.weight"),
		"num_attention_heads":     max(1, hidden/64),
		"max_position_embeddings": t.dim("text_model.embeddings.position_embedding.weight", 0),
		"layer_norm_eps":          1e-5, "hidden_act": "quick_gelu",
	}
	if open {
		c["hidden_act"] = "gelu"
	}
	if class == ClassTextProjection {
		c["projection_dim"] = t.dim("text_projection.weight", 0)
	}
	return c
}

// inferVAE works out the config of an AutoencoderKL; the scaling factor is the family's.
func inferVAE(t tensors, scaling float64) config {
	var channels []int64
	n := t.count("decoder.up_blocks.%d.resnets.0.conv1.weight")
	for i := range n {
		channels = append(channels, t.dim(fmt.Sprintf("decoder.up_blocks.%d.resnets.0.conv1.weight", n-1-i), 0))
	}
	return config{
		"_class_name": ClassVAE, "in_channels": 3, "out_channels": t.dim("decoder.conv_out.weight", 0),
		"latent_channels": t.dim("decoder.conv_in.weight", 1), "block_out_channels": channels, "norm_num_groups": 32, "act_fn": "silu",
		"layers_per_block": t.count("decoder.up_blocks.0.resnets.%d.conv1.weight") - 1, "scaling_factor": scaling,
		"use_quant_conv": t.has("quant_conv.weight"), "use_post_quant_conv": t.has("post_quant_conv.weight"),
		"mid_block_add_attention": t.has("decoder.mid_block.attentions.0.to_q.weight"),
	}
}

// scaling is the factor of a family's latents.
func scaling(family string) float64 {
	if isXL(family) {
		return 0.13025
	}
	return 0.18215
}
