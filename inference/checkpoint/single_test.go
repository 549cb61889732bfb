package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSingleFile opens files with any names and shapes as every kind of model:
// none may crash, and what opens has a config that is JSON.
func FuzzSingleFile(f *testing.F) {
	for _, names := range []string{
		"model.diffusion_model.input_blocks.0.0.weight 4 4\ncond_stage_model.transformer.text_model.embeddings.token_embedding.weight 3 3\nfirst_stage_model.conv 1",
		"conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight 6 2\nmodel.diffusion_model.label_emb.0.0.weight 2 2\nmodel.diffusion_model.input_blocks.0.0.weight 4",
		"control_model.input_hint_block.0.weight 2 2\ncontrol_model.input_hint_block.2.weight 2",
		"1.weight 2\n3.conv.0.weight 2\n18.bias 1", "decoder.conv_in.weight 1\ndecoder.conv_out.weight 2\ndecoder.mid.block_1.conv1.weight 3",
	} {
		f.Add(names)
	}
	f.Fuzz(func(t *testing.T, names string) {
		header, end := map[string]any{}, 0
		for line := range strings.Lines(names) {
			fields := strings.Fields(line)
			if len(fields) == 0 || len(header) > 50 {
				continue
			}
			shape, size := []int{}, 1
			for _, field := range fields[1:min(len(fields), 5)] {
				var n int
				fmt.Sscan(field, &n)
				n = min(max(n, 0), 8)
				shape, size = append(shape, n), size*n
			}
			if _, twice := header[fields[0]]; twice {
				continue
			}
			header[fields[0]] = map[string]any{"dtype": "F16", "shape": shape, "data_offsets": []int{end, end + 2*size}}
			end += 2 * size
		}
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, file(string(text), end), 0o644); err != nil {
			t.Fatal(err)
		}
		var opened []*Component
		if m, err := Open(path); err == nil {
			opened = append(opened, m.TextEncoder, m.UNet, m.VAE)
		}
		if c, err := OpenControlNet(path); err == nil {
			opened = append(opened, c)
		}
		if c, err := OpenVAE(path, "sdxl"); err == nil {
			opened = append(opened, c)
		}
		for _, c := range opened {
			if !json.Valid(c.Config) {
				t.Errorf("the config of %s is %s", c.Class, c.Config)
			}
		}
	})
}

// What a single file of Stable Diffusion 2 predicts is read from its weights
// and its metadata.
func TestPrediction(t *testing.T) {
	const bias = ldmUNetPrefix + "output_blocks.11.1.transformer_blocks.0.norm1.bias"
	write := func(metadata, values string) *File {
		header := `{` + metadata + `"` + bias + `":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`
		data := file(header, 4)
		copy(data[len(data)-4:], values)
		f, err := OpenSafetensors(store(t, "m.safetensors", data))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const wide, narrow = "\x00\x38\x00\xb8", "\x66\x2e\x66\x2e" // 0.5 and -0.5; 0.1 and 0.1
	for _, c := range []struct {
		family, metadata, values string
		want                     bool
	}{
		{"sd2", "", wide, true}, {"sd2", "", narrow, false}, {"sd1", "", wide, false},
		{"sd2", `"__metadata__":{"modelspec.prediction_type":"v"},`, narrow, true},
		{"sd2", `"__metadata__":{"modelspec.prediction_type":"epsilon"},`, wide, false},
	} {
		if got, err := write(c.metadata, c.values).predictsVelocity(c.family); err != nil || got != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

// Files that diffusers' own scripts wrote back from its format lack Stable
// Diffusion 2's last text layer, which isn't used, and have Stable Diffusion
// XL's projection as a layer in place of a matrix.
func TestFilesWrittenBackByDiffusers(t *testing.T) {
	open := func(names ...string) *File {
		header, end := map[string]any{}, 0
		for _, name := range names {
			header[name] = map[string]any{"dtype": "F16", "shape": []int{2, 4}, "data_offsets": []int{end, end + 16}}
			end += 16
		}
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		f, err := OpenSafetensors(store(t, "m.safetensors", file(string(text), end)))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for layers, want := range map[int]int{24: 23, 23: 23, 3: 2} {
		names := []string{ldmOpenPrefix + "ln_final.weight"}
		for i := range layers {
			names = append(names, fmt.Sprintf("%stransformer.resblocks.%d.mlp.c_fc.weight", ldmOpenPrefix, i),
				fmt.Sprintf("%stransformer.resblocks.%d.ln_1.weight", ldmOpenPrefix, i))
		}
		m := &Model{Family: familySD2}
		if err := m.singleText(open(names...)); err != nil {
			t.Fatal(err)
		}
		var c struct {
			Layers int `json:"num_hidden_layers"`
		}
		if err := json.Unmarshal(m.TextEncoder.Config, &c); err != nil || c.Layers != want {
			t.Errorf("%d layers in the file: %d are used, want %d (%v)", layers, c.Layers, want, err)
		}
	}
	for name, transposed := range map[string]bool{"text_projection": true, "text_projection.weight": false} {
		got := openCLIP(open(ldmXLBigPrefix+name), ldmXLBigPrefix)["text_projection.weight"]
		if got.Transposed != transposed || len(got.Shape) != 2 || (got.Shape[0] == 4) != transposed {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
