package terminal

import (
	"context"
	"reflect"

	"maquette/projects"
)

// What --skip-existing looks for.

// missing returns the recipes that make those images of r that the project
// does not have yet, with runs of seeds kept together.
func missing(ctx context.Context, p *projects.Project, sketchID string, r projects.Recipe) ([]projects.Recipe, error) {
	concepts, _, err := p.Concepts(ctx, projects.Query{})
	if err != nil {
		return nil, err
	}
	var out []projects.Recipe
	gap := true // the next missing seed begins a new run
	for i := range r.Count {
		one := r
		one.Seed, one.Count = r.Seed+int64(i), 1
		if hasConcept(concepts, sketchID, one) {
			gap = true
			continue
		}
		if gap {
			out, gap = append(out, one), false
		} else {
			out[len(out)-1].Count++
		}
	}
	return out, nil
}

// hasConcept says whether a concept was made from the sketch with the recipe.
func hasConcept(concepts []projects.Concept, sketchID string, r projects.Recipe) bool {
	for _, c := range concepts {
		c.Recipe.Count = 1
		if c.SketchID == sketchID && sameRecipe(c.Recipe, r) {
			return true
		}
	}
	return false
}

// sameRecipe compares recipes; no parameters and an empty map of them are the same.
func sameRecipe(a, b projects.Recipe) bool {
	if len(a.Controls) != len(b.Controls) {
		return false
	}
	for i := range a.Controls {
		x, y := a.Controls[i], b.Controls[i]
		if len(x.Params) == 0 && len(y.Params) == 0 {
			x.Params, y.Params = nil, nil
		}
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	a.Controls, b.Controls = nil, nil
	return reflect.DeepEqual(a, b)
}
