package sampler

import "math"

// tcdNoise is γ, the share of each step that is made of fresh noise; diffusers' default.
const tcdNoise = 0.3

// tcd is strategic stochastic sampling for models of trajectory consistency
// distillation: Zheng et al. 2024, "Trajectory Consistency Distillation" (arXiv
// 2402.19159), algorithm 4. Each step goes beyond its end and is noised back to it.
type tcd struct {
	distilled
	found []float32
}

func newTCD(c Config, o Options) (Sampler, error) {
	d, err := newDistilled(c, o)
	if err != nil {
		return nil, err
	}
	return &tcd{distilled: d}, nil
}

func (t *tcd) Denoised(dst, x, output []float32, i int) { t.estimate(dst, x, output, i) }

func (t *tcd) Step(x, output []float32, i int, noise func([]float32)) {
	next := 0
	if i+1 < t.Steps() {
		next = t.timesteps[i+1]
	}
	beyond := int((1 - tcdNoise) * float64(next))
	alpha, sigma := t.parts(t.timesteps[i])
	toAlpha, toSigma := t.parts(beyond)

	t.found = resize(t.found, len(x))
	t.estimate(t.found, x, output, i)
	if t.velocity {
		blend(x, x, output, sigma, alpha) // the noise in x
	} else {
		copy(x, output)
	}
	blend(x, t.found, x, toAlpha, toSigma)
	if i == t.Steps()-1 {
		return
	}
	t.fresh = resize(t.fresh, len(x))
	noise(t.fresh)
	ratio := t.bars[next] / t.bars[beyond]
	blend(x, x, t.fresh, math.Sqrt(ratio), math.Sqrt(1-ratio))
}
