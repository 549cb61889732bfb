package sampler

import "math"

// eulerAncestral is Euler's method with as much fresh noise in each step as the
// diffusion itself has: "Euler a" of the k-diffusion project.
type eulerAncestral struct {
	eulerSigmas
	fresh []float32
}

func newEulerAncestral(c Config, o Options) *eulerAncestral {
	return &eulerAncestral{eulerSigmas: newEulerSigmas(c, o)}
}

func (e *eulerAncestral) Step(x, output []float32, i int, noise func([]float32)) {
	down, up := ancestralSigmas(e.sigmas[i], e.sigmas[i+1])
	e.descend(x, output, i, down)
	// The last step adds none, but draws all the same, as diffusers does.
	e.fresh = resize(e.fresh, len(x))
	noise(e.fresh)
	if up > 0 {
		blend(x, x, e.fresh, 1, up)
	}
}

// ancestralSigmas splits the step from one noise level to the next into the
// level to descend to and the fresh noise to add there.
func ancestralSigmas(from, to float64) (down, up float64) {
	up = math.Sqrt(max(to*to*(from*from-to*to)/(from*from), 0))
	return math.Sqrt(max(to*to-up*up, 0)), up
}
