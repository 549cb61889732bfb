package sampler

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mathext"
)

// The schedules: how the steps of a render are spread over the noise.
const (
	// Normal is the checkpoint's own spacing of timesteps, or the sampler's.
	Normal = "normal"
	// Karras is equation 5 of Karras et al. 2022 (arXiv 2206.00364) with ρ = 7.
	Karras = "karras"
	// Exponential spreads the logarithms of the sigmas evenly.
	Exponential = "exponential"
	// SGMUniform spreads timesteps evenly and leaves the one without noise out,
	// as Stability AI's generative-models and ComfyUI do. For the samplers that
	// take whole timesteps it is the linspace spacing.
	SGMUniform = "sgm_uniform"
	// SpacedTrailing is the trailing spacing, which checkpoints with zero
	// terminal signal-to-noise ratio need. It differs from SGMUniform by less
	// than a timestep a step.
	SpacedTrailing = "trailing"
	// Beta takes sigmas by the quantiles of the beta distribution with α = β =
	// 0.6: Lee et al. 2024, "Beta Sampling is All You Need" (arXiv 2407.12173),
	// over sigmas as diffusers and AUTOMATIC1111 have it.
	Beta = "beta"
	// AlignYourSteps takes the sigmas that Sabour et al. 2024, "Align Your
	// Steps" (arXiv 2404.14507), found best for Stable Diffusion 1 and for XL.
	AlignYourSteps = "align_your_steps"
)

// Schedules lists the schedules that a sampler can use, the usual one first.
// The distilled samplers visit the timesteps that they were trained for.
func Schedules(name string) []string {
	switch name {
	case DDIM:
		return []string{Normal, SpacedTrailing}
	case LCM, TCD:
		return []string{Normal}
	}
	return []string{Normal, Karras, Exponential, SGMUniform, SpacedTrailing, Beta, AlignYourSteps}
}

// ScheduleLabel is the name of a schedule for people, or the name itself where it is unknown.
func ScheduleLabel(schedule string) string {
	switch schedule {
	case Normal:
		return "Normal"
	case Karras:
		return "Karras"
	case Exponential:
		return "Exponential"
	case SGMUniform:
		return "SGM uniform"
	case SpacedTrailing:
		return "Trailing"
	case Beta:
		return "Beta"
	case AlignYourSteps:
		return "Align Your Steps"
	}
	return schedule
}

// Options say how a sampler goes from noise to image.
type Options struct {
	// Steps is the number of noise levels that are visited, from 1.
	Steps int
	// Schedule is one of Schedules; empty means Normal.
	Schedule string
	// XL says that the checkpoint is an SDXL one, which has an Align Your Steps
	// schedule of its own.
	XL bool
}

// checked fills in the schedule and refuses one that the sampler can't use.
func (o Options) checked(name string) (Options, error) {
	if o.Schedule == "" {
		o.Schedule = Normal
	}
	if known := Schedules(name); !slices.Contains(known, o.Schedule) {
		return o, fmt.Errorf("the schedule %q does not go with %s, which takes %s", o.Schedule, name, strings.Join(known, ", "))
	}
	return o, nil
}

// spacing is the timestep spacing that the schedule asks for, or the
// checkpoint's, or otherwise the sampler's.
func (o Options) spacing(c Config, otherwise string) string {
	switch o.Schedule {
	case SpacedTrailing:
		return Trailing
	case SGMUniform:
		return sgmUniform
	}
	return c.spacing(otherwise)
}

// respaces says whether the schedule sets the sigmas, to which timesteps are
// then found, and not the timesteps.
func (o Options) respaces() bool {
	switch o.Schedule {
	case Karras, Exponential, Beta, AlignYourSteps:
		return true
	}
	return false
}

// respace is the sigmas of a schedule that sets them, from most to least noise.
func (o Options) respace(most, least float64) []float64 {
	switch o.Schedule {
	case Karras:
		return karras(most, least, o.Steps)
	case Exponential:
		return exponential(most, least, o.Steps)
	case Beta:
		return betaQuantiles(most, least, o.Steps)
	}
	// The sigmas of ten steps as published with the paper, the last one where the tenth ends.
	table := []float64{14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029}
	if o.XL {
		table = []float64{14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029}
	}
	return alignYourSteps(table, o.Steps)
}

// ramp is i of n points that lead from 0 to 1.
func ramp(i, n int) float64 {
	if n < 2 {
		return 0
	}
	return float64(i) / float64(n-1)
}

func exponential(most, least float64, n int) []float64 {
	hi, lo := math.Log(most), math.Log(least)
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Exp(hi + ramp(i, n)*(lo-hi))
	}
	return out
}

func betaQuantiles(most, least float64, n int) []float64 {
	const alpha, beta = 0.6, 0.6
	out := make([]float64, n)
	for i := range out {
		out[i] = least + (most-least)*mathext.InvRegIncBeta(alpha, beta, 1-ramp(i, n))
	}
	return out
}

// alignYourSteps reads a table at n+1 points, evenly spread and with
// logarithms interpolated between, and leaves the last one out: the run ends
// without noise.
func alignYourSteps(table []float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		at := float64(i) / float64(n) * float64(len(table)-1)
		low := int(at)
		w := at - float64(low)
		out[i] = math.Exp(math.Log(table[low])*(1-w) + math.Log(table[low+1])*w)
	}
	return out
}
