package sampler

import "math"

// uniPC is the unified predictor-corrector UniPC-2 with B(h) = exp(-h) - 1 over
// denoised latents: Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector
// Framework for Fast Sampling of Diffusion Models" (arXiv 2302.04867).
type uniPC struct {
	vpSigmas
	from     []float32    // corrected latents where the last step began
	denoised [3][]float32 // of this step and the two before
	order    int          // of the last step, 0 in the first one
}

func newUniPC(c Config, o Options) *uniPC {
	return &uniPC{vpSigmas: newVPSigmas(c, o, true)}
}

func (u *uniPC) Step(x, output []float32, i int, _ func([]float32)) {
	u.denoised[0], u.denoised[1], u.denoised[2] = resize(u.denoised[2], len(x)), u.denoised[0], u.denoised[1]
	u.Denoised(u.denoised[0], x, output, i)
	if i == 0 {
		u.order = 0
	}
	if u.order > 0 {
		u.correct(x, i)
	}
	u.from = append(u.from[:0], x...)
	u.order = min(u.order+1, 2, u.Steps()-i)
	u.predict(x, i)
}

// predict takes x from step i's noise to the next.
func (u *uniPC) predict(x []float32, i int) {
	shrink, gain := u.linear(i)
	if u.order == 1 {
		blend(x, x, u.denoised[0], shrink, gain)
		return
	}
	// gain·ρ·D1 with D1 = (m1 - m0)/r, r = -(step before)/(this step) and ρ = ½
	w := u.logStep(i) / u.logStep(i-1) / 2
	s, g0, g1 := float32(shrink), float32(gain*(1+w)), float32(-gain*w)
	for j, v := range x {
		x[j] = s*v + g0*u.denoised[0][j] + g1*u.denoised[1][j]
	}
}

// correct does the step to the noise of step i again, now that the denoised
// latents at its end are known.
func (u *uniPC) correct(x []float32, i int) {
	shrink, gain := u.linear(i - 1)
	end, at, before := u.denoised[0], u.denoised[1], u.denoised[2]
	if u.order == 1 {
		blend(x, end, at, gain/2, gain/2)
		blend(x, u.from, x, shrink, 1)
		return
	}
	// The weights ρ solve ρ0 + ρ1 = b1 and r·ρ0 + ρ1 = b2.
	h := u.logStep(i - 1)
	b := math.Expm1(-h)
	phi := b/-h - 1
	b1 := phi / b
	b2 := 2 * (phi/-h - 0.5) / b
	r := -u.logStep(i-2) / h
	rho0 := (b1 - b2) / (1 - r)
	rho1 := b1 - rho0
	ws, we, wa, wb := float32(shrink), float32(gain*rho1), float32(gain*(1-rho1-rho0/r)), float32(gain*rho0/r)
	for j, v := range u.from {
		x[j] = ws*v + we*end[j] + wa*at[j] + wb*before[j]
	}
}

// linear is what step i makes of latents and denoised latents that stay as they are.
func (u *uniPC) linear(i int) (shrink, gain float64) {
	alpha, sigma := u.alphaSigma(i + 1)
	_, before := u.alphaSigma(i)
	return sigma / before, alpha * (1 - u.sigmas[i+1]/u.sigmas[i])
}
