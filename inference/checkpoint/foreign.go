package checkpoint

import "strings"

// onlySD ends the reasons for what isn't run.
const onlySD = "Maquette runs Stable Diffusion 1, 2 and XL"

// foreignModel is a kind of model that is told by one of its tensors.
type foreignModel struct{ tensor, what string }

// foreignModels are kinds that people have beside Stable Diffusion. The tensors
// are given without the prefixes that some files put before them.
func foreignModels() []foreignModel {
	return []foreignModel{
		{"double_blocks.0.img_attn.norm.key_norm.scale", "this is a Flux transformer"},
		{"double_blocks.0.img_attn.qkv.weight", "this is a Flux or Hunyuan transformer"},
		{"single_transformer_blocks.0.attn.norm_k.weight", "this is a Flux transformer"},
		{"joint_blocks.0.context_block.adaLN_modulation.1.weight", "this is a Stable Diffusion 3 transformer"},
		{"pos_embed.proj.weight", "this is a diffusion transformer such as Stable Diffusion 3 or PixArt"},
		{"clip_txt_mapper.weight", "this is Stable Cascade's prior"},
		{"effnet_mapper.0.weight", "this is Stable Cascade's decoder"},
		{"down_blocks.0.2.channelwise.0.weight", "this is a part of Stable Cascade"},
		{"adaln_single.linear.weight", "this is a PixArt transformer"},
		{"y_embedder.y_proj.fc1.weight", "this is a PixArt transformer"},
		{"double_layers.0.attn.w1q.weight", "this is an AuraFlow transformer"},
		{"transformer_blocks.0.img_mlp.net.2.weight", "this is a Qwen-Image transformer"},
		{"blocks.0.self_attn.norm_q.weight", "this is a Wan video transformer"},
		{"cap_embedder.1.weight", "this is a Lumina or Z-Image transformer"},
		{"conditioner.embedders.0.model.ln_final.weight", "this is Stable Diffusion XL's refiner, which needs the base model's images"},
		{"image_proj.latents", "this is an IP-Adapter"},
		{"image_proj.proj.weight", "this is an IP-Adapter"},
		{"ip_adapter.1.to_k_ip.weight", "this is an IP-Adapter"},
		{"adapter.body.0.in_conv.weight", "this is a T2I-Adapter"},
		{"body.0.block1.weight", "this is a T2I-Adapter"},
		{"emb_params", "this is a textual inversion, which belongs into the folder of embeddings"},
		{"lora_controlnet", "this is a Control-LoRA, which lacks the weights that it changes"},
		{"scaled_fp8", "its fp8 weights have scales of their own (scaled_fp8), which Maquette does not apply: use the fp16 or plain fp8 version"},
		{"encoder.block.0.layer.0.SelfAttention.k.weight", "this is a T5 text encoder"},
		{"text_model.embeddings.token_embedding.weight", "this is a text encoder, a part of a checkpoint"},
		{"model.layers.0.self_attn.q_proj.weight", "this is a language model"},
		{"conv_first.weight", "this is an upscaler"},
	}
}

// foreignReason says what a file holds that Maquette doesn't run, or "". A file
// of LoRA weights is not told from here by the model that it changes.
func (f *File) foreignReason() string {
	for _, m := range foreignModels() {
		for _, prefix := range []string{"", "model.diffusion_model.", "model."} {
			if _, ok := f.Tensor(prefix + m.tensor); ok {
				return m.what + "; " + onlySD
			}
		}
	}
	if f.anyName(func(n string) bool { return strings.Contains(n, "motion_modules.") }) {
		return "this is an AnimateDiff motion module; " + onlySD
	}
	if f.anyName(func(n string) bool {
		return strings.Contains(n, ".quant_state.") || strings.HasSuffix(n, ".absmax") || strings.HasSuffix(n, ".scale_weight")
	}) {
		return "its weights are quantized with scales beside them, which Maquette does not apply: use the fp16 version; " + onlySD
	}
	has := f.hasBelow("")
	if has("conv_in.weight") && has("down_blocks.0.resnets.0.conv1.weight") && has("conv_norm_out.weight") {
		return "a UNet alone is part of a checkpoint: choose the folder with model_index.json above it"
	}
	return ""
}
