package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
)

// SetJob is one job of a set: a recipe and the place of each of its images.
type SetJob struct {
	Recipe Recipe
	// At has Recipe.Count places. A job of several images is one render, such as
	// views that are made together; with one job per place the images come one by one.
	At [][]int
}

// EnqueueSet adds the jobs of a set at the end, all or none, and otherwise is
// like Enqueue. All of them share the sketch and so the control images.
func (q *Queue) EnqueueSet(ctx context.Context, sketchID string, sketch image.Image, set Set, members []SetJob) ([]Job, error) {
	if err := set.check(); err != nil {
		return nil, fmt.Errorf("enqueue set: %w", err)
	}
	if len(members) == 0 {
		return nil, errors.New("enqueue set: it has no members")
	}
	jobs := make([]*Job, len(members))
	for i, m := range members {
		j := &Job{Recipe: m.Recipe, Set: &set, At: m.At}
		if len(m.At) != m.Recipe.Count || !j.placesSound() {
			return nil, fmt.Errorf("enqueue set: the places %v do not fit %d images of the set", m.At, m.Recipe.Count)
		}
		jobs[i] = j
	}
	return q.enqueue(ctx, sketchID, sketch, jobs)
}

// CancelSet cancels all jobs of a set that run or wait. Images that are
// finished stay. Errors: ErrNotFound where the queue has no job of the set.
func (q *Queue) CancelSet(setID string) error {
	return q.editSet(setID, func() []*Job {
		var stopped []*Job
		for _, j := range q.jobs {
			switch {
			case !j.inSet(setID) || j.State.Finished():
				continue
			case j.State == JobQueued:
				j.State, j.Finished = JobCancelled, now()
			default:
				q.given = j.ID
				q.cancel()
			}
			stopped = append(stopped, j)
		}
		if len(stopped) > 0 {
			q.scoreIfOver(stopped[0])
		}
		return stopped
	})
}

// RetrySet puts the jobs of a set that failed, were cancelled or interrupted at
// the end of the queue, in the set's order. Errors: ErrNotFound as CancelSet.
func (q *Queue) RetrySet(setID string) error {
	if err := q.p.writable(q.ctx); err != nil {
		return err
	}
	err := q.editSet(setID, func() []*Job {
		var again []*Job
		for _, j := range q.jobs {
			if j.inSet(setID) && j.State.Finished() && j.State != JobDone {
				j.State, j.Error, j.Cause = JobQueued, "", nil
				again = append(again, j)
			}
		}
		q.jobs = slices.DeleteFunc(q.jobs, func(j *Job) bool { return slices.Contains(again, j) })
		q.jobs = append(q.jobs, again...)
		return again
	})
	signal(q.wake)
	return err
}

// RemoveSet takes the jobs of a set that are over out of the list. Their concepts stay.
func (q *Queue) RemoveSet(setID string) error {
	return q.editSet(setID, func() []*Job {
		over := func(j *Job) bool { return j.inSet(setID) && j.State.Finished() }
		var gone []*Job
		for _, j := range q.jobs {
			if over(j) {
				gone = append(gone, j)
			}
		}
		q.jobs = slices.DeleteFunc(q.jobs, over)
		return gone
	})
}

// MoveSet moves the waiting jobs of a set together, by places among the waiting
// jobs that are not of the set: -1 is one earlier, 1 one later. A large number
// moves them to the front or the end.
func (q *Queue) MoveSet(setID string, by int) error {
	return q.editSet(setID, func() []*Job {
		var moved, others []*Job
		before := 0 // others that come before the set's first
		for _, j := range q.jobs {
			switch {
			case j.State != JobQueued:
			case j.inSet(setID):
				moved = append(moved, j)
			default:
				if len(moved) == 0 {
					before++
				}
				others = append(others, j)
			}
		}
		at := before + min(max(by, -before), len(others)-before)
		waiting := slices.Insert(others, at, moved...)
		for i, j := range q.jobs {
			if j.State == JobQueued {
				q.jobs[i], waiting = waiting[0], waiting[1:]
			}
		}
		return moved
	})
}

func (j *Job) inSet(id string) bool { return j.Set != nil && j.Set.ID == id }

// editSet runs edit under the lock and tells of the jobs that it returns.
func (q *Queue) editSet(setID string, edit func() []*Job) error {
	q.mu.Lock()
	if !slices.ContainsFunc(q.jobs, func(j *Job) bool { return j.inSet(setID) }) {
		q.mu.Unlock()
		return fmt.Errorf("the queue has nothing of set %q: %w", setID, ErrNotFound)
	}
	var copied []Job
	for _, j := range edit() {
		copied = append(copied, j.clone())
	}
	q.announce()
	q.mu.Unlock()
	signal(q.unsafe)
	q.p.hub.publish(QueueChanged{})
	for _, j := range copied {
		q.p.hub.publish(JobChanged{j})
	}
	return nil
}
