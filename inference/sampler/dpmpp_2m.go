package sampler

import "math"

// dpmpp2M is the second order multistep solver DPM-Solver++(2M) of Lu et al.
// 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion
// Probabilistic Models" (arXiv 2211.01095), algorithm 2, in its midpoint form.
// It works on latents whose image and noise keep variance 1 together.
type dpmpp2M struct {
	sigmaSteps
	lowerOrderFinal bool
	last            []float32 // denoised latents of the step before, empty in the first one
	denoised        []float32
}

func newDPMPP2M(c Config, steps int, useKarras bool) *dpmpp2M {
	training := c.trainingSigmas()
	d := &dpmpp2M{
		sigmaSteps: sigmaSteps{velocity: c.PredictionType == VPrediction},
		// Few steps are too long for the second order at the end, and no noise has no logarithm.
		lowerOrderFinal: steps < 15 || c.FinalSigmas != "sigma_min",
	}
	if useKarras {
		d.sigmas = karras(training[len(training)-1], training[0], steps)
		for _, sigma := range d.sigmas {
			t := timestepOf(training, sigma)
			if c.BetaSchedule != SquaredCos {
				t = math.RoundToEven(t)
			}
			d.timesteps = append(d.timesteps, float32(int(t)))
		}
	} else {
		for _, t := range c.spacedTimesteps(c.spacing(Linspace), steps, steps+1) {
			t = math.RoundToEven(t)
			d.timesteps = append(d.timesteps, float32(t))
			d.sigmas = append(d.sigmas, interpolate(training, t))
		}
	}
	d.sigmas = append(d.sigmas, finalSigma(c, training))
	return d
}

func (d *dpmpp2M) InitScale() float32 { return 1 }

// alphaSigma is the part of the image and of the noise in the latents before step i.
func (d *dpmpp2M) alphaSigma(i int) (alpha, sigma float64) {
	alpha = 1 / hypot1(d.sigmas[i])
	return alpha, d.sigmas[i] * alpha
}

func (d *dpmpp2M) AddNoise(x, noise []float32, i int) {
	alpha, sigma := d.alphaSigma(i)
	blend(x, x, noise, alpha, sigma)
}

func (d *dpmpp2M) ScaleInput(dst, x []float32, _ int) { copy(dst, x) }

func (d *dpmpp2M) Denoised(dst, x, output []float32, i int) {
	alpha, sigma := d.alphaSigma(i)
	if d.velocity {
		blend(dst, x, output, alpha, -sigma)
	} else {
		blend(dst, x, output, 1/alpha, -sigma/alpha)
	}
}

func (d *dpmpp2M) Step(x, output []float32, i int, _ func([]float32)) {
	d.denoised = resize(d.denoised, len(x))
	d.Denoised(d.denoised, x, output, i)
	alpha, sigma := d.alphaSigma(i + 1)
	_, before := d.alphaSigma(i)

	// With λ = log(alpha/sigma) = -log of the ratio that d.sigmas holds,
	// exp(-h) is the ratio of the two noise levels.
	shrink := d.sigmas[i+1] / d.sigmas[i]
	gain := alpha * (1 - shrink)
	if i == 0 || len(d.last) == 0 || d.lowerOrderFinal && i == d.Steps()-1 {
		blend(x, x, d.denoised, sigma/before, gain)
	} else {
		h := math.Log(d.sigmas[i] / d.sigmas[i+1])
		h0 := math.Log(d.sigmas[i-1] / d.sigmas[i])
		// D0 + D1/2 with D1 = (m0 - m1)/r0 and r0 = h0/h
		w := h / h0 / 2
		s, g0, g1 := float32(sigma/before), float32(gain*(1+w)), float32(-gain*w)
		for j, v := range x {
			x[j] = s*v + g0*d.denoised[j] + g1*d.last[j]
		}
	}
	d.last, d.denoised = d.denoised, d.last
}
