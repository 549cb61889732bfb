package projects

import (
	"context"
	"fmt"
	"image"
	"time"

	"maquette/control"
	"maquette/inference/checkpoint"
	"maquette/inference/depth"
	"maquette/inference/runtime"
)

// depthLife is how long a depth model stays in memory after its last use: long
// enough for live preview, short enough to leave room for a render.
const depthLife = time.Minute

// photoDepther finds the depth of photographs; *Library is one.
type photoDepther interface {
	PhotoDepth(ctx context.Context, photo image.Image) (*image.Gray16, error)
}

// ControlOptions gives control's extractors what they need of the model
// library: the depth model for photographs. m may be any Models.
func ControlOptions(m Models) []control.Option {
	if find := PhotoDepthOf(m); find != nil {
		return []control.Option{control.WithPhotoDepth(find)}
	}
	return nil
}

// PhotoDepthOf is how the model library finds the depth of photographs, or nil
// where m is no library.
func PhotoDepthOf(m Models) control.PhotoDepth {
	if d, ok := m.(photoDepther); ok {
		return d.PhotoDepth
	}
	return nil
}

// depthModel keeps the depth model that was used last.
type depthModel struct {
	turn      chan struct{} // holds a token while the fields below are in use
	path      string
	estimator *depth.Estimator
	expiry    *time.Timer
}

func newDepthModel() *depthModel { return &depthModel{turn: make(chan struct{}, 1)} }

// DepthModels lists the depth models of the model folders, the one that is used
// first.
func (l *Library) DepthModels(ctx context.Context) ([]checkpoint.Entry, error) {
	l.mu.Lock()
	known := l.depths
	l.mu.Unlock()
	if !known.time.IsZero() && time.Since(known.time) < scanLife {
		return known.entries, nil
	}
	found, err := depth.Find(ctx, l.folders)
	if err != nil {
		return nil, fmt.Errorf("model library: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depths = cachedFor{found, time.Now()}
	return found, nil
}

// PhotoDepth estimates the depth of a photograph with the library's first depth
// model, on the CPU; near is high. It implements control.PhotoDepth. Errors:
// control.ErrNeedsDepthModel when there is none, and what the model says.
func (l *Library) PhotoDepth(ctx context.Context, photo image.Image) (*image.Gray16, error) {
	found, err := l.DepthModels(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, control.ErrNeedsDepthModel
	}
	m := l.depth
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := m.load(ctx, l, found[0].Path); err != nil {
		return nil, err
	}
	m.expiry = time.AfterFunc(depthLife, func() {
		m.turn <- struct{}{}
		defer func() { <-m.turn }()
		m.free(l)
	})
	return m.estimator.Estimate(ctx, photo)
}

// load makes the model at path the one in memory.
func (m *depthModel) load(ctx context.Context, l *Library, path string) error {
	if m.expiry != nil {
		m.expiry.Stop()
	}
	if m.estimator != nil && m.path == path {
		return nil
	}
	m.free(l)
	r, err := l.runtime()
	if err != nil {
		return err
	}
	m.estimator, err = depth.Open(ctx, r, path, runtime.Options{Providers: []string{runtime.CPU}})
	m.path = path
	return err
}

// free takes the model out of memory.
func (m *depthModel) free(l *Library) {
	if m.estimator == nil {
		return
	}
	if err := m.estimator.Close(); err != nil {
		l.log.Warn("cannot free the depth model", "model", m.path, "error", err)
	}
	m.estimator = nil
}
