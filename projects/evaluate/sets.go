package evaluate

import (
	"context"
	"strings"

	"maquette/projects"
)

// set is a set with the numbers of its sidecars, or else measured, and kept if
// they can be.
func (r *run) set(ctx context.Context, p *projects.Project, id string) (projects.SetScores, error) {
	if p.ReadOnly() {
		return p.SetScores(ctx, id, r.options.Depth)
	}
	return p.MeasureSet(ctx, id, r.options.Depth)
}

// set adds the drift of a set's variants and the agreement of its views.
func (s *sample) set(scores projects.SetScores) {
	for _, c := range scores.Members {
		if c.Drift != nil {
			s.drift, s.driftChamfer = append(s.drift, c.Drift.Share), append(s.driftChamfer, c.Drift.Chamfer)
		}
	}
	for _, a := range scores.Agreements {
		for _, pair := range a.Pairs {
			s.agreement, s.colour = append(s.agreement, pair.SSIM), append(s.colour, pair.Colour)
		}
	}
}

// OfSet gathers the numbers of a set of an open project: those of its concepts'
// sidecars, and what is missing of them. It stores these unless the project can
// only be read. Errors: projects.ErrNotFound, a cancelled context.
func OfSet(ctx context.Context, p *projects.Project, id string) (Set, error) {
	scores, err := (&run{}).set(ctx, p, id)
	if err != nil {
		return Set{}, err
	}
	var s sample
	for _, c := range scores.Members {
		if c.Fidelity != nil {
			s.fidelity(*c.Fidelity)
		}
	}
	s.set(scores)
	return Set{ID: id, Name: scores.Set.Name, Scores: s.scores(), Note: strings.Join(scores.Notes, "; ")}, nil
}
