package terminal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maquette/projects"
	"maquette/projects/phrases"
	"maquette/projects/settings"
)

const variantsHelp = `

Variants keep the sketch, its control images and the noise, so that only what is
named changes. They become one set of the project, a row for each value.

  --vary 'facade={brick|glass|timber}'
             phrases that take the place of {facade} in the prompt, or follow it.
             Prompts and phrases have the grammar of Dynamic Prompts:
             {2::brick|glass} by weight, {2$$ and $$a|b|c} two of them,
             __stone__ the lines of stone.txt in the wildcard folder
  --vary facade, --vary 'facade:brick|glass'
             a ready set of phrases, or some of it; 'maquette phrases' lists them
  --matrix 'seed=1..4,control.weight=0.6..1.0:0.2,sampler=euler|dpmpp_2m'
             recipe fields with values, ranges, and ranges in steps
  --sample N draws N phrases of each at random, where there are more`

// variantFlags are the flags of `maquette render` that make a set.
type variantFlags struct {
	vary, matrix []string
	sample       int
	wildcards    string
	name         string
	sheet        string
	dryRun       bool
}

func (v *variantFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&v.vary, "vary", nil, "render a variant with each phrase, as NAME={one|another} or the name of a ready set; repeat it for combinations")
	flags.StringArrayVar(&v.matrix, "matrix", nil, "render a variant with each value of recipe fields, as FIELD=VALUES[,FIELD=VALUES]…")
	flags.IntVar(&v.sample, "sample", 0, "draw so many phrases at random where there are more")
	flags.StringVar(&v.wildcards, "wildcards", "", "folder of wildcard files (default: wildcards beside the settings)")
	flags.StringVar(&v.name, "set-name", "", "name of the set (default: what varies)")
	flags.StringVar(&v.sheet, "sheet", "", "write a contact sheet of the images to this file, .png or .pdf")
	flags.BoolVar(&v.dryRun, "dry-run", false, "say how many images it makes and about how long that takes, and render nothing")
	must(cmd.MarkFlagDirname("wildcards"))
	must(cmd.RegisterFlagCompletionFunc("vary", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		sets, err := phrases.Load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var ids []string
		for _, s := range sets {
			ids = append(ids, s.ID)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}))
	must(cmd.RegisterFlagCompletionFunc("matrix", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, f := range projects.Fields() {
			names = append(names, f.Name+"=")
		}
		return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}))
}

// members are the jobs of a new set.
type members struct {
	set  projects.Set
	jobs []projects.SetJob
}

// members makes the set that the flags ask for of the recipe; nil where they ask
// for none, and a prompt that was typed is then plain text. Its errors are usage errors.
func (v *variantFlags) members(ctx context.Context, s *session, flags *pflag.FlagSet, library Library, base *projects.Recipe) (*members, error) {
	switch strings.ToLower(filepath.Ext(v.sheet)) {
	case "", ".png", ".pdf":
	default:
		return nil, usagef("--sheet %s: use .png or .pdf", v.sheet)
	}
	axes, err := v.axes(ctx, s, flags, library, base)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 && v.sheet == "" {
		return nil, nil
	}
	if axes, err = v.addSeeds(axes, base); err != nil {
		return nil, err
	}
	set, jobs, err := projects.Expand(*base, v.name, axes)
	if err != nil {
		return nil, &usageError{err}
	}
	m := &members{set, jobs}
	return m, m.checkAdapters(ctx, library)
}

// checkAdapters looks for the LoRAs and VAEs that the members name, each once.
func (m *members) checkAdapters(ctx context.Context, library projects.Models) error {
	seen := map[string]bool{}
	for _, j := range m.jobs {
		if key := fmt.Sprint(j.Recipe.LoRAs, j.Recipe.VAE); !seen[key] {
			seen[key] = true
			if err := checkAdapters(ctx, library, j.Recipe); err != nil {
				return err
			}
		}
	}
	return nil
}

// axes reads what the flags vary. Choices in the prompt of base itself count where
// it was typed; its text is then what they go into.
func (v *variantFlags) axes(ctx context.Context, s *session, flags *pflag.FlagSet, library Library, base *projects.Recipe) ([]projects.Axis, error) {
	if v.sample < 0 {
		return nil, usagef("--sample %d is below 0", v.sample)
	}
	o, closeFolder, err := v.phraseOptions(s, base.Seed)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	var axes []projects.Axis
	for _, text := range v.vary {
		a, err := projects.ParsePhrases(text, o)
		if err != nil {
			return nil, usagef("--vary %w", err)
		}
		axes = append(axes, a)
	}
	if flags.Changed("prompt") {
		a, plain, ok, err := projects.PromptAxis(base.Prompt, projects.PhraseNames(axes), o)
		if err != nil {
			return nil, usagef("-p: %w", err)
		}
		if base.Prompt = plain; ok {
			axes = append(axes, a)
		}
	}
	for _, text := range v.matrix {
		more, err := projects.ParseMatrix(text, func(field, name string) (string, error) {
			if field != "checkpoint" {
				return name, nil // recipes take names of the model library
			}
			return findCheckpoint(ctx, library, name)
		})
		if err != nil {
			return nil, usagef("--matrix %w", err)
		}
		axes = append(axes, more...)
	}
	return axes, nil
}

// addSeeds makes an axis of --count, which a set has as seeds. Without another
// axis one seed is an axis too, so that there is a set.
func (v *variantFlags) addSeeds(axes []projects.Axis, base *projects.Recipe) ([]projects.Axis, error) {
	seeds, several := projects.SeedAxis(*base)
	views := base.Views != nil && base.View == "" && len(base.Views.Cameras) > 1
	if !several && (len(axes) > 0 || views) {
		return axes, nil
	}
	for _, a := range axes {
		if a.Field == seeds.Field {
			return nil, usagef("--count %d and --matrix seed=… both choose seeds; leave one of them out", len(seeds.Values))
		}
	}
	return append(axes, seeds), nil
}

// phraseOptions gathers what phrases are read with. The folder of wildcards
// stays open until close is called.
func (v *variantFlags) phraseOptions(s *session, seed int64) (o projects.PhraseOptions, close func(), err error) {
	o = projects.PhraseOptions{Sample: v.sample, Seed: seed}
	if o.Ready, err = phrases.Load(); err != nil {
		s.note("%v", err)
	}
	dir := v.wildcards
	if dir == "" {
		file, err := settings.Path()
		if err != nil {
			return o, func() {}, nil
		}
		dir = filepath.Join(filepath.Dir(file), "wildcards")
	}
	root, err := os.OpenRoot(dir)
	switch {
	case v.wildcards == "" && errors.Is(err, fs.ErrNotExist):
		return o, func() {}, nil
	case err != nil:
		return o, nil, fmt.Errorf("the wildcard folder: %w", err)
	}
	o.Wildcards = root.FS()
	return o, func() { _ = root.Close() }, nil // it was only read from
}

// setEvent is the line of --json that says what a set will be.
type setEvent struct {
	Event  string          `json:"event"` // "set"
	ID     string          `json:"id,omitempty"`
	Name   string          `json:"name,omitempty"`
	Axes   []projects.Axis `json:"axes,omitempty"`
	Images int             `json:"images"`
	// EstimateSeconds is absent where nothing comparable was rendered before.
	EstimateSeconds float64 `json:"estimate_seconds,omitempty"`
}

// announce says how many images a set makes and how long that takes.
func (s *session) announce(set projects.Set, estimate time.Duration) {
	if s.json {
		s.emit(setEvent{Event: "set", ID: set.ID, Name: set.Name, Axes: set.Axes, Images: set.Count(), EstimateSeconds: estimate.Seconds()})
		return
	}
	var parts []string
	for _, a := range set.Axes {
		parts = append(parts, fmt.Sprintf("%d × %s", len(a.Values), a.Title()))
	}
	s.note("The set %q has %s (%s)%s", set.Name, plural(set.Count(), "image"), strings.Join(parts, ", "), about(estimate))
}

// about says how long renders take, where that is known.
func about(estimate time.Duration) string {
	if estimate == 0 {
		return "; how long that takes is known after the first"
	}
	return ", about " + longTime(estimate)
}

// longTime writes a duration for people, in two units at most.
func longTime(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return seconds(d)
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second)/time.Second))
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

// dryRun says what would be rendered; m is nil where that is no set.
func (s *session) dryRun(ctx context.Context, dir string, recipe projects.Recipe, m *members) error {
	recipes := []projects.Recipe{recipe}
	if m != nil {
		recipes = recipesOf(m.jobs)
	}
	var estimate time.Duration
	p, err := openReadOnly(ctx, dir)
	switch {
	case err == nil:
		estimate, err = p.Estimate(ctx, recipes)
		if err = errors.Join(err, p.Close()); err != nil {
			return err
		}
	case !errors.Is(err, projects.ErrNotProject):
		return err
	}
	if m == nil {
		return s.dryRunOne(recipe, estimate)
	}
	s.announce(m.set, estimate)
	if s.json {
		return nil
	}
	rows := [][]string{{"", "PROMPT", "SEED"}}
	for _, j := range m.jobs {
		for _, at := range j.At {
			place := projects.Place{Set: m.set, At: at}
			rows = append(rows, []string{strings.Join(place.Labels(), " · "), clip(j.Recipe.Prompt, 80), fmt.Sprint(j.Recipe.Seed)})
		}
	}
	return s.table(rows)
}

// dryRunOne says what a render that is no set would be.
func (s *session) dryRunOne(r projects.Recipe, estimate time.Duration) error {
	if s.json {
		s.emit(setEvent{Event: "set", Images: r.Count, EstimateSeconds: estimate.Seconds()})
		return nil
	}
	s.note("%s%s", plural(r.Count, "image"), about(estimate))
	return nil
}

func openReadOnly(ctx context.Context, dir string) (*projects.Project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return projects.OpenReadOnly(ctx, dir)
}

func recipesOf(jobs []projects.SetJob) []projects.Recipe {
	recipes := make([]projects.Recipe, len(jobs))
	for i, j := range jobs {
		recipes[i] = j.Recipe
	}
	return recipes
}
