package lora_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/lora"
)

// small is a network with one matrix and one convolution.
func small() lora.Networks {
	return lora.Networks{lora.UNet: network{
		"mid_block.attentions.0.proj_in.weight":                     {8, 4},
		"conv_in.weight":                                            {8, 4, 3, 3},
		"mid_block.attentions.0.norm.weight":                        {8},
		"down_blocks.0.attentions.0.transformer_blocks.0.ff.weight": {8, 4},
	}}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	const proj, conv = "lora_unet_mid_block_attentions_0_proj_in", "lora_unet_conv_in"
	pair := func(mod string, up, down []int64) []entry {
		return []entry{{mod + ".lora_up.weight", up, nil}, {mod + ".lora_down.weight", down, nil}}
	}
	good := pair(proj, []int64{8, 2}, []int64{2, 4})
	type kind int
	const (
		unsupported kind = iota
		fit
		format
	)
	for name, c := range map[string]struct {
		list []entry
		kind kind
		want string // in the message
	}{
		"DoRA":            {append(good, entry{proj + ".dora_scale", []int64{8, 1}, nil}), unsupported, "DoRA"},
		"PEFT DoRA":       {append(good, entry{"unet.conv_in.lora_magnitude_vector.weight", []int64{8}, nil}), unsupported, "DoRA"},
		"LoKr":            {[]entry{{proj + ".lokr_w1", []int64{2, 2}, nil}, {proj + ".lokr_w2", []int64{4, 2}, nil}}, unsupported, "LoKr"},
		"OFT":             {[]entry{{proj + ".oft_blocks", []int64{2, 2, 2}, nil}}, unsupported, "OFT"},
		"IA3":             {[]entry{{proj + ".weight", []int64{8}, nil}, {proj + ".on_input", []int64{1}, nil}}, unsupported, "IA3"},
		"full":            {[]entry{{proj + ".diff", []int64{8, 4}, nil}}, unsupported, "full-rank"},
		"no LoRA":         {[]entry{{"model.weight", []int64{2}, nil}}, unsupported, "no LoRA"},
		"integers":        {append(pair(proj, []int64{8, 2}, []int64{2, 4})[:1], entry{proj + ".lora_down.weight", []int64{2, 4}, f32(make([]float32, 8)...)}, entry{proj + ".alpha", []int64{3}, f32(1, 2, 3)}), format, "at most 1"},
		"other family":    {pair("lora_unet_double_blocks_0_img_attn_qkv", []int64{8, 2}, []int64{2, 4}), fit, "none of the 1 modules"},
		"a norm":          {pair("lora_unet_mid_block_attentions_0_norm", []int64{8, 2}, []int64{2, 1}), fit, "none of"},
		"other width":     {pair(proj, []int64{8, 2}, []int64{2, 5}), fit, "shape [2 5] where [2 4] is needed"},
		"other rank":      {pair(proj, []int64{8, 3}, []int64{2, 4}), fit, "shape [8 3] where [8 2] is needed"},
		"scalars":         {pair(proj, []int64{}, []int64{}), fit, "shape []"},
		"rank 0":          {pair(proj, []int64{8, 0}, []int64{0, 4}), fit, "shape"},
		"matrix for conv": {pair(conv, []int64{8, 2}, []int64{2, 4}), fit, "where [2 36] is needed"},
		"wrong kernel":    {pair(conv, []int64{8, 2, 1, 1}, []int64{2, 4, 5, 5}), fit, "where [2 4 3 3] is needed"},
		"no core":         {append(pair(conv, []int64{8, 2, 1, 1}, []int64{2, 4, 1, 1}), entry{conv + ".lora_mid.weight", []int64{2, 2}, nil}), fit, "where [2 2 3 3] is needed"},
		"half a LoRA":     {good[:1], format, "lacks one of its factors"},
		"half a LoHa":     {[]entry{{proj + ".hada_w1_a", []int64{8, 2}, nil}, {proj + ".hada_w1_b", []int64{2, 4}, nil}}, format, "lacks one of its factors"},
		"NaN":             {append(pair(proj, []int64{8, 2}, []int64{2, 4}), entry{proj + ".alpha", []int64{}, f32(float32(math.NaN()))}), format, "no finite number"},
		"twice":           {append(pair("unet.conv_in", []int64{8, 2}, []int64{2, 36}), entry{"unet.conv_in.lora_A.weight", []int64{8, 2}, nil}, entry{"unet.conv_in.lora_A.b.weight", []int64{8, 2}, nil}), format, "same place"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := lora.Open(store(t, c.list...), small())
			if err == nil {
				t.Fatalf("it was read: %+v", f)
			}
			var u *checkpoint.UnsupportedError
			var no *lora.FitError
			var bad *checkpoint.FormatError
			if is := [...]bool{errors.As(err, &u), errors.As(err, &no), errors.As(err, &bad)}; !is[c.kind] || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%T: %v", err, err)
			}
		})
	}
	for _, name := range []string{"lora.pt", "lora.ckpt", "LORA.BIN"} {
		if _, err := lora.Open(name, small()); err == nil || !strings.Contains(err.Error(), "pickled") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := lora.OpenEmbedding(name); err == nil || !strings.Contains(err.Error(), "pickled") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := lora.Open(filepath.Join(t.TempDir(), "gone.safetensors"), small()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}

// TestWhatIsLeftOutIsListed applies a file in part: with a module that the
// checkpoint lacks, a bias, and a change that is there under LDM's name as well.
func TestWhatIsLeftOutIsListed(t *testing.T) {
	list := []entry{
		{"lora_unet_conv_in.lora_up.weight", []int64{8, 2}, nil}, {"lora_unet_conv_in.lora_down.weight", []int64{2, 36}, nil},
		{"lora_unet_input_blocks_0_0.lora_up.weight", []int64{8, 1}, nil}, {"lora_unet_input_blocks_0_0.lora_down.weight", []int64{1, 36}, nil},
		{"lora_unet_down_blocks_9_proj.lora_up.weight", []int64{8, 1}, nil}, {"lora_unet_down_blocks_9_proj.lora_down.weight", []int64{1, 4}, nil},
		{"lora_unet_conv_in.diff_b", []int64{8}, nil}, {"iteration", []int64{1}, nil},
	}
	f, err := lora.Open(store(t, list...), small())
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Deltas[lora.UNet]["conv_in.weight"]; d == nil || d.Rank != 2 || len(f.Deltas[lora.UNet]) != 1 {
		t.Errorf("%+v", f.Deltas)
	}
	var want []string
	for _, e := range list[2:] {
		want = append(want, e.name)
	}
	if slices.Sort(want); !slices.Equal(f.Skipped, want) {
		t.Errorf("skipped %v, want %v", f.Skipped, want)
	}
}

// TestNamesThatTwoModulesShareStandForNeither: with underscores for dots, two
// paths may be one name.
func TestNamesThatTwoModulesShareStandForNeither(t *testing.T) {
	nets := lora.Networks{lora.UNet: network{"a.b_c.weight": {8, 4}, "a_b.c.weight": {8, 4}}}
	pair := func(mod string) string {
		return store(t, entry{mod + ".lora_up.weight", []int64{8, 2}, nil}, entry{mod + ".lora_down.weight", []int64{2, 4}, nil})
	}
	if f, err := lora.Open(pair("lora_unet_a_b_c"), nets); err == nil {
		t.Errorf("it was applied to %v", f.Deltas)
	}
	if f, err := lora.Open(pair("unet.a_b.c"), nets); err != nil || f.Deltas[lora.UNet]["a_b.c.weight"] == nil {
		t.Errorf("%v, %v", f, err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, name := range []string{"legacy", "sdxl-kohya", "loha-tucker", "emb-sdxl"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".safetensors"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	header := `{"unet.conv_in.lora_A.weight":{"dtype":"F16","shape":[0,4],"data_offsets":[0,0]},"unet.conv_in.lora_B.weight":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"unet.conv_in.alpha":{"dtype":"F16","shape":[0],"data_offsets":[2,2]}}`
	f.Add(append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), 0, 0))
	nets := tiny(f, "sd.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.safetensors")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if file, err := lora.Open(path, nets); err == nil {
			for key, d := range all(file) {
				if d.Rank < 1 || math.IsNaN(float64(d.Scale)) || len(d.Shape) < 2 {
					t.Errorf("%s: %+v", key, d)
				}
			}
		}
		if e, err := lora.OpenEmbedding(path); err == nil && len(e.Vectors[lora.TextEncoder]) == 0 {
			t.Error("an embedding without vectors")
		}
	})
}
