//go:build fullsize

package inference

import (
	"encoding/json"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"maquette/inference/sampler"
)

// fullSizeDir is the folder that testdata/make_fullsize.py filled.
func fullSizeDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MAQUETTE_FULLSIZE")
	if dir == "" {
		t.Fatal("MAQUETTE_FULLSIZE must name the folder that testdata/make_fullsize.py filled; make test-full does all of it")
	}
	return dir
}

// fullSizeRequest reads the request of a family; ok is false where its
// reference isn't there.
func fullSizeRequest(t *testing.T, dir, family string) (r Request, want image.Image, ok bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, family+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Width, Height, Steps      int
		Guidance                  float32
		Seed                      int64
		Sampler, Prompt, Negative string
		Karras                    bool
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	r = Request{Checkpoint: filepath.Join(dir, family+".safetensors"), Prompt: c.Prompt, NegativePrompt: c.Negative,
		Width: c.Width, Height: c.Height, Steps: c.Steps, Guidance: c.Guidance, Sampler: c.Sampler, Seed: c.Seed, Count: 1}
	if c.Karras {
		r.Schedule = sampler.Karras
	}
	net := filepath.Join(dir, family+"-controlnet.safetensors")
	if _, err := os.Stat(net); err == nil {
		r.Controls = []Control{{ControlNet: net, Image: openPNG(t, filepath.Join(dir, family+"-control.png")), Weight: 1, End: 1}}
	}
	return r, openPNG(t, filepath.Join(dir, family+".png")), true
}

// Full-size random checkpoints, as single files in fp16, give the images that
// diffusers computes from the same weights in float32.
func TestFullSizeRendersAsDiffusers(t *testing.T) {
	dir := fullSizeDir(t)
	tested := 0
	for _, family := range []string{"sd1", "sd2", "sdxl"} {
		r, want, ok := fullSizeRequest(t, dir, family)
		if !ok {
			t.Logf("%s: no reference in %s", family, dir)
			continue
		}
		tested++
		e := newEngine(t, Config{})
		res := render(t, e, r, func(p Progress) {
			if p.Note != "" {
				t.Logf("%s: %s", family, p.Note)
			}
		})
		most, mean := difference(t, res.Images[0], want)
		t.Logf("%s: load %.1f s, text %.1f s, %d steps %.1f s, decode %.1f s; greatest difference %d levels, mean %.4f", family, res.Load.Seconds(), res.Encode.Seconds(),
			r.Steps, res.Denoise.Seconds(), res.Decode.Seconds(), most, mean)
		if most > 2 {
			t.Errorf("%s differs by up to %d levels, want at most 2", family, most)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if tested == 0 {
		t.Fatalf("%s has no references", dir)
	}
}
