package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maquette/inference/sampler"
	"maquette/projects"
	"maquette/projects/settings"
)

const renderHelp = `Renders a sketch into concept images and stores them, with all that made them,
in a project folder. The folder is created if there is none.

SKETCH is a PNG, JPEG, WebP, TIFF, BMP or GIF file, - for standard input,
sample:vase, sample:speaker or sample:facade for a bundled sketch, or
sketch:NAME for one that the project has already.

A control decides how the sketch guides the image. -c takes

  KIND[:WEIGHT[:START-END]][,NAME=VALUE]…[,mode=MODE][,net=PATH]

  KIND       how the sketch is read; 'maquette control' lists the kinds
  WEIGHT     0…2; 1 is what the ControlNet was trained for
  START-END  the part of the steps in which it acts, such as 0-0.8
  NAME=VALUE a parameter of the kind; 'maquette control KIND --help' lists them
  mode=MODE  who decides where prompt and control disagree: balanced, prompt or
             control
  net=PATH   the ControlNet; without it the model library's one for the kind

On standard output comes the path of each finished image. Ctrl-C stops the
render and keeps the images that are finished.

With --json, standard output has one JSON object a line, told apart by "event":

  set       id, name, axes, images, estimate_seconds (absent while unknown)
  start     project, sketch_id, job, recipe
  progress  stage (load, encode, denoise, decode), step, steps, fraction,
            remaining_seconds (absent while unknown)
  note      text, such as a fallback to another provider
  concept   id, image, sidecar, seed, view (absent without), width, height,
            seconds, job
  scores    set, view_agreement (absent without views), geometry_drift (absent
            without variants)
  done      job or set, state (done, failed, cancelled), concepts, seconds, provider
  error     message; the command then ends with exit code 1, or 2 where the
            command line is wrong`

const renderExample = `  # A bundled sketch with its own prompt
  maquette render sample:speaker --project ~/Maquette/First

  # Four variants of a drawing that can be repeated exactly
  maquette render chair.png -p "an oak chair" --count 4 --seed 7 --project ~/Maquette/Chairs

  # Two controls, the first one with its own thresholds, released for the last fifth
  maquette render house.png -p "a brick house, evening" -c canny:0.8:0-0.8,low=80,high=160 \
      -c depth:0.5 --project ~/Maquette/Houses

  # Your own checkpoint, and every image's path for a script
  maquette render house.png -p "a brick house" -m ~/models/my-sd15 --size 512x512 --project p | xargs -n1 echo

  # A LoRA from the library, its strength in the text encoder halved, and noise as in AUTOMATIC1111
  maquette render house.png -p "a brick house, <lora:dusk:0.6>" -m photo --lora ink:0.8:0.4 --clip-skip 2 --rng philox --project p

  # A concept's recipe and seed again, for another drawing and in red
  maquette render stool.png --like ~/Maquette/Chairs/concepts/0003.png -p "a red chair" --project ~/Maquette/Chairs

  # The object from four sides, and the side as you drew it yourself
  maquette render lamp.png -p "a brass lamp" --views front,three-quarter-left,side-left,top \
      --view-drawing side-left=lamp-side.png --project ~/Maquette/Lamps

  # Change part of a finished image: where mask.png is white, and nothing else
  maquette render chair.png -p "a cane seat" --init ~/Maquette/Chairs/concepts/0003.png \
      --mask mask.png --mask-only --mask-padding 48 --project ~/Maquette/Chairs

  # Twice the size: the finished image is enlarged and rendered again
  maquette render chair.png -p "an oak chair" --second-pass 2:0.4:12 --project ~/Maquette/Chairs

  # Continue what a crash or power cut interrupted
  maquette render --resume --project ~/Maquette/Houses`

// renderOptions are the flags of `maquette render` beside those of the recipe.
type renderOptions struct {
	recipe   recipeFlags
	views    viewFlags
	variants variantFlags
	dir      string
	engine   engineFlags
	skip     bool
	resume   bool
	set      string
	like     string
}

func (s *session) renderCommand() *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:     "render SKETCH -p PROMPT --project DIR",
		Short:   "Render a sketch into concept images",
		Long:    renderHelp + adapterHelp + fmt.Sprintf(renderViewsHelp, viewNames()) + variantsHelp,
		Example: renderExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if !o.resume {
				return exactly("SKETCH")(cmd, args)
			}
			if len(args) > 0 {
				return usagef("--resume renders what the project has waiting, so SKETCH %q must be left out", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.dir == "" {
				return usagef("--project DIR is missing: the folder that the images go to; it is created if there is none")
			}
			if o.resume {
				if o.variants.sheet != "" && o.set == "" {
					return usagef("--sheet needs --set where --resume is given: it is of one set")
				}
				return s.resume(cmd.Context(), o)
			}
			if o.set != "" {
				return usagef("--set is for --resume; new variants get a set of their own, see --set-name")
			}
			return s.render(cmd, args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.recipe.add(flags)
	o.views.add(cmd)
	o.variants.add(cmd)
	flags.StringVar(&o.dir, "project", "", "project folder that the images go to")
	must(cmd.MarkFlagDirname("project"))
	o.engine.add(flags)
	flags.StringVar(&o.like, "like", "", "begin with the recipe of this image, a concept or a PNG of another tool; other flags change it")
	flags.BoolVar(&o.skip, "skip-existing", false, "render only the seeds of which the project has no image with this sketch and recipe")
	flags.BoolVar(&o.resume, "resume", false, "render what an earlier run of the project left unfinished")
	flags.StringVar(&o.set, "set", "", "with --resume: render what is missing of this set, also what failed or was cancelled")
	s.jsonFlag(cmd, "print one JSON object a line")
	must(cmd.RegisterFlagCompletionFunc("sampler", cobra.FixedCompletions(
		sampler.Names(), cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("control", cobra.FixedCompletions(
		append(kindNames(), noControls), cobra.ShellCompDirectiveNoFileComp)))
	s.completeAdapters(cmd)
	o.engine.complete(cmd)
	return cmd
}

// render runs one command line of `maquette render SKETCH`.
func (s *session) render(cmd *cobra.Command, arg string, o renderOptions) error {
	ctx, flags := cmd.Context(), cmd.Flags()
	set := s.settings()
	log, err := s.logger(noLogging)
	if err != nil {
		return err
	}
	if o.skip && !flags.Changed("seed") {
		return usagef("--skip-existing needs --seed: with a random seed no image exists yet")
	}
	library, err := s.NewLibrary(set, log)
	if err != nil {
		return err
	}
	var base projects.Recipe
	switch {
	case o.like == "":
		base, err = baseRecipe(ctx, library, o.recipe.checkpoint)
	case flags.Changed("model"):
		base, err = s.likeRecipe(ctx, library, o.like, o.recipe.checkpoint)
	default:
		base, err = s.likeRecipe(ctx, library, o.like, "")
	}
	if err != nil {
		return err
	}
	o.recipe.keepSeed = o.like != ""
	recipe, err := o.recipe.recipe(flags, base)
	if err != nil {
		return err
	}
	if err := o.views.apply(flags, &recipe, o.recipe.count); err != nil {
		return err
	}
	if o.skip && recipe.Views != nil {
		return usagef("--skip-existing can't be used with --views: the images of a set are made together")
	}
	drawings, err := o.views.openDrawings(recipe)
	if err != nil {
		return err
	}
	// The sketch is read first: a wrong path must not leave an empty project behind.
	var k sketch
	inProject := strings.HasPrefix(arg, projectPrefix)
	if !inProject {
		if k, err = s.openSketch(ctx, nil, arg); err != nil {
			return err
		}
	}
	if !flags.Changed("prompt") && o.like == "" {
		if k.prompt == "" {
			return usagef("-p PROMPT is missing: what the image shows, such as -p \"an oak chair, front view\"")
		}
		recipe.Prompt = k.prompt
	}
	if err := checkAdapters(ctx, library, recipe); err != nil {
		return err
	}
	members, err := o.variants.members(ctx, s, flags, library, &recipe)
	if err != nil {
		return err
	}
	if members != nil && o.skip {
		return usagef("--skip-existing can't be used with variants; --resume --set goes on with a set")
	}
	if o.variants.dryRun {
		return s.dryRun(ctx, o.dir, recipe, members)
	}
	p, err := openOrCreate(ctx, o.dir, !inProject)
	if err != nil {
		return err
	}
	return s.withQueue(p, library, o.engine.over(set), log, func(q *projects.Queue) error {
		if inProject {
			if k, err = s.openSketch(ctx, p, arg); err != nil {
				return err
			}
		}
		id, err := keepSketch(ctx, p, k)
		if err != nil {
			return err
		}
		if err := o.recipe.modes.keep(ctx, p, o.like, recipe); err != nil {
			return err
		}
		if err := keepDrawings(ctx, p, id, drawings); err != nil {
			return err
		}
		if members != nil {
			return s.renderSet(ctx, p, q, id, k.img, members, o.variants.sheet)
		}
		recipes := []projects.Recipe{recipe}
		if o.skip {
			if recipes, err = missing(ctx, p, id, recipe); err != nil {
				return err
			}
			if len(recipes) == 0 {
				s.note("%s has all %s already", p.Dir(), plural(recipe.Count, "image"))
			}
		}
		for _, r := range recipes {
			w := s.watch(p, q)
			job, err := q.Enqueue(ctx, id, k.img, r)
			if err != nil {
				w.stop()
				return err
			}
			if err := w.job(ctx, job); err != nil {
				return err
			}
		}
		return nil
	})
}

// resume renders the interrupted jobs of a project.
func (s *session) resume(ctx context.Context, o renderOptions) error {
	set := s.settings()
	log, err := s.logger(noLogging)
	if err != nil {
		return err
	}
	library, err := s.NewLibrary(set, log)
	if err != nil {
		return err
	}
	p, err := openOrCreate(ctx, o.dir, false)
	if err != nil {
		return err
	}
	return s.withQueue(p, library, o.engine.over(set), log, func(q *projects.Queue) error {
		if o.set != "" {
			return s.resumeSet(ctx, p, q, o.set, o.variants.sheet)
		}
		found := false
		sets := map[string]bool{}
		for _, job := range q.Jobs() {
			if job.State != projects.JobInterrupted || job.Set != nil && sets[job.Set.ID] {
				continue
			}
			found = true
			if job.Set != nil && job.Recipe.Views == nil {
				sets[job.Set.ID] = true
				if err := s.resumeSet(ctx, p, q, job.Set.ID, ""); err != nil {
					return err
				}
				continue
			}
			w := s.watch(p, q)
			if err := q.Retry(job.ID); err != nil {
				w.stop()
				return err
			}
			if err := w.job(ctx, job); err != nil {
				return err
			}
		}
		if !found {
			s.note("%s has nothing unfinished", p.Dir())
		}
		return nil
	})
}

// withQueue runs do with a render queue on p, then closes everything.
func (s *session) withQueue(p *projects.Project, models projects.Models, set settings.Settings, log *slog.Logger, do func(*projects.Queue) error) (err error) {
	defer func() { err = errors.Join(err, p.Close()) }()
	engine, err := s.NewEngine(projects.EngineConfig(set, log))
	if err != nil {
		return fmt.Errorf("the engine did not start: %w; 'maquette doctor' says what is missing", err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	q := projects.NewQueue(p, engine, models, log)
	defer func() { err = errors.Join(err, q.Close()) }()
	return do(q)
}

// openOrCreate opens the project in dir, or creates it where create is true
// and there is none.
func openOrCreate(ctx context.Context, dir string, create bool) (*projects.Project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p, err := projects.Open(ctx, dir)
	absent := errors.Is(err, projects.ErrNotProject) || errors.Is(err, os.ErrNotExist)
	if create && absent {
		return projects.Create(ctx, dir, "")
	}
	return p, err
}

// seconds rounds a duration for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
