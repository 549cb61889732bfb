package projects

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"log/slog"
	"time"

	"maquette/inference"
)

// Project is an open project folder. Its methods may be called from several goroutines.
type Project struct{}

// Create makes dir a new project; dir may exist if it is empty. An empty name means the folder's name.
func Create(ctx context.Context, dir, name string) (*Project, error) {
	return nil, errors.ErrUnsupported
}

// Open opens the project in dir for writing.
func Open(ctx context.Context, dir string) (*Project, error) { return nil, errors.ErrUnsupported }

// OpenReadOnly opens the project in dir for reading, also while another Maquette writes to it.
func OpenReadOnly(ctx context.Context, dir string) (*Project, error) {
	return nil, errors.ErrUnsupported
}

// ValidateName says why name cannot be a project's name, or returns nil.
func ValidateName(name string) error { return errors.ErrUnsupported }

// FolderName turns any text into a folder name that is good on every system.
func FolderName(name string) string { return name }

func (p *Project) Close() error                                   { return errors.ErrUnsupported }
func (p *Project) Dir() string                                    { return "" }
func (p *Project) Name() string                                   { return "" }
func (p *Project) ReadOnly() bool                                 { return false }
func (p *Project) SetName(ctx context.Context, name string) error { return errors.ErrUnsupported }
func (p *Project) Subscribe() (events <-chan Event, cancel func()) {
	return nil, func() {}
}

// SketchInfo describes a sketch of a project.
type SketchInfo struct {
	ID, Name      string
	Width, Height int // pixels
	Modified      time.Time
}

// NewSketchID returns an ID for a new sketch.
func NewSketchID() string { return "" }

func (p *Project) Sketches(ctx context.Context) ([]SketchInfo, error) {
	return nil, errors.ErrUnsupported
}
func (p *Project) SaveSketch(ctx context.Context, id, name string, strokes json.RawMessage, img image.Image) error {
	return errors.ErrUnsupported
}
func (p *Project) LoadSketch(ctx context.Context, id string) (strokes json.RawMessage, img image.Image, err error) {
	return nil, nil, errors.ErrUnsupported
}

// Autosaver saves a sketch within two seconds of its last change, away from the UI goroutine.
type Autosaver struct{}

// NewAutosaver starts an autosaver for p. saved, if not nil, is called after
// each attempt, on the autosaver's goroutine.
func NewAutosaver(p *Project, saved func(id string, err error)) *Autosaver { return nil }

// Changed notes that the sketch id has changed. snapshot is called later, on
// the autosaver's goroutine, and must return what is to be saved.
func (a *Autosaver) Changed(id, name string, snapshot func() (json.RawMessage, image.Image, error)) {
}

// Flush saves what is unsaved now.
func (a *Autosaver) Flush(ctx context.Context) error { return errors.ErrUnsupported }

// Close flushes and stops the autosaver.
func (a *Autosaver) Close() error { return errors.ErrUnsupported }

// Concept is a rendered image together with its recipe.
type Concept struct {
	ID      string
	Recipe  Recipe
	Created time.Time
	Starred bool
	// Image is the file in the project, slash separated.
	Image string
	// Sketch is the file in the project with the exact input of the render, or "".
	Sketch string
	// SketchID is the sketch it came from, or "".
	SketchID string
	// Controls are the control images' files in the project, in the order of Recipe.Controls.
	Controls []string
	// Hashes maps model paths to the hex SHA-256 of their weights.
	Hashes   map[string]string
	Provider string
	// Seconds is the time that the image took to render.
	Seconds float64
	JobID   string
}

// Query selects concepts, newest first.
type Query struct {
	Starred bool
	// Text holds words that must all occur in the prompt, negative prompt, checkpoint name, view or variant.
	Text   string
	Oldest bool // oldest first
	// Offset and Limit select a page; a Limit of 0 means all.
	Offset, Limit int
}

func (p *Project) Concepts(ctx context.Context, q Query) ([]Concept, int, error) {
	return nil, 0, errors.ErrUnsupported
}
func (p *Project) Concept(ctx context.Context, id string) (Concept, error) {
	return Concept{}, errors.ErrUnsupported
}
func (p *Project) ConceptImage(ctx context.Context, id string) (image.Image, error) {
	return nil, errors.ErrUnsupported
}

// File decodes an image file of the project, such as Concept.Sketch or one of Concept.Controls.
func (p *Project) File(ctx context.Context, name string) (image.Image, error) {
	return nil, errors.ErrUnsupported
}
func (p *Project) Thumbnail(ctx context.Context, id string, px int) (*image.RGBA, error) {
	return nil, errors.ErrUnsupported
}

// SketchThumbnail is like Thumbnail for a sketch.
func (p *Project) SketchThumbnail(ctx context.Context, id string, px int) (*image.RGBA, error) {
	return nil, errors.ErrUnsupported
}
func (p *Project) AddConcept(ctx context.Context, img image.Image, c Concept) (Concept, error) {
	return Concept{}, errors.ErrUnsupported
}
func (p *Project) SetStarred(ctx context.Context, id string, starred bool) error {
	return errors.ErrUnsupported
}

// Trashed says where Trash put concepts, for Restore.
type Trashed struct {
	// IDs are the concepts that were moved.
	IDs []string
	// System is true if they are in the system's trash, false if in the project's .trash folder.
	System bool
}

func (p *Project) Trash(ctx context.Context, ids ...string) (Trashed, error) {
	return Trashed{}, errors.ErrUnsupported
}
func (p *Project) Restore(ctx context.Context, t Trashed) error      { return errors.ErrUnsupported }
func (p *Project) Export(ctx context.Context, id, path string) error { return errors.ErrUnsupported }

// Problem is something that Check found.
type Problem struct {
	File     string `json:"file"`
	What     string `json:"what"`
	Repaired bool   `json:"repaired"`
}

// Report is what Check found.
type Report struct {
	Concepts int       `json:"concepts"`
	Sketches int       `json:"sketches"`
	Controls int       `json:"controls"`
	Bytes    int64     `json:"bytes"`
	Problems []Problem `json:"problems"`
}

func (p *Project) Check(ctx context.Context) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
func (p *Project) Reindex(ctx context.Context, progress func(done, total int)) error {
	return errors.ErrUnsupported
}

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
