package projects

import (
	"fmt"
	"slices"
	"strings"
)

// Expand makes a set of all combinations of the axes' values, each put into the
// base recipe, whose prompt may hold {name} for phrases. Everything that no axis
// names is the same for all members: the sketch and its control images, and, as
// the seed is, the noise that the images begin from; so the design stays and
// only what was named changes. The base's Count is not used; for several seeds
// there is the field "seed". Where the base shows several views, these are one
// more axis, and the views of each combination are rendered together, as one job.
//
// The jobs come in the order in which they are best rendered: what takes long to
// change, such as the checkpoint, changes seldom. Errors: *TooManyError,
// *FieldError, and recipes that Validate refuses, each with what to do.
func Expand(base Recipe, name string, axes []Axis) (Set, []SetJob, error) {
	views := 1
	if v := base.Views; v != nil && base.View == "" && len(v.Cameras) > 1 {
		axis := Axis{Field: ViewField, Label: "View"}
		for _, name := range v.Cameras {
			axis.Values = append(axis.Values, AxisValue{Value: name})
		}
		// Last, as the places of a job follow each other.
		axes, views = append(slices.Clone(axes), axis), len(v.Cameras)
	}
	if name == "" && len(axes) == 1 && views > 1 { // "View" would say nothing
		name = base.Prompt
	}
	set, err := NewSet(name, base.Prompt, axes)
	if err != nil {
		return Set{}, nil, err
	}
	fields, err := set.fields()
	if err != nil {
		return Set{}, nil, err
	}
	jobs := make([]SetJob, 0, set.Count()/views)
	for places := range slices.Chunk(set.Places(), views) {
		r, err := set.recipe(fields, base, places[0])
		if views > 1 {
			r.View, r.Count = "", views
		}
		if err == nil {
			err = r.Validate()
		}
		if err != nil {
			return Set{}, nil, fmt.Errorf("%s: %w", strings.Join(Place{Set: set, At: places[0]}.Labels(), ", "), err)
		}
		jobs = append(jobs, SetJob{Recipe: r, At: places})
	}
	sortJobs(fields, jobs)
	return set, jobs, nil
}

// Recipe is the recipe of one place, made of another recipe of the set: of its
// base or of any member. It has Count 1; of a set with views, WholeSet makes that
// of all views of the combination.
func (s Set) Recipe(base Recipe, at []int) (Recipe, error) {
	fields, err := s.fields()
	if err != nil {
		return Recipe{}, err
	}
	return s.recipe(fields, base, at)
}

// axisField is the field of an axis; it has no name for views and phrases.
type axisField struct {
	Field
	index int // of the control or LoRA
}

func (s Set) fields() ([]axisField, error) {
	fields := make([]axisField, len(s.Axes))
	for i, a := range s.Axes {
		if a.Field == ViewField || strings.HasPrefix(a.Field, phraseField) {
			continue
		}
		f, index, err := LookupField(a.Field)
		if err != nil {
			return nil, err
		}
		fields[i] = axisField{f, index}
	}
	return fields, nil
}

func (s Set) recipe(fields []axisField, base Recipe, at []int) (Recipe, error) {
	r := base.WholeSet().clone()
	r.Prompt, r.Count = s.Template, 1
	place := Place{Set: s, At: at}
	var names, phrases, variant []string
	for i, a := range s.Axes {
		v := place.Value(i)
		if a.Field == ViewField {
			r.View = v.Value
			continue
		}
		variant = append(variant, v.Title())
		if name, ok := strings.CutPrefix(a.Field, phraseField); ok {
			names, phrases = append(names, name), append(phrases, v.Value)
			continue
		}
		if err := fields[i].Apply(&r, fields[i].index, v.Value); err != nil {
			return Recipe{}, err
		}
	}
	// After the fields, as the prompt may be one of them.
	r.Prompt = fillPhrases(r.Prompt, names, phrases)
	r.Variant = strings.Join(variant, ", ")
	if k := r.viewIndex(); k >= 0 {
		r.Seed += int64(k) // as the views of one job have
	}
	return r, nil
}

// sortJobs brings jobs into the order of rendering, else that of the places.
func sortJobs(fields []axisField, jobs []SetJob) {
	order := make([]int, len(fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return fields[b].weight - fields[a].weight })
	slices.SortStableFunc(jobs, func(a, b SetJob) int {
		for _, k := range order {
			if d := a.At[0][k] - b.At[0][k]; d != 0 {
				return d
			}
		}
		return 0
	})
}

// PhraseNames lists the names of the axes of phrases, which a prompt may hold as {name}.
func PhraseNames(axes []Axis) []string {
	var names []string
	for _, a := range axes {
		if name, ok := strings.CutPrefix(a.Field, phraseField); ok {
			names = append(names, name)
		}
	}
	return names
}
