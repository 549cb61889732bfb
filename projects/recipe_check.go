package projects

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"maquette/control"
	"maquette/inference/prompt"
	"maquette/inference/sampler"
)

// Bounds of a recipe.
const (
	minSide, maxSide = 64, 2048 // pixels
	maxSteps         = 150
	maxGuidance      = 50
	maxWeight        = 2
	maxControls      = 8
	maxLoRAs         = 64
	maxStrength      = 20
	maxClipSkip      = 24
	maxCount         = 64
	maxPrompt        = 100_000 // bytes
)

// DefaultRecipe returns the recipe of a first render: the bundled starter
// checkpoint at its size, following the line work.
func DefaultRecipe() Recipe {
	return Recipe{
		Checkpoint: StarterCheckpoint,
		Controls:   []RecipeControl{{Kind: control.Lineart, Weight: 1, Start: 0, End: 1}},
		// No Karras sigmas: the starter ends in pure noise, where they would
		// spend most steps on noise levels that decide nothing.
		Sampler: "dpmpp_2m",
		Steps:   20, Guidance: 2, Count: 4, Width: 256, Height: 256,
	}
}

func validSide(px int) bool { return px >= minSide && px <= maxSide && px%8 == 0 }

// Validate says what in the recipe cannot be rendered, or returns nil. Every
// problem is named, each with what to do.
func (r Recipe) Validate() error {
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !validSide(r.Width) || !validSide(r.Height) {
		bad("size %d×%d: sides must be multiples of 8 between %d and %d", r.Width, r.Height, minSide, maxSide)
	}
	if r.Steps < 1 || r.Steps > maxSteps {
		bad("%d steps: must be 1 to %d", r.Steps, maxSteps)
	}
	if !within(r.Guidance, 0, maxGuidance) {
		bad("guidance %g: must be 0 to %d", r.Guidance, maxGuidance)
	}
	if r.Count < 1 || r.Count > maxCount {
		bad("%d images: must be 1 to %d", r.Count, maxCount)
	}
	if known := sampler.Schedules(r.Sampler); r.Schedule != "" && !slices.Contains(known, r.Schedule) {
		bad("schedule %s does not go with the sampler %s: choose one of %s", r.Schedule, r.Sampler, strings.Join(known, ", "))
	}
	if !within(r.GuidanceRescale, 0, 1) {
		bad("guidance rescale %g: must be 0 to 1", r.GuidanceRescale)
	}
	if r.ClipSkip < 0 || r.ClipSkip > maxClipSkip {
		bad("clip skip %d: must be 0 to %d", r.ClipSkip, maxClipSkip)
	}
	if known := prompt.Emphases(); r.Emphasis != "" && !slices.Contains(known, r.Emphasis) {
		bad("emphasis %q: choose one of %s", r.Emphasis, strings.Join(known, ", "))
	}
	if _, err := sampler.NewNoise(r.Noise, 0); err != nil {
		bad("%v", err)
	}
	if r.Prediction != "" && r.Prediction != sampler.Epsilon && r.Prediction != sampler.VPrediction {
		bad("prediction %q: must be %s or %s", r.Prediction, sampler.Epsilon, sampler.VPrediction)
	}
	if len(r.LoRAs) > maxLoRAs {
		bad("%d LoRAs: must be %d at most", len(r.LoRAs), maxLoRAs)
	}
	for i, l := range r.LoRAs {
		if !within(l.UNet, -maxStrength, maxStrength) || !within(l.Text, -maxStrength, maxStrength) {
			bad("LoRA %d (%s): strengths %g and %g must be -%d to %d", i+1, modelName(l.Path), l.UNet, l.Text, maxStrength, maxStrength)
		}
	}
	if !within(r.Strength, 0, 1) {
		bad("strength %g: must be 0 to 1", r.Strength)
	}
	if r.Checkpoint == "" {
		bad("no checkpoint: choose one, or %q", StarterCheckpoint)
	}
	if len(r.Prompt) > maxPrompt || len(r.NegativePrompt) > maxPrompt {
		bad("the prompt is longer than %d characters", maxPrompt)
	}
	if len(r.Controls) > maxControls {
		bad("%d controls: must be %d at most", len(r.Controls), maxControls)
	}
	for i, c := range r.Controls {
		if !within(c.Weight, 0, maxWeight) {
			bad("control %d (%s): weight %g must be 0 to %d", i+1, c.Kind, c.Weight, maxWeight)
		}
		if !within(c.Start, 0, 1) || !within(c.End, 0, 1) || c.Start > c.End {
			bad("control %d (%s): range %g–%g must lie in 0–1 and go forwards", i+1, c.Kind, c.Start, c.End)
		}
	}
	r.validateViews(bad)
	r.checkModes(bad)
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("recipe: %s", strings.Join(problems, "; "))
}

func within(v, lo, hi float64) bool { return !math.IsNaN(v) && v >= lo && v <= hi }

// needsSketch reports whether the recipe cannot be rendered without a drawing.
func (r Recipe) needsSketch() bool { return len(r.Controls) > 0 || r.fromSketch() }

// fromSketch reports whether the render starts from the sketch's own colours (img2img).
func (r Recipe) fromSketch() bool { return r.Init == "" && r.Strength > 0 && r.Strength < 1 }
