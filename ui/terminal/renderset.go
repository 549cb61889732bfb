package terminal

import (
	"context"
	"image"

	"maquette/projects"
)

// renderSet renders the members of a set and, where sheet is not empty, writes
// their contact sheet.
func (s *session) renderSet(ctx context.Context, p *projects.Project, q *projects.Queue, sketchID string, sketch image.Image, m *members, sheet string) error {
	estimate, err := p.Estimate(ctx, recipesOf(m.jobs))
	if err != nil {
		return err
	}
	s.announce(m.set, estimate)
	w := s.watch(p, q)
	jobs, err := q.EnqueueSet(ctx, sketchID, sketch, m.set, m.jobs)
	if err != nil {
		w.stop()
		return err
	}
	if err := w.members(ctx, m.set, jobs); err != nil {
		return err
	}
	return s.writeSheet(ctx, p, m.set.ID, sheet)
}

// resumeSet renders what is missing of a set.
func (s *session) resumeSet(ctx context.Context, p *projects.Project, q *projects.Queue, id, sheet string) error {
	var jobs []projects.Job
	for _, j := range q.Jobs() {
		if j.Set != nil && j.Set.ID == id && j.State.Finished() && j.State != projects.JobDone {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		s.note("the set %s has nothing unfinished", id)
		return nil
	}
	set := *jobs[0].Set
	s.note("Rendering what is missing of the set %q: %s", set.Name, plural(len(jobs), "render"))
	w := s.watch(p, q)
	if err := q.RetrySet(id); err != nil {
		w.stop()
		return err
	}
	if err := w.members(ctx, set, jobs); err != nil {
		return err
	}
	return s.writeSheet(ctx, p, id, sheet)
}
