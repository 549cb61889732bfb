package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"maquette/control"
	"maquette/projects/measure"
)

// SiblingDrift is how far a variant's geometry has moved from that of its
// siblings: the members of its set that were made from the same control images.
type SiblingDrift struct {
	control.Drift
	// Against are the concepts that it was compared with, by their IDs.
	Against []string `json:"against"`
}

// ViewAgreement is how far views that were rendered together show one object.
// Every one of them carries it.
type ViewAgreement struct {
	// Pairs is empty where no two of the views show the same part of the object.
	measure.Agreement
	// Of are the concepts that show the views, by their IDs.
	Of []string `json:"of"`
}

// SetScores are the numbers of a set.
type SetScores struct {
	Set Set
	// Members are the set's concepts in the order of their places, with their Drift
	// and Agreement.
	Members []Concept
	// Agreements are those of the set's groups of views, one for each place on its other axes.
	Agreements []ViewAgreement
	// Notes are sentences about what was not measured, and why.
	Notes []string
}

// maxSiblings is how many variants of one control image are compared with each
// other: their edges are held in memory together, and the time grows with the square.
const maxSiblings = 48

// MeasureSet measures what a set's members have no up-to-date numbers of, the
// geometry drift of variants and the agreement of views, and stores these in
// their sidecars. depth finds the depth of sketches that are photographs; it may
// be nil. Errors: ErrNotFound, ErrReadOnly, a cancelled context.
func (p *Project) MeasureSet(ctx context.Context, id string, depth control.PhotoDepth) (SetScores, error) {
	if err := p.writable(ctx); err != nil {
		return SetScores{}, err
	}
	return p.setScores(ctx, id, depth, p.storeScores)
}

// SetScores is MeasureSet without storing the numbers, so that it works on
// projects opened for reading. Errors: ErrNotFound, a cancelled context.
func (p *Project) SetScores(ctx context.Context, id string, depth control.PhotoDepth) (SetScores, error) {
	if err := p.readable(ctx); err != nil {
		return SetScores{}, err
	}
	return p.setScores(ctx, id, depth, func(Concept) error { return nil })
}

// setScores measures a set; store gets each member whose numbers have changed.
func (p *Project) setScores(ctx context.Context, id string, depth control.PhotoDepth, store func(Concept) error) (SetScores, error) {
	set, members, err := p.Members(ctx, id)
	if err != nil {
		return SetScores{}, err
	}
	s := SetScores{Set: set, Members: members}
	changed := map[int]bool{}
	for _, group := range siblings(members) {
		if err := p.groupDrift(ctx, members, group, changed); err != nil {
			if ctx.Err() != nil {
				return s, ctx.Err()
			}
			s.Notes = append(s.Notes, fmt.Sprintf("geometry drift was not measured: %v", err))
		}
	}
	if set.HasViews() {
		if err := p.agreements(ctx, &s, depth, changed); err != nil {
			if ctx.Err() != nil {
				return s, ctx.Err()
			}
			s.Notes = append(s.Notes, fmt.Sprintf("view agreement was not measured: %v", err))
		}
	}
	for i := range members {
		if !changed[i] {
			continue
		}
		if err := store(members[i]); err != nil {
			return s, err
		}
	}
	return s, nil
}

// storeScores writes a member's numbers into its sidecar.
func (p *Project) storeScores(c Concept) error {
	now, err := p.amend(c.ID, func(s *sidecar) { s.Drift, s.Agreement = c.Drift, c.Agreement })
	if errors.Is(err, ErrNotFound) {
		return nil // it went to the trash meanwhile
	}
	if err != nil {
		return fmt.Errorf("concept %s: %w", c.ID, err)
	}
	p.hub.publish(ConceptChanged{Concept: now})
	return nil
}

// siblings groups the members that were made from the same control images, by
// their indices and in the order of their places. A member alone is in no group,
// and one of more than maxSiblings is divided.
func siblings(members []Concept) [][]int {
	known := map[string]int{}
	var list [][]int
	for i, c := range members {
		key := fmt.Sprintf("%q %q %d×%d", c.Recipe.View, c.Controls, c.Recipe.Width, c.Recipe.Height)
		at, ok := known[key]
		if !ok {
			at = len(list)
			known[key] = at
			list = append(list, nil)
		}
		list[at] = append(list[at], i)
	}
	var groups [][]int
	for _, group := range list {
		if len(group) > 1 {
			parts := (len(group) + maxSiblings - 1) / maxSiblings
			// All parts but the last are equal, and it has two or more.
			groups = slices.AppendSeq(groups, slices.Chunk(group, (len(group)+parts-1)/parts))
		}
	}
	return groups
}

// idsOf lists the concepts of a group, without one of them where but is not -1.
func idsOf(members []Concept, group []int, but int) []string {
	ids := []string{}
	for _, i := range group {
		if i != but {
			ids = append(ids, members[i].ID)
		}
	}
	return ids
}

// groupDrift measures siblings against each other, unless they have been.
func (p *Project) groupDrift(ctx context.Context, members []Concept, group []int, changed map[int]bool) error {
	known := func(i int) bool {
		return members[i].Drift != nil && slices.Equal(members[i].Drift.Against, idsOf(members, group, i))
	}
	if !slices.ContainsFunc(group, func(i int) bool { return !known(i) }) {
		return nil
	}
	_, lines, err := p.Lines(ctx, members[group[0]])
	if err != nil && !errors.Is(err, ErrNotMeasurable) {
		return err
	}
	drifts, err := control.MeasureDrift(ctx, lines, len(group), func(k int) (image.Image, error) {
		return p.ConceptImage(ctx, members[group[k]].ID)
	})
	if err != nil {
		return err
	}
	for k, i := range group {
		members[i].Drift = &SiblingDrift{Drift: drifts[k], Against: idsOf(members, group, i)}
		changed[i] = true
	}
	return nil
}

// agreements compares the views of a set, separately for each place on its other axes.
func (p *Project) agreements(ctx context.Context, s *SetScores, depth control.PhotoDepth, changed map[int]bool) error {
	var shape *Shape // of all groups: they have one sketch
	for _, group := range viewGroups(s.Set, s.Members) {
		ids := idsOf(s.Members, group, -1)
		agreement := s.Members[group[0]].Agreement
		known := func(i int) bool {
			return s.Members[i].Agreement != nil && slices.Equal(s.Members[i].Agreement.Of, ids)
		}
		if slices.ContainsFunc(group, func(i int) bool { return !known(i) }) {
			var err error
			if shape == nil {
				if shape, err = p.ViewShape(ctx, s.Members[group[0]], depth); err != nil {
					return err
				}
			}
			if agreement, err = p.agreement(ctx, shape, s.Members, group); err != nil {
				return err
			}
			for _, i := range group {
				s.Members[i].Agreement, changed[i] = agreement, true
			}
		}
		s.Agreements = append(s.Agreements, *agreement)
	}
	return nil
}

// viewGroups lists, by their indices, the members that show the views of one
// object: those that differ in nothing else. Where a view was rendered again,
// the newest comes first and counts. A view alone is in no group.
func viewGroups(set Set, members []Concept) [][]int {
	_, axis := set.Axis(ViewField)
	known := map[string]int{}
	var list [][]int
	for i, c := range members {
		at := slices.Clone(c.Set.At)
		view := at[axis]
		at[axis] = -1
		key := fmt.Sprint(at)
		k, ok := known[key]
		if !ok {
			k = len(list)
			known[key] = k
			list = append(list, nil)
		}
		if !slices.ContainsFunc(list[k], func(o int) bool { return members[o].Set.At[axis] == view }) {
			list[k] = append(list[k], i)
		}
	}
	return slices.DeleteFunc(list, func(group []int) bool { return len(group) < 2 })
}

// agreement compares views of a body.
func (p *Project) agreement(ctx context.Context, shape *Shape, members []Concept, group []int) (*ViewAgreement, error) {
	a := &ViewAgreement{Of: idsOf(members, group, -1)}
	var list []measure.View
	for _, i := range group {
		c := members[i]
		camera, ok := shape.Cameras[c.Recipe.View]
		if !ok {
			continue
		}
		img, err := p.ConceptImage(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, measure.View{Name: c.Recipe.View, Camera: camera, Image: img})
	}
	var err error
	a.Agreement, err = measure.ViewAgreement(ctx, shape.Mesh, list)
	if errors.Is(err, measure.ErrNothingShared) {
		err = nil // which is worth remembering
	}
	return a, err
}

// ssim is what the index sorts by.
func (c Concept) ssim() any {
	if c.Agreement == nil || len(c.Agreement.Pairs) == 0 {
		return nil
	}
	return c.Agreement.SSIM
}

// moved is what the index sorts by.
func (c Concept) moved() any {
	if c.Drift == nil {
		return nil
	}
	return c.Drift.Share
}

// sound reports whether numbers that were read from a file can be shown.
func (d SiblingDrift) sound() bool {
	return d.Share >= 0 && d.Share <= 1 && d.Chamfer >= 0 && !math.IsInf(d.Chamfer, 0)
}

// sound is SiblingDrift's for views.
func (a ViewAgreement) sound() bool {
	fits := func(ssim, colour float64) bool {
		return ssim >= -1 && ssim <= 1 && colour >= 0 && !math.IsInf(colour, 0)
	}
	return fits(a.SSIM, a.Colour) &&
		!slices.ContainsFunc(a.Pairs, func(p measure.PairView) bool { return !fits(p.SSIM, p.Colour) })
}
