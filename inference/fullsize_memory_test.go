//go:build fullsize && linux

package inference

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maquette/inference/checkpoint"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// peakMemory is the most resident memory since the last call, in bytes, mapped
// files included.
func peakMemory(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(text)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// A full-size render takes at its peak little more memory than its weights do in
// float32, and half of that in fast.
func TestFullSizePeakMemory(t *testing.T) {
	dir := fullSizeDir(t)
	// Text encoder, UNet, ControlNet and the VAE's decoder.
	const parameters = 123060480 + 859520964 + 361279120 + 49490199
	for _, c := range []struct {
		precision Precision
		most      float64
	}{{PrecisionFP32, 1.3}, {PrecisionFast, 0.5}} {
		r := Request{
			Checkpoint: filepath.Join(dir, "sd1.safetensors"), Prompt: "a tall red ceramic vase", Width: 512, Height: 512, Steps: 2, Guidance: 7.5,
			Sampler: "dpmpp_2m", Schedule: "karras", Seed: 1, Count: 1, Precision: c.precision,
			Controls: []Control{{ControlNet: filepath.Join(dir, "sd1-controlnet.safetensors"), Image: drawing(512), Weight: 1, End: 1}},
		}
		e := newEngine(t, Config{})
		worst, stage := 0.0, StageLoad
		peakMemory(t)
		note := func() {
			part := float64(peakMemory(t)) / (4 * parameters)
			worst = max(worst, part)
			t.Logf("%s, %s: %.2f of the weights", c.precision, stage, part)
		}
		render(t, e, r, func(p Progress) {
			if p.Stage != stage {
				note()
				stage = p.Stage
			}
		})
		note()
		if worst > c.most {
			t.Errorf("%s takes %.2f times its weights in float32, want %v", c.precision, worst, c.most)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A picture of 2048² pixels is decoded in the memory that the VAE may take.
func TestFullSizeDecodesLargePictures(t *testing.T) {
	const side, budget = 2048, 2 << 30
	e := newEngine(t, Config{VAEBytes: budget})
	r := e.newRun(Request{Checkpoint: filepath.Join(fullSizeDir(t), "sd1.safetensors"), Prompt: "x", Width: side, Height: side,
		Steps: 1, Guidance: 1, Sampler: "ddim", Count: 1}, nil, &Result{})
	m, err := checkpoint.Open(r.req.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	r.net, r.meter = &networks{}, newMeter(nil, 1, 1, false)
	parts, err := r.net.vaeParts(m, r.req)
	if err != nil {
		t.Fatal(err)
	}
	r.net.decoding = parts[0]
	latents := make([]float32, 4*r.w*r.h)
	sampler.NewGenerator(1).Normal(latents)
	peakMemory(t)
	before := peakMemory(t)
	if err := r.loadDecoder(context.Background()); err != nil {
		t.Fatal(err)
	}
	loaded := peakMemory(t)
	tiles, peak := 0, loaded-before
	exec := e.exec
	e.exec = func(ctx context.Context, s *runtime.Session, in inputs) (inputs, error) {
		out, err := exec(ctx, s, in)
		tiles++
		now := peakMemory(t) - before
		peak = max(peak, now)
		t.Logf("tile %d: %d MB", tiles, now>>20)
		return out, err
	}
	began := time.Now()
	img, err := r.decodeOne(context.Background(), r.net.decoder, r.net.scale, r.net.decodeTile, latents)
	if err != nil {
		t.Fatal(err)
	}
	peak = max(peak, peakMemory(t)-before)
	t.Logf("%d tiles of %d² pixels, %.0f s; peak %d MB, of them %d when it was loaded", tiles, 8*r.net.decodeTile, time.Since(began).Seconds(), peak>>20, (loaded-before)>>20)
	// Beside the VAE's work there are its weights and the picture, as floats too.
	if most := budget + 2*r.net.decoder.MemoryBytes() + side*side*(3*4*2+4); peak > most {
		t.Errorf("%d bytes at the peak, want at most %d", peak, most)
	}
	if img.Rect.Dx() != side || tiles < 4 {
		t.Errorf("a picture of %v in %d tiles", img.Rect, tiles)
	}
}
