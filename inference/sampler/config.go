// Package sampler turns noise into latents step by step: noise schedules, the
// timesteps that a render visits, and the samplers that go from one to the next.
//
// Numbers follow diffusers' schedulers, so that a recipe gives the image that
// it gives there. A sigma is the noise level of the variance exploding form,
// sqrt((1-ᾱ)/ᾱ), where ᾱ is the cumulative product of 1-β.
package sampler

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// What a UNet predicts.
const (
	Epsilon     = "epsilon"
	VPrediction = "v_prediction"
)

// How timesteps are spread, after table 2 of Lin et al. 2023 (arXiv 2305.08891).
const (
	Leading  = "leading"
	Linspace = "linspace"
	Trailing = "trailing"

	// sgmUniform is a spacing that schedules ask for and configs don't name.
	sgmUniform = "sgm_uniform"
)

// The beta schedules.
const (
	ScaledLinear = "scaled_linear"
	Linear       = "linear"
	SquaredCos   = "squaredcos_cap_v2"
)

// Config is what a checkpoint says about its noise, as in diffusers'
// scheduler_config.json.
type Config struct {
	TrainTimesteps  int     `json:"num_train_timesteps"`
	BetaStart       float64 `json:"beta_start"`
	BetaEnd         float64 `json:"beta_end"`
	BetaSchedule    string  `json:"beta_schedule"`
	PredictionType  string  `json:"prediction_type"`
	StepsOffset     int     `json:"steps_offset"`
	RescaleZeroSNR  bool    `json:"rescale_betas_zero_snr"`
	TimestepSpacing string  `json:"timestep_spacing"`  // empty: DDIM leading, the others linspace
	FinalSigmas     string  `json:"final_sigmas_type"` // "zero" or "sigma_min"; empty: zero; DDIM has none

	AlphaToOne      *bool   `json:"set_alpha_to_one"` // DDIM only; nil: true
	ClipSample      *bool   `json:"clip_sample"`      // DDIM and LCM; nil: true for DDIM
	ClipSampleRange float64 `json:"clip_sample_range"`

	OriginalSteps   int     `json:"original_inference_steps"` // of the distillation, LCM and TCD; 0: 50
	TimestepScaling float64 `json:"timestep_scaling"`         // LCM only; 0: 10

	// What no supported sampler can honour is read only to be refused.
	Thresholding  bool   `json:"thresholding"`
	TrainedBetas  any    `json:"trained_betas"`
	UseFlowSigmas bool   `json:"use_flow_sigmas"`
	TimestepType  string `json:"timestep_type"`
}

// DefaultConfig is Stable Diffusion 1's.
func DefaultConfig() Config {
	no := false
	return Config{
		TrainTimesteps: 1000, BetaStart: 0.00085, BetaEnd: 0.012, BetaSchedule: ScaledLinear,
		PredictionType: Epsilon, StepsOffset: 1, ClipSampleRange: 1, AlphaToOne: &no, ClipSample: &no,
	}
}

// ParseConfig reads scheduler_config.json. What the file leaves out has the
// value that diffusers' scheduler of that name gives it.
func ParseConfig(data []byte) (Config, error) {
	c := Config{
		TrainTimesteps: 1000, BetaStart: 0.0001, BetaEnd: 0.02, BetaSchedule: Linear,
		PredictionType: Epsilon, ClipSampleRange: 1,
	}
	// Python writes numbers that JSON doesn't have, such as lambda_min_clipped's -Infinity.
	data = regexp.MustCompile(`:\s*(-?Infinity|NaN)\b`).ReplaceAll(data, []byte(": null"))
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("scheduler config: %w", err)
	}
	if err := c.validate(); err != nil {
		return Config{}, fmt.Errorf("scheduler config: %w", err)
	}
	return c, nil
}

func (c Config) validate() error {
	switch c.BetaSchedule {
	case ScaledLinear, Linear, SquaredCos:
	default:
		return fmt.Errorf("beta_schedule %q is not supported; supported are %s, %s and %s",
			c.BetaSchedule, ScaledLinear, Linear, SquaredCos)
	}
	switch c.PredictionType {
	case Epsilon, VPrediction:
	default:
		return fmt.Errorf("prediction_type %q is not supported; supported are %s and %s",
			c.PredictionType, Epsilon, VPrediction)
	}
	switch c.TimestepSpacing {
	case "", Leading, Linspace, Trailing:
	default:
		return fmt.Errorf("timestep_spacing %q is not supported; supported are %s, %s and %s",
			c.TimestepSpacing, Leading, Linspace, Trailing)
	}
	switch {
	case c.TrainTimesteps < 2 || c.TrainTimesteps > 100_000:
		return fmt.Errorf("num_train_timesteps %d is outside 2…100000", c.TrainTimesteps)
	case c.BetaSchedule != SquaredCos && !(c.BetaStart > 0 && c.BetaStart <= c.BetaEnd && c.BetaEnd < 1):
		return fmt.Errorf("beta_start %v and beta_end %v: want 0 < start ≤ end < 1", c.BetaStart, c.BetaEnd)
	case c.StepsOffset < 0 || c.StepsOffset >= c.TrainTimesteps:
		return fmt.Errorf("steps_offset %d is outside 0…%d", c.StepsOffset, c.TrainTimesteps-1)
	case !(c.ClipSampleRange > 0):
		return fmt.Errorf("clip_sample_range %v is not positive", c.ClipSampleRange)
	case c.FinalSigmas != "" && c.FinalSigmas != "zero" && c.FinalSigmas != "sigma_min":
		return fmt.Errorf("final_sigmas_type %q is not supported; supported are zero and sigma_min", c.FinalSigmas)
	case c.OriginalSteps < 0 || c.OriginalSteps > c.TrainTimesteps:
		return fmt.Errorf("original_inference_steps %d is outside 0…%d", c.OriginalSteps, c.TrainTimesteps)
	case !(c.TimestepScaling >= 0 && c.TimestepScaling <= 1e6):
		return fmt.Errorf("timestep_scaling %v is outside 0…1e6", c.TimestepScaling)
	case c.Thresholding:
		return errors.New("thresholding (dynamic thresholding) is for pixel models and not supported")
	case c.TrainedBetas != nil:
		return errors.New("trained_betas is not supported")
	case c.UseFlowSigmas:
		return errors.New("use_flow_sigmas is for flow matching models and not supported")
	case c.TimestepType == "continuous":
		return errors.New("timestep_type continuous is not supported")
	}
	return nil
}

// or is the value that p points to, or else.
func or(p *bool, otherwise bool) bool {
	if p == nil {
		return otherwise
	}
	return *p
}
