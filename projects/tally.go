package projects

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Standing says how one value of a recipe field did in blind votes: of the
// comparisons in which just one side had it, how many it won.
type Standing struct {
	// Field is the name of an axis of a set, or of a recipe's field as it is stored.
	Field, Value string
	Won, Of      int
}

// Tally counts votes on the given concepts by the values of what differs
// between the two sides; votes on other concepts do not count. The fields come
// in the order of the concepts' sets and recipes, their values best first.
func Tally(votes []Vote, among []Concept) []Standing {
	byID := map[string]Concept{}
	for _, c := range among {
		byID[c.ID] = c
	}
	var list []Standing
	count := func(field, value string, won int) {
		i := slices.IndexFunc(list, func(s Standing) bool { return s.Field == field && s.Value == value })
		if i < 0 {
			i = len(list)
			list = append(list, Standing{Field: field, Value: value})
		}
		list[i].Won += won
		list[i].Of++
	}
	var order []string
	for _, v := range votes {
		better, ok := byID[v.Better]
		worse, also := byID[v.Worse]
		if !ok || !also {
			continue
		}
		lost := map[string]string{}
		for _, f := range traits(worse) {
			lost[f[0]] = f[1]
		}
		for _, f := range traits(better) {
			if other, known := lost[f[0]]; known && other != f[1] {
				if !slices.Contains(order, f[0]) {
					order = append(order, f[0])
				}
				count(f[0], f[1], 1)
				count(f[0], other, 0)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Field), slices.Index(order, b.Field)),
			cmp.Compare(b.Won*a.Of, a.Won*b.Of))
	})
	return list
}

// traits are names and values of what may tell two concepts apart: the place
// in their set, or their recipes.
func traits(c Concept) [][2]string {
	if c.Set != nil {
		var out [][2]string
		for i, a := range c.Set.Axes {
			title := a.Title()
			if a.Field == ViewField { // whatever its label: single concepts have it too
				title = ViewField
			}
			out = append(out, [2]string{title, c.Set.Value(i).Title()})
		}
		return out
	}
	r := c.Recipe
	out := [][2]string{{"prompt", r.Prompt}, {"negative_prompt", r.NegativePrompt}, {"checkpoint", r.Checkpoint},
		{"sampler", r.Sampler}, {"steps", strconv.Itoa(r.Steps)}, {"guidance", strconv.FormatFloat(r.Guidance, 'g', -1, 64)},
		{"size", fmt.Sprintf("%d × %d", r.Width, r.Height)}, {"view", r.View}, {"variant", r.Variant}, {"seed", strconv.FormatInt(r.Seed, 10)}}
	for i, k := range r.Controls {
		out = append(out, [2]string{fmt.Sprintf("control %d", i+1), fmt.Sprintf("%s %g, %g–%g", k.Kind, k.Weight, k.Start, k.End)})
	}
	return out
}
