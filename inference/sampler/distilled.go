package sampler

import (
	"fmt"
	"math"
)

// distilled are the parts that LCM and TCD have in common: they visit some of
// the timesteps of the solver that the model was distilled from.
type distilled struct {
	timesteps []int
	bars      []float64 // ᾱ of each training timestep
	velocity  bool
	fresh     []float32
}

func newDistilled(c Config, o Options) (distilled, error) {
	original := c.OriginalSteps
	if original == 0 {
		original = 50
	}
	if o.Steps > original {
		return distilled{}, fmt.Errorf("%d sampling steps are more than the %d that the model was distilled for", o.Steps, original)
	}
	d := distilled{bars: c.alphasCumprod(), velocity: c.PredictionType == VPrediction}
	stride := c.TrainTimesteps / original
	for i := range o.Steps {
		at := int(math.Floor(float64(i) * (float64(original) / float64(o.Steps))))
		d.timesteps = append(d.timesteps, (original-at)*stride-1)
	}
	return d, nil
}

func (d *distilled) Steps() int             { return len(d.timesteps) }
func (d *distilled) Timestep(i int) float32 { return float32(d.timesteps[i]) }
func (d *distilled) InitScale() float32     { return 1 }

// parts are the part of the image and of the noise in latents at a timestep.
func (d *distilled) parts(timestep int) (alpha, sigma float64) {
	bar := d.bars[timestep]
	return math.Sqrt(bar), math.Sqrt(1 - bar)
}

func (d *distilled) AddNoise(x, noise []float32, i int) {
	alpha, sigma := d.parts(d.timesteps[i])
	blend(x, x, noise, alpha, sigma)
}

func (d *distilled) ScaleInput(dst, x []float32, _ int) { copy(dst, x) }

// estimate writes to dst the image that the UNet's output stands for.
func (d *distilled) estimate(dst, x, output []float32, i int) {
	alpha, sigma := d.parts(d.timesteps[i])
	if d.velocity {
		blend(dst, x, output, alpha, -sigma)
	} else {
		blend(dst, x, output, 1/alpha, -sigma/alpha)
	}
}
