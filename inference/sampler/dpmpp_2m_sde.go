package sampler

import "math"

// dpmpp2MSDE is DPM-Solver++(2M) for the diffusion SDE, which adds fresh noise
// in every step: the SDE form of Lu et al. 2022 (arXiv 2211.01095), midpoint.
type dpmpp2MSDE struct {
	multistep2
	fresh []float32
}

func newDPMPP2MSDE(c Config, o Options) *dpmpp2MSDE {
	return &dpmpp2MSDE{multistep2: newMultistep2(c, o)}
}

func (d *dpmpp2MSDE) Step(x, output []float32, i int, noise func([]float32)) {
	d.keep(x, output, i)
	// The last step may add none, but draws all the same, as diffusers does.
	d.fresh = resize(d.fresh, len(x))
	noise(d.fresh)
	alpha, sigma := d.alphaSigma(i + 1)
	_, before := d.alphaSigma(i)
	shrink := d.sigmas[i+1] / d.sigmas[i] // exp(-h)
	d.advance(x, i, sigma/before*shrink, alpha*(1-shrink*shrink))
	if up := sigma * math.Sqrt(1-shrink*shrink); up > 0 {
		blend(x, x, d.fresh, 1, up)
	}
}
