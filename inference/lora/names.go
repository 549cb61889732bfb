package lora

import (
	"strings"

	"maquette/inference/checkpoint"
)

// Part is one of a checkpoint's networks, as diffusers names its folder.
type Part string

// The networks that LoRAs change.
const (
	UNet        Part = "unet"
	TextEncoder Part = "text_encoder"
	// TextEncoder2 is the second, larger text encoder of Stable Diffusion XL.
	TextEncoder2 Part = "text_encoder_2"
)

// Network knows the names and shapes of a network's weights, in diffusers'
// spelling. *checkpoint.Component is one.
type Network interface {
	Names() []string
	Lookup(name string) (path string, t checkpoint.Tensor, ok bool)
}

// Networks are those of a checkpoint.
type Networks map[Part]Network

// module is a linear layer or a convolution of a checkpoint.
type module struct {
	part Part
	// weight is the diffusers name of its weight; shape that tensor's.
	weight string
	shape  []int64
	// ldm says that it was found by the name that it has in single files.
	ldm bool
}

// names finds modules by the names that LoRA files have for them. A name that
// two modules share stands for neither.
type names map[string]module

// index lists every spelling of every module. Files with underscores for dots
// can't be read back into a path by rule ("to_out_0" and "ff_net_0_proj" split
// in different places), so all names are made from the checkpoint's own.
func index(nets Networks) names {
	found := names{}
	for part, net := range nets {
		all := net.Names()
		ldm := newLDMLayout(all)
		for _, name := range all {
			path, ok := strings.CutSuffix(name, ".weight")
			if !ok {
				continue
			}
			_, t, ok := net.Lookup(name)
			if !ok || len(t.Shape) != 2 && len(t.Shape) != 4 {
				continue // norms have one dimension
			}
			m := module{part: part, weight: name, shape: t.Shape}
			for _, p := range spellings(part, path) {
				found.add(m, p)
			}
			if part == UNet {
				m.ldm = true
				if p, ok := ldm.path(path); ok {
					found.add(m, p)
				}
			}
		}
	}
	return found
}

// add enters a module under the dotted path and under the same with underscores.
func (n names) add(m module, path string) {
	flat := strings.ReplaceAll(path, ".", "_")
	keys := []string{string(m.part) + "." + path}
	switch m.part {
	case UNet:
		keys = append(keys, path, "diffusion_model."+path, "base_model.model."+path, "lora_unet_"+flat, "lycoris_"+flat)
	case TextEncoder:
		keys = append(keys, "lora_te_"+flat, "lora_te1_"+flat)
	case TextEncoder2:
		keys = append(keys, "lora_te2_"+flat)
	}
	for _, key := range keys {
		if other, ok := n[key]; ok && (other.weight != m.weight || other.part != m.part) {
			m = module{}
		}
		n[key] = m
	}
}

// find looks a name up.
func (n names) find(key string) (module, bool) {
	m := n[key]
	return m, m.weight != ""
}

// spellings are the paths that files have for a module, the current one first.
// diffusers' older files name the attention processor and the projections of
// text encoders as those of the UNet; transformers 5 drops "text_model.".
func spellings(part Part, path string) []string {
	list := []string{path}
	if part == UNet {
		if at := strings.LastIndex(path, ".to_"); at >= 0 {
			head, tail := path[:at], strings.TrimSuffix(path[at:], ".0")
			list = append(list, head+".processor"+tail)
			if head+tail != path {
				list = append(list, head+tail)
			}
		}
		return list
	}
	const attn = ".self_attn."
	if at := strings.LastIndex(path, attn); at >= 0 {
		head, tail := path[:at+len(attn)], strings.TrimSuffix(path[at+len(attn):], "_proj")
		list = append(list, head+"to_"+tail)
	}
	for _, p := range list {
		if short, ok := strings.CutPrefix(p, "text_model."); ok {
			list = append(list, short)
		}
	}
	return list
}
