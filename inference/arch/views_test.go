package arch_test

import (
	"path/filepath"
	"slices"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// viewsFixture is the UNet of a family with the case that
// testdata/make_view_fixtures.py made of it.
func viewsFixture(t *testing.T, family string) (*fixture, *arch.UNet) {
	t.Helper()
	testdata := filepath.Join("..", "testdata")
	all, err := models.Load(testdata)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := all[family].WriteFolder(dir, "", 1, models.F32); err != nil {
		t.Fatal(err)
	}
	cases, err := checkpoint.OpenSafetensors(filepath.Join(testdata, "views.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	unet, err := arch.NewUNet(model.UNet)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, rt: openRuntime(t), cases: cases, model: model}, unet
}

// shareInputs are the inputs by which the images of a batch of two halves with
// count views each read each other.
func (f *fixture) shareInputs(in map[string]*runtime.Tensor, mode string, count int, strength, unconditional float32) {
	f.t.Helper()
	var reads []int64
	var s []float32
	for i := range 2 * count {
		first, view, at := i/count*count, i%count, strength
		if i < count {
			at *= unconditional
		}
		if mode == "first" {
			reads = append(reads, int64(first))
			if view == 0 {
				at = 0
			}
		} else {
			for k := range count {
				if k != view {
					reads = append(reads, int64(first+k))
				}
			}
		}
		s = append(s, at)
	}
	var err error
	n := int64(2 * count)
	if in[arch.ViewsInput], err = runtime.NewInt64([]int64{n, int64(len(reads)) / n}, reads); err != nil {
		f.t.Fatal(err)
	}
	if in[arch.ViewStrengthInput], err = runtime.NewFloat32([]int64{n, 1, 1}, s); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { in[arch.ViewsInput].Close(); in[arch.ViewStrengthInput].Close() })
}

// UNets whose images read each other's keys and values compute what diffusers
// does with such an attention processor, in either form of attention.
func TestSharedViewsEqualDiffusers(t *testing.T) {
	for _, family := range []string{"sd1", "sd2", "sdxl"} {
		f, unet := viewsFixture(t, family)
		for _, mode := range []string{"first", "all"} {
			in := f.conditions(family + "." + mode)
			f.shareInputs(in, mode, 3, 0.8, 0.5)
			for _, size := range sizes(6, 8, 12) {
				m, err := unet.Shared(arch.ViewSharing{MaxTokens: 96}).Graph(size, false)
				f.same(f.run(m, err, in)["out_sample"], family+"."+mode+".unet")
				m.Proto = m.Plain()
				f.same(f.run(m, nil, in)["out_sample"], family+"."+mode+".unet")
			}
		}
	}
}

// At strength 0 every bit is as without sharing, and layers with more tokens
// than allowed don't share at any strength.
func TestSharedViewsAtStrengthZeroArePlain(t *testing.T) {
	for _, family := range []string{"sd1", "sd2", "sdxl"} {
		f, unet := viewsFixture(t, family)
		in := f.conditions(family + ".all")
		size := arch.Size{Batch: 6, Height: 8, Width: 12}
		m, err := unet.Graph(size, false)
		plain := f.run(m, err, in)["out_sample"].Float32()
		for _, c := range []struct {
			strength float32
			tokens   int
			same     bool
		}{{0, 0, true}, {1, 8 * 12, false}, {1, 5, true}} {
			f.shareInputs(in, "all", 3, c.strength, 1)
			m, err := unet.Shared(arch.ViewSharing{MaxTokens: c.tokens}).Graph(size, false)
			got := f.run(m, err, in)["out_sample"].Float32()
			if slices.Equal(got, plain) != c.same {
				t.Errorf("%s: strength %v up to %d tokens: equal to the plain network: %v", family, c.strength, c.tokens, !c.same)
			}
		}
	}
}

// The full-size graphs of Stable Diffusion 1.5 and XL for views have all weights
// of the plain ones. The layers up to 1024 tokens attend twice: 11 of 16 in the
// one and 60 of 70 in the other for images of 512 and 1024 pixels.
func TestFullSizeGraphsOfViews(t *testing.T) {
	for name, c := range map[string]struct {
		open func() (*checkpoint.Model, error)
		side int
		more int
	}{
		"sd15": {func() (*checkpoint.Model, error) { return checkpoint.OpenFolder(writeSD15(t)) }, 64, 11},
		"sdxl": {func() (*checkpoint.Model, error) { return checkpoint.Open(writeXL(t)) }, 128, 60},
	} {
		model, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		unet, err := arch.NewUNet(model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		size := arch.Size{Height: c.side, Width: c.side}
		plain, err := unet.Graph(size, true)
		if err != nil {
			t.Fatal(err)
		}
		views, err := unet.Shared(arch.ViewSharing{MaxTokens: 1024}).Graph(size, true)
		if err != nil {
			t.Fatal(err)
		}
		if views.Parameters != plain.Parameters || views.WeightBytes != plain.WeightBytes {
			t.Errorf("%s: %d parameters, plain %d", name, views.Parameters, plain.Parameters)
		}
		// Each has an attention, twice three operators that join tokens, and three that blend.
		if more := views.Nodes - plain.Nodes; more != 10*c.more {
			t.Errorf("%s: %d nodes more than plain, want 10 in each of %d layers", name, more, c.more)
		}
	}
}
