package projects

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"time"

	"maquette/inference"
)

// JobState is the state of a job.
type JobState string

// The states of a job.
const (
	JobQueued      JobState = "queued"
	JobRunning     JobState = "running"
	JobDone        JobState = "done"
	JobFailed      JobState = "failed"
	JobCancelled   JobState = "cancelled"
	JobInterrupted JobState = "interrupted" // the app ended before the job did; Retry continues it
)

// Finished reports whether the job will not change by itself any more.
func (s JobState) Finished() bool { return s != JobQueued && s != JobRunning }

// Job is one render in a queue.
type Job struct {
	ID       string   `json:"id"`
	SketchID string   `json:"sketch_id,omitempty"`
	Recipe   Recipe   `json:"recipe"`
	State    JobState `json:"state"`
	// Error says why a job failed, in a sentence for the user.
	Error   string    `json:"error,omitempty"`
	Created time.Time `json:"created"`
	// Started and Finished are zero while the job has not got there.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Sketch is the file in the project with the exact input of the render, or "".
	Sketch string `json:"sketch,omitempty"`
	// Controls are the control images' files in the project once they are made.
	Controls []string `json:"controls,omitempty"`
	// Concepts are the IDs of the concepts that the job has stored.
	Concepts []string           `json:"concepts,omitempty"`
	Progress inference.Progress `json:"-"`
	// Notes are sentences for the user, such as a fallback to another provider.
	Notes []string `json:"notes,omitempty"`
}

// Renderer renders requests; *inference.Engine is one.
type Renderer interface {
	Render(context.Context, inference.Request, func(inference.Progress)) (*inference.Result, error)
}

// Models finds the models that a recipe names.
type Models interface {
	// Resolve returns the path of the recipe's checkpoint and of one ControlNet for each of its controls.
	Resolve(ctx context.Context, recipe Recipe) (checkpoint string, controlNets []string, err error)
}

// Queue renders jobs one after the other.
type Queue struct{}

func NewQueue(p *Project, r Renderer, m Models, log *slog.Logger) *Queue { return nil }
func (q *Queue) Enqueue(ctx context.Context, sketchID string, sketch image.Image, r Recipe) (Job, error) {
	return Job{}, errors.ErrUnsupported
}
func (q *Queue) Cancel(id string) error       { return errors.ErrUnsupported }
func (q *Queue) Retry(id string) error        { return errors.ErrUnsupported }
func (q *Queue) Remove(id string) error       { return errors.ErrUnsupported }
func (q *Queue) Move(id string, to int) error { return errors.ErrUnsupported }
func (q *Queue) Jobs() []Job                  { return nil }
func (q *Queue) Pause(paused bool)            {}
func (q *Queue) Paused() bool                 { return false }
func (q *Queue) Wait(ctx context.Context, id string) (Job, error) {
	return Job{}, errors.ErrUnsupported
}
func (q *Queue) Close() error { return errors.ErrUnsupported }

// Live renders a sketch without storing anything; the latest call wins.
func (q *Queue) Live(ctx context.Context, sketch image.Image, r Recipe, progress func(inference.Progress)) (*image.RGBA, error) {
	return nil, errors.ErrUnsupported
}
