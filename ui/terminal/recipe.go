package terminal

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"maquette/inference/sampler"
	"maquette/projects"
)

// maxSeed is the greatest seed that other tools accept, and so the greatest
// that is drawn at random.
const maxSeed = math.MaxUint32

// recipeFlags are the flags of `maquette render` that make a recipe.
type recipeFlags struct {
	prompt, negative string
	checkpoint       string
	controls         []string
	size             string
	steps, count     int
	guidance         float64
	sampler          string
	schedule         string
	karras           bool
	adapters         adapterFlags
	seed             int64
	strength         float64
	modes            modeFlags
	// keepSeed keeps the base's seed where none is given.
	keepSeed bool
}

// add declares the flags. Where none is given, recipe leaves its base as it is.
func (r *recipeFlags) add(flags *pflag.FlagSet) {
	def := projects.DefaultRecipe()
	flags.StringVarP(&r.prompt, "prompt", "p", "", "what the image shows, in English words")
	flags.StringVarP(&r.negative, "negative", "n", "", "what it shall not show")
	flags.StringVarP(&r.checkpoint, "model", "m", projects.StarterCheckpoint,
		"checkpoint: a path, or a name that 'maquette models ls' lists")
	flags.StringArrayVarP(&r.controls, "control", "c", nil,
		"how the sketch guides the image, as KIND[:WEIGHT[:START-END]]; repeat it for several, 'none' for no control")
	flags.StringVar(&r.size, "size", "", fmt.Sprintf("size in pixels as WIDTHxHEIGHT, multiples of 8 (default %dx%d with the starter)", def.Width, def.Height))
	flags.IntVar(&r.steps, "steps", def.Steps, "sampling steps: more take longer and show more detail")
	flags.Float64Var(&r.guidance, "guidance", def.Guidance, "how strictly the image follows the prompt; 1 is not at all")
	flags.StringVar(&r.sampler, "sampler", def.Sampler, "one of "+strings.Join(sampler.Names(), ", "))
	flags.StringVar(&r.schedule, "schedule", cmp.Or(def.Schedule, sampler.Normal),
		"how the steps are spread over the noise: one of "+strings.Join(sampler.Schedules(""), ", "))
	flags.BoolVar(&r.karras, "karras", false, "the same as --schedule karras; --karras=false is --schedule normal")
	r.adapters.add(flags)
	flags.Int64Var(&r.seed, "seed", 0, "number that decides the noise; the same seed repeats the image (default: a random one)")
	flags.IntVar(&r.count, "count", 1, "number of images, with the seeds SEED, SEED+1, …")
	flags.Float64Var(&r.strength, "strength", 0, "start from the sketch's own colours, or --init, and replace this part of them, 0…1; 0 starts from noise")
	r.modes.add(flags)
}

// recipe applies the given flags to base. Its errors are usage errors.
func (r *recipeFlags) recipe(flags *pflag.FlagSet, base projects.Recipe) (projects.Recipe, error) {
	out := base
	given := flags.Changed
	if given("prompt") {
		out.Prompt = r.prompt
	}
	if given("negative") {
		out.NegativePrompt = r.negative
	}
	if given("size") {
		size, err := parseRenderSize(r.size)
		if err != nil {
			return out, usagef("--%w", err)
		}
		out.Width, out.Height = size.X, size.Y
	}
	if given("steps") {
		out.Steps = r.steps
	}
	if given("guidance") {
		out.Guidance = r.guidance
	}
	if given("sampler") {
		if !sampler.Known(r.sampler) {
			return out, usagef("--sampler %q is not one of %s", r.sampler, strings.Join(sampler.Names(), ", "))
		}
		out.Sampler = r.sampler
	}
	if err := r.applySchedule(given, &out); err != nil {
		return out, err
	}
	if err := r.adapters.apply(given, &out); err != nil {
		return out, err
	}
	out.Count = r.count
	if given("strength") {
		out.Strength = r.strength
	}
	if err := r.modes.apply(flags, &out); err != nil {
		return out, err
	}
	switch {
	case given("seed") && (r.seed < 0 || r.seed > maxSeed):
		return out, usagef("--seed %d is not in 0…%d", r.seed, int64(maxSeed))
	case given("seed"):
		out.Seed = r.seed
	case !r.keepSeed:
		out.Seed = rand.Int64N(maxSeed)
	}
	if err := r.applyControls(&out); err != nil {
		return out, err
	}
	if err := out.Validate(); err != nil {
		return out, &usageError{err}
	}
	return out, nil
}

// applySchedule sets the schedule. One of the base that doesn't go with another
// sampler is dropped.
func (r *recipeFlags) applySchedule(given func(string) bool, out *projects.Recipe) error {
	known := sampler.Schedules(out.Sampler)
	switch {
	case given("karras") && given("schedule"):
		return usagef("--karras and --schedule say the same thing; leave one of them out")
	case given("karras") && r.karras && !sampler.AllowsKarras(out.Sampler):
		return usagef("--karras does nothing with --sampler %s; leave one of them out", out.Sampler)
	case given("karras"):
		out.Schedule = map[bool]string{true: sampler.Karras}[r.karras]
	case given("schedule") && !slices.Contains(known, r.schedule):
		return usagef("--schedule %q does not go with --sampler %s, which takes %s", r.schedule, out.Sampler, strings.Join(known, ", "))
	case given("schedule"):
		out.Schedule = r.schedule
	case !slices.Contains(known, out.Schedule):
		out.Schedule = ""
	}
	if out.Schedule == sampler.Normal {
		out.Schedule = "" // one spelling, so that recipes compare
	}
	return nil
}

// applyControls replaces the base's controls with those of -c.
func (r *recipeFlags) applyControls(out *projects.Recipe) error {
	if len(r.controls) == 0 {
		return nil
	}
	def := projects.RecipeControl{Weight: 1, Start: 0, End: 1}
	if len(out.Controls) > 0 {
		def = out.Controls[0]
	}
	out.Controls = nil
	if slices.Equal(r.controls, []string{noControls}) {
		return nil
	}
	for _, spec := range r.controls {
		if spec == noControls {
			return usagef("-c none excludes other controls")
		}
		c, err := parseControl(spec, def)
		if err != nil {
			return &usageError{err}
		}
		if c.ControlNet != "" {
			if c.ControlNet, err = filepath.Abs(c.ControlNet); err != nil {
				return fmt.Errorf("control %q: %w", spec, err)
			}
		}
		out.Controls = append(out.Controls, c)
	}
	return nil
}

// baseRecipe returns the recipe that the flags change: the defaults for the
// checkpoint that model names.
func baseRecipe(ctx context.Context, library Library, model string) (projects.Recipe, error) {
	r := projects.DefaultRecipe()
	path, err := findCheckpoint(ctx, library, model)
	if err != nil || path == projects.StarterCheckpoint {
		return r, err
	}
	// What Krita AI Diffusion and most users of Stable Diffusion 1.5 start
	// from; letting go of the sketch for the last fifth gives cleaner images.
	r.Checkpoint = path
	r.Width, r.Height, r.Guidance, r.Schedule = 512, 512, 7, sampler.Karras
	for i := range r.Controls {
		r.Controls[i].End = 0.8
	}
	return r, nil
}

// findCheckpoint returns what a recipe calls a checkpoint that is given as the
// starter, by its path or by its name in the model library.
func findCheckpoint(ctx context.Context, library Library, model string) (string, error) {
	if model == projects.StarterCheckpoint {
		return model, nil
	}
	if _, err := os.Stat(model); err == nil {
		return filepath.Abs(model)
	}
	entries, err := library.Checkpoints(ctx)
	if err != nil {
		return "", err
	}
	var known []string
	for _, e := range entries {
		if e.Name == model {
			return e.Path, nil
		}
		known = append(known, e.Name)
	}
	return "", fmt.Errorf("there is no checkpoint %q: no file or folder of that path, and the model library has %s",
		model, orNothing(known))
}

// orNothing lists words, or says that there are none.
func orNothing(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
