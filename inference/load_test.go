package inference

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// counted makes an engine that counts the runs of its networks.
func counted(t *testing.T, cfg Config) (*Engine, map[string]int) {
	runs := map[string]int{}
	e := newEngine(t, cfg)
	exec := e.exec
	e.exec = func(ctx context.Context, s *runtime.Session, in inputs) (inputs, error) {
		runs[s.Name()]++
		return exec(ctx, s, in)
	}
	return e, runs
}

// Prompts are encoded once, and again where the text, the encoder or what changes
// it is another one.
func TestPromptsAreEncodedOnce(t *testing.T) {
	e, runs := counted(t, Config{})
	r := small(t, "wide-ddim")
	r.Steps, r.Controls = 1, nil
	first := render(t, e, r, nil)
	for i, change := range []struct {
		do    func()
		again int
	}{
		{func() {}, 0}, {func() { r.Seed++ }, 0}, {func() { r.Seed-- }, 0}, {func() { r.Prompt += " red" }, 1}, {func() { r.NegativePrompt = "blue" }, 1},
		{func() { r.Emphasis = "comfy" }, 1},
	} {
		change.do()
		before := runs["text encoder"]
		res := render(t, e, r, nil)
		if got := runs["text encoder"] - before; got != change.again {
			t.Errorf("change %d: the text encoder ran %d times, want %d", i, got, change.again)
		}
		if i == 0 && !same(first.Images[0], res.Images[0]) {
			t.Error("known prompts give another image")
		}
	}
}

// A render of known prompts doesn't load the text encoder, and the decoder comes
// when the steps are done.
func TestNetworksAreLoadedWhenTheyAreNeeded(t *testing.T) {
	e, _ := counted(t, Config{})
	loaded := func(name string) bool {
		return slices.ContainsFunc(e.cache.keys(), func(k string) bool { return e.cache.loaded[k].Name() == name })
	}
	r := plainRequest(sd1(t))
	steps := 0
	render(t, e, r, func(p Progress) {
		if p.Stage == StageDenoise && p.Step < p.Steps {
			if steps++; loaded("VAE decoder") {
				t.Errorf("the decoder is loaded at step %d", p.Step)
			}
		}
	})
	if steps == 0 || !loaded("VAE decoder") || !loaded("text encoder") {
		t.Fatalf("%d steps; loaded are %q", steps, e.cache.keys())
	}
	if err := e.cache.clear(); err != nil {
		t.Fatal(err)
	}
	render(t, e, r, nil)
	if loaded("text encoder") || !loaded("UNet") {
		t.Errorf("loaded are %q", e.cache.keys())
	}
}

// What is wrong with a decoder is told before the first step.
func TestBrokenDecoderIsToldAtOnce(t *testing.T) {
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := all["sd1"].WriteFolder(dir, "", 1, models.F32); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "vae", "config.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"layers_per_block":1`, `"layers_per_block":3`, 1)
	if changed == string(text) {
		t.Fatalf("the config has other layers: %s", text)
	}
	if err := os.WriteFile(config, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	e, runs := counted(t, Config{})
	_, err = e.Render(context.Background(), plainRequest(dir), nil)
	if err == nil || !strings.Contains(err.Error(), "decoder.") {
		t.Errorf("got %v", err)
	}
	if len(runs) > 0 {
		t.Errorf("ran %v", runs)
	}
}

// Models are hashed after the first step, which doesn't wait for it, and with what
// the program remembers.
func TestHashingWaitsForTheFirstStep(t *testing.T) {
	var step, early atomic.Int32
	e := newEngine(t, Config{Hash: func(_ context.Context, path string, _ func(done, total int64)) (string, error) {
		if step.Load() == 0 {
			early.Add(1)
		}
		return "hash of " + filepath.Base(path), nil
	}})
	r := small(t, "wide-ddim")
	res := render(t, e, r, func(p Progress) { step.Store(int32(p.Step)) })
	if early.Load() > 0 {
		t.Errorf("%d models were hashed before the first step", early.Load())
	}
	if got := res.Hashes[r.Checkpoint]; got != "hash of "+filepath.Base(r.Checkpoint) || len(res.Hashes) != 2 {
		t.Errorf("hashes %v", res.Hashes)
	}
}

// The memory that a VAE takes is that of a tile, whatever the picture's size.
func TestDecodingMemoryDoesntGrowWithThePicture(t *testing.T) {
	var largest []int64
	e := newEngine(t, Config{VAEBytes: 1})
	exec := e.exec
	e.exec = func(ctx context.Context, s *runtime.Session, in inputs) (inputs, error) {
		out, err := exec(ctx, s, in)
		if s.Name() == "VAE decoder" {
			// The graph has one size only, so its feature maps have.
			for _, io := range append(s.Inputs(), s.Outputs()...) {
				n := int64(1)
				for _, d := range io.Shape {
					n *= max(d, 1) // a batch is of any size, and one here
				}
				largest[len(largest)-1] = max(largest[len(largest)-1], n)
			}
		}
		return out, err
	}
	r := plainRequest(sd1(t))
	r.Steps = 1
	for _, side := range []int{264, 440} {
		r.Width, r.Height = side, side
		largest = append(largest, 0)
		render(t, e, r, nil)
	}
	if want := int64(3 * 8 * minTile * 8 * minTile); !slices.Equal(largest, []int64{want, want}) {
		t.Errorf("the decoder's largest tensors have %v values, want %d each", largest, want)
	}
}

// Large networks are freed when the render is done with them, and are loaded again
// for what needs them.
func TestLargeNetworksAreFreed(t *testing.T) {
	e, runs := counted(t, Config{Int8Dir: t.TempDir()})
	e.large = 1
	r := small(t, "narrow-dpm-karras")
	r.Steps, r.Count = 2, 2
	for _, precision := range []Precision{PrecisionFP32, PrecisionFast} {
		r.Precision = precision
		e.large = 1 << 40
		want := render(t, e, r, nil)
		if err := e.cache.clear(); err != nil {
			t.Fatal(err)
		}
		e.large, e.texts = 1, textCache{}
		for range 2 {
			before := runs["ControlNet"]
			got := render(t, e, r, nil)
			if !same(got.Images[0], want.Images[0]) || !same(got.Images[1], want.Images[1]) || runs["ControlNet"] != before+4 {
				t.Errorf("%s: other images after %d runs of the ControlNet", precision, runs["ControlNet"]-before)
			}
			held := map[string]bool{}
			for _, key := range e.cache.keys() {
				held[e.cache.loaded[key].Name()] = true
			}
			if held["text encoder"] || !held["UNet"] || held["ControlNet"] == (precision == PrecisionFast) {
				t.Errorf("%s: held are %v", precision, held)
			}
		}
	}
}
