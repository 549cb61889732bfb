package checkpoint

import (
	"fmt"
	"strings"
)

// tensors are those of one component by their diffusers names.
type tensors map[string]Tensor

func (t tensors) has(name string) bool { _, ok := t[name]; return ok }

// Bounds on the numbered blocks that are looked for: real UNets have at most 12
// in a half, real VAEs 4 levels of 3 blocks.
const (
	maxBlocks                 = 64
	maxVAELevels, maxVAELayer = 8, 8
)

// places maps places in the tree of LDM names to the diffusers ones, such as
// "input_blocks.4.1" to "down_blocks.1.attentions.0". What lies below a place
// has the same name on both sides.
type places map[string]string

// translate gives a name below one of the places its diffusers spelling.
func (p places) translate(name string) (string, bool) {
	for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '.') {
		if to, ok := p[name[:end]]; ok {
			return to + name[end:], true
		}
	}
	return "", false
}

// all gives the tensors of f whose names begin with prefix their diffusers names.
func (p places) all(f *File, prefix string) tensors {
	out := tensors{}
	for _, t := range f.Tensors {
		if rest, ok := strings.CutPrefix(t.Name, prefix); ok {
			if name, ok := p.translate(rest); ok {
				out[name] = t
			}
		}
	}
	return out
}

// resnet adds the layers of ResBlock, as openaimodel.py of CompVis' latent
// diffusion numbers them.
func (p places) resnet(from, to string) {
	for _, l := range [...][2]string{
		{"in_layers.0", "norm1"}, {"in_layers.2", "conv1"}, {"emb_layers.1", "time_emb_proj"},
		{"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"},
	} {
		p[from+"."+l[0]] = to + "." + l[1]
	}
}

// ldmUNet finds the places of a UNet, or of a ControlNet's copy of its first
// half: LDM counts all blocks of a half through, diffusers those of each level.
func ldmUNet(has func(name string) bool) places {
	p := places{
		"time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
		"label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2",
		"input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
		"middle_block.1": "mid_block.attentions.0",
	}
	p.resnet("middle_block.0", "mid_block.resnets.0")
	p.resnet("middle_block.2", "mid_block.resnets.1")
	level, layer := 0, 0
	for n := 1; n < maxBlocks; n++ {
		at, to := fmt.Sprintf("input_blocks.%d", n), fmt.Sprintf("down_blocks.%d", level)
		if has(at + ".0.op.weight") {
			p[at+".0.op"] = to + ".downsamplers.0.conv"
			level, layer = level+1, 0
			continue
		}
		p.resnet(at+".0", fmt.Sprintf("%s.resnets.%d", to, layer))
		p[at+".1"] = fmt.Sprintf("%s.attentions.%d", to, layer)
		layer++
	}
	level, layer = 0, 0
	for n := range maxBlocks {
		at, to := fmt.Sprintf("output_blocks.%d", n), fmt.Sprintf("up_blocks.%d", level)
		p.resnet(at+".0", fmt.Sprintf("%s.resnets.%d", to, layer))
		p[at+".1"] = fmt.Sprintf("%s.attentions.%d", to, layer)
		layer++
		// A level without attention has its upsampler in the place of it.
		for _, up := range []string{at + ".1.conv", at + ".2.conv"} {
			if has(up + ".weight") {
				p[up] = to + ".upsamplers.0.conv"
				level, layer = level+1, 0
			}
		}
	}
	return p
}

// ldmControlNet adds the places that only ControlNets have. The hint block is a
// sequence in which every second layer, an activation, has no weights.
func ldmControlNet(has func(name string) bool) places {
	p := ldmUNet(has)
	p["middle_block_out.0"] = "controlnet_mid_block"
	for n := range maxBlocks {
		p[fmt.Sprintf("zero_convs.%d.0", n)] = fmt.Sprintf("controlnet_down_blocks.%d", n)
		from, to := fmt.Sprintf("input_hint_block.%d", 2*n), fmt.Sprintf("blocks.%d", n-1)
		switch {
		case n == 0:
			to = "conv_in"
		case !has(fmt.Sprintf("input_hint_block.%d.weight", 2*n+2)):
			to = "conv_out"
		}
		p[from] = "controlnet_cond_embedding." + to
	}
	return p
}

// ldmVAE finds the places of an AutoencoderKL. LDM counts the decoder's levels
// from the image, diffusers from the latents.
func ldmVAE(has func(name string) bool) places {
	p := places{"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
	resnet := func(from, to string) {
		p[from] = to
		p[from+".nin_shortcut"] = to + ".conv_shortcut"
	}
	levels := 0
	for levels < maxVAELevels && has(fmt.Sprintf("decoder.up.%d.block.0.conv1.weight", levels)) {
		levels++
	}
	for _, half := range []string{"encoder", "decoder"} {
		for _, same := range []string{"conv_in", "conv_out"} {
			p[half+"."+same] = half + "." + same
		}
		p[half+".norm_out"] = half + ".conv_norm_out"
		resnet(half+".mid.block_1", half+".mid_block.resnets.0")
		resnet(half+".mid.block_2", half+".mid_block.resnets.1")
		for _, l := range [...][2]string{{"norm", "group_norm"}, {"q", "to_q"}, {"k", "to_k"}, {"v", "to_v"}, {"proj_out", "to_out.0"}} {
			p[half+".mid.attn_1."+l[0]] = half + ".mid_block.attentions.0." + l[1]
		}
	}
	for i := range maxVAELevels {
		down, up := fmt.Sprintf("encoder.down_blocks.%d", i), fmt.Sprintf("decoder.up_blocks.%d", levels-1-i)
		for j := range maxVAELayer {
			resnet(fmt.Sprintf("encoder.down.%d.block.%d", i, j), fmt.Sprintf("%s.resnets.%d", down, j))
			resnet(fmt.Sprintf("decoder.up.%d.block.%d", i, j), fmt.Sprintf("%s.resnets.%d", up, j))
		}
		p[fmt.Sprintf("encoder.down.%d.downsample", i)] = down + ".downsamplers.0"
		p[fmt.Sprintf("decoder.up.%d.upsample", i)] = up + ".upsamplers.0"
	}
	return p
}

// openCLIP gives the text encoder of Stable Diffusion 2 and XL, as OpenCLIP
// names it, its names in transformers. Queries, keys and values lie fused in one
// tensor and become three spans of it; the projection lies transposed.
func openCLIP(f *File, prefix string) tensors {
	p := places{
		"token_embedding": "text_model.embeddings.token_embedding", "ln_final": "text_model.final_layer_norm",
		"positional_embedding": "text_model.embeddings.position_embedding.weight", "text_projection": "text_projection.weight",
	}
	for n := range maxBlocks {
		from, to := fmt.Sprintf("transformer.resblocks.%d.", n), fmt.Sprintf("text_model.encoder.layers.%d.", n)
		for _, l := range [...][2]string{
			{"ln_1", "layer_norm1"}, {"ln_2", "layer_norm2"}, {"mlp.c_fc", "mlp.fc1"}, {"mlp.c_proj", "mlp.fc2"},
			{"attn.out_proj", "self_attn.out_proj"}, {"attn.in_proj_weight", "self_attn.%s_proj.weight"}, {"attn.in_proj_bias", "self_attn.%s_proj.bias"},
		} {
			p[from+l[0]] = to + l[1]
		}
	}
	out := tensors{}
	for name, t := range p.all(f, prefix) {
		switch {
		case name == "text_projection.weight.weight":
			// Files that were written back from diffusers' format have it as a layer.
			out["text_projection.weight"] = t
		case strings.Contains(name, "%s") && len(t.Shape) > 0 && t.Shape[0]%3 == 0:
			for i, q := range []string{"q", "k", "v"} {
				out[fmt.Sprintf(name, q)] = t.rows(int64(i), 3)
			}
		case name == "text_projection.weight" && len(t.Shape) == 2:
			t.Shape = []int64{t.Shape[1], t.Shape[0]}
			t.Transposed = true
			out[name] = t
		default:
			out[name] = t
		}
	}
	return out
}

// rows is one of several equal parts of a tensor's first dimension.
func (t Tensor) rows(part, parts int64) Tensor {
	t.Shape = append([]int64{t.Shape[0] / parts}, t.Shape[1:]...)
	t.Bytes /= parts
	t.Offset += part * t.Bytes
	return t
}
