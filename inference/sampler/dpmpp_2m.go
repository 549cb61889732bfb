package sampler

// dpmpp2M is the second order multistep solver DPM-Solver++(2M) of Lu et al.
// 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion
// Probabilistic Models" (arXiv 2211.01095), algorithm 2, in its midpoint form.
type dpmpp2M struct{ multistep2 }

func newDPMPP2M(c Config, o Options) *dpmpp2M {
	return &dpmpp2M{newMultistep2(c, o)}
}

func (d *dpmpp2M) Step(x, output []float32, i int, _ func([]float32)) {
	d.keep(x, output, i)
	alpha, sigma := d.alphaSigma(i + 1)
	_, before := d.alphaSigma(i)
	shrink := d.sigmas[i+1] / d.sigmas[i] // exp(-h)
	d.advance(x, i, sigma/before, alpha*(1-shrink))
}

// multistep2 is what the second order solvers share: they remember the denoised
// latents of one step before.
type multistep2 struct {
	vpSigmas
	lowerOrderFinal bool
	last            []float32 // denoised latents of the step before, empty in the first one
	denoised        []float32
}

func newMultistep2(c Config, o Options) multistep2 {
	return multistep2{
		vpSigmas: newVPSigmas(c, o, c.BetaSchedule != SquaredCos), // as diffusers
		// Few steps are too long for the second order at the end, and no noise has no logarithm.
		lowerOrderFinal: o.Steps < 15 || c.FinalSigmas != "sigma_min",
	}
}

// keep works out the denoised latents of step i.
func (m *multistep2) keep(x, output []float32, i int) {
	m.denoised = resize(m.denoised, len(x))
	m.Denoised(m.denoised, x, output, i)
}

// advance replaces x by shrink·x + gain·(D0 + D1/2), where D0 is the denoised
// image and D1 = (m0 - m1)/r its slope over the last step, r the ratio of the
// two steps in λ.
func (m *multistep2) advance(x []float32, i int, shrink, gain float64) {
	if i == 0 || len(m.last) == 0 || m.lowerOrderFinal && i == m.Steps()-1 {
		blend(x, x, m.denoised, shrink, gain)
	} else {
		w := m.logStep(i) / m.logStep(i-1) / 2
		s, g0, g1 := float32(shrink), float32(gain*(1+w)), float32(-gain*w)
		for j, v := range x {
			x[j] = s*v + g0*m.denoised[j] + g1*m.last[j]
		}
	}
	m.last, m.denoised = m.denoised, m.last
}
