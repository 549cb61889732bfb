package sampler

// heun is Heun's second order method: algorithm 1 without churn of Karras et
// al. 2022 (arXiv 2206.00364). Each step but the last asks the model twice.
type heun struct {
	eulerSigmas
	from, slope []float32 // latents and slope where the step began
	half        bool      // the first half of a step is done
}

func newHeun(c Config, o Options) *heun {
	h := &heun{eulerSigmas: newEulerSigmas(endingClean(c), o)}
	h.twice(h.sigmas[1:len(h.sigmas)-1], h.timesteps[1:])
	return h
}

func (h *heun) Step(x, output []float32, i int, _ func([]float32)) {
	second := i%2 == 1
	if second != h.half || i == h.Steps()-1 {
		// The last step, or a run that began between two halves.
		h.half = false
		h.descend(x, output, i, h.sigmas[i+1])
		return
	}
	h.half = !second
	if !second {
		h.from = append(h.from[:0], x...)
		h.slope = resize(h.slope, len(x))
		h.tangent(h.slope, x, output, i)
		blend(x, x, h.slope, 1, h.sigmas[i+1]-h.sigmas[i])
		return
	}
	dt := float32(h.sigmas[i]-h.sigmas[i-1]) / 2
	h.tangent(x, x, output, i)
	for j, v := range x {
		x[j] = h.from[j] + dt*(h.slope[j]+v)
	}
}

// tangent writes (x - denoised)/sigma to dst, the slope of the probability flow. dst may be x.
func (e *eulerSigmas) tangent(dst, x, output []float32, i int) {
	if !e.velocity {
		copy(dst, output)
		return
	}
	sigma := e.sigmas[i]
	blend(dst, x, output, sigma/(sigma*sigma+1), 1/hypot1(sigma))
}

// twice makes two passes of each step but the last. sigmas and timesteps are
// what the second passes see.
func (s *sigmaSteps) twice(sigmas []float64, timesteps []float32) {
	n := len(s.timesteps)
	allSigmas, allTimesteps := make([]float64, 0, 2*n), make([]float32, 0, 2*n)
	for i := range n {
		allSigmas, allTimesteps = append(allSigmas, s.sigmas[i]), append(allTimesteps, s.timesteps[i])
		if i < n-1 {
			allSigmas, allTimesteps = append(allSigmas, sigmas[i]), append(allTimesteps, timesteps[i])
		}
	}
	s.sigmas, s.timesteps = append(allSigmas, s.sigmas[n]), allTimesteps
}

// endingClean is c with a last step that leaves no noise, whatever it says:
// the samplers with two passes a step have no other end.
func endingClean(c Config) Config {
	c.FinalSigmas = "zero"
	return c
}
