package projects

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"maquette/inference"
	"maquette/inference/checkpoint"
)

// tensors is a safetensors file of zeros with these tensors and metadata.
func tensors(t testing.TB, metadata map[string]string, shapes map[string][]int64) string {
	t.Helper()
	header := map[string]any{}
	if metadata != nil {
		header["__metadata__"] = metadata
	}
	at := int64(0)
	for _, name := range sortedKeys(shapes) {
		n := int64(4)
		for _, d := range shapes[name] {
			n *= d
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int64{at, at + n}}
		at += n
	}
	data, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(data)))) + string(data) + strings.Repeat("\x00", int(at))
}

// loraFile is a LoRA of a family, told by the width of the text that it reads.
func loraFile(t testing.TB, width int64, alias string) string {
	metadata := map[string]string{}
	if alias != "" {
		metadata["ss_output_name"] = alias
	}
	return tensors(t, metadata, map[string][]int64{"lora_unet_x_attn2_to_k.lora_down.weight": {1, width}, "lora_unet_x_attn2_to_k.lora_up.weight": {1, 1}})
}

// adapterLibrary has a checkpoint of Stable Diffusion 1 and what goes with it.
func adapterLibrary(t *testing.T) (l *Library, dir, base string) {
	dir = t.TempDir()
	base = filepath.Join(dir, "dream")
	checkpointFiles(bigSizes).write(t, base)
	vae := tensors(t, nil, map[string][]int64{"decoder.conv_in.weight": {1}, "decoder.conv_out.weight": {1}})
	files{
		"lora/ink.safetensors":            loraFile(t, 768, "Ink_v2"),
		"lora/xl/ink.safetensors":         loraFile(t, 2048, ""),
		"lora/xl/only.safetensors":        loraFile(t, 2048, ""),
		"lora/old/Oak.safetensors":        loraFile(t, 768, ""),
		"vae/ft-mse.safetensors":          vae,
		"emb/easyneg.safetensors":         tensors(t, nil, map[string][]int64{"emb_params": {2, 768}}),
		"emb/xl-style.safetensors":        tensors(t, nil, map[string][]int64{"clip_l": {2, 768}, "clip_g": {2, 1280}}),
		"emb/token.safetensors":           tensors(t, nil, map[string][]int64{"<vase-style>": {768}}),
		"emb/elsewhere style.safetensors": tensors(t, nil, map[string][]int64{"emb_params": {1, 768}}),
	}.write(t, dir)
	return newLibrary(t, dir), dir, base
}

func TestResolveFindsAdapters(t *testing.T) {
	l, dir, base := adapterLibrary(t)
	path := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	ink, oak := path("lora/ink.safetensors"), path("lora/old/Oak.safetensors")
	for name, c := range map[string]struct {
		recipe Recipe
		want   ModelFiles
	}{
		"prompt": {Recipe{Prompt: "a <lora:ink:0.8> vase<lora:Ink_v2:0.1:0.5>, <lora:oak>", NegativePrompt: "easyneg, blurry"}, ModelFiles{
			Prompt: "a  vase, ", NegativePrompt: "easyneg, blurry",
			LoRAs:      []inference.LoRA{{Path: ink, UNet: float32(0.8) + float32(0.5), Text: float32(0.8) + float32(0.1)}, {Path: oak, UNet: 1, Text: 1}},
			Embeddings: []inference.Embedding{{Path: path("emb/easyneg.safetensors"), Name: "easyneg"}}}},
		"list": {Recipe{Prompt: "in <vase-style>s", VAE: "ft-mse", LoRAs: []RecipeLoRA{{Path: "old/Oak", UNet: -1, Text: 0.5}, {Path: ink, UNet: 0.25}}}, ModelFiles{
			Prompt: "in <vase-style>s", VAE: path("vae/ft-mse.safetensors"), LoRAs: []inference.LoRA{{Path: oak, UNet: -1, Text: 0.5}, {Path: ink, UNet: 0.25}},
			Embeddings: []inference.Embedding{{Path: path("emb/token.safetensors"), Name: "<vase-style>"}}}},
		"words": {Recipe{Prompt: "easyneg2, xl-style, Elsewhere Style", NegativePrompt: "<lora:ink:1> dark"}, ModelFiles{
			Prompt: "easyneg2, xl-style, Elsewhere Style", NegativePrompt: " dark",
			Embeddings: []inference.Embedding{{Path: path("emb/elsewhere style.safetensors"), Name: "elsewhere style"}},
			Notes:      []string{"LoRAs act on the whole picture, so those in the negative prompt are left out: ink"}}},
	} {
		c.recipe.Checkpoint, c.want.Checkpoint, c.want.ControlNets = base, base, []string{}
		got, err := l.Resolve(context.Background(), c.recipe)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, c.want)
		}
	}
	if list, err := l.Fitting(context.Background(), base, checkpoint.KindLoRA); err != nil || len(list) != 2 || list[0].Name != "ink" || list[1].Name != "Oak" {
		t.Errorf("LoRAs that fit: %v, %v", list, err)
	}
}

func TestResolveNamesWhatIsMissing(t *testing.T) {
	l, dir, base := adapterLibrary(t)
	for name, c := range map[string]struct {
		recipe Recipe
		want   []string
	}{
		"a misspelt LoRA": {Recipe{Prompt: "<lora:inc:1>"}, []string{`no LoRA named "inc"`, "it has ink, Oak, only", dir}},
		"a VAE":           {Recipe{VAE: "840000"}, []string{`no VAE named "840000"`, "ft-mse"}},
		"a path":          {Recipe{LoRAs: []RecipeLoRA{{Path: filepath.Join(dir, "gone.safetensors"), UNet: 1}}}, []string{"LoRA", "gone.safetensors", "choose another"}},
		"a bad strength":  {Recipe{Prompt: "x <lora:ink:much>"}, []string{"line 1, character 3", "<lora:ink:much>", "much"}},
		"a hypernetwork":  {Recipe{NegativePrompt: "<hypernet:a:1>"}, []string{"negative prompt", "hypernetworks"}},
	} {
		c.recipe.Checkpoint = base
		_, err := l.Resolve(context.Background(), c.recipe)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
	var unknown *UnknownModelError
	if _, err := l.Resolve(context.Background(), Recipe{Checkpoint: base, VAE: "840000"}); !errors.As(err, &unknown) || unknown.Name != "840000" {
		t.Errorf("%v", err)
	}
}

// Previews are drawn by a TAESD of the library, but not for latents that aren't
// Stable Diffusion's own.
func TestPreviewVAE(t *testing.T) {
	vae := func(name, reason string) checkpoint.Entry {
		return checkpoint.Entry{Kind: checkpoint.KindVAE, Name: name, Path: "/" + name, Reason: reason}
	}
	found := []checkpoint.Entry{vae("ft-mse", ""), vae("taesd3", ""), vae("TAESD_decoder", ""), vae("taesdxl", "damaged"), vae("taesdxl-decoder", "")}
	for family, want := range map[string]string{"sd1": "/TAESD_decoder", "sd2": "/TAESD_decoder", "sdxl": "/taesdxl-decoder", "sd1 64-128/64": ""} {
		if got := previewVAE(found, family); got != want {
			t.Errorf("%s: %q, want %q", family, got, want)
		}
	}
}
