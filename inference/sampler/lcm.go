package sampler

import "math"

// lcm is the multistep sampler of latent consistency models: Luo et al. 2023,
// "Latent Consistency Models" (arXiv 2310.04378), algorithm 3. It noises the
// image that each step finds again.
type lcm struct {
	distilled
	scaling  float64
	clip     float32 // bound of the image found; 0 means none
	denoised []float32
}

func newLCM(c Config, o Options) (Sampler, error) {
	d, err := newDistilled(c, o)
	if err != nil {
		return nil, err
	}
	l := &lcm{distilled: d, scaling: c.TimestepScaling}
	if l.scaling == 0 {
		l.scaling = 10
	}
	if or(c.ClipSample, false) {
		l.clip = float32(c.ClipSampleRange)
	}
	return l, nil
}

func (l *lcm) Denoised(dst, x, output []float32, i int) {
	// The boundary condition of consistency models: at timestep 0 the latents
	// are the image. The standard deviation of images counts as 0.5.
	const variance = 0.25
	t := float64(l.timesteps[i]) * l.scaling
	skip, out := float32(variance/(t*t+variance)), float32(t/math.Hypot(t, 0.5))
	l.denoised = resize(l.denoised, len(x))
	l.estimate(l.denoised, x, output, i)
	for j, v := range l.denoised {
		if l.clip > 0 {
			v = min(max(v, -l.clip), l.clip)
		}
		dst[j] = out*v + skip*x[j]
	}
}

func (l *lcm) Step(x, output []float32, i int, noise func([]float32)) {
	l.Denoised(x, x, output, i)
	if i == l.Steps()-1 {
		return
	}
	l.fresh = resize(l.fresh, len(x))
	noise(l.fresh)
	l.AddNoise(x, l.fresh, i+1)
}
