package arch_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// header collects the names and shapes of a model's tensors. It is written from
// the layout of Stable Diffusion 1.5's files, not from the code under test.
type header map[string][]int64

func (h header) add(name string, bias bool, shape ...int64) {
	h[name+".weight"] = shape
	if bias {
		h[name+".bias"] = shape[:1]
	}
}

func (h header) resnet(at string, in, out, temb int64) {
	h.add(at+".norm1", true, in)
	h.add(at+".conv1", true, out, in, 3, 3)
	if temb > 0 {
		h.add(at+".time_emb_proj", true, out, temb)
	}
	h.add(at+".norm2", true, out)
	h.add(at+".conv2", true, out, out, 3, 3)
	if in != out {
		h.add(at+".conv_shortcut", true, out, in, 1, 1)
	}
}

func (h header) transformer(at string, ch, context int64) {
	h.add(at+".norm", true, ch)
	h.add(at+".proj_in", true, ch, ch, 1, 1)
	block := at + ".transformer_blocks.0"
	for i := 1; i <= 3; i++ {
		h.add(fmt.Sprintf("%s.norm%d", block, i), true, ch)
	}
	for attn, width := range map[string]int64{".attn1": ch, ".attn2": context} {
		h.add(block+attn+".to_q", false, ch, ch)
		h.add(block+attn+".to_k", false, ch, width)
		h.add(block+attn+".to_v", false, ch, width)
		h.add(block+attn+".to_out.0", true, ch, ch)
	}
	h.add(block+".ff.net.0.proj", true, 8*ch, ch)
	h.add(block+".ff.net.2", true, ch, 4*ch)
	h.add(at+".proj_out", true, ch, ch, 1, 1)
}

// unetHalf is what UNet and ControlNet share.
func (h header) unetHalf() {
	const temb, context = 1280, 768
	h.add("conv_in", true, 320, 4, 3, 3)
	h.add("time_embedding.linear_1", true, temb, 320)
	h.add("time_embedding.linear_2", true, temb, temb)
	in := int64(320)
	for i, ch := range []int64{320, 640, 1280, 1280} {
		at := fmt.Sprintf("down_blocks.%d", i)
		for j := range 2 {
			h.resnet(fmt.Sprintf("%s.resnets.%d", at, j), in, ch, temb)
			if i < 3 {
				h.transformer(fmt.Sprintf("%s.attentions.%d", at, j), ch, context)
			}
			in = ch
		}
		if i < 3 {
			h.add(at+".downsamplers.0.conv", true, ch, ch, 3, 3)
		}
	}
	h.resnet("mid_block.resnets.0", 1280, 1280, temb)
	h.transformer("mid_block.attentions.0", 1280, context)
	h.resnet("mid_block.resnets.1", 1280, 1280, temb)
}

func unetHeader() header {
	h := header{}
	h.unetHalf()
	inputs := [4][3]int64{{2560, 2560, 2560}, {2560, 2560, 1920}, {1920, 1280, 960}, {960, 640, 640}}
	for i, ch := range []int64{1280, 1280, 640, 320} {
		at := fmt.Sprintf("up_blocks.%d", i)
		for j := range 3 {
			h.resnet(fmt.Sprintf("%s.resnets.%d", at, j), inputs[i][j], ch, 1280)
			if i > 0 {
				h.transformer(fmt.Sprintf("%s.attentions.%d", at, j), ch, 768)
			}
		}
		if i < 3 {
			h.add(at+".upsamplers.0.conv", true, ch, ch, 3, 3)
		}
	}
	h.add("conv_norm_out", true, 320)
	h.add("conv_out", true, 4, 320, 3, 3)
	return h
}

func controlNetHeader() header {
	h := header{}
	h.unetHalf()
	hint := []int64{16, 32, 96, 256}
	at := "controlnet_cond_embedding"
	h.add(at+".conv_in", true, 16, 3, 3, 3)
	for i := range 3 {
		h.add(fmt.Sprintf("%s.blocks.%d", at, 2*i), true, hint[i], hint[i], 3, 3)
		h.add(fmt.Sprintf("%s.blocks.%d", at, 2*i+1), true, hint[i+1], hint[i], 3, 3)
	}
	h.add(at+".conv_out", true, 320, 256, 3, 3)
	for i, ch := range []int64{320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280, 1280, 1280} {
		h.add(fmt.Sprintf("controlnet_down_blocks.%d", i), true, ch, ch, 1, 1)
	}
	h.add("controlnet_mid_block", true, 1280, 1280, 1, 1)
	return h
}

func textHeader() header {
	h := header{}
	const at, ch = "text_model.", 768
	h.add(at+"embeddings.token_embedding", false, 49408, ch)
	h.add(at+"embeddings.position_embedding", false, 77, ch)
	for i := range 12 {
		l := fmt.Sprintf("%sencoder.layers.%d.", at, i)
		for _, p := range []string{"q", "k", "v", "out"} {
			h.add(l+"self_attn."+p+"_proj", true, ch, ch)
		}
		h.add(l+"layer_norm1", true, ch)
		h.add(l+"layer_norm2", true, ch)
		h.add(l+"mlp.fc1", true, 4*ch, ch)
		h.add(l+"mlp.fc2", true, ch, 4*ch)
	}
	h.add(at+"final_layer_norm", true, ch)
	return h
}

func vaeHeader() header {
	h := header{}
	mid := func(at string) {
		h.resnet(at+".resnets.0", 512, 512, 0)
		h.resnet(at+".resnets.1", 512, 512, 0)
		h.add(at+".attentions.0.group_norm", true, 512)
		// The names of Stable Diffusion 1.5's own file, older than diffusers 0.18.
		for _, p := range []string{"query", "key", "value", "proj_attn"} {
			h.add(at+".attentions.0."+p, true, 512, 512)
		}
	}
	h.add("encoder.conv_in", true, 128, 3, 3, 3)
	in := int64(128)
	for i, ch := range []int64{128, 256, 512, 512} {
		for j := range 2 {
			h.resnet(fmt.Sprintf("encoder.down_blocks.%d.resnets.%d", i, j), in, ch, 0)
			in = ch
		}
		if i < 3 {
			h.add(fmt.Sprintf("encoder.down_blocks.%d.downsamplers.0.conv", i), true, ch, ch, 3, 3)
		}
	}
	mid("encoder.mid_block")
	h.add("encoder.conv_norm_out", true, 512)
	h.add("encoder.conv_out", true, 8, 512, 3, 3)
	h.add("quant_conv", true, 8, 8, 1, 1)
	h.add("post_quant_conv", true, 4, 4, 1, 1)
	h.add("decoder.conv_in", true, 512, 4, 3, 3)
	mid("decoder.mid_block")
	in = 512
	for i, ch := range []int64{512, 512, 256, 128} {
		for j := range 3 {
			h.resnet(fmt.Sprintf("decoder.up_blocks.%d.resnets.%d", i, j), in, ch, 0)
			in = ch
		}
		if i < 3 {
			h.add(fmt.Sprintf("decoder.up_blocks.%d.upsamplers.0.conv", i), true, ch, ch, 3, 3)
		}
	}
	h.add("decoder.conv_norm_out", true, 128)
	h.add("decoder.conv_out", true, 3, 128, 3, 3)
	return h
}

// parameters is the number of elements.
func (h header) parameters() int64 {
	sum := int64(0)
	for _, shape := range h {
		n := int64(1)
		for _, d := range shape {
			n *= d
		}
		sum += n
	}
	return sum
}

// write makes a component folder whose weights are a hole in the file: names
// and shapes are real, every value is zero, and no disk is used.
func (h header) write(t testing.TB, dir, config string) {
	t.Helper()
	type entry struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	all, end := map[string]entry{}, int64(0)
	for name, shape := range h {
		n := int64(4)
		for _, d := range shape {
			n *= d
		}
		all[name] = entry{"F32", shape, [2]int64{end, end + n}}
		end += n
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	name := "diffusion_pytorch_model.safetensors"
	if filepath.Base(dir) == "text_encoder" {
		name = "model.safetensors"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(data))+end); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Configs of Stable Diffusion 1.5 and its ControlNets, with what the code reads.
const (
	sd15UNet = `{"_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280],
		"center_input_sample": false, "cross_attention_dim": 768, "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4,
		"down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], "layers_per_block": 2,
		"mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
		"up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}`
	sd15ControlNet = `{"_class_name": "ControlNetModel", "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768,
		"conditioning_embedding_out_channels": [16, 32, 96, 256], "controlnet_conditioning_channel_order": "rgb", "layers_per_block": 2}`
	sd15Text = `{"architectures": ["CLIPTextModel"], "hidden_act": "quick_gelu", "hidden_size": 768, "intermediate_size": 3072, "layer_norm_eps": 1e-05,
		"max_position_embeddings": 77, "num_attention_heads": 12, "num_hidden_layers": 12, "vocab_size": 49408}`
	sd15VAE = `{"_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512], "in_channels": 3, "latent_channels": 4,
		"down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"], "layers_per_block": 2,
		"norm_num_groups": 32, "out_channels": 3, "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]}`
)

// writeSD15 makes a checkpoint folder with a ControlNet, as large as Stable
// Diffusion 1.5 in names and shapes.
func writeSD15(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	unetHeader().write(t, filepath.Join(dir, "unet"), sd15UNet)
	textHeader().write(t, filepath.Join(dir, "text_encoder"), sd15Text)
	vaeHeader().write(t, filepath.Join(dir, "vae"), sd15VAE)
	controlNetHeader().write(t, filepath.Join(dir, "controlnet"), sd15ControlNet)
	if err := os.MkdirAll(filepath.Join(dir, "scheduler"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"model_index.json":                `{"_class_name": "StableDiffusionPipeline"}`,
		"scheduler/scheduler_config.json": `{"_class_name": "PNDMScheduler"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sd15Graphs builds every graph of a 512×512 render.
func sd15Graphs(t testing.TB, dir string) map[string]*graph.Model {
	t.Helper()
	must := func(m *graph.Model, err error) *graph.Model {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	model, err := checkpoint.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	component, err := checkpoint.OpenControlNet(filepath.Join(dir, "controlnet"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := arch.NewTextEncoder(model.TextEncoder)
	if err != nil {
		t.Fatal(err)
	}
	unet, err := arch.NewUNet(model.UNet)
	if err != nil {
		t.Fatal(err)
	}
	net, err := arch.NewControlNet(component)
	if err != nil {
		t.Fatal(err)
	}
	vae, err := arch.NewVAE(model.VAE)
	if err != nil {
		t.Fatal(err)
	}
	size := arch.Size{Batch: 2, Height: 64, Width: 64}
	return map[string]*graph.Model{
		"text": must(text.Graph(2, arch.TextOutput{})), "unet": must(unet.Graph(size, true)), "hint": must(net.HintGraph(size)),
		"controlnet": must(net.Graph(size)), "decoder": must(vae.Decoder(size)), "encoder": must(vae.Encoder(size)),
	}
}

// TestFullSizeGraphs checks that the graphs use every parameter of a Stable
// Diffusion 1.5 checkpoint; the totals are those that diffusers reports.
func TestFullSizeGraphs(t *testing.T) {
	for name, want := range map[string]struct{ got, want int64 }{
		"unet": {unetHeader().parameters(), 859_520_964}, "controlnet": {controlNetHeader().parameters(), 361_279_120},
		"text": {textHeader().parameters(), 123_060_480}, "vae": {vaeHeader().parameters(), 83_653_863},
	} {
		if want.got != want.want {
			t.Errorf("the %s's header has %d parameters, want %d", name, want.got, want.want)
		}
	}
	g := sd15Graphs(t, writeSD15(t))
	for name, want := range map[string]int64{"unet": 859_520_964, "text": 123_060_480} {
		if got := g[name].Parameters; got != want {
			t.Errorf("the graph of the %s uses %d parameters, want %d", name, got, want)
		}
	}
	if got := g["hint"].Parameters + g["controlnet"].Parameters; got != 361_279_120 {
		t.Errorf("the ControlNet's graphs use %d parameters, want 361279120", got)
	}
	if got := g["decoder"].Parameters + g["encoder"].Parameters; got != 83_653_863 {
		t.Errorf("the VAE's graphs use %d parameters, want 83653863", got)
	}
	for name, m := range g {
		if len(m.Proto) > 1<<20 {
			t.Errorf("the graph of the %s takes %d bytes; weights must stay in their files", name, len(m.Proto))
		}
		t.Logf("%s: %d nodes, %d parameters, %d bytes", name, m.Nodes, m.Parameters, len(m.Proto))
	}
}

// BenchmarkBuildSD15UNet opens the folder's headers and writes the graph of the
// UNet of Stable Diffusion 1.5: all that happens before ONNX Runtime.
func BenchmarkBuildSD15UNet(b *testing.B) {
	dir := writeSD15(b)
	for b.Loop() {
		model, err := checkpoint.OpenFolder(dir)
		if err != nil {
			b.Fatal(err)
		}
		unet, err := arch.NewUNet(model.UNet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := unet.Graph(arch.Size{Batch: 2, Height: 64, Width: 64}, true); err != nil {
			b.Fatal(err)
		}
	}
}
