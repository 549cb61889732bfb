package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"sync"

	"github.com/google/uuid"

	"maquette/control"
	"maquette/inference"
)

// Renderer renders requests; *inference.Engine is one.
type Renderer interface {
	Render(context.Context, inference.Request, func(inference.Progress)) (*inference.Result, error)
}

// Models finds the models that a recipe names; *Library is one.
type Models interface {
	// Resolve finds the files that the recipe needs.
	Resolve(ctx context.Context, recipe Recipe) (ModelFiles, error)
}

// ModelFiles are the files that a recipe needs, and its prompts as the engine
// takes them.
type ModelFiles struct {
	Checkpoint string
	// ControlNets has one for each of the recipe's controls, in their order.
	ControlNets []string
	// VAE is the recipe's, PreviewVAE one that draws the previews; each may be "".
	VAE, PreviewVAE string
	// LoRAs are those of the recipe's list and of its prompt, each file once.
	LoRAs []inference.LoRA
	// Embeddings are those that a prompt names.
	Embeddings []inference.Embedding
	// Prompt and NegativePrompt are the recipe's without the calls of LoRAs.
	Prompt, NegativePrompt string
	// Notes are sentences for the user.
	Notes []string
}

// extractFunc makes a control image.
type extractFunc func(ctx context.Context, kind control.Kind, src image.Image, size image.Point, p control.Params) (*image.RGBA, error)

// extractWith makes control images with what the model library holds for them.
func extractWith(m Models) extractFunc {
	options := ControlOptions(m)
	return func(ctx context.Context, kind control.Kind, src image.Image, size image.Point, p control.Params) (*image.RGBA, error) {
		x, err := control.For(kind, options...)
		if err != nil {
			return nil, err
		}
		return x.Extract(ctx, src, size, p)
	}
}

// Queue renders a project's jobs one after the other and stores each image as
// soon as it is finished. Jobs survive the end of the app. Apart from Enqueue,
// Wait, Live and Close, its methods do not wait for the disk and may be called
// on the UI goroutine.
type Queue struct {
	p        *Project
	renderer Renderer
	models   Models
	log      *slog.Logger
	extract  extractFunc
	turns    turns
	shared   sharedInputs
	scoring  *scoring

	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	done   sync.WaitGroup
	wake   chan struct{} // a token: there may be work
	unsafe chan struct{} // a token: the jobs have changed since they were saved

	mu      sync.Mutex
	jobs    []*Job
	paused  bool
	closed  bool
	cancel  context.CancelFunc // of the running job, or nil
	given   string             // ID of a running job that was cancelled
	changed chan struct{}      // closed and replaced at each change of a state

	saving sync.Mutex // keeps saves in order
	live   liveCall
}

// NewQueue makes the queue of a project and starts working on it. Jobs that the
// last session did not finish are there as interrupted. A nil log means slog's
// default. One project has one queue at a time; it must be closed before the project.
func NewQueue(p *Project, r Renderer, m Models, log *slog.Logger) *Queue {
	if log == nil {
		log = slog.Default()
	}
	q := &Queue{p: p, renderer: r, models: m, log: log, extract: extractWith(m), scoring: newScoring(),
		wake: make(chan struct{}, 1), unsafe: make(chan struct{}, 1), changed: make(chan struct{})}
	q.ctx, q.stop = context.WithCancel(context.Background())
	jobs, err := p.loadJobs(q.ctx)
	if err != nil {
		log.Warn("cannot read the render queue of the last session", "project", p.dir, "error", err)
	}
	q.jobs = jobs
	q.done.Go(q.work)
	q.done.Go(q.keepSaved)
	q.done.Go(q.scoreSets)
	return q
}

// Enqueue adds a job at the end. sketch is the exact input of the render; nil
// means the stored picture of the sketch sketchID. When Enqueue returns, the job
// survives a crash. It encodes and stores the sketch and so takes a moment. The
// images of a recipe with several views become a set.
func (q *Queue) Enqueue(ctx context.Context, sketchID string, sketch image.Image, r Recipe) (Job, error) {
	j := &Job{Recipe: r}
	if err := j.gather(); err != nil {
		return Job{}, err
	}
	jobs, err := q.enqueue(ctx, sketchID, sketch, []*Job{j})
	if err != nil {
		return Job{}, err
	}
	return jobs[0], nil
}

// enqueue adds jobs that have a recipe, and may have a set, for one sketch.
func (q *Queue) enqueue(ctx context.Context, sketchID string, sketch image.Image, jobs []*Job) ([]Job, error) {
	if err := q.p.writable(ctx); err != nil {
		return nil, err
	}
	if sketchID != "" {
		if err := validID(sketchID); err != nil {
			return nil, err
		}
	}
	needed := false
	for _, j := range jobs {
		if err := j.Recipe.Validate(); err != nil {
			return nil, err
		}
		needed = needed || j.Recipe.needsSketch()
	}
	if sketch == nil && sketchID != "" {
		_, img, err := q.p.LoadSketch(ctx, sketchID)
		if err != nil {
			return nil, err
		}
		sketch = img
	}
	if sketch == nil && needed {
		return nil, errors.New("this recipe follows a sketch: draw or open one, or remove its controls")
	}
	name := ""
	var err error
	if sketch != nil {
		if name, err = q.p.saveInput(sketch); err != nil {
			return nil, fmt.Errorf("enqueue: %w", err)
		}
	}
	copied := make([]Job, len(jobs))
	for i, j := range jobs {
		if j.Drawings, err = q.p.keepDrawings(ctx, sketchID, j.Recipe); err != nil {
			return nil, fmt.Errorf("enqueue: %w", err)
		}
		j.ID, j.SketchID, j.Sketch, j.State, j.Created = uuid.NewString(), sketchID, name, JobQueued, now()
		copied[i] = j.clone()
	}
	if err := q.add(jobs); err != nil {
		return nil, err
	}
	q.p.hub.publish(QueueChanged{})
	for _, j := range copied {
		q.p.hub.publish(JobChanged{j})
	}
	signal(q.wake)
	return copied, nil
}

// add stores the queue with new jobs, all or none, then shows them to the worker.
func (q *Queue) add(added []*Job) error {
	q.saving.Lock()
	defer q.saving.Unlock()
	q.mu.Lock()
	q.forget()
	jobs, closed := q.snapshot(), q.closed
	for _, j := range added {
		jobs = append(jobs, j.clone())
	}
	q.mu.Unlock()
	if closed {
		return fmt.Errorf("render queue: %w", ErrClosed)
	}
	if err := q.p.saveJobs(jobs); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, added...)
	return nil
}

// forget drops the oldest finished jobs beyond keepFinished. The caller holds q.mu.
func (q *Queue) forget() {
	extra := -keepFinished
	for _, j := range q.jobs {
		if j.State.Finished() {
			extra++
		}
	}
	q.jobs = slices.DeleteFunc(q.jobs, func(j *Job) bool {
		if extra > 0 && j.State.Finished() {
			extra--
			return true
		}
		return false
	})
}

func signal(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// Jobs lists all jobs in the order in which they run, those that have finished included.
func (q *Queue) Jobs() []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.snapshot()
}

func (q *Queue) snapshot() []Job {
	list := make([]Job, len(q.jobs))
	for i, j := range q.jobs {
		list[i] = j.clone()
	}
	return list
}

// find returns a job. The caller holds q.mu.
func (q *Queue) find(id string) (*Job, int, error) {
	i := slices.IndexFunc(q.jobs, func(j *Job) bool { return j.ID == id })
	if i < 0 {
		return nil, 0, fmt.Errorf("job %q: %w", id, ErrNotFound)
	}
	return q.jobs[i], i, nil
}

// change runs f on a job under the lock and tells of it.
func (q *Queue) change(id string, f func(j *Job, at int) error) error {
	q.mu.Lock()
	j, at, err := q.find(id)
	if err == nil {
		err = f(j, at)
	}
	if err != nil {
		q.mu.Unlock()
		return err
	}
	copied := j.clone()
	q.announce()
	q.mu.Unlock()
	signal(q.unsafe)
	q.p.hub.publish(QueueChanged{})
	q.p.hub.publish(JobChanged{copied})
	return nil
}

// announce wakes everybody in Wait. The caller holds q.mu.
func (q *Queue) announce() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// save stores the jobs as they are now.
func (q *Queue) save() error {
	if q.p.readOnly {
		return nil
	}
	q.saving.Lock()
	defer q.saving.Unlock()
	return q.p.saveJobs(q.Jobs())
}

// keepSaved stores the jobs after changes that did not wait for it.
func (q *Queue) keepSaved() {
	for {
		select {
		case <-q.unsafe:
			if err := q.save(); err != nil {
				q.log.Warn("the render queue is not stored", "error", err)
			}
		case <-q.ctx.Done():
			return
		}
	}
}

// Close stops the running job, which becomes interrupted, and stores the queue.
func (q *Queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.announce()
	q.mu.Unlock()
	q.stop()
	q.live.stop()
	q.done.Wait()
	if err := q.save(); err != nil {
		return fmt.Errorf("close render queue: %w", err)
	}
	return nil
}
