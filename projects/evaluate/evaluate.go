// Package evaluate measures whole projects and folders of pictures: how well
// concepts follow their sketches, variants each other's geometry and views one
// object, and how far the pictures are from others.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"maquette/control"
	"maquette/projects"
	"maquette/projects/measure"
)

// Options change what is measured.
type Options struct {
	// Against is a project or folder of pictures that the others are compared
	// with, or "".
	Against string
	// Vision loads the networks for the numbers that need one; nil leaves these out.
	Vision func(context.Context) (*projects.Vision, error)
	// Depth finds the depth of sketches that are photographs; it may be nil.
	Depth control.PhotoDepth
	// Progress, which may be nil, is called on the caller's goroutine.
	Progress func(Progress)
}

// Progress says how far an evaluation is.
type Progress struct {
	// Path is what is being looked at, Stage what is done with it.
	Path  string `json:"path"`
	Stage Stage  `json:"stage"`
	// Done and Total count pictures, or for sets the sets.
	Done  int `json:"done"`
	Total int `json:"total"`
}

// Stage is a part of an evaluation.
type Stage string

// The stages.
const (
	StageFidelity Stage = "fidelity"
	StageSets     Stage = "sets"
	StageNetworks Stage = "networks"
)

// Report is what was measured.
type Report struct {
	Sources []Source `json:"sources"`
	// All holds the numbers over all sources.
	All Scores `json:"all"`
	// Missing are the models that numbers were left out for.
	Missing []projects.MissingModel `json:"missing,omitempty"`
	// Warnings are sentences about what the numbers don't mean.
	Warnings []string `json:"warnings,omitempty"`
}

// Source is one project or folder.
type Source struct {
	Path string `json:"path"`
	// Name is the project's; "" for a folder.
	Name     string `json:"name,omitempty"`
	Pictures int    `json:"pictures"`
	Scores   Scores `json:"scores"`
	Sets     []Set  `json:"sets,omitempty"`
}

// Set is a set of a project.
type Set struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Scores Scores `json:"scores"`
	// Note says why something of it was not measured; "" if all was.
	Note string `json:"note,omitempty"`
}

// Scores are means with their intervals; those of nothing have N 0.
type Scores struct {
	// Of concepts: sketch fidelity, see control.Fidelity.
	F1        measure.Interval `json:"f1,omitzero"`
	Precision measure.Interval `json:"precision,omitzero"`
	Recall    measure.Interval `json:"recall,omitzero"`
	Chamfer   measure.Interval `json:"chamfer,omitzero"`
	Straight  measure.Interval `json:"straight,omitzero"`
	// Of variants: geometry drift, see control.Drift.
	Drift        measure.Interval `json:"drift,omitzero"`
	DriftChamfer measure.Interval `json:"drift_chamfer,omitzero"`
	// Of pairs of views: see measure.Agreement.
	Agreement measure.Interval `json:"view_agreement,omitzero"`
	Colour    measure.Interval `json:"view_colour,omitzero"`
	// What networks say; nil where there is no network or nothing to compare.
	// KID and FID are distances to the pictures of Options.Against.
	KID            *measure.Interval `json:"kid,omitempty"`
	FID            *float64          `json:"fid,omitempty"`
	InceptionScore *measure.Interval `json:"inception_score,omitempty"`
	// Prompt is the cosine similarity of each picture's CLIP embedding to its
	// prompt's, Reference the mean one to the pictures of Options.Against.
	Prompt    *measure.Interval `json:"clip_prompt,omitempty"`
	Reference *measure.Interval `json:"clip_reference,omitempty"`
}

// sample collects the values that scores are made of.
type sample struct {
	f1, precision, recall, chamfer, straight []float64
	drift, driftChamfer                      []float64
	agreement, colour                        []float64
}

func (s *sample) fidelity(f control.Fidelity) {
	s.f1, s.precision, s.recall = append(s.f1, f.F1), append(s.precision, f.Precision), append(s.recall, f.Recall)
	s.chamfer = append(s.chamfer, f.Chamfer)
	if f.StraightLines > 0 {
		s.straight = append(s.straight, f.Straight)
	}
}

func (s *sample) add(o sample) {
	for _, pair := range []struct{ to, from *[]float64 }{
		{&s.f1, &o.f1}, {&s.precision, &o.precision}, {&s.recall, &o.recall}, {&s.chamfer, &o.chamfer}, {&s.straight, &o.straight},
		{&s.drift, &o.drift}, {&s.driftChamfer, &o.driftChamfer}, {&s.agreement, &o.agreement}, {&s.colour, &o.colour},
	} {
		*pair.to = append(*pair.to, *pair.from...)
	}
}

func (s *sample) scores() Scores {
	b := measure.Bootstrap
	return Scores{
		F1: b(s.f1), Precision: b(s.precision), Recall: b(s.recall), Chamfer: b(s.chamfer), Straight: b(s.straight),
		Drift: b(s.drift), DriftChamfer: b(s.driftChamfer), Agreement: b(s.agreement), Colour: b(s.colour),
	}
}

// Run measures projects and folders of pictures. What concepts and sets have in
// their sidecars is taken from there; what they lack is stored in their project,
// unless that can only be read.
// Errors: a folder without pictures, fs.ErrNotExist, a cancelled context.
func Run(ctx context.Context, paths []string, o Options) (Report, error) {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	r := &run{options: o}
	for _, path := range paths {
		if err := r.source(ctx, path); err != nil {
			return Report{}, err
		}
	}
	r.report.All = r.all.scores()
	if err := r.look(ctx); err != nil {
		return Report{}, err
	}
	return r.report, nil
}

// run is one evaluation.
type run struct {
	options  Options
	report   Report
	all      sample
	pictures [][]picture // of each source
}

// source measures one project or folder.
func (r *run) source(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	p, err := open(ctx, path)
	if errors.Is(err, projects.ErrNotProject) {
		list, err := folder(ctx, path)
		if err != nil {
			return err
		}
		r.pictures = append(r.pictures, list)
		r.report.Sources = append(r.report.Sources, Source{Path: path, Pictures: len(list)})
		return nil
	}
	if err != nil {
		return err
	}
	err = r.project(ctx, p)
	return errors.Join(err, p.Close())
}

// open opens a project for writing, so that what is measured can be kept, or
// else for reading.
func open(ctx context.Context, path string) (*projects.Project, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	p, err := projects.Open(ctx, path)
	if err == nil || errors.Is(err, projects.ErrNotProject) || errors.Is(err, projects.ErrNewerSchema) || ctx.Err() != nil {
		return p, err
	}
	return projects.OpenReadOnly(ctx, path)
}

// project measures all concepts and sets of a project.
func (r *run) project(ctx context.Context, p *projects.Project) error {
	concepts, _, err := p.Concepts(ctx, projects.Query{Oldest: true})
	if err != nil {
		return err
	}
	if len(concepts) == 0 {
		return fmt.Errorf("%s has no concepts yet: render some first", p.Dir())
	}
	s := Source{Path: p.Dir(), Name: p.Name(), Pictures: len(concepts)}
	var all sample
	list := make([]picture, len(concepts))
	bySet := map[string]*sample{}
	for i, c := range concepts {
		r.options.Progress(Progress{p.Dir(), StageFidelity, i, len(concepts)})
		list[i] = picture{file: filepath.Join(p.Dir(), filepath.FromSlash(c.Image)), prompt: c.Recipe.Prompt}
		f, err := fidelity(ctx, p, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, projects.ErrNotMeasurable) {
			continue
		}
		if err != nil {
			r.warn("%s: concept %s was left out: %v", p.Dir(), c.ID, err)
			continue
		}
		all.fidelity(f)
		if c.Set != nil {
			if bySet[c.Set.ID] == nil {
				bySet[c.Set.ID] = &sample{}
			}
			bySet[c.Set.ID].fidelity(f)
		}
	}
	stacks, err := p.Sets(ctx)
	if err != nil {
		return err
	}
	for i, st := range stacks {
		r.options.Progress(Progress{p.Dir(), StageSets, i, len(stacks)})
		out := bySet[st.Set.ID]
		if out == nil {
			out = &sample{}
		}
		scores, err := r.set(ctx, p, st.Set.ID)
		if errors.Is(err, projects.ErrNotFound) {
			continue // it went to the trash meanwhile
		}
		if err != nil {
			return err
		}
		out.set(scores)
		note := strings.Join(scores.Notes, "; ")
		s.Sets = append(s.Sets, Set{ID: st.Set.ID, Name: st.Set.Name, Scores: out.scores(), Note: note})
		all.add(sample{drift: out.drift, driftChamfer: out.driftChamfer, agreement: out.agreement, colour: out.colour})
	}
	s.Scores = all.scores()
	r.all.add(all)
	r.pictures = append(r.pictures, list)
	r.report.Sources = append(r.report.Sources, s)
	return nil
}

// fidelity is the one of the sidecar, or else measured, and kept if it can be.
func fidelity(ctx context.Context, p *projects.Project, c projects.Concept) (control.Fidelity, error) {
	switch {
	case c.Fidelity != nil:
		return *c.Fidelity, nil
	case p.ReadOnly():
		return p.Fidelity(ctx, c)
	}
	c, err := p.MeasureFidelity(ctx, c.ID)
	if err != nil {
		return control.Fidelity{}, err
	}
	return *c.Fidelity, nil
}

func (r *run) warn(format string, args ...any) {
	r.report.Warnings = append(r.report.Warnings, fmt.Sprintf(format, args...))
}

// maxPictures bounds how many pictures of a folder are looked at.
const maxPictures = 100_000

// folder lists the pictures in a folder and below it.
func folder(ctx context.Context, dir string) ([]picture, error) {
	var list []picture
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.Type().IsRegular() && isPicture(path) {
			if list = append(list, picture{file: path}); len(list) > maxPictures {
				return fmt.Errorf("%s has more than %d pictures", dir, maxPictures)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s is neither a project nor a folder with pictures (PNG, JPEG, WebP)", dir)
	}
	return list, nil
}
