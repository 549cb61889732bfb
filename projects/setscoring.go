package projects

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// scoring are the sets of a queue that are to be measured, now that their jobs
// are over.
type scoring struct {
	wake chan struct{} // a token: there may be work

	mu   sync.Mutex
	sets []string      // waiting, and first the one that is being measured
	idle chan struct{} // closed when sets has become empty
}

func newScoring() *scoring { return &scoring{wake: make(chan struct{}, 1), idle: make(chan struct{})} }

// add puts a set at the end, unless it waits already.
func (s *scoring) add(id string) {
	s.mu.Lock()
	if len(s.sets) == 0 || !slices.Contains(s.sets[1:], id) { // the first may have begun too early
		s.sets = append(s.sets, id)
	}
	s.mu.Unlock()
	signal(s.wake)
}

func (s *scoring) first() (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sets) == 0 {
		return "", false
	}
	return s.sets[0], true
}

func (s *scoring) firstDone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets = s.sets[1:]; len(s.sets) == 0 {
		close(s.idle)
		s.idle = make(chan struct{})
	}
}

// scoreIfOver has the set of a job measured if none of its jobs runs or waits
// any more. The caller holds q.mu, so that whoever waits for the last job finds
// its set among those to be measured.
func (q *Queue) scoreIfOver(j *Job) {
	if j.Set == nil || q.p.readOnly {
		return
	}
	if !slices.ContainsFunc(q.jobs, func(o *Job) bool { return o.inSet(j.Set.ID) && !o.State.Finished() }) {
		q.scoring.add(j.Set.ID)
	}
}

// scoreSets measures sets in the background until the queue is closed. Renders
// go on meanwhile.
func (q *Queue) scoreSets() {
	depth := PhotoDepthOf(q.models)
	for {
		id, ok := q.scoring.first()
		if !ok {
			select {
			case <-q.scoring.wake:
				continue
			case <-q.ctx.Done():
				return
			}
		}
		var scores SetScores
		err := q.safely(func() (err error) {
			scores, err = q.p.MeasureSet(q.ctx, id, depth)
			return err
		})
		switch {
		case q.ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, ErrNotFound): // a set without images, or in the trash
			q.log.Warn("cannot measure a set", "set", id, "error", err)
		default:
			for _, note := range scores.Notes {
				q.log.Info("a set was not measured in full", "set", id, "note", note)
			}
		}
		q.scoring.firstDone()
	}
}

// Measured waits until all sets whose jobs are over are measured, see
// Project.MeasureSet. Errors: ctx is done, the queue was closed.
func (q *Queue) Measured(ctx context.Context) error {
	for {
		q.scoring.mu.Lock()
		left, idle := len(q.scoring.sets), q.scoring.idle
		q.scoring.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		case <-q.ctx.Done():
			return ErrClosed
		}
	}
}
