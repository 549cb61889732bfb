package projects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"
)

// The times of an Autosaver: it waits for a pause in drawing, but not for long.
const (
	autosavePause = 700 * time.Millisecond
	autosaveLimit = 1500 * time.Millisecond
)

// Snapshot returns what is to be saved of a sketch: its strokes and its picture.
type Snapshot func() (strokes json.RawMessage, img image.Image, err error)

// Autosaver saves sketches within two seconds of each change, on its own
// goroutine. Many changes in a row become one save. A save that failed is tried
// again after a pause.
type Autosaver struct {
	p     *Project
	saved func(id string, err error)

	mu      sync.Mutex
	unsaved map[string]*unsavedSketch
	closed  bool
	timer   *time.Timer

	saving sync.Mutex // held during a save: keeps saves in order
}

type unsavedSketch struct {
	name        string
	snapshot    Snapshot
	first, last time.Time // of the changes since the last save
}

// NewAutosaver starts an autosaver for p. saved, if not nil, is called after
// each attempt, not on the UI goroutine.
func NewAutosaver(p *Project, saved func(id string, err error)) *Autosaver {
	return &Autosaver{p: p, saved: saved, unsaved: map[string]*unsavedSketch{}}
}

// Changed notes that the sketch id has changed; it is quick enough for the UI
// goroutine. snapshot is called later, on the autosaver's goroutine: it should
// close over an immutable copy or do its own locking.
func (a *Autosaver) Changed(id, name string, snapshot Snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	t := time.Now()
	if u := a.unsaved[id]; u != nil {
		u.name, u.snapshot, u.last = name, snapshot, t
	} else {
		a.unsaved[id] = &unsavedSketch{name, snapshot, t, t}
	}
	a.schedule(t)
}

// schedule sets the timer to the time when the next sketch is due. The caller
// holds a.mu.
func (a *Autosaver) schedule(t time.Time) {
	if a.closed || len(a.unsaved) == 0 {
		return
	}
	wait := autosaveLimit
	for _, u := range a.unsaved {
		wait = min(wait, u.due().Sub(t))
	}
	wait = max(wait, 0)
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.tick)
	} else {
		a.timer.Reset(wait)
	}
}

func (u *unsavedSketch) due() time.Time {
	due := u.last.Add(autosavePause)
	if limit := u.first.Add(autosaveLimit); limit.Before(due) {
		return limit
	}
	return due
}

func (a *Autosaver) tick() {
	// The error went to saved already.
	_ = a.save(context.Background(), time.Now())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.schedule(time.Now())
}

// Flush saves what is unsaved, now, and returns when it is on disk.
func (a *Autosaver) Flush(ctx context.Context) error {
	return a.save(ctx, time.Now().Add(autosaveLimit))
}

// save stores the sketches that are due at t.
func (a *Autosaver) save(ctx context.Context, t time.Time) error {
	a.saving.Lock()
	defer a.saving.Unlock()
	a.mu.Lock()
	due := map[string]*unsavedSketch{}
	for id, u := range a.unsaved {
		if !u.due().After(t) {
			due[id] = u
			delete(a.unsaved, id)
		}
	}
	a.mu.Unlock()
	var errs []error
	for id, u := range due {
		err := a.saveOne(ctx, id, u)
		if err != nil {
			errs = append(errs, err)
			a.keep(id, u)
		}
		if a.saved != nil {
			a.saved(id, err)
		}
	}
	return errors.Join(errs...)
}

// keep puts a sketch whose save failed back, unless it has changed since. It
// gets a full wait, so that a full disk is not hammered.
func (a *Autosaver) keep(id string, u *unsavedSketch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unsaved[id] == nil {
		u.first, u.last = time.Now(), time.Now()
		a.unsaved[id] = u
	}
}

func (a *Autosaver) saveOne(ctx context.Context, id string, u *unsavedSketch) error {
	strokes, img, err := u.snapshot()
	if err != nil {
		return fmt.Errorf("save sketch %s: %w", id, err)
	}
	return a.p.SaveSketch(ctx, id, u.name, strokes, img)
}

// Close saves what is unsaved and stops the autosaver.
func (a *Autosaver) Close() error {
	a.mu.Lock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mu.Unlock()
	return a.Flush(context.Background())
}
