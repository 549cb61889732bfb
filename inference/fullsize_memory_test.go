//go:build fullsize && linux

package inference

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
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
