package lora_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/lora"
)

func TestEmbeddingsAreRead(t *testing.T) {
	want, err := checkpoint.OpenSafetensors(filepath.Join("testdata", "emb.want.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, token string
		vectors     map[lora.Part]string // by the name in want
		fits        map[lora.Part]int
	}{
		{"emb-a1111", "", map[lora.Part]string{lora.TextEncoder: "a1111"}, map[lora.Part]int{lora.TextEncoder: 12}},
		{"emb-diffusers", "<vase-style>", map[lora.Part]string{lora.TextEncoder: "diffusers"}, map[lora.Part]int{lora.TextEncoder: 12}},
		{"emb-sdxl", "", map[lora.Part]string{lora.TextEncoder: "clip_l", lora.TextEncoder2: "clip_g"}, map[lora.Part]int{lora.TextEncoder: 8, lora.TextEncoder2: 12}},
	} {
		e, err := lora.OpenEmbedding(filepath.Join("testdata", c.file+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != c.file || e.Token != c.token || len(e.Vectors) != len(c.vectors) {
			t.Errorf("%s: %q, token %q, %d encoders", c.file, e.Name, e.Token, len(e.Vectors))
		}
		for part, name := range c.vectors {
			shape, data := floats(t, want, name)
			if got := e.Vectors[part]; int64(len(got)) != shape[0] || !slices.Equal(slices.Concat(got...), data) {
				t.Errorf("%s, %s: %v, want %v", c.file, part, got, data)
			}
		}
		if err := e.Fits(c.fits); err != nil {
			t.Error(err)
		}
		for _, other := range []map[lora.Part]int{
			{lora.TextEncoder: 16}, {lora.TextEncoder: 12, lora.TextEncoder2: 8}, {lora.TextEncoder: 8, lora.TextEncoder2: 16}, nil,
		} {
			var no *lora.FitError
			if err := e.Fits(other); !errors.As(err, &no) {
				t.Errorf("%s for %v: %v", c.file, other, err)
			}
		}
	}
}

func TestBadEmbeddingsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		list []entry
		want string
	}{
		"too many":     {[]entry{{"emb_params", []int64{1025, 4}, nil}}, "1 to 1024 vectors"},
		"too wide":     {[]entry{{"emb_params", []int64{1, 8193}, nil}}, "at most 8192"},
		"none":         {[]entry{{"emb_params", []int64{0, 768}, nil}}, "1 to 1024"},
		"cube":         {[]entry{{"<x>", []int64{1, 2, 4}, nil}}, "shape [1 2 4]"},
		"infinite":     {[]entry{{"<x>", []int64{2}, f32(1, float32(math.Inf(1)))}}, "aren't finite"},
		"half of SDXL": {[]entry{{"clip_g", []int64{1, 4}, nil}}, "no textual inversion"},
		"a LoRA":       {[]entry{{"a.lora_up.weight", []int64{4, 1}, nil}, {"a.lora_down.weight", []int64{1, 4}, nil}}, "no textual inversion"},
		"unequal":      {[]entry{{"clip_l", []int64{1, 4}, nil}, {"clip_g", []int64{2, 4}, nil}}, "clip_l has 1 vectors and clip_g 2"},
	} {
		if _, err := lora.OpenEmbedding(store(t, c.list...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
