package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

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

// watcher shows what becomes of a job.
type watcher struct {
	s      *session
	p      *projects.Project
	q      *projects.Queue
	events <-chan projects.Event
	stop   func()
	meter  meter
	// shown are the concepts that were reported.
	shown map[string]bool
	notes int
}

// watch subscribes to the project. It must be called before the job is
// enqueued, so that nothing is missed.
func (s *session) watch(p *projects.Project, q *projects.Queue) *watcher {
	events, stop := p.Subscribe()
	return &watcher{s: s, p: p, q: q, events: events, stop: stop, meter: s.meter(), shown: map[string]bool{}}
}

// job waits for a job and reports it. When ctx is cancelled the job is too,
// and job returns when what was finished is stored.
func (w *watcher) job(ctx context.Context, job projects.Job) error {
	defer w.stop()
	defer w.meter.finish()
	w.start(job)
	begin := time.Now()
	type outcome struct {
		job projects.Job
		err error
	}
	finished := make(chan outcome, 1)
	go func() {
		// The job outlives ctx until its cancellation is complete.
		job, err := w.q.Wait(context.WithoutCancel(ctx), job.ID)
		finished <- outcome{job, err}
	}()
	cancelled := ctx.Done()
	for {
		select {
		case <-cancelled:
			cancelled = nil
			w.say("stopping; what is finished is kept")
			if err := w.q.Cancel(job.ID); err != nil && !errors.Is(err, projects.ErrNotFound) {
				return err
			}
		case event, open := <-w.events:
			if !open {
				w.events = nil
				continue
			}
			w.event(job.ID, event)
		case out := <-finished:
			if out.err != nil {
				return out.err
			}
			return w.end(context.WithoutCancel(ctx), out.job, time.Since(begin))
		}
	}
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

// event shows one event of the project if it belongs to the job.
func (w *watcher) event(id string, event projects.Event) {
	switch e := event.(type) {
	case projects.JobChanged:
		if e.Job.ID != id {
			return
		}
		w.noted(e.Job)
		if e.Job.State == projects.JobRunning && e.Job.Progress.Stage != "" {
			w.meter.show(e.Job.Progress)
		}
	case projects.ConceptAdded:
		if e.Concept.JobID == id {
			w.concept(e.Concept)
		}
	}
}

// noted reports the job's new notes.
func (w *watcher) noted(job projects.Job) {
	for ; w.notes < len(job.Notes); w.notes++ {
		if w.s.json {
			w.s.emit(noteEvent{Event: "note", Text: job.Notes[w.notes]})
		} else {
			w.say(job.Notes[w.notes])
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

// end reports how a job ended.
func (w *watcher) end(ctx context.Context, job projects.Job, took time.Duration) error {
	w.noted(job)
	// The last events may still be on their way; the job knows what it stored.
	provider := ""
	for _, id := range job.Concepts {
		c, err := w.p.Concept(ctx, id)
		if err != nil {
			return err
		}
		w.concept(c)
		provider = c.Provider
	}
	w.meter.finish()
	if w.s.json {
		concepts := job.Concepts
		if concepts == nil {
			concepts = []string{}
		}
		w.s.emit(doneEvent{Event: "done", Job: job.ID, State: job.State, Concepts: concepts, Seconds: took.Seconds(), Provider: provider})
	}
	switch job.State {
	case projects.JobDone:
		if !w.s.json {
			w.s.note("Done in %s on %s: %s in %s", seconds(took), provider, plural(len(job.Concepts), "image"), w.p.Dir())
		}
		return nil
	case projects.JobCancelled:
		return fmt.Errorf("cancelled; %d of %s kept in %s", len(job.Concepts), plural(job.Recipe.Count, "image"), w.p.Dir())
	default:
		return fmt.Errorf("the render failed: %s", job.Error)
	}
}

// sidecar is the JSON file beside a concept's image.
func sidecar(image string) string {
	return strings.TrimSuffix(image, filepath.Ext(image)) + ".json"
}
