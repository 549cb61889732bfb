package terminal

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModelsAreFiltered(t *testing.T) {
	b := newBench(t)
	dir := b.path("models")
	write := func(name, header string, size int) string {
		path := filepath.Join(dir, name)
		data := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, size)...)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const to = `"dtype":"F16","shape":[1,`
	clay := write("clay.safetensors", `{"__metadata__":{"modelspec.trigger_phrase":"soft clay"},"x_attn2_to_k.lora_down.weight":{`+to+`768],"data_offsets":[0,1536]}}`, 1536)
	write("glass.safetensors", `{"x_attn2_to_k.lora_down.weight":{`+to+`2048],"data_offsets":[0,4096]}}`, 4096)
	write("style.safetensors", `{"emb_params":{`+to+`768],"data_offsets":[0,1536]}}`, 1536)
	one := `{"x":{` + to + `1],"data_offsets":[0,2]}}`
	for part, config := range map[string]string{
		"unet":         `{"_class_name":"UNet2DConditionModel","block_out_channels":[320,640,1280,1280],"cross_attention_dim":768}`,
		"text_encoder": `{"architectures":["CLIPTextModel"]}`, "vae": `{"_class_name":"AutoencoderTiny"}`, "scheduler": `{}`,
	} {
		name := "config.json"
		if part == "scheduler" {
			name = "scheduler_config.json"
		}
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "photo", part), 0o755), os.WriteFile(filepath.Join(dir, "photo", part, name), []byte(config), 0o600)); err != nil {
			t.Fatal(err)
		}
		write("photo/"+part+"/model.safetensors", one, 2)
	}
	if err := os.WriteFile(filepath.Join(dir, "photo", "model_index.json"), []byte(`{"_class_name":"StableDiffusionPipeline"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	preview := filepath.Join(dir, "clay.preview.png")
	if err := os.WriteFile(preview, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "clay glass photo style"},
		{[]string{"--kind", "lora"}, "clay glass"},
		{[]string{"--fits", "photo"}, "clay style"},
		{[]string{"--fits", filepath.Join(dir, "photo"), "--kind", "lora"}, "clay"},
		{[]string{"--search", "SOFT lora"}, "clay"},
		{[]string{"--search", "granite"}, ""},
	} {
		b.ok(append([]string{"models", "ls", "--json", dir}, c.args...)...)
		names := []string{}
		for _, e := range b.events() {
			names = append(names, e["name"].(string))
			if e["path"] == clay && (e["preview"] != preview || e["triggers"].([]any)[0] != "soft clay") {
				t.Errorf("clay is listed as %v", e)
			}
		}
		if slices.Sort(names); strings.Join(names, " ") != c.want {
			t.Errorf("%q: %q, want %q", c.args, names, c.want)
		}
	}
	b.ok("models", "show", clay)
	if !strings.Contains(b.out.String(), "soft clay") || !strings.Contains(b.out.String(), preview) {
		t.Errorf("show printed\n%s", &b.out)
	}
	for _, args := range [][]string{{"--fits", "nothing"}, {"--fits", clay}} {
		if code := b.run(t.Context(), append([]string{"models", "ls", dir}, args...)...); code != ExitFailure {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}
