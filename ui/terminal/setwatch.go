package terminal

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"maquette/inference"
	"maquette/projects"
)

// set waits for the jobs of a set and reports each image as it is finished.
// Where ctx is cancelled, the set is too, and what was finished is kept.
func (w *watcher) set(ctx context.Context, set projects.Set, jobs []projects.Job) error {
	defer w.stop()
	defer w.meter.finish()
	begin := time.Now()
	finished := make(chan error, 1)
	go func() {
		for _, j := range jobs {
			// The jobs outlive ctx until their cancellation is complete.
			if _, err := w.q.Wait(context.WithoutCancel(ctx), j.ID); err != nil {
				finished <- err
				return
			}
		}
		finished <- nil
	}()
	cancelled := ctx.Done()
	for {
		select {
		case <-cancelled:
			cancelled = nil
			w.say("stopping; what is finished is kept")
			if err := w.q.CancelSet(set.ID); err != nil && !errors.Is(err, projects.ErrNotFound) {
				return err
			}
		case event, open := <-w.events:
			if !open {
				w.events = nil
				continue
			}
			w.setEvent(set, event)
		case err := <-finished:
			if err != nil {
				return err
			}
			return w.endSet(context.WithoutCancel(ctx), set, jobs, time.Since(begin))
		}
	}
}

// setEvent shows one event of the project if it belongs to the set.
func (w *watcher) setEvent(set projects.Set, event projects.Event) {
	switch e := event.(type) {
	case projects.JobChanged:
		if e.Job.Set == nil || e.Job.Set.ID != set.ID {
			return
		}
		w.noted(e.Job)
		// Of one stage, so that a line is not written for each stage of each image.
		if e.Job.State == projects.JobRunning && e.Job.Progress.Stage == inference.StageDenoise {
			w.meter.show(setProgress(set.Progress(w.q.Jobs()), e.Job.Progress))
		}
	case projects.ConceptAdded:
		if e.Concept.Set != nil && e.Concept.Set.ID == set.ID {
			w.concept(e.Concept)
		}
	}
}

// setProgress is the progress of a whole set, with that of its running job.
func setProgress(all projects.SetProgress, running inference.Progress) inference.Progress {
	running.Fraction = (float64(all.Done) + running.Fraction) / float64(max(all.Images, 1))
	running.Fraction = min(running.Fraction, 1)
	running.Remaining = all.Remaining
	return running
}

// endSet reports how the jobs of a set ended.
func (w *watcher) endSet(ctx context.Context, set projects.Set, jobs []projects.Job, took time.Duration) error {
	all := w.q.Jobs()
	state, failure, provider := projects.JobDone, "", ""
	var made []string
	for _, j := range jobs {
		for _, now := range all {
			if now.ID != j.ID {
				continue
			}
			w.noted(now)
			if now.State != projects.JobDone && state != projects.JobFailed {
				state, failure = now.State, now.Error
			}
			made = append(made, now.Concepts...)
		}
	}
	// The last events may still be on their way; the jobs know what they stored.
	for _, id := range made {
		c, err := w.p.Concept(ctx, id)
		if err != nil {
			return err
		}
		w.concept(c)
		provider = c.Provider
	}
	w.meter.finish()
	if w.s.json {
		w.s.emit(doneEvent{Event: "done", Set: set.ID, State: state, Concepts: append([]string{}, made...), Seconds: took.Seconds(), Provider: provider})
	}
	switch state {
	case projects.JobDone:
		if !w.s.json {
			w.s.note("Done in %s on %s: the set %q with %s in %s", longTime(took), provider, set.Name, plural(len(made), "image"), w.p.Dir())
		}
		return nil
	case projects.JobCancelled:
		return fmt.Errorf("cancelled; %d of %s kept in %s, and 'maquette render --resume --project %s --set %s' makes the others",
			len(made), plural(set.Count(), "image"), w.p.Dir(), w.p.Dir(), set.ID)
	default:
		return fmt.Errorf("the render failed: %s; %d of %s are in %s", failure, len(made), plural(set.Count(), "image"), w.p.Dir())
	}
}

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
	if err := w.set(ctx, m.set, jobs); err != nil {
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
	if err := w.set(ctx, set, jobs); err != nil {
		return err
	}
	return s.writeSheet(ctx, p, id, sheet)
}
