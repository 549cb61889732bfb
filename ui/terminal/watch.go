package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"maquette/inference"
	"maquette/projects"
)

// The lines of `maquette render --json`, beside progressEvent and errorEvent.
type (
	startEvent struct {
		Event    string          `json:"event"` // "start"
		Project  string          `json:"project"`
		SketchID string          `json:"sketch_id,omitempty"`
		Job      string          `json:"job"`
		Recipe   projects.Recipe `json:"recipe"`
	}
	noteEvent struct {
		Event string `json:"event"` // "note"
		Text  string `json:"text"`
	}
	conceptEvent struct {
		Event   string  `json:"event"` // "concept"
		ID      string  `json:"id"`
		Image   string  `json:"image"`
		Sidecar string  `json:"sidecar"`
		Seed    int64   `json:"seed"`
		View    string  `json:"view,omitempty"`
		Width   int     `json:"width"`
		Height  int     `json:"height"`
		Seconds float64 `json:"seconds"`
		Job     string  `json:"job"`
	}
	scoresEvent struct {
		Event string `json:"event"` // "scores"
		Set   string `json:"set"`
		// Means; absent where there are no views, or no variants.
		Agreement *float64 `json:"view_agreement,omitempty"`
		Drift     *float64 `json:"geometry_drift,omitempty"`
	}
	doneEvent struct {
		Event string `json:"event"` // "done"
		// Job or Set is absent.
		Job      string            `json:"job,omitempty"`
		Set      string            `json:"set,omitempty"`
		State    projects.JobState `json:"state"`
		Concepts []string          `json:"concepts"`
		Seconds  float64           `json:"seconds"`
		// Provider is the execution provider that ran; absent if none finished an image.
		Provider string `json:"provider,omitempty"`
	}
)

// watcher shows what becomes of the jobs of a render: a single one, or those of a set.
type watcher struct {
	s      *session
	p      *projects.Project
	q      *projects.Queue
	events <-chan projects.Event
	stop   func()
	meter  meter
	jobs   []projects.Job
	set    *projects.Set // nil for a single job
	// shown are the concepts and said the notes that were reported.
	shown, said map[string]bool
}

// watch subscribes to the project. It must be called before the jobs are
// enqueued, so that nothing is missed.
func (s *session) watch(p *projects.Project, q *projects.Queue) *watcher {
	events, stop := p.Subscribe()
	return &watcher{s: s, p: p, q: q, events: events, stop: stop, meter: s.meter(), shown: map[string]bool{}, said: map[string]bool{}}
}

// job waits for a job and reports it, see follow.
func (w *watcher) job(ctx context.Context, job projects.Job) error {
	w.start(job)
	w.jobs = []projects.Job{job}
	return w.follow(ctx)
}

// members waits for the jobs of a set and reports them, see follow.
func (w *watcher) members(ctx context.Context, set projects.Set, jobs []projects.Job) error {
	w.set, w.jobs = &set, jobs
	return w.follow(ctx)
}

// follow waits for the jobs and reports each image as it is finished. When ctx
// is cancelled the jobs are too, and follow returns when what was finished is stored.
func (w *watcher) follow(ctx context.Context) error {
	defer w.stop()
	defer w.meter.finish()
	begin := time.Now()
	ended := make([]projects.Job, len(w.jobs))
	finished := make(chan error, 1)
	go func() {
		for i, j := range w.jobs {
			var err error
			// The jobs outlive ctx until their cancellation is complete.
			if ended[i], err = w.q.Wait(context.WithoutCancel(ctx), j.ID); err != nil {
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
			if err := w.cancel(); err != nil && !errors.Is(err, projects.ErrNotFound) {
				return err
			}
		case event, open := <-w.events:
			if !open {
				w.events = nil
				continue
			}
			w.event(event)
		case err := <-finished:
			if err != nil {
				return err
			}
			return w.end(ctx, ended, time.Since(begin))
		}
	}
}

func (w *watcher) cancel() error {
	if w.set != nil {
		return w.q.CancelSet(w.set.ID)
	}
	return w.q.Cancel(w.jobs[0].ID)
}

// start reports that a job was enqueued.
func (w *watcher) start(job projects.Job) {
	if w.s.json {
		w.s.emit(startEvent{Event: "start", Project: w.p.Dir(), SketchID: job.SketchID, Job: job.ID, Recipe: job.Recipe})
		return
	}
	r := job.Recipe
	var controls []string
	for _, c := range r.Controls {
		controls = append(controls, formatControl(c))
	}
	if len(controls) == 0 {
		controls = []string{"no control"}
	}
	if r.Views != nil {
		controls = append(controls, "views "+strings.Join(r.Views.Cameras, ", "))
	}
	w.s.note("Rendering %s of %d×%d pixels from seed %d: %q, %s", plural(r.Count, "image"), r.Width, r.Height, r.Seed, r.Prompt, strings.Join(controls, ", "))
}

// watches reports whether a job is one of those that are waited for.
func (w *watcher) watches(id string) bool {
	return slices.ContainsFunc(w.jobs, func(j projects.Job) bool { return j.ID == id })
}

// event shows one event of the project if it belongs to the jobs.
func (w *watcher) event(event projects.Event) {
	switch e := event.(type) {
	case projects.JobChanged:
		if !w.watches(e.Job.ID) {
			return
		}
		w.noted(e.Job)
		now := e.Job.Progress
		switch {
		case e.Job.State != projects.JobRunning:
		case w.set == nil && now.Stage != "":
			w.meter.show(now)
		case w.set != nil && now.Stage == inference.StageDenoise: // one stage, so that there isn't a line for each of each image
			w.meter.show(setProgress(w.set.Progress(w.q.Jobs()), now))
		}
	case projects.ConceptAdded:
		if w.watches(e.Concept.JobID) {
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

// noted reports the job's new notes, each once for all jobs of a set.
func (w *watcher) noted(job projects.Job) {
	for _, text := range job.Notes {
		if w.said[text] {
			continue
		}
		w.said[text] = true
		if w.s.json {
			w.s.emit(noteEvent{Event: "note", Text: text})
		} else {
			w.say(text)
		}
	}
}

// say writes a line for the user past the progress bar.
func (w *watcher) say(text string) {
	w.meter.pause()
	w.s.note("%s", text)
}

// concept reports a finished image.
func (w *watcher) concept(c projects.Concept) {
	if w.shown[c.ID] {
		return
	}
	w.shown[c.ID] = true
	file := filepath.Join(w.p.Dir(), filepath.FromSlash(c.Image))
	if w.s.json {
		w.s.emit(conceptEvent{
			Event: "concept", ID: c.ID, Image: file, Sidecar: sidecar(file),
			Seed: c.Recipe.Seed, View: c.Recipe.View, Width: c.Recipe.Width, Height: c.Recipe.Height,
			Seconds: c.Seconds, Job: c.JobID,
		})
		return
	}
	w.meter.pause()
	fmt.Fprintln(w.s.Out, file)
}

// end reports how the jobs ended.
func (w *watcher) end(ctx context.Context, jobs []projects.Job, took time.Duration) error {
	state, failure, provider := projects.JobDone, "", ""
	made, total := []string{}, 0
	for _, j := range jobs {
		w.noted(j)
		if j.State != projects.JobDone && state != projects.JobFailed {
			state, failure = j.State, j.Error
		}
		made = append(made, j.Concepts...)
		total += j.Recipe.Count
	}
	// The last events may still be on their way; the jobs know what they stored.
	for _, id := range made {
		c, err := w.p.Concept(context.WithoutCancel(ctx), id)
		if err != nil {
			return err
		}
		w.concept(c)
		provider = c.Provider
	}
	w.meter.finish()
	w.scores(ctx, jobs)
	done := doneEvent{Event: "done", State: state, Concepts: made, Seconds: took.Seconds(), Provider: provider}
	what, hint := plural(len(made), "image"), ""
	if w.set == nil {
		done.Job = jobs[0].ID
	} else {
		done.Set, total = w.set.ID, w.set.Count()
		what = fmt.Sprintf("the set %q with %s", w.set.Name, what)
		hint = fmt.Sprintf(", and 'maquette render --resume --project %s --set %s' makes the others", w.p.Dir(), w.set.ID)
	}
	if w.s.json {
		w.s.emit(done)
	}
	switch {
	case state == projects.JobDone:
		if !w.s.json {
			w.s.note("Done in %s on %s: %s in %s", longTime(took), provider, what, w.p.Dir())
		}
		return nil
	case state == projects.JobCancelled:
		return fmt.Errorf("cancelled; %d of %s kept in %s%s", len(made), plural(total, "image"), w.p.Dir(), hint)
	case len(made) > 0:
		return fmt.Errorf("the render failed: %s; %d of %s kept in %s%s", failure, len(made), plural(total, "image"), w.p.Dir(), hint)
	default:
		return fmt.Errorf("the render failed: %s", failure)
	}
}

// scores waits until the set of the jobs is measured, and reports its numbers.
// The images are there: what can't be measured is no failure of the render.
func (w *watcher) scores(ctx context.Context, jobs []projects.Job) {
	set := jobs[0].Set
	if set == nil || w.q.Measured(ctx) != nil {
		return
	}
	stacks, err := w.p.Sets(ctx)
	at := slices.IndexFunc(stacks, func(st projects.Stack) bool { return st.Set.ID == set.ID })
	if err != nil || at < 0 {
		return
	}
	st := stacks[at]
	if w.s.json {
		w.s.emit(scoresEvent{Event: "scores", Set: set.ID, Agreement: st.Agreement, Drift: st.Drift})
		return
	}
	if st.Agreement != nil {
		w.s.note("View agreement %.3f (SSIM of what two views show both)", *st.Agreement)
	}
	if st.Drift != nil {
		w.s.note("Geometry drift %.3f (of the variants' edges; 0 is a design that was kept)", *st.Drift)
	}
}

// sidecar is the JSON file beside a concept's image.
func sidecar(image string) string {
	return strings.TrimSuffix(image, filepath.Ext(image)) + ".json"
}
