package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var modules = filepath.Join("..", "testdata", "modules")

// copyModel copies a fixture's folder, so that a test can spoil it.
func copyModel(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(modules, name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFolder(t *testing.T) {
	m, err := OpenFolder(filepath.Join(modules, "wide"))
	if err != nil {
		t.Fatal(err)
	}
	if m.UNet.Class != ClassUNet || m.VAE.Class != ClassTinyVAE || m.TextEncoder.Class != ClassTextEncoder || m.UNet.Precision() != "fp16" {
		t.Errorf("classes %s, %s, %s, precision %s", m.UNet.Class, m.VAE.Class, m.TextEncoder.Class, m.UNet.Precision())
	}
	if !strings.Contains(string(m.Scheduler), "scaled_linear") {
		t.Errorf("the scheduler's config is %s", m.Scheduler)
	}
	path, tensor, ok := m.UNet.Lookup("conv_in.weight")
	if !ok || !filepath.IsAbs(path) || fmt.Sprint(tensor.Shape) != "[16 4 3 3]" {
		t.Errorf("conv_in.weight is %+v in %s", tensor, path)
	}
	// transformers 5 leaves the prefix out of its names, older versions don't.
	if _, _, ok := m.TextEncoder.Lookup("text_model.final_layer_norm.weight"); !ok {
		t.Error("the text encoder's names lack their prefix")
	}
}

func TestOpenFolderTakesOtherFileNames(t *testing.T) {
	dir := copyModel(t, "wide")
	rename(t, filepath.Join(dir, "unet", "diffusion_pytorch_model.safetensors"), filepath.Join(dir, "unet", "diffusion_pytorch_model.fp16.safetensors"))
	rename(t, filepath.Join(dir, "vae", "diffusion_pytorch_model.safetensors"), filepath.Join(dir, "vae", "part-1.safetensors"))
	write(t, filepath.Join(dir, "vae", "diffusion_pytorch_model.safetensors.index.json"), `{"weight_map":{"decoder.layers.0.weight":"part-1.safetensors"}}`)
	if _, err := OpenFolder(dir); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "vae", "diffusion_pytorch_model.safetensors.index.json"), `{"weight_map":{"a":"../unet/diffusion_pytorch_model.fp16.safetensors"}}`)
	if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "same folder") {
		t.Errorf("a part outside the folder: %v", err)
	}
}

func TestOldAttentionNames(t *testing.T) {
	for old, want := range map[string]string{
		"decoder.mid_block.attentions.0.query.weight":   "decoder.mid_block.attentions.0.to_q.weight",
		"decoder.mid_block.attentions.0.proj_attn.bias": "decoder.mid_block.attentions.0.to_out.0.bias",
		"encoder.conv_in.weight":                        "encoder.conv_in.weight",
	} {
		if got := currentName(ClassVAE, old); got != want {
			t.Errorf("%s became %s, want %s", old, got, want)
		}
	}
}

func TestBadFolders(t *testing.T) {
	cases := []struct {
		name, want string
		spoil      func(t *testing.T, dir string)
	}{
		{"no index", "model_index.json is missing", func(t *testing.T, d string) { remove(t, d, "model_index.json") }},
		{"no unet", filepath.Join("unet", "config.json") + " is missing", func(t *testing.T, d string) { remove(t, d, "unet") }},
		{"no weights", "has a config but no weights", func(t *testing.T, d string) { remove(t, d, "unet", "diffusion_pytorch_model.safetensors") }},
		{"no scheduler", "scheduler_config.json is missing", func(t *testing.T, d string) { remove(t, d, "scheduler") }},
		{"pickled weights", "Python pickle", func(t *testing.T, d string) {
			rename(t, filepath.Join(d, "unet", "diffusion_pytorch_model.safetensors"), filepath.Join(d, "unet", "diffusion_pytorch_model.bin"))
		}},
		{"SDXL without its second text encoder", filepath.Join("text_encoder_2", "config.json") + " is missing", func(t *testing.T, d string) {
			write(t, filepath.Join(d, "model_index.json"), `{"_class_name":"StableDiffusionXLPipeline"}`)
		}},
		{"other pipeline", "not a Stable Diffusion pipeline", func(t *testing.T, d string) {
			write(t, filepath.Join(d, "model_index.json"), `{"_class_name":"AudioLDMPipeline"}`)
		}},
		{"cut config", "not a JSON object", func(t *testing.T, d string) { write(t, filepath.Join(d, "unet", "config.json"), `{"_class_name":`) }},
		{"other class", "it describes a Transformer2D", func(t *testing.T, d string) {
			write(t, filepath.Join(d, "unet", "config.json"), `{"_class_name":"Transformer2D"}`)
		}},
		{"huge config", "a config has at most", func(t *testing.T, d string) {
			write(t, filepath.Join(d, "unet", "config.json"), `{"a":"`+strings.Repeat("x", maxConfig)+`"}`)
		}},
		{"cut weights", "header describes", func(t *testing.T, d string) {
			if err := os.Truncate(filepath.Join(d, "unet", "diffusion_pytorch_model.safetensors"), 200_000); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := copyModel(t, "wide")
			c.spoil(t, dir)
			if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if e, err := Inspect(dir); err == nil && e.Reason == "" {
				t.Error("Inspect finds nothing wrong")
			}
		})
	}
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that isn't there: %v", err)
	}
}

func remove(t *testing.T, parts ...string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(parts...)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenControlNet(t *testing.T) {
	dir := filepath.Join(modules, "narrow", "controlnet-a")
	for _, path := range []string{dir, filepath.Join(dir, "diffusion_pytorch_model.safetensors")} {
		if c, err := OpenControlNet(path); err != nil || c.Class != ClassControlNet {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := OpenControlNet(filepath.Join(modules, "narrow", "unet")); err == nil || !strings.Contains(err.Error(), "Maquette needs ControlNetModel") {
		t.Errorf("a UNet as a ControlNet: %v", err)
	}
}

// single makes a file with F32 tensors of the given names and shapes.
func single(t *testing.T, name string, shapes map[string][2]int) string {
	t.Helper()
	var parts []string
	end := 0
	for tensor, s := range shapes {
		n := 4 * s[0] * s[1]
		parts = append(parts, fmt.Sprintf(`%q:{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}`, tensor, s[0], s[1], end, end+n))
		end += n
	}
	return store(t, name, file("{"+strings.Join(parts, ",")+"}", end))
}

func TestInspectSingleFiles(t *testing.T) {
	cases := []struct {
		name   string
		shapes map[string][2]int
		kind   Kind
		family string
		reason string
	}{
		{"a UNet in LDM names", map[string][2]int{"model.diffusion_model.input_blocks.0.0.weight": {4, 4}}, KindCheckpoint, "sd1 /0", "no text encoder"},
		{"controlnet", map[string][2]int{"control_model.input_hint_block.0.weight": {4, 4}}, KindControlNet, "sd1 /0", ""},
		{"flux", map[string][2]int{"model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale": {1, 4}}, KindUnknown, "", "Flux transformer; Maquette runs"},
		{"sd3", map[string][2]int{"model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.weight": {1, 4}}, KindUnknown, "", "Stable Diffusion 3"},
		{"cascade", map[string][2]int{"clip_txt_mapper.weight": {1, 4}}, KindUnknown, "", "Stable Cascade"},
		{"pixart", map[string][2]int{"adaln_single.linear.weight": {1, 4}}, KindUnknown, "", "PixArt"},
		{"scaled fp8", map[string][2]int{"model.diffusion_model.input_blocks.0.0.weight": {4, 4}, "scaled_fp8": {1, 1}}, KindUnknown, "", "scales of their own"},
		{"lora", map[string][2]int{"lora_unet_down_blocks_0.lora_down.weight": {4, 4}}, KindLoRA, "", ""},
		{"vae", map[string][2]int{"first_stage_model.decoder.conv_in.weight": {4, 4}}, KindVAE, "", ""},
		{"other", map[string][2]int{"layer.weight": {4, 4}}, KindUnknown, "", "not those of a known kind"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := single(t, "m.safetensors", c.shapes)
			e, err := Inspect(path)
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != c.kind || e.Family != c.family || !strings.Contains(e.Reason, c.reason) || e.Precision != "fp32" {
				t.Errorf("got %+v", e)
			}
			if c.kind != KindVAE && c.kind != KindControlNet {
				var unsupported *UnsupportedError
				if _, err := Open(path); !errors.As(err, &unsupported) {
					t.Errorf("opening it gave %v, want an UnsupportedError", err)
				}
			}
		})
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "a", "wide"), os.DirFS(filepath.Join(modules, "wide"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "old.ckpt"), "\x80\x02")
	write(t, filepath.Join(root, "notes.txt"), "hello")
	if err := os.Symlink(root, filepath.Join(root, "a", "loop")); err != nil {
		t.Fatal(err)
	}
	list, err := Scan(context.Background(), []string{root, filepath.Join(root, "missing"), filepath.Join(root, "a")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, string(e.Kind)+" "+e.Name)
	}
	if want := "checkpoint wide, controlnet controlnet-a, controlnet controlnet-b, unknown old"; strings.Join(got, ", ") != want {
		t.Errorf("found %v, want %s", got, want)
	}
	if list[0].Family != "sd2 16-24-32/32" || list[1].Family != list[0].Family || list[0].Reason != "" || list[0].Bytes == 0 {
		t.Errorf("got %+v and %+v", list[0], list[1])
	}
	if list[3].Reason == "" {
		t.Error("the pickle has no reason")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, []string{root}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled scan gave %v", err)
	}
}

func TestHashWeights(t *testing.T) {
	path := store(t, "x.safetensors", []byte("abc"))
	sum := sha256.Sum256([]byte("abc"))
	if got, err := HashWeights(context.Background(), path); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s, %v", got, err)
	}
	dir := copyModel(t, "narrow")
	before, err := HashWeights(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, dir, "controlnet-a")
	if got, _ := HashWeights(context.Background(), dir); got != before {
		t.Error("taking a ControlNet out changed the checkpoint's hash")
	}
	remove(t, dir, "vae")
	if got, _ := HashWeights(context.Background(), dir); got == before {
		t.Error("taking the VAE out left the hash the same")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := HashWeights(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled hash gave %v", err)
	}
}
