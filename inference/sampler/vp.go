package sampler

import "math"

// vpSigmas are the parts that the DPM++ multistep samplers and UniPC have in
// common: they work on latents whose image and noise keep variance 1 together,
// and tell the UNet whole timesteps.
type vpSigmas struct{ sigmaSteps }

// newVPSigmas spreads the steps. whole says that timesteps of the schedule
// Karras are rounded; like those of the others they are cut otherwise.
func newVPSigmas(c Config, o Options, whole bool) vpSigmas {
	training := c.trainingSigmas()
	s := vpSigmas{sigmaSteps{velocity: c.PredictionType == VPrediction}}
	if o.respaces() {
		s.sigmas = o.respace(training[len(training)-1], training[0])
		for _, sigma := range s.sigmas {
			t := timestepOf(training, sigma)
			if o.Schedule == AlignYourSteps || o.Schedule == Karras && whole {
				t = math.RoundToEven(t)
			}
			s.timesteps = append(s.timesteps, float32(int(t)))
		}
	} else {
		for _, t := range c.spacedTimesteps(o.spacing(c, Linspace), o.Steps, o.Steps+1) {
			t = math.RoundToEven(t)
			s.timesteps = append(s.timesteps, float32(t))
			s.sigmas = append(s.sigmas, interpolate(training, t))
		}
	}
	s.sigmas = append(s.sigmas, finalSigma(c, training))
	return s
}

func (s *vpSigmas) InitScale() float32 { return 1 }

// alphaSigma is the part of the image and of the noise in the latents before step i.
func (s *vpSigmas) alphaSigma(i int) (alpha, sigma float64) {
	alpha = 1 / hypot1(s.sigmas[i])
	return alpha, s.sigmas[i] * alpha
}

// logStep is the step i in λ = log(alpha/sigma), which is -log of the ratio
// that sigmas holds; it is infinite where no noise is left.
func (s *vpSigmas) logStep(i int) float64 {
	return math.Log(s.sigmas[i] / s.sigmas[i+1])
}

func (s *vpSigmas) AddNoise(x, noise []float32, i int) {
	alpha, sigma := s.alphaSigma(i)
	blend(x, x, noise, alpha, sigma)
}

func (s *vpSigmas) ScaleInput(dst, x []float32, _ int) { copy(dst, x) }

func (s *vpSigmas) Denoised(dst, x, output []float32, i int) {
	alpha, sigma := s.alphaSigma(i)
	if s.velocity {
		blend(dst, x, output, alpha, -sigma)
	} else {
		blend(dst, x, output, 1/alpha, -sigma/alpha)
	}
}
