package sampler

import (
	"fmt"
	"math"
	"strings"
)

// Sampler takes latents from noise to an image in steps 0…Steps()-1, each of
// which asks the model once (see Passes). Latents
// are float32 values of any shape; all slices of a call have the same length.
// A sampler may remember earlier steps, so each run needs one of its own.
type Sampler interface {
	// Steps is the number of steps.
	Steps() int
	// Timestep is what the UNet is told at step i.
	Timestep(i int) float32
	// InitScale is the standard deviation of the latents before step 0.
	InitScale() float32
	// AddNoise turns latents of an image into the noisy ones that step i
	// expects; noise has standard deviation 1.
	AddNoise(x, noise []float32, i int)
	// ScaleInput writes to dst what the UNet sees of x at step i. dst may be x.
	ScaleInput(dst, x []float32, i int)
	// Denoised writes to dst the image that the UNet's output stands for: an
	// estimate of the final latents.
	Denoised(dst, x, output []float32, i int)
	// Step replaces x by the latents of the next step. noise fills a slice with
	// fresh normal values; only ancestral samplers call it, at most once per step.
	Step(x, output []float32, i int, noise func([]float32))
}

// New makes a sampler of the given name with the schedule Normal, or Karras
// where that is wanted and the sampler allows it.
func New(name string, c Config, steps int, karras bool) (Sampler, error) {
	o := Options{Steps: steps}
	if karras && AllowsKarras(name) {
		o.Schedule = Karras
	}
	return NewScheduled(name, c, o)
}

// NewScheduled makes a sampler of the given name. It reports a name, a number
// of steps or a schedule that it doesn't know or that don't go together.
func NewScheduled(name string, c Config, o Options) (Sampler, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("scheduler config: %w", err)
	}
	if o.Steps < 1 || o.Steps > c.TrainTimesteps {
		return nil, fmt.Errorf("%d sampling steps are outside 1…%d", o.Steps, c.TrainTimesteps)
	}
	if !Known(name) {
		return nil, fmt.Errorf("unknown sampler %q; known are %s", name, strings.Join(Names(), ", "))
	}
	o, err := o.checked(name)
	if err != nil {
		return nil, err
	}
	switch name {
	case DDIM:
		return newDDIM(c, o), nil
	case Euler:
		return newEuler(c, o), nil
	case EulerAncestral:
		return newEulerAncestral(c, o), nil
	case Heun:
		return newHeun(c, o), nil
	case DPMPP2MSDE:
		return newDPMPP2MSDE(c, o), nil
	case DPMPPSDE:
		return newDPMPPSDE(c, o), nil
	case DPMPP3MSDE:
		return newDPMPP3MSDE(c, o), nil
	case UniPC:
		return newUniPC(c, o), nil
	case LCM:
		return newLCM(c, o)
	case TCD:
		return newTCD(c, o)
	}
	return newDPMPP2M(c, o), nil
}

// Passes is how often a sampler asks the model in a run of so many steps, which
// is what its Steps gives: those of second order ask twice in all but the last.
func Passes(name string, steps int) int {
	if twoPasses(name) {
		return 2*steps - 1
	}
	return steps
}

// FirstPass is StartStep in the passes of a sampler.
func FirstPass(name string, steps int, strength float64) int {
	start := StartStep(steps, strength)
	if twoPasses(name) {
		return 2 * start
	}
	return start
}

// StartStep is the step at which img2img begins so that strength (0…1) of the
// steps remain, at least one.
func StartStep(steps int, strength float64) int {
	remain := min(int(float64(steps)*strength), steps)
	return steps - max(remain, 1)
}

// Keep says whether a control that acts from start to end, fractions of all
// steps, acts in step i: diffusers' controlnet_keep.
func Keep(i, steps int, start, end float64) bool {
	n := float64(steps)
	return float64(i)/n >= start && float64(i+1)/n <= end
}

// sigmaSteps is what the samplers over sigmas share.
type sigmaSteps struct {
	timesteps []float32 // what the UNet is told, one per step
	sigmas    []float64 // the noise before each step, and after the last one
	velocity  bool      // the UNet predicts v, not epsilon
}

func (s *sigmaSteps) Steps() int             { return len(s.timesteps) }
func (s *sigmaSteps) Timestep(i int) float32 { return s.timesteps[i] }

// finalSigma is the noise that the last step leaves.
func finalSigma(c Config, training []float64) float64 {
	if c.FinalSigmas == "sigma_min" {
		return training[0]
	}
	return 0
}

// blend writes a·x + b·y to dst.
func blend(dst, x, y []float32, a, b float64) {
	fa, fb := float32(a), float32(b)
	for i, v := range x {
		dst[i] = fa*v + fb*y[i]
	}
}

func hypot1(sigma float64) float64 { return math.Sqrt(sigma*sigma + 1) }
