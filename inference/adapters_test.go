package inference

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
	"maquette/inference/lora"
	"maquette/inference/runtime"
)

// adapterCase is a render of testdata/make_adapter_fixtures.py.
type adapterCase struct {
	Name, Family    string
	Prompt, Sampler string
	Negative        *string
	Schedule        string
	ClipSkip        int     `json:"clip_skip"`
	GuidanceRescale float32 `json:"guidance_rescale"`
	LoRAs           []struct {
		File       string
		UNet, Text float32
	}
	Embeddings []string
}

// family writes a family's model as a single file.
func family(t testing.TB, name string) string {
	t.Helper()
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	m := all[name]
	path := filepath.Join(t.TempDir(), name+".safetensors")
	if err := models.Write(path, m.Fuse(m.Single), models.F32); err != nil {
		t.Fatal(err)
	}
	return path
}

func adapter(name string) string {
	return filepath.Join("testdata", "adapters", name+".safetensors")
}

// familyRequest is the plain render of testdata/make_family_fixtures.py.
func familyRequest(checkpoint string) Request {
	return Request{
		Checkpoint: checkpoint, Prompt: "a tall glass vase, studio lighting", NegativePrompt: "blurry, low quality",
		Width: 96, Height: 64, Steps: 6, Guidance: 4, Sampler: "ddim", Seed: 5, Count: 1,
	}
}

// Renders with LoRAs, textual inversions, prompt weights, several chunks, clip
// skip, schedules and guidance rescale equal diffusers' pipelines.
func TestAdaptersRenderAsDiffusers(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "adapters", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []adapterCase
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	e := newEngine(t, Config{})
	files := map[string]string{}
	for _, c := range cases {
		if files[c.Family] == "" {
			files[c.Family] = family(t, c.Family)
		}
		t.Run(c.Name, func(t *testing.T) {
			r := familyRequest(files[c.Family])
			r.ClipSkip, r.GuidanceRescale, r.Schedule = c.ClipSkip, c.GuidanceRescale, c.Schedule
			if c.Prompt != "" {
				r.Prompt = c.Prompt
			}
			if c.Negative != nil {
				r.NegativePrompt = *c.Negative
			}
			if c.Sampler != "" {
				r.Sampler = c.Sampler
			}
			for _, l := range c.LoRAs {
				r.LoRAs = append(r.LoRAs, LoRA{adapter(l.File), l.UNet, l.Text})
			}
			for _, name := range c.Embeddings {
				r.Embeddings = append(r.Embeddings, Embedding{Path: adapter(name)})
			}
			res := render(t, e, r, nil)
			most, mean := difference(t, res.Images[0], openPNG(t, filepath.Join("testdata", "adapters", c.Name+".png")))
			// The fixture says something only where it differs from the plain render.
			_, plain := difference(t, res.Images[0], openPNG(t, filepath.Join("testdata", "family-"+c.Family+".png")))
			t.Logf("greatest difference %d levels, mean %.4f; %.1f from the plain render", most, mean, plain)
			if most > 2 || plain < 1 {
				t.Errorf("differs by up to %d levels, want at most 2; by %.1f from the plain render, want more than 1", most, plain)
			}
		})
	}
}

// Another strength of a LoRA needs no new session; another LoRA needs one for
// each network that it changes.
func TestLoRAStrengthLoadsNothing(t *testing.T) {
	e := newEngine(t, Config{})
	r := familyRequest(family(t, "sd1"))
	sessions := func() map[string]*runtime.Session {
		all := map[string]*runtime.Session{}
		for key, s := range e.cache.loaded {
			if strings.HasPrefix(key, "unet") || strings.HasPrefix(key, "text") {
				all[key] = s.Session
			}
		}
		return all
	}
	plain := render(t, e, r, nil)
	few := len(sessions())
	r.LoRAs = []LoRA{{adapter("kohya"), 0.8, 0.8}, {adapter("locon"), 0.5, 0}}
	first := render(t, e, r, nil)
	before := sessions()
	if len(before) != few+2 { // UNet and text encoder
		t.Errorf("%d sessions, %d without LoRAs", len(before), few)
	}
	r.LoRAs = []LoRA{{adapter("locon"), -0.3, 0.2}, {adapter("kohya"), 0, 0.1}} // in another order
	other := render(t, e, r, nil)
	for key, s := range sessions() {
		if before[key] != s {
			t.Error("another strength made another session")
		}
	}
	if same(first.Images[0], other.Images[0]) || same(first.Images[0], plain.Images[0]) {
		t.Error("strengths don't change the image")
	}
	r.LoRAs = []LoRA{{adapter("kohya"), 0, 0}, {adapter("locon"), 0, 0}}
	if most, _ := difference(t, render(t, e, r, nil).Images[0], plain.Images[0]); most > 1 {
		t.Errorf("strength 0 changes the image by %d levels", most)
	}
	r.LoRAs = []LoRA{{adapter("locon"), 1, 1}} // changes the UNet only
	render(t, e, r, nil)
	if n := len(sessions()); n != len(before)+1 {
		t.Errorf("%d sessions after another LoRA, %d before", n, len(before))
	}
	for _, path := range []string{adapter("kohya"), adapter("locon")} {
		if want, err := checkpoint.HashWeights(context.Background(), path); err != nil || first.Hashes[path] != want {
			t.Errorf("hash of %s is %q, %v", path, first.Hashes[path], err)
		}
	}
}

func TestAdaptersThatDontFitAreNamed(t *testing.T) {
	e := newEngine(t, Config{})
	r := familyRequest(family(t, "sd1"))
	var unfit *lora.FitError
	for name, c := range map[string]struct {
		change func(*Request)
		is     func(error) bool
	}{
		"LoRA of another family": {func(r *Request) { r.LoRAs = []LoRA{{adapter("sd2"), 1, 1}} }, func(err error) bool {
			return errors.As(err, &unfit) && strings.HasSuffix(unfit.Path, "sd2.safetensors")
		}},
		"LoRA that is gone": {func(r *Request) { r.LoRAs = []LoRA{{adapter("gone"), 1, 1}} }, func(err error) bool {
			return errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "gone.safetensors")
		}},
		"LoRA that is none": {func(r *Request) { r.LoRAs = []LoRA{{adapter("style-a"), 1, 1}} }, func(err error) bool { return strings.Contains(err.Error(), "style-a.safetensors") }},
		"inversion of another family": {func(r *Request) { r.Embeddings = []Embedding{{Path: adapter("style-xl")}} }, func(err error) bool {
			return errors.As(err, &unfit) && strings.HasSuffix(unfit.Path, "style-xl.safetensors")
		}},
		"inversion that is gone": {func(r *Request) { r.Embeddings = []Embedding{{Path: adapter("gone")}} }, func(err error) bool {
			return errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "gone.safetensors")
		}},
		"clip skip of all layers": {func(r *Request) { r.ClipSkip = 3 }, func(err error) bool {
			return strings.Contains(err.Error(), "ClipSkip") && strings.Contains(err.Error(), "2 layers")
		}},
	} {
		bad := r
		c.change(&bad)
		if _, err := e.Render(context.Background(), bad, nil); err == nil || !c.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Tensors that change nothing of the checkpoint are told.
	var notes []string
	module := func(name string) []models.Tensor {
		return []models.Tensor{{Name: name + ".lora_up.weight", Shape: []int64{128, 1}, Values: make([]float32, 128)},
			{Name: name + ".lora_down.weight", Shape: []int64{1, 64}, Values: make([]float32, 64)}}
	}
	path := filepath.Join(t.TempDir(), "more.safetensors")
	list := append(module("lora_te_text_model_encoder_layers_0_mlp_fc1"), module("lora_unet_of_another_kind")...)
	if err := models.Write(path, list, models.F32); err != nil {
		t.Fatal(err)
	}
	r.LoRAs = []LoRA{{path, 1, 1}}
	render(t, e, r, func(p Progress) { notes = append(notes, p.Note) })
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "lora_unet_of_another_kind") }) {
		t.Errorf("notes %q", notes)
	}
}
