package inference

import (
	"runtime"
	"testing"
)

// stepBytes bounds what a step may allocate in Go, whatever the image's size.
const stepBytes = 8 << 10

// Steps reuse their memory: only the bookkeeping of a run is allocated.
func TestStepsAllocateLittle(t *testing.T) {
	e := newEngine(t, Config{})
	for _, name := range []string{"dpmpp_2m", "euler", "ddim", "euler_a"} {
		r := small(t, "wide-dpm-karras")
		r.Sampler, r.Schedule, r.Controls = name, "", r.Controls[:1]
		r.Width, r.Height = 128, 128
		r.Controls[0].Image = drawing(128)
		r.Controls[0].Start, r.Controls[0].End = 0, 1
		allocated := func(steps int) int64 {
			r.Steps = steps
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			render(t, e, r, nil)
			runtime.ReadMemStats(&after)
			return int64(after.TotalAlloc - before.TotalAlloc)
		}
		allocated(2) // loads the models
		few, many := allocated(5), allocated(25)
		each := (many - few) / 20
		t.Logf("%s: %d bytes a step; latents take %d", name, each, 2*4*4*16*16)
		if each > stepBytes {
			t.Errorf("%s: a step allocates %d bytes, want at most %d", name, each, stepBytes)
		}
	}
}
