package studio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"

	"maquette/projects"
	"maquette/projects/phrases"
	"maquette/ui/explain"
	"maquette/ui/panels"
)

// Beginnings of the IDs of what can be varied: ready sets of phrases and recipe fields.
const (
	ownPhrases  = "own"
	readyPrefix = "ready:"
	fieldPrefix = "field:"
)

// variantSources lists what can be varied: the ready sets of phrases, phrases of
// one's own, and the recipe fields that people vary.
func variantSources(ready []phrases.Set, language string) []panels.VariantSource {
	var list []panels.VariantSource
	for _, s := range ready {
		source := panels.VariantSource{ID: readyPrefix + s.ID, Title: s.Title(language)}
		for _, p := range s.Phrases {
			source.Phrases = append(source.Phrases, panels.Phrase{ID: p.Text, Title: p.Title(language)})
		}
		list = append(list, source)
	}
	list = append(list, panels.VariantSource{ID: ownPhrases, Title: lang.L("Phrases of your own"), Hint: lang.L("brick | glass | timber")})
	for _, f := range []struct{ field, title, hint string }{
		{"seed", lang.L("Seed"), "1..4"},
		{"control.weight", lang.L("Weight of the first control"), "0.6..1:0.2"},
		{"control.end", lang.L("End of the first control"), "0.5 | 0.75 | 1"},
		{"guidance", lang.L("Guidance"), "2 | 4 | 7"},
		{"steps", lang.L("Steps"), "8 | 20 | 40"},
		{"sampler", lang.L("Sampler"), "euler | dpmpp_2m | unipc"},
		{"checkpoint", lang.L("Checkpoint"), lang.L("names of checkpoints, with | between")},
		{"size", lang.L("Size"), "256x256 | 256x384"},
	} {
		list = append(list, panels.VariantSource{ID: fieldPrefix + f.field, Title: f.title, Hint: f.hint})
	}
	return list
}

// variantAxes reads what a render varies; problems say for each row why it
// can't be read, or are empty.
func variantAxes(rows []panels.Variant, ready []phrases.Set, language string, resolve projects.ResolveModel) (axes []projects.Axis, problems []string) {
	problems = make([]string, len(rows))
	for i, v := range rows {
		list, err := variantAxis(v, ready, language, resolve)
		if err != nil {
			problems[i] = explain.Error(err)
			continue
		}
		axes = append(axes, list...)
	}
	return axes, problems
}

func variantAxis(v panels.Variant, ready []phrases.Set, language string, resolve projects.ResolveModel) ([]projects.Axis, error) {
	if len(v.Picked) == 0 && strings.TrimSpace(v.Text) == "" {
		return nil, errors.New(lang.L("Choose what it changes to."))
	}
	o := projects.PhraseOptions{Ready: ready, Language: language}
	if id, ok := strings.CutPrefix(v.Source, readyPrefix); ok {
		a, err := projects.ParsePhrases(id+":"+strings.Join(v.Picked, "|"), o)
		return []projects.Axis{a}, err
	}
	if field, ok := strings.CutPrefix(v.Source, fieldPrefix); ok {
		return projects.ParseMatrix(field+"="+v.Text, resolve)
	}
	text := v.Text
	if !strings.ContainsAny(text, "{}") {
		text = "{" + text + "}"
	}
	a, err := projects.ParsePhrases("phrase="+text, o)
	a.Label = lang.L("Phrase")
	return []projects.Axis{a}, err
}

// expanded is the set of a recipe and what it varies.
func expanded(base projects.Recipe, axes []projects.Axis) (projects.Set, []projects.SetJob, error) {
	if seeds, ok := projects.SeedAxis(base); ok && !slices.ContainsFunc(axes, func(a projects.Axis) bool { return a.Field == seeds.Field }) {
		axes = append(slices.Clone(axes), seeds)
	}
	var names []string // of the set, in the user's language
	for _, a := range axes {
		names = append(names, lang.L(a.Title()))
	}
	if len(names) > 0 && base.Views != nil && len(base.Views.Cameras) > 1 {
		names = append(names, lang.L("Views"))
	}
	return projects.Expand(base, strings.Join(names, " × "), axes)
}

// replan works out in the background what a render with variants would be. The
// newest call wins.
func (w *workspace) replan() {
	rows, r := w.state.Variants(), w.state.Recipe()
	w.plan.Rows = rows
	w.plan.Sources = variantSources(w.ready, languageOf(w.s.settings.Language).tag)
	if len(rows) == 0 {
		w.planning.Cancel()
		w.plan.Problems, w.plan.Images, w.plan.Time = nil, 0, 0
		return
	}
	ready, resolve := w.ready, w.s.resolveModel()
	language := languageOf(w.s.settings.Language).tag
	w.planning.Start(func(ctx context.Context) {
		axes, problems := variantAxes(rows, ready, language, resolve)
		images, took := 0, time.Duration(0)
		if !slices.ContainsFunc(problems, func(p string) bool { return p != "" }) {
			set, jobs, err := expanded(r, axes)
			if err != nil {
				problems[len(problems)-1] = explain.Error(err)
			} else {
				images = set.Count()
				recipes := make([]projects.Recipe, len(jobs))
				for i, j := range jobs {
					recipes[i] = j.Recipe
				}
				took, _ = w.project.Estimate(ctx, recipes) // without it the time is not shown
			}
		}
		w.s.post(func() {
			if ctx.Err() == nil {
				w.plan.Problems, w.plan.Images, w.plan.Time = problems, images, took
				w.show()
			}
		})
	})
}

// resolveModel finds the checkpoint that a name typed for a variant means.
func (s *studio) resolveModel() projects.ResolveModel {
	list := slices.Clone(s.checkpoints)
	return func(field, name string) (string, error) {
		if field != "checkpoint" {
			return name, nil
		}
		for _, c := range list {
			if (strings.EqualFold(c.Name, name) || c.Path == name) && c.Note == "" {
				return c.Path, nil
			}
		}
		return "", fmt.Errorf("%q: %s", name, lang.L("there is no such checkpoint in your model folders"))
	}
}

// loadPhrases reads the ready sets of phrases.
func (w *workspace) loadPhrases() {
	go func() {
		ready, err := phrases.Load()
		if err != nil {
			w.s.log.Warn("the user's phrases can't be read, so those of the app are used", "error", err)
		}
		w.s.post(func() {
			w.ready = ready
			w.replan()
			w.show()
		})
	}()
}
