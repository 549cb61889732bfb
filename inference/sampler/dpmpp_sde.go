package sampler

import "math"

// dpmppSDE is the second order single step solver for the diffusion SDE of Lu
// et al. 2022 (arXiv 2211.01095) with its inner point half way in log sigma, as
// "DPM++ SDE" of the k-diffusion project. Each step but the last asks the model twice.
//
// The noise of a whole step contains that of its first half, as both are
// increments of one Brownian path over sigma. The path is drawn in the order in
// which it is walked, so that it needs no more than the noise function.
type dpmppSDE struct {
	eulerSigmas
	from            []float32 // latents where the step began
	denoised, fresh []float32
	first           []float32 // noise of the first half
	half            bool      // the first half of a step is done
}

func newDPMPPSDE(c Config, o Options) *dpmppSDE {
	training := c.trainingSigmas()
	d := &dpmppSDE{eulerSigmas: newEulerSigmas(endingClean(c), o)}
	var middles []float64
	var timesteps []float32
	for i := range o.Steps - 1 {
		middle := math.Sqrt(d.sigmas[i] * d.sigmas[i+1])
		middles = append(middles, middle)
		timesteps = append(timesteps, float32(timestepOf(training, middle)))
	}
	d.twice(middles, timesteps)
	return d
}

func (d *dpmppSDE) Step(x, output []float32, i int, noise func([]float32)) {
	second := i%2 == 1
	if second != d.half || i == d.Steps()-1 {
		// The last step, or a run that began between two halves.
		d.half = false
		d.descend(x, output, i, d.sigmas[i+1])
		return
	}
	d.half = !second
	d.denoised, d.fresh = resize(d.denoised, len(x)), resize(d.fresh, len(x))
	d.Denoised(d.denoised, x, output, i)
	noise(d.fresh)
	if !second {
		d.from = append(d.from[:0], x...)
		d.first = append(d.first[:0], d.fresh...)
		d.leap(x, d.sigmas[i], d.sigmas[i+1])
		return
	}
	start, middle, end := d.sigmas[i-1], d.sigmas[i], d.sigmas[i+1]
	blend(d.fresh, d.first, d.fresh, math.Sqrt((start-middle)/(start-end)), math.Sqrt((middle-end)/(start-end)))
	d.leap(x, start, end)
}

// leap replaces x by the latents that the step's beginning becomes between two noise levels.
func (d *dpmppSDE) leap(x []float32, from, to float64) {
	down, up := ancestralSigmas(from, to)
	shrink := down / from
	blend(x, d.from, d.denoised, shrink, 1-shrink)
	blend(x, x, d.fresh, 1, up)
}
