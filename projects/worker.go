package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"maquette/inference"
)

// previewSteps is how often a job asks for a preview.
const previewSteps = 2

// work runs jobs until the queue is closed.
func (q *Queue) work() {
	for {
		if j := q.next(); j != nil {
			q.run(j)
			continue
		}
		select {
		case <-q.wake:
		case <-q.ctx.Done():
			return
		}
	}
}

// next returns the first waiting job, or nil.
func (q *Queue) next() *Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused || q.closed {
		return nil
	}
	for _, j := range q.jobs {
		if j.State == JobQueued {
			return j
		}
	}
	return nil
}

// update changes a job and tells of it.
func (q *Queue) update(j *Job, f func()) {
	q.mu.Lock()
	before := j.State
	f()
	copied := j.clone()
	if j.State != before {
		q.announce()
	}
	q.mu.Unlock()
	q.p.hub.publish(JobChanged{copied})
}

// run takes one job to its end.
func (q *Queue) run(j *Job) {
	ctx, cancel := context.WithCancel(q.ctx)
	defer cancel()
	started := false
	q.update(j, func() {
		if j.State != JobQueued { // cancelled since next saw it
			return
		}
		started = true
		j.State, j.Error, j.Cause, j.Started, j.Finished = JobRunning, "", nil, now(), time.Time{}
		q.cancel, q.given = cancel, ""
	})
	if !started {
		return
	}
	signal(q.unsafe)
	err := q.safely(func() error { return q.render(ctx, j) })
	q.update(j, func() {
		j.Finished, j.Progress = now(), inference.Progress{}
		switch {
		case err == nil:
			j.State = JobDone
		case q.given == j.ID:
			j.State = JobCancelled
		case q.ctx.Err() != nil:
			j.State, j.Finished = JobInterrupted, time.Time{}
		default:
			j.State, j.Error, j.Cause = JobFailed, err.Error(), err
		}
		q.cancel = nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		q.log.Error("a render failed", "job", j.ID, "error", err)
	}
	if err := q.save(); err != nil {
		q.log.Warn("the render queue is not stored", "error", err)
	}
}

// safely turns a panic into an error: a bug in one render must not take the
// user's drawing with it.
func (q *Queue) safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			q.log.Error("a render panicked", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	return f()
}

// render makes a job's control images and its missing images.
func (q *Queue) render(ctx context.Context, j *Job) error {
	q.mu.Lock()
	r, spans := j.clone().Recipe, j.missing()
	q.mu.Unlock()
	if len(spans) == 0 {
		return nil
	}
	sketch, err := q.shared.input(ctx, q.p, j)
	if err != nil {
		return fmt.Errorf("the sketch of this render: %w", err)
	}
	req, err := q.request(ctx, sketch, r)
	if err != nil {
		return err
	}
	req.PreviewEvery = previewSteps
	var files []string
	for _, c := range req.Controls {
		name, err := q.p.saveControl(c.Image)
		if err != nil {
			return err
		}
		files = append(files, name)
	}
	q.update(j, func() { j.Controls = files })
	total := 0
	for _, s := range spans {
		total += s.count
	}
	before := 0
	for _, s := range spans {
		part := req
		part.Seed, part.Count = r.Seed+int64(s.first), s.count
		run := &partRun{q: q, j: j, r: r, span: s, before: before, total: total, controls: files}
		if err := run.render(ctx, part); err != nil {
			return err
		}
		before += s.count
	}
	return nil
}

// request compiles a recipe, without its seed and count, to what the engine
// takes: models are found, control images made and the start image fitted.
func (q *Queue) request(ctx context.Context, sketch image.Image, r Recipe) (inference.Request, error) {
	req := inference.Request{
		Prompt: r.Prompt, NegativePrompt: r.NegativePrompt, Width: r.Width, Height: r.Height, Steps: r.Steps,
		Guidance: float32(r.Guidance), Sampler: r.Sampler, Karras: r.Karras, Seed: r.Seed, Count: r.Count,
	}
	if sketch == nil && r.needsSketch() {
		return req, errors.New("this recipe follows a sketch, and there is none")
	}
	checkpoint, nets, err := q.models.Resolve(ctx, r)
	if err != nil {
		return req, err
	}
	if len(nets) != len(r.Controls) {
		return req, fmt.Errorf("internal error: %d ControlNets for %d controls", len(nets), len(r.Controls))
	}
	req.Checkpoint = checkpoint
	size := image.Pt(r.Width, r.Height)
	for i, c := range r.Controls {
		img, err := q.shared.control(ctx, q.extract, c.Kind, sketch, size, c.Params)
		if err != nil {
			return req, fmt.Errorf("control image: %w", err)
		}
		req.Controls = append(req.Controls, inference.Control{
			ControlNet: nets[i], Image: img, Weight: float32(c.Weight), Start: float32(c.Start), End: float32(c.End),
		})
	}
	if r.fromSketch() {
		req.Init, req.Strength = fit(sketch, size), float32(r.Strength)
	}
	return req, nil
}

// partRun is the rendering of one run of a job's images.
type partRun struct {
	q             *Queue
	j             *Job
	r             Recipe
	span          span
	before, total int // images of the job before this run, and in all runs
	controls      []string

	stored  map[int]string // concept IDs by index within the run
	last    time.Time      // when the last image was stored
	failure error          // the first error of storing
	cancel  context.CancelFunc
}

func (pr *partRun) render(ctx context.Context, req inference.Request) error {
	q := pr.q
	if err := q.turns.take(ctx, false); err != nil {
		return err
	}
	defer q.turns.give()
	ctx, pr.cancel = context.WithCancel(ctx)
	defer pr.cancel()
	pr.stored, pr.last = map[int]string{}, time.Now()
	result, err := q.renderer.Render(ctx, req, pr.progress)
	if pr.failure != nil {
		return pr.failure
	}
	if err != nil {
		return err
	}
	// Images are stored as they are reported; this is for a renderer that only returns them.
	for i, img := range result.Images {
		if pr.stored[i] == "" && i < req.Count {
			if err := pr.store(i, img); err != nil {
				return err
			}
		}
	}
	if len(pr.stored) < req.Count {
		return fmt.Errorf("the engine returned %d of %d images", len(pr.stored), req.Count)
	}
	return pr.complete(req, result)
}

// progress hands the engine's progress on and stores finished images. The
// engine calls it on one goroutine at a time.
func (pr *partRun) progress(p inference.Progress) {
	if p.Done != nil && pr.failure == nil && pr.stored[p.Image] == "" && p.Image >= 0 && p.Image < pr.span.count {
		if err := pr.store(p.Image, p.Done); err != nil {
			pr.failure = err
			pr.cancel() // more images could not be kept either
		}
	}
	share := float64(pr.span.count) / float64(pr.total)
	p.Fraction = float64(pr.before)/float64(pr.total) + p.Fraction*share
	p.Image += pr.span.first
	pr.q.update(pr.j, func() {
		if p.Note != "" && !slices.Contains(pr.j.Notes, p.Note) {
			pr.j.Notes = append(pr.j.Notes, p.Note)
		}
		if p.Preview == nil {
			p.Preview = pr.j.Progress.Preview // until there is a newer one
		}
		pr.j.Progress = p
	})
}

// store keeps image i of the run as a concept.
func (pr *partRun) store(i int, img *image.RGBA) error {
	r := pr.r
	r.Count, r.Seed = 1, pr.r.Seed+int64(pr.span.first+i)
	place := pr.j.place(pr.span.first + i)
	if place != nil {
		if _, k := place.Axis(ViewField); k >= 0 {
			r.View = place.Value(k).Value
		}
	}
	// What the render took for this image alone is not known before the end, see complete.
	seconds := time.Since(pr.last).Seconds()
	c, err := pr.q.p.AddConcept(context.Background(), img, Concept{
		Recipe: r, Sketch: pr.j.Sketch, SketchID: pr.j.SketchID, Controls: pr.controls, Seconds: seconds, JobID: pr.j.ID,
		Set: place,
	})
	if err != nil {
		return err
	}
	pr.stored[i] = c.ID
	// The image is safe; what is measured of it may fail.
	if _, err := pr.q.p.measure(context.Background(), c, img); err != nil && !errors.Is(err, ErrNotMeasurable) {
		pr.q.log.Warn("cannot measure the sketch fidelity", "concept", c.ID, "error", err)
	}
	pr.last = time.Now()
	pr.q.update(pr.j, func() {
		pr.j.Concepts = append(pr.j.Concepts, c.ID)
		pr.j.Seeds = append(pr.j.Seeds, r.Seed)
		pr.j.Images = append(pr.j.Images, pr.span.first+i)
	})
	signal(pr.q.unsafe)
	return nil
}

// complete adds to the concepts what only the finished render knows: provider,
// hashes and times.
func (pr *partRun) complete(req inference.Request, result *inference.Result) error {
	seconds := (result.Encode + result.Denoise + result.Decode).Seconds() / float64(req.Count)
	hashes := portable(result.Hashes, req.Checkpoint, pr.r.Checkpoint)
	for _, id := range pr.stored {
		c, err := pr.q.p.amend(id, func(s *sidecar) {
			s.Provider, s.Hashes = result.Provider, hashes
			if seconds > 0 {
				s.Seconds = seconds
			}
		})
		if errors.Is(err, ErrNotFound) {
			continue // it went to the trash meanwhile
		}
		if err != nil {
			return fmt.Errorf("concept %s: %w", id, err)
		}
		pr.q.p.hub.publish(ConceptChanged{Concept: c})
	}
	return nil
}

// portable renames the starter's paths, which lie in this user's cache, to
// "starter" and "starter/…".
func portable(hashes map[string]string, path, name string) map[string]string {
	if name != StarterCheckpoint {
		return hashes
	}
	out := map[string]string{}
	for model, hash := range hashes {
		if rest, ok := strings.CutPrefix(model, path); ok {
			model = name + filepath.ToSlash(rest)
		}
		out[model] = hash
	}
	return out
}
