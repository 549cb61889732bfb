package inference

import (
	"context"
	"encoding/json"
	"image"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
)

// wholeRun is a render of testdata/runs.json, whose latents are in runs.safetensors.
type wholeRun struct {
	Name, Family, Sampler, Schedule, Noise string
	ClipSkip                               int `json:"clip_skip"`
	Rescale                                float32
	// Config overrides what the checkpoint says about its noise.
	Config map[string]any
}

// Whole runs with every sampler, and with what changes schedules, noise, the text
// and guidance, give diffusers' latents.
func TestRunsEqualDiffusersInLatents(t *testing.T) {
	var runs struct {
		Width, Height, Steps int
		Seed                 int64
		Guidance             float32
		Prompt, Negative     string
		Cases                []wholeRun
	}
	data, err := os.ReadFile("testdata/runs.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &runs); err != nil {
		t.Fatal(err)
	}
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	all["sdxl-deep"] = deeper(t, all["sdxl"])
	want, err := checkpoint.OpenSafetensors("testdata/runs.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{})
	folders := map[string]string{}
	for _, c := range runs.Cases {
		folder, written := folders[c.Family]
		if !written {
			folder = filepath.Join(t.TempDir(), c.Family)
			folders[c.Family] = folder
			if err := all[c.Family].WriteFolder(folder, "", 1, models.F32); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(c.Name, func(t *testing.T) {
			configure(t, folder, all[c.Family].Scheduler, c.Config)
			got := latents(t, e, Request{
				Checkpoint: folder, Prompt: runs.Prompt, NegativePrompt: runs.Negative, Width: runs.Width, Height: runs.Height, Steps: runs.Steps,
				Guidance: runs.Guidance, GuidanceRescale: c.Rescale, Sampler: c.Sampler, Schedule: c.Schedule, Noise: c.Noise, ClipSkip: c.ClipSkip,
				Seed: runs.Seed, Count: 1,
			})
			wanted := stored(t, want, c.Name)
			if len(got) != len(wanted) {
				t.Fatalf("%d latents, want %d", len(got), len(wanted))
			}
			worst := 0.0
			for i, v := range wanted {
				worst = max(worst, math.Abs(float64(got[i]-v)))
			}
			t.Logf("greatest difference %.1e", worst)
			if !(worst <= 1e-3) {
				t.Errorf("the latents differ by up to %.1e, want at most 1e-3", worst)
			}
		})
	}
}

// deeper is a model whose text encoders have a third layer, so that one can be left out.
func deeper(t *testing.T, m *models.Model) *models.Model {
	t.Helper()
	deep := &models.Model{Components: maps.Clone(m.Components), Scheduler: m.Scheduler}
	for _, part := range []string{"text_encoder", "text_encoder_2"} {
		c := &models.Component{Seed: m.Components[part].Seed, Params: slices.Clone(m.Components[part].Params)}
		for _, p := range m.Components[part].Params {
			if strings.Contains(p.Name, "encoder.layers.1.") {
				p.Name = strings.Replace(p.Name, "layers.1.", "layers.2.", 1)
				c.Params = append(c.Params, p)
			}
		}
		// They are drawn in the order of their names.
		slices.SortFunc(c.Params, func(p, q models.Param) int { return strings.Compare(p.Name, q.Name) })
		config := map[string]any{}
		if err := json.Unmarshal(m.Components[part].Config, &config); err != nil {
			t.Fatal(err)
		}
		config["num_hidden_layers"] = 3
		var err error
		if c.Config, err = json.Marshal(config); err != nil {
			t.Fatal(err)
		}
		deep.Components[part] = c
	}
	return deep
}

// configure writes a folder's scheduler config with changes.
func configure(t *testing.T, folder string, scheduler json.RawMessage, changes map[string]any) {
	t.Helper()
	config := map[string]any{}
	if err := json.Unmarshal(scheduler, &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, changes)
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "scheduler", "scheduler_config.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// stored are the values of a float32 tensor.
func stored(t *testing.T, f *checkpoint.File, name string) []float32 {
	t.Helper()
	tensor, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("%s has no %s", f.Path, name)
	}
	data, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, tensor.Bytes/4)
	if err := checkpoint.Floats(values, data[tensor.Offset:][:tensor.Bytes], tensor.DType); err != nil {
		t.Fatal(err)
	}
	return values
}

// latents renders up to the point where images would be decoded.
func latents(t *testing.T, e *Engine, req Request) []float32 {
	t.Helper()
	if err := req.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := e.take(ctx); err != nil {
		t.Fatal(err)
	}
	defer e.release()
	defer e.cache.unpin()
	r := e.newRun(req, func(Progress) {}, &Result{Images: make([]*image.RGBA, req.Count)})
	var err error
	if r.net, err = r.load(ctx); err != nil {
		t.Fatal(err)
	}
	j, err := r.prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	x, err := r.denoise(ctx, j, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(x)
}
