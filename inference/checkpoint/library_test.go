package checkpoint

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// put writes a file and the folders above it.
func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// model is a safetensors file with half-precision tensors of the given shapes.
func model(t *testing.T, metadata map[string]string, shapes map[string][]int64) string {
	t.Helper()
	header := map[string]any{}
	if metadata != nil {
		header[metadataKey] = metadata
	}
	end := int64(0)
	for name, shape := range shapes {
		size := int64(2)
		for _, d := range shape {
			size *= d
		}
		header[name] = map[string]any{"dtype": "F16", "shape": shape, "data_offsets": []int64{end, end + size}}
		end += size
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))) + string(text) + strings.Repeat("\x00", int(end))
}

func TestFoldersOfOtherProgramsAreUnderstood(t *testing.T) {
	root := t.TempDir()
	t.Setenv("MODELS_HERE", filepath.Join(root, "disk"))
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	put(t, at("comfy/folder_paths.py"), "")
	put(t, at("comfy/models/checkpoints/x"), "")
	put(t, at("comfy/models/loras/x"), "")
	put(t, at("comfy/venv/lib/x"), "")
	put(t, at("comfy/extra_model_paths.yaml"), `
a111:
    base_path: ../auto/
    is_default: true
    checkpoints: models/Stable-diffusion
    loras: |
         models/Lora
         models/LyCORIS
    configs: models/Stable-diffusion
    upscale_models: |
         models/ESRGAN
other:
    base_path: $MODELS_HERE
    vae: vae
    controlnet: /abs/nets/../controlnet
`)
	put(t, at("auto/webui.py"), "")
	put(t, at("auto/models/Stable-diffusion/x"), "")
	put(t, at("auto/embeddings/x"), "")
	named := []string{"/abs/controlnet", at("auto/models/Lora"), at("auto/models/LyCORIS"), at("auto/models/Stable-diffusion"), at("disk/vae")}
	slices.Sort(named)
	for folder, want := range map[string][]string{
		"plain":                        {at("plain")},
		"auto":                         {at("auto/models/Stable-diffusion"), at("auto/embeddings")},
		"comfy":                        append([]string{at("comfy/models/checkpoints"), at("comfy/models/loras")}, named...),
		"comfy/extra_model_paths.yaml": named,
		"gone.yaml":                    nil,
	} {
		if got, err := ModelFolders([]string{at(folder)}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v\nwant %v", folder, got, err, want)
		}
	}
	for name, content := range map[string]string{"list.yaml": "- a\n- b\n", "bad.yaml": "a: [", "big.yaml": strings.Repeat("#", maxYAML+1),
		"many.yaml": "a:\n  loras: |\n" + strings.Repeat("    x\n", maxTreeFolders+1)} {
		if got, err := ModelFolders([]string{put(t, at(name), content)}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestScanTellsFamiliesOfLoRAsAndEmbeddings(t *testing.T) {
	dir := t.TempDir()
	files := map[string]struct {
		kind   Kind
		family string
		data   string
	}{
		"kohya": {KindLoRA, "sd1", model(t, nil, map[string][]int64{"lora_unet_x_attn2_to_k.lora_down.weight": {4, 768}, "lora_unet_x_attn2_to_k.lora_up.weight": {320, 4}})},
		"peft":  {KindLoRA, "sdxl", model(t, nil, map[string][]int64{"unet.x.attn2.to_v.lora_A.weight": {4, 2048}, "unet.x.attn2.to_v.lora_B.weight": {640, 4}})},
		"loha":  {KindLoRA, "sd2", model(t, nil, map[string][]int64{"lora_unet_attn2_to_k.hada_w1_b": {4, 1024}, "lora_unet_attn2_to_k.hada_w1_a": {320, 4}})},
		"told":  {KindLoRA, "sdxl", model(t, map[string]string{"ss_base_model_version": "sdxl_base_v1-0"}, map[string][]int64{"lora_te1_x.lora_down.weight": {4, 768}})},
		"mute":  {KindLoRA, "", model(t, nil, map[string][]int64{"lora_te_x.lora_down.weight": {4, 768}})},
		"a1111": {KindEmbedding, "sd1", model(t, nil, map[string][]int64{"emb_params": {3, 768}})},
		"token": {KindEmbedding, "sd2", model(t, nil, map[string][]int64{"<vase>": {1024}})},
		"xl":    {KindEmbedding, "sdxl", model(t, nil, map[string][]int64{"clip_l": {2, 768}, "clip_g": {2, 1280}})},
		"odd":   {KindUnknown, "", model(t, nil, map[string][]int64{"weight": {5}})},
	}
	for name, f := range files {
		put(t, filepath.Join(dir, name+".safetensors"), f.data)
	}
	list, err := Scan(context.Background(), []string{dir})
	if err != nil || len(list) != len(files) {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	base := Entry{Kind: KindCheckpoint, Family: "sdxl"}
	var fits []string
	for _, e := range list {
		if f := files[e.Name]; e.Kind != f.kind || e.Family != f.family || (e.Reason == "") != (f.kind != KindUnknown) {
			t.Errorf("%s: %s of family %q, %q; want %s of %q", e.Name, e.Kind, e.Family, e.Reason, f.kind, f.family)
		}
		if e.Fits(base) {
			fits = append(fits, e.Name)
		}
	}
	if want := []string{"mute", "peft", "told", "xl"}; !slices.Equal(slices.Sorted(slices.Values(fits)), want) {
		t.Errorf("fits %v, want %v", fits, want)
	}
}

func TestTriggersPreviewAndSearch(t *testing.T) {
	dir := t.TempDir()
	shapes := map[string][]int64{"lora_unet_x.lora_down.weight": {4, 8}}
	for name, c := range map[string]struct {
		metadata map[string]string
		want     []string
	}{
		"phrase":   {map[string]string{"modelspec.trigger_phrase": " clay\n model "}, []string{"clay model"}},
		"tags":     {map[string]string{"ss_tag_frequency": `{"10_a":{"vase":3," lamp":9},"b":{"vase":7,"chair":2}}`}, []string{"vase", "lamp", "chair"}},
		"none":     {nil, nil},
		"nonsense": {map[string]string{"ss_tag_frequency": `[1]`}, nil},
		"long":     {map[string]string{"modelspec.trigger_phrase": strings.Repeat("ä", 300)}, []string{strings.Repeat("ä", 200) + "…"}},
	} {
		e := Entry{Kind: KindLoRA, Path: put(t, filepath.Join(dir, name+".v1.safetensors"), model(t, c.metadata, shapes))}
		if got := e.Triggers(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for image, model := range map[string]string{"phrase.v1.preview.jpg": "phrase.v1.safetensors", "tags.v1.png": "tags.v1.safetensors", "folder/preview.png": "folder"} {
		put(t, filepath.Join(dir, image), "")
		if got := (Entry{Path: filepath.Join(dir, model)}).Preview(); got != filepath.Join(dir, filepath.FromSlash(image)) {
			t.Errorf("preview of %s: %q", model, got)
		}
	}
	if got := (Entry{Path: filepath.Join(dir, "none.v1.safetensors")}).Preview(); got != "" {
		t.Errorf("a preview out of nothing: %s", got)
	}
	e := Entry{Name: "Soft Clay", Path: "/m/x.safetensors", Kind: KindLoRA, Family: "sd1"}
	for search, want := range map[string]bool{"": true, "clay SOFT": true, "lora sd1": true, "vase": true, "clay sdxl": false} {
		if e.Matches(search, "white vase") != want {
			t.Errorf("search %q: %v", search, !want)
		}
	}
}
