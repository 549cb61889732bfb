package inference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maquette/inference/runtime"
)

// inputs are a network's inputs by name.
type inputs = map[string]*runtime.Tensor

// failing makes an engine whose networks fail on a provider, as far as fail says.
func failing(t *testing.T, fail func(network string, in inputs) error) *Engine {
	e := newEngine(t, Config{})
	e.exec = func(ctx context.Context, s *runtime.Session, in inputs) (inputs, error) {
		if err := fail(s.Name(), in); err != nil {
			return nil, &providerError{"WebGPU", s.Name(), err}
		}
		return runSession(ctx, s, in)
	}
	return e
}

// notes renders and gives the notes.
func notes(t *testing.T, e *Engine, r Request) (*Result, []string) {
	t.Helper()
	var list []string
	res := render(t, e, r, func(p Progress) {
		if p.Note != "" {
			list = append(list, p.Note)
		}
	})
	return res, list
}

func TestOutOfMemoryMakesBatchesSmaller(t *testing.T) {
	r := small(t, "narrow-dpm-karras")
	r.Count = 4
	want := render(t, newEngine(t, Config{}), r, nil)
	var batches []int64
	e := failing(t, func(network string, in inputs) error {
		if network != "UNet" {
			return nil
		}
		n := in["sample"].Shape()[0]
		if n > 2 { // with guidance, so one image
			return errors.New("Failed to allocate memory for requested buffer of size 1")
		}
		batches = append(batches, n)
		return nil
	})
	e.maxBatch = 4
	res, told := notes(t, e, r)
	if len(told) != 2 || !strings.Contains(told[0], "with 4 images") || !strings.Contains(told[1], "1 at a time") {
		t.Errorf("notes %q", told)
	}
	if !slices.Equal(batches, slices.Repeat([]int64{2}, 12)) {
		t.Errorf("batches %v; want 4 images of 3 steps", batches)
	}
	for i := range want.Images {
		if most, _ := difference(t, res.Images[i], want.Images[i]); most > 1 {
			t.Errorf("image %d differs by %d levels", i, most)
		}
	}
	if len(e.failed)+len(e.strikes) != 0 {
		t.Errorf("the provider is held to have failed: %v, %v", e.failed, e.strikes)
	}
}

func TestOutOfMemoryInTheVAEMakesTiles(t *testing.T) {
	r := small(t, "narrow-plain")
	r.Width, r.Height, r.Controls = 288, 288, nil
	steps := 0
	e := failing(t, func(network string, in inputs) error {
		switch network {
		case "UNet":
			steps++
		case "VAE decoder":
			if s := in["latents"].Shape(); s[2] > 32 {
				return errors.New("CUDA error: out of memory")
			}
		}
		return nil
	})
	res, told := notes(t, e, r)
	if len(told) != 2 || !strings.Contains(told[0], "VAE decoder") || !strings.Contains(told[0], "tiles of 256 pixels") {
		t.Errorf("notes %q", told)
	}
	if steps != r.Steps {
		t.Errorf("%d steps; what was denoised must not be denoised again", steps)
	}
	if most, mean := difference(t, res.Images[0], render(t, newEngine(t, Config{}), r, nil).Images[0]); mean > 8 {
		t.Errorf("tiled it differs by up to %d levels, %.1f in the mean", most, mean)
	}
}

func TestOutOfMemoryGoesOnWithTheCPU(t *testing.T) {
	r := small(t, "narrow-dpm-karras")
	r.Count = 2
	broken, failures := true, 0
	e := failing(t, func(network string, _ inputs) error {
		if network == "UNet" && broken {
			failures++
			return fmt.Errorf("VK_ERROR_OUT_OF_DEVICE_MEMORY")
		}
		return nil
	})
	e.maxBatch = 2
	var told []string
	res := render(t, e, r, func(p Progress) {
		if p.Note != "" {
			told = append(told, p.Note)
		}
		if strings.Contains(p.Note, "the CPU goes on") {
			broken = false
		}
	})
	if failures != 2 || len(told) != 2 || !strings.Contains(told[1], "ran out of memory in the UNet, so the CPU goes on") {
		t.Errorf("%d failures, notes %q", failures, told)
	}
	if res.Images[1] == nil {
		t.Error("an image is missing")
	}
}

func TestOutOfMemoryIsRecognised(t *testing.T) {
	for text, want := range map[string]bool{
		"CUDA failure 2: out of memory ; GPU=0": true, "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 123": true,
		"D3D12 0x8007000E": true, "std::bad_alloc": true, "device lost": false, "invalid shader": false,
	} {
		if got := outOfMemory(errors.New(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// The hint block runs once a render, a control only in its steps, and one UNet
// serves steps with and without control.
func TestNetworksRunNoMoreThanNeeded(t *testing.T) {
	runs := map[string]int{}
	e := failing(t, func(network string, _ inputs) error {
		runs[network]++
		return nil
	})
	r := small(t, "wide-ddim")
	r.Controls = r.Controls[:1]
	r.Steps, r.Count = 10, 2
	r.Controls[0].Start, r.Controls[0].End = 0.2, 0.6
	render(t, e, r, nil)
	if runs["ControlNet's hint block"] != 1 || runs["ControlNet"] != 2*4 || runs["UNet"] != 2*10 {
		t.Errorf("runs %v; want 1 of the hint block, 8 of the ControlNet, 20 of the UNet", runs)
	}
	held := e.cache.bytes
	r.Controls = nil
	render(t, e, r, nil)
	unets := 0
	for _, s := range e.cache.loaded {
		if s.Name() == "UNet" {
			unets++
		}
	}
	if unets != 1 || e.cache.bytes != held {
		t.Errorf("%d UNets are loaded, %d bytes in place of %d", unets, e.cache.bytes, held)
	}
}
