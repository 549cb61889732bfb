package evaluate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"

	"maquette/control"
	"maquette/projects"
)

// maxSiblings is how many variants of one control image are compared: their
// edges are held in memory together.
const maxSiblings = 48

// measureSet adds the drift of a set's variants and the agreement of its views
// to a sample. note says what was left out and why.
func measureSet(ctx context.Context, p *projects.Project, id string, out *sample) (note string, err error) {
	_, members, err := p.Members(ctx, id)
	if errors.Is(err, projects.ErrNotFound) {
		return "", nil // it went to the trash meanwhile
	}
	if err != nil {
		return "", err
	}
	var notes []string
	for _, group := range siblings(members) {
		if len(group) > maxSiblings {
			notes = append(notes, fmt.Sprintf("geometry drift is that of %d of %d variants", maxSiblings, len(group)))
			group = group[:maxSiblings]
		}
		if err := drift(ctx, p, group, out); err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			notes = append(notes, err.Error())
		}
	}
	return strings.Join(notes, "; "), nil
}

// siblings groups the variants that were made from the same control images, in
// the order of their places. Groups of one are left out.
func siblings(members []projects.Concept) [][]projects.Concept {
	groups := map[string]int{}
	var list [][]projects.Concept
	for _, c := range members {
		key := fmt.Sprint(c.Recipe.View, c.Controls, c.Recipe.Width, c.Recipe.Height)
		i, ok := groups[key]
		if !ok {
			i = len(list)
			groups[key] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], c)
	}
	kept := list[:0]
	for _, group := range list {
		if len(group) > 1 {
			kept = append(kept, group)
		}
	}
	return kept
}

// drift measures variants against each other.
func drift(ctx context.Context, p *projects.Project, group []projects.Concept, out *sample) error {
	lines, err := p.Lines(ctx, group[0])
	if err != nil && !errors.Is(err, projects.ErrNotMeasurable) {
		return err
	}
	drifts, err := control.MeasureDrift(ctx, lines, len(group), func(i int) (image.Image, error) {
		return p.ConceptImage(ctx, group[i].ID)
	})
	if err != nil {
		return fmt.Errorf("geometry drift was not measured: %w", err)
	}
	for _, d := range drifts {
		out.drift, out.driftChamfer = append(out.drift, d.Share), append(out.driftChamfer, d.Chamfer)
	}
	return nil
}
