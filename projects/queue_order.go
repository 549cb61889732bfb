package projects

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Cancel stops a job that runs or waits. Images that are finished stay. A
// running job becomes cancelled a moment later, at the end of a sampling step.
func (q *Queue) Cancel(id string) error {
	return q.change(id, func(j *Job, _ int) error {
		switch j.State {
		case JobQueued:
			j.State, j.Finished = JobCancelled, now()
			q.scoreIfOver(j)
		case JobRunning:
			q.given = j.ID
			q.cancel()
		default:
			return fmt.Errorf("the render is %s already", j.State)
		}
		return nil
	})
}

// Retry puts a job that failed, was cancelled or interrupted at the end of the
// queue. It renders only the images that are missing.
func (q *Queue) Retry(id string) error {
	if err := q.p.writable(q.ctx); err != nil {
		return err
	}
	err := q.change(id, func(j *Job, at int) error {
		if !j.State.Finished() || j.State == JobDone {
			return fmt.Errorf("the render is %s: there is nothing to try again", j.State)
		}
		j.State, j.Error, j.Cause = JobQueued, "", nil
		q.jobs = append(slices.Delete(q.jobs, at, at+1), j)
		return nil
	})
	signal(q.wake)
	return err
}

// Remove takes a job that does not run out of the list. Its concepts stay.
func (q *Queue) Remove(id string) error {
	return q.change(id, func(j *Job, at int) error {
		if j.State == JobRunning {
			return errors.New("the render is running: cancel it first")
		}
		if j.State == JobQueued {
			j.State = JobCancelled
		}
		q.jobs = slices.Delete(q.jobs, at, at+1)
		return nil
	})
}

// Move puts a waiting job at the place to of Jobs.
func (q *Queue) Move(id string, to int) error {
	return q.change(id, func(j *Job, at int) error {
		if j.State != JobQueued {
			return fmt.Errorf("the render is %s: only waiting ones can be moved", j.State)
		}
		q.jobs = slices.Delete(q.jobs, at, at+1)
		q.jobs = slices.Insert(q.jobs, min(max(to, 0), len(q.jobs)), j)
		return nil
	})
}

// Pause keeps waiting jobs from starting, or lets them go on. The running one
// is not stopped.
func (q *Queue) Pause(paused bool) {
	q.mu.Lock()
	q.paused = paused
	q.mu.Unlock()
	signal(q.wake)
	q.p.hub.publish(QueueChanged{})
}

// Paused reports whether the queue is paused.
func (q *Queue) Paused() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paused
}

// Wait returns a job when it is finished. Errors: ctx is done, the queue was
// closed, or the job removed. How the job itself ended is in its State and Error.
func (q *Queue) Wait(ctx context.Context, id string) (Job, error) {
	for {
		q.mu.Lock()
		j, _, err := q.find(id)
		if err != nil {
			q.mu.Unlock()
			return Job{}, err
		}
		copied, changed, closed := j.clone(), q.changed, q.closed
		q.mu.Unlock()
		if copied.State.Finished() {
			return copied, nil
		}
		if closed && copied.State == JobQueued {
			return copied, fmt.Errorf("render queue: %w", ErrClosed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return copied, ctx.Err()
		}
	}
}
