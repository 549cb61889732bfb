package sampler

// eulerSigmas are the parts that Euler and Euler ancestral have in common: they
// work on latents whose noise has standard deviation sigma, and scale what the
// UNet sees back to 1.
type eulerSigmas struct {
	sigmaSteps
	initScale float64
}

func newEulerSigmas(c Config, o Options) eulerSigmas {
	training := c.trainingSigmas()
	spacing := o.spacing(c, Linspace)
	timesteps := c.spacedTimesteps(spacing, o.Steps, o.Steps)
	e := eulerSigmas{sigmaSteps: sigmaSteps{velocity: c.PredictionType == VPrediction}}
	for i, t := range timesteps {
		timesteps[i] = float64(float32(t))
		e.sigmas = append(e.sigmas, interpolate(training, timesteps[i]))
	}
	if o.respaces() {
		e.sigmas = o.respace(e.sigmas[0], e.sigmas[o.Steps-1])
		for i, sigma := range e.sigmas {
			timesteps[i] = timestepOf(training, sigma)
		}
	}
	for _, t := range timesteps {
		e.timesteps = append(e.timesteps, float32(t))
	}
	e.sigmas = append(e.sigmas, finalSigma(c, training))
	most := 0.0
	for _, sigma := range e.sigmas {
		most = max(most, sigma)
	}
	// Leading steps don't begin at the last training timestep, where latents are
	// noise alone, so their noise has room for an image beside it.
	e.initScale = most
	if spacing == Leading {
		e.initScale = hypot1(most)
	}
	return e
}

func (e *eulerSigmas) InitScale() float32 { return float32(e.initScale) }

func (e *eulerSigmas) AddNoise(x, noise []float32, i int) {
	blend(x, x, noise, 1, e.sigmas[i])
}

func (e *eulerSigmas) ScaleInput(dst, x []float32, i int) {
	s := float32(1 / hypot1(e.sigmas[i]))
	for j, v := range x {
		dst[j] = v * s
	}
}

func (e *eulerSigmas) Denoised(dst, x, output []float32, i int) {
	sigma := e.sigmas[i]
	if e.velocity {
		blend(dst, x, output, 1/(sigma*sigma+1), -sigma/hypot1(sigma))
	} else {
		blend(dst, x, output, 1, -sigma)
	}
}

// descend moves x along the line through its denoised image to the noise level to.
func (e *eulerSigmas) descend(x, output []float32, i int, to float64) {
	sigma := e.sigmas[i]
	dt := to - sigma
	if e.velocity {
		// (x - denoised)/sigma = x·sigma/(sigma²+1) + output/√(sigma²+1)
		blend(x, x, output, 1+dt*sigma/(sigma*sigma+1), dt/hypot1(sigma))
	} else {
		blend(x, x, output, 1, dt)
	}
}

// euler is Euler's method for the probability flow ODE: algorithm 2 without
// churn of Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based
// Generative Models" (arXiv 2206.00364).
type euler struct{ eulerSigmas }

func newEuler(c Config, o Options) *euler {
	return &euler{newEulerSigmas(c, o)}
}

func (e *euler) Step(x, output []float32, i int, _ func([]float32)) {
	e.descend(x, output, i, e.sigmas[i+1])
}
