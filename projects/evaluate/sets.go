package evaluate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"maquette/control"
	"maquette/projects"
	"maquette/projects/measure"
)

// maxSiblings is how many variants of one control image are compared: their
// edges are held in memory together.
const maxSiblings = 48

// measureSet adds the drift of a set's variants and the agreement of its views
// to a sample. note says what was left out and why.
func measureSet(ctx context.Context, p *projects.Project, id string, out *sample) (note string, err error) {
	set, members, err := p.Members(ctx, id)
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
	if set.HasViews() {
		if err := agreements(ctx, p, set, members, out); err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			notes = append(notes, "view agreement was not measured: "+err.Error())
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
	_, lines, err := p.Lines(ctx, group[0])
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

// agreements compares the views of a set, separately for each place on its other
// axes.
func agreements(ctx context.Context, p *projects.Project, set projects.Set, members []projects.Concept, out *sample) error {
	_, axis := set.Axis(projects.ViewField)
	groups := map[string][]projects.Concept{}
	var order []string
	for _, c := range members {
		at := slices.Clone(c.Set.At)
		view := at[axis]
		at[axis] = -1
		key := fmt.Sprint(at)
		list := groups[key]
		if list == nil {
			order = append(order, key)
		}
		// Where a view was rendered again, the newest comes first and counts.
		if !slices.ContainsFunc(list, func(o projects.Concept) bool { return o.Set.At[axis] == view }) {
			groups[key] = append(list, c)
		}
	}
	var shape *projects.Shape
	for _, key := range order {
		group := groups[key]
		if len(group) < 2 {
			continue
		}
		var err error
		if shape == nil {
			if shape, err = p.ViewShape(ctx, group[0], nil); err != nil {
				return err
			}
		}
		var list []measure.View
		for _, c := range group {
			camera, ok := shape.Cameras[c.Recipe.View]
			if !ok {
				continue
			}
			img, err := p.ConceptImage(ctx, c.ID)
			if err != nil {
				return err
			}
			list = append(list, measure.View{Name: c.Recipe.View, Camera: camera, Image: img})
		}
		a, err := measure.ViewAgreement(ctx, shape.Mesh, list)
		if errors.Is(err, measure.ErrNothingShared) {
			continue
		}
		if err != nil {
			return err
		}
		for _, pair := range a.Pairs {
			out.agreement, out.colour = append(out.agreement, pair.SSIM), append(out.colour, pair.Colour)
		}
	}
	return nil
}

// OfSet measures one set of an open project: the fidelity that its concepts
// have, the drift of its variants and the agreement of its views. Nothing is
// stored. Errors: projects.ErrNotFound, a cancelled context.
func OfSet(ctx context.Context, p *projects.Project, id string) (Set, error) {
	set, members, err := p.Members(ctx, id)
	if err != nil {
		return Set{}, err
	}
	var s sample
	for _, c := range members {
		if c.Fidelity != nil {
			s.fidelity(*c.Fidelity)
		}
	}
	note, err := measureSet(ctx, p, id, &s)
	if err != nil {
		return Set{}, err
	}
	return Set{ID: id, Name: set.Name, Scores: s.scores(), Note: note}, nil
}
