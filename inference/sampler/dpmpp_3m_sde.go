package sampler

import "math"

// dpmpp3MSDE is the third order multistep solver for the diffusion SDE, "DPM++
// 3M SDE" of the k-diffusion project (η = 1): the exponential integrator of Lu
// et al. 2022 (arXiv 2211.01095) with first and second differences of the
// denoised latents of three steps.
type dpmpp3MSDE struct {
	eulerSigmas
	denoised     [3][]float32 // of this step and the two before
	known        int          // how many of them are there
	fresh        []float32
	step1, step2 float64 // lengths in log sigma of the two steps before
}

func newDPMPP3MSDE(c Config, o Options) *dpmpp3MSDE {
	return &dpmpp3MSDE{eulerSigmas: newEulerSigmas(c, o)}
}

func (d *dpmpp3MSDE) Step(x, output []float32, i int, noise func([]float32)) {
	// The oldest makes room for the newest.
	d.denoised[0], d.denoised[1], d.denoised[2] = resize(d.denoised[2], len(x)), d.denoised[0], d.denoised[1]
	d.known = min(d.known+1, 3)
	d.Denoised(d.denoised[0], x, output, i)
	from, to := d.sigmas[i], d.sigmas[i+1]
	if to == 0 {
		copy(x, d.denoised[0])
		return
	}
	d.fresh = resize(d.fresh, len(x))
	noise(d.fresh)

	h := math.Log(from / to)
	long := 2 * h // h·(1+η)
	shrink := math.Exp(-long)
	// Weights of x, of the fresh noise, and of the three denoised latents.
	wx, wn := float32(shrink), float32(to*math.Sqrt(1-shrink))
	w := [3]float64{1 - shrink}
	phi2 := (shrink-1)/long + 1
	switch d.known {
	case 2:
		slope := phi2 * h / d.step1
		w[0] += slope
		w[1] -= slope
	case 3:
		r0, r1 := d.step1/h, d.step2/h
		phi3 := phi2/long - 0.5
		// a·(m0-m1)/r0 + b·(m1-m2)/r1 for first and second differences
		a := phi2*(1+r0/(r0+r1)) - phi3/(r0+r1)
		b := -phi2*r0/(r0+r1) + phi3/(r0+r1)
		w[0] += a / r0
		w[1] += b/r1 - a/r0
		w[2] -= b / r1
	}
	w0, w1, w2 := float32(w[0]), float32(w[1]), float32(w[2])
	for j, v := range x {
		sum := wx*v + wn*d.fresh[j] + w0*d.denoised[0][j]
		if d.known > 1 {
			sum += w1 * d.denoised[1][j]
		}
		if d.known > 2 {
			sum += w2 * d.denoised[2][j]
		}
		x[j] = sum
	}
	d.step1, d.step2 = h, d.step1
}
