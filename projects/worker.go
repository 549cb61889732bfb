package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"runtime/debug"
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
		q.scoreIfOver(j)
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
	req, err := q.request(ctx, sketch, r, func(notes []string) { q.update(j, func() { j.addNotes(notes...) }) })
	if err != nil {
		return err
	}
	req.PreviewEvery = previewSteps
	if r.Views != nil {
		return q.renderViews(ctx, j, r, req, sketch)
	}
	var images []image.Image
	for _, c := range req.Controls {
		images = append(images, c.Image)
	}
	files, err := q.saveControls(images)
	if err != nil {
		return err
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
		run := &partRun{q: q, j: j, r: r, before: before, total: total, controls: [][]string{files}}
		for i := range s.count {
			run.images = append(run.images, s.first+i)
		}
		if _, err := run.render(ctx, part); err != nil {
			return err
		}
		before += s.count
	}
	return nil
}

// saveControls stores control images and returns their files, "" for nil.
func (q *Queue) saveControls(images []image.Image) ([]string, error) {
	var files []string
	for _, img := range images {
		name := ""
		if img != nil {
			var err error
			if name, err = q.p.saveControl(img); err != nil {
				return nil, err
			}
		}
		files = append(files, name)
	}
	return files, nil
}

// request compiles a recipe, without its seed and count, to what the engine
// takes: models are found, control images made and the start image fitted. What
// the user should know of it goes to note.
func (q *Queue) request(ctx context.Context, sketch image.Image, r Recipe, note func([]string)) (inference.Request, error) {
	req := inference.Request{
		Width: r.Width, Height: r.Height, Steps: r.Steps, Guidance: float32(r.Guidance), GuidanceRescale: float32(r.GuidanceRescale),
		Sampler: r.Sampler, Schedule: r.Schedule, Prediction: r.Prediction, ClipSkip: r.ClipSkip, Emphasis: r.Emphasis,
		Seed: r.Seed, Noise: r.Noise, Count: r.Count,
	}
	if sketch == nil && r.needsSketch() {
		return req, errors.New("this recipe follows a sketch, and there is none")
	}
	files, err := q.models.Resolve(ctx, r)
	if err != nil {
		return req, err
	}
	if len(files.ControlNets) != len(r.Controls) {
		return req, fmt.Errorf("internal error: %d ControlNets for %d controls", len(files.ControlNets), len(r.Controls))
	}
	files.fill(&req)
	note(files.Notes)
	if sketch, err = q.p.start(ctx, r, sketch, &req); err != nil {
		return req, err
	}
	for i, c := range r.Controls {
		n := inference.Control{ControlNet: files.ControlNets[i], Weight: float32(c.Weight), Start: float32(c.Start), End: float32(c.End), Mode: c.Mode}
		img, err := q.shared.control(ctx, q.extract, c.Kind, sketch, image.Pt(r.Width, r.Height), c.Params)
		if err == nil {
			n.Image = img
			if r.SecondPass != nil {
				img, err = q.shared.control(ctx, q.extract, c.Kind, sketch, r.FinalSize(), c.Params)
				n.Fine = img
			}
		}
		if err != nil {
			return req, fmt.Errorf("control image: %w", err)
		}
		req.Controls = append(req.Controls, n)
	}
	return req, nil
}

// partRun is one render for a job.
type partRun struct {
	q *Queue
	j *Job
	r Recipe
	// images are the indices among the job's images of those that the engine
	// makes; -1 for one that is not kept.
	images        []int
	before, total int        // images before this run, and in all runs
	controls      [][]string // of each image, repeated where there are fewer

	stored  map[int]string // concept IDs by index within the run
	last    time.Time      // when the last image was stored
	failure error          // the first error of storing
	cancel  context.CancelFunc
}

// render makes the images and stores those that are kept.
func (pr *partRun) render(ctx context.Context, req inference.Request) (*inference.Result, error) {
	q := pr.q
	if err := q.turns.take(ctx, false); err != nil {
		return nil, err
	}
	defer q.turns.give()
	ctx, pr.cancel = context.WithCancel(ctx)
	defer pr.cancel()
	pr.stored, pr.last = map[int]string{}, time.Now()
	result, err := q.renderer.Render(ctx, req, pr.progress)
	if pr.failure != nil {
		return nil, pr.failure
	}
	if err != nil {
		return nil, err
	}
	if len(result.Images) < len(pr.images) {
		return nil, fmt.Errorf("the engine returned %d of %d images", len(result.Images), len(pr.images))
	}
	// Images are stored as they are reported; this is for a renderer that only returns them.
	for i, img := range result.Images {
		if pr.wants(i) {
			if err := pr.store(i, img); err != nil {
				return nil, err
			}
		}
	}
	return result, pr.complete(req, result)
}

// wants reports whether image i of the run is to be stored yet.
func (pr *partRun) wants(i int) bool {
	return i >= 0 && i < len(pr.images) && pr.images[i] >= 0 && pr.stored[i] == ""
}

// progress hands the engine's progress on and stores finished images. The
// engine calls it on one goroutine at a time.
func (pr *partRun) progress(p inference.Progress) {
	if p.Done != nil && pr.failure == nil && pr.wants(p.Image) {
		if err := pr.store(p.Image, p.Done); err != nil {
			pr.failure = err
			pr.cancel() // more images could not be kept either
		}
	}
	share := float64(len(pr.images)) / float64(pr.total)
	p.Fraction = float64(pr.before)/float64(pr.total) + p.Fraction*share
	if p.Image >= 0 && p.Image < len(pr.images) {
		if p.Image = pr.images[p.Image]; p.Image < 0 { // nobody waits for it
			p.Image, p.Preview, p.Done = 0, nil, nil
		}
	}
	pr.q.update(pr.j, func() {
		pr.j.addNotes(p.Note)
		if p.Preview == nil {
			p.Preview = pr.j.Progress.Preview // until there is a newer one
		}
		pr.j.Progress = p
	})
}

// store keeps image i of the run as a concept.
func (pr *partRun) store(i int, img *image.RGBA) error {
	r := pr.r
	at := pr.images[i]
	r.Count, r.Seed = 1, pr.r.Seed+int64(at)
	if r.Views != nil && r.View == "" {
		r.View = r.Views.Cameras[at%len(r.Views.Cameras)]
	}
	var controls []string
	if len(pr.controls) > 0 {
		controls = pr.controls[i%len(pr.controls)]
	}
	place := pr.j.place(at)
	if place != nil {
		if _, k := place.Axis(ViewField); k >= 0 {
			r.View = place.Value(k).Value
		}
	}
	// What the render took for this image alone is not known before the end, see complete.
	seconds := time.Since(pr.last).Seconds()
	c, err := pr.q.p.AddConcept(context.Background(), img, Concept{
		Recipe: r, Sketch: pr.j.Sketch, SketchID: pr.j.SketchID, Controls: controls, Seconds: seconds, JobID: pr.j.ID,
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
		pr.j.Images = append(pr.j.Images, at)
	})
	signal(pr.q.unsafe)
	return nil
}

// complete adds to the concepts what only the finished render knows: provider,
// hashes and times.
func (pr *partRun) complete(req inference.Request, result *inference.Result) error {
	seconds := (result.Encode + result.Denoise + result.Decode).Seconds() / float64(max(1, len(result.Images)))
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
