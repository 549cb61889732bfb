package arch_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
)

// ldmResnet and ldmTransformer add blocks by the names of LDM's single files.
func (h header) ldmResnet(at string, in, out int64) {
	h.add(at+".in_layers.0", true, in)
	h.add(at+".in_layers.2", true, out, in, 3, 3)
	h.add(at+".emb_layers.1", true, out, 1280)
	h.add(at+".out_layers.0", true, out)
	h.add(at+".out_layers.3", true, out, out, 3, 3)
	if in != out {
		h.add(at+".skip_connection", true, out, in, 1, 1)
	}
}

func (h header) ldmTransformer(at string, ch int64, depth int) {
	h.add(at+".norm", true, ch)
	h.add(at+".proj_in", true, ch, ch)
	for k := range depth {
		block := fmt.Sprintf("%s.transformer_blocks.%d", at, k)
		for i := 1; i <= 3; i++ {
			h.add(fmt.Sprintf("%s.norm%d", block, i), true, ch)
		}
		for attn, width := range map[string]int64{".attn1": ch, ".attn2": 2048} {
			h.add(block+attn+".to_q", false, ch, ch)
			h.add(block+attn+".to_k", false, ch, width)
			h.add(block+attn+".to_v", false, ch, width)
			h.add(block+attn+".to_out.0", true, ch, ch)
		}
		h.add(block+".ff.net.0.proj", true, 8*ch, ch)
		h.add(block+".ff.net.2", true, ch, 4*ch)
	}
	h.add(at+".proj_out", true, ch, ch)
}

// xlHeader is Stable Diffusion XL base as its single file has it, but for the
// VAE, of which one layer stands for all.
func xlHeader() header {
	h := header{}
	const unet = "model.diffusion_model."
	for name, in := range map[string]int64{"time_embed.0": 320, "time_embed.2": 1280, "label_emb.0.0": 2816, "label_emb.0.2": 1280} {
		h.add(unet+name, true, 1280, in)
	}
	h.add(unet+"input_blocks.0.0", true, 320, 4, 3, 3)
	depth := []int{0, 2, 10}
	n, in := 1, int64(320)
	for i, ch := range []int64{320, 640, 1280} {
		for range 2 {
			at := fmt.Sprintf("%sinput_blocks.%d", unet, n)
			h.ldmResnet(at+".0", in, ch)
			if depth[i] > 0 {
				h.ldmTransformer(at+".1", ch, depth[i])
			}
			in, n = ch, n+1
		}
		if i < 2 {
			h.add(fmt.Sprintf("%sinput_blocks.%d.0.op", unet, n), true, ch, ch, 3, 3)
			n++
		}
	}
	h.ldmResnet(unet+"middle_block.0", 1280, 1280)
	h.ldmTransformer(unet+"middle_block.1", 1280, 10)
	h.ldmResnet(unet+"middle_block.2", 1280, 1280)
	for i, in := range []int64{2560, 2560, 1920, 1920, 1280, 960, 960, 640, 640} {
		ch, at := []int64{1280, 640, 320}[i/3], fmt.Sprintf("%soutput_blocks.%d", unet, i)
		h.ldmResnet(at+".0", in, ch)
		up := ".1.conv"
		if d := depth[2-i/3]; d > 0 {
			h.ldmTransformer(at+".1", ch, d)
			up = ".2.conv"
		}
		if i == 2 || i == 5 {
			h.add(at+up, true, ch, ch, 3, 3)
		}
	}
	h.add(unet+"out.0", true, 320)
	h.add(unet+"out.2", true, 4, 320, 3, 3)
	for name, shape := range textHeader() {
		h["conditioner.embedders.0.transformer."+name] = shape
	}
	const text, ch = "conditioner.embedders.1.model.", 1280
	h.add(text+"token_embedding", false, 49408, ch)
	h[text+"positional_embedding"] = []int64{77, ch}
	h[text+"text_projection"] = []int64{ch, ch}
	for i := range 32 {
		at := fmt.Sprintf("%stransformer.resblocks.%d.", text, i)
		h[at+"attn.in_proj_weight"], h[at+"attn.in_proj_bias"] = []int64{3 * ch, ch}, []int64{3 * ch}
		h.add(at+"attn.out_proj", true, ch, ch)
		h.add(at+"ln_1", true, ch)
		h.add(at+"ln_2", true, ch)
		h.add(at+"mlp.c_fc", true, 4*ch, ch)
		h.add(at+"mlp.c_proj", true, ch, 4*ch)
	}
	h.add(text+"ln_final", true, ch)
	h.add("first_stage_model.post_quant_conv", true, 4, 4, 1, 1)
	return h
}

func writeXL(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	xlHeader().write(t, dir, "{}")
	return filepath.Join(dir, "diffusion_pytorch_model.safetensors")
}

// The networks of the full-size file have the parameters that Stable Diffusion
// XL is known to have, and its graphs use all of them.
func TestFullSizeXL(t *testing.T) {
	m, err := checkpoint.Open(writeXL(t))
	if err != nil {
		t.Fatal(err)
	}
	if m.Family != "sdxl" {
		t.Errorf("its family is %s", m.Family)
	}
	unet, err := arch.NewUNet(m.UNet)
	if err != nil {
		t.Fatal(err)
	}
	if unet.Context() != 2048 || unet.Pooled() != 1280 {
		t.Errorf("it reads %d values for a token and %d for a prompt", unet.Context(), unet.Pooled())
	}
	text, err := arch.NewTextEncoder(m.TextEncoder2)
	if err != nil {
		t.Fatal(err)
	}
	g, err := unet.Graph(arch.Size{Batch: 2, Height: 128, Width: 128}, true)
	if err != nil {
		t.Fatal(err)
	}
	if g.Parameters != 2_567_463_684 {
		t.Errorf("the UNet's graph uses %d parameters, want 2567463684", g.Parameters)
	}
	g, err = text.Graph(0, arch.TextOutput{Skip: 1, Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	if g.Parameters != 694_659_840 {
		t.Errorf("the second text encoder's graph uses %d parameters, want 694659840", g.Parameters)
	}
}

// BenchmarkBuildXLUNet opens the header of the single file and writes the graph
// of the UNet of Stable Diffusion XL.
func BenchmarkBuildXLUNet(b *testing.B) {
	path := writeXL(b)
	for b.Loop() {
		m, err := checkpoint.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		unet, err := arch.NewUNet(m.UNet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := unet.Graph(arch.Size{Batch: 2, Height: 128, Width: 128}, true); err != nil {
			b.Fatal(err)
		}
	}
}
