package sampler

import "math"

// ddim is the deterministic sampler (η = 0) of Song et al. 2020, "Denoising
// Diffusion Implicit Models" (arXiv 2010.02502), equation 12.
type ddim struct {
	timesteps     []int
	before, after []float64 // ᾱ before and after each step
	velocity      bool
	clip          float32 // bound of the denoised latents; 0 means none
	denoised      []float32
}

func newDDIM(c Config, o Options) *ddim {
	bars := c.alphasCumprod()
	d := &ddim{velocity: c.PredictionType == VPrediction}
	if or(c.ClipSample, true) {
		d.clip = float32(c.ClipSampleRange)
	}
	final := bars[0]
	if or(c.AlphaToOne, true) {
		final = 1
	}
	for _, t := range c.spacedTimesteps(o.spacing(c, Leading), o.Steps, o.Steps) {
		at := int(math.RoundToEven(t))
		next := final
		// One stride on, whatever the spacing made of the next timestep.
		if to := at - c.TrainTimesteps/o.Steps; to >= 0 {
			next = bars[to]
		}
		d.timesteps = append(d.timesteps, at)
		d.before = append(d.before, bars[at])
		d.after = append(d.after, next)
	}
	return d
}

func (d *ddim) Steps() int             { return len(d.timesteps) }
func (d *ddim) Timestep(i int) float32 { return float32(d.timesteps[i]) }
func (d *ddim) InitScale() float32     { return 1 }

func (d *ddim) AddNoise(x, noise []float32, i int) {
	blend(x, x, noise, math.Sqrt(d.before[i]), math.Sqrt(1-d.before[i]))
}

func (d *ddim) ScaleInput(dst, x []float32, _ int) { copy(dst, x) }

func (d *ddim) Denoised(dst, x, output []float32, i int) {
	a, b := math.Sqrt(d.before[i]), math.Sqrt(1-d.before[i])
	if d.velocity {
		blend(dst, x, output, a, -b)
	} else {
		blend(dst, x, output, 1/a, -b/a)
	}
	if d.clip > 0 {
		for j, v := range dst {
			dst[j] = min(max(v, -d.clip), d.clip)
		}
	}
}

func (d *ddim) Step(x, output []float32, i int, _ func([]float32)) {
	d.denoised = resize(d.denoised, len(x))
	d.Denoised(d.denoised, x, output, i)
	a, b := float32(math.Sqrt(d.before[i])), float32(math.Sqrt(1-d.before[i]))
	na, nb := float32(math.Sqrt(d.after[i])), float32(math.Sqrt(1-d.after[i]))
	for j, out := range output {
		epsilon := out
		if d.velocity {
			epsilon = a*out + b*x[j]
		}
		x[j] = na*d.denoised[j] + nb*epsilon
	}
}

// resize returns a slice of length n, which is s where s is long enough.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
