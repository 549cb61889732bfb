package studio

import (
	"context"
	"image"
	"sync"

	"maquette/control"
	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
)

// engineHolder makes the engine when it is first needed, which loads the ONNX
// Runtime library, and makes it anew after the settings changed. It is safe for
// use by several goroutines.
type engineHolder struct {
	make func() (Engine, error)

	mu       sync.Mutex
	settings settings.Settings
	engine   Engine
	users    map[Engine]int
	retired  map[Engine]bool
}

func (h *engineHolder) currentSettings() settings.Settings {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settings
}

// use returns the engine and a function to call when it is no longer in use.
func (h *engineHolder) use() (Engine, func(), error) {
	h.mu.Lock()
	e := h.engine
	h.mu.Unlock()
	if e == nil {
		made, err := h.make()
		if err != nil {
			return nil, nil, err
		}
		h.mu.Lock()
		if h.engine == nil {
			h.engine = made
		} else {
			defer made.Close() // another goroutine was faster
		}
		e = h.engine
		h.mu.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users == nil {
		h.users, h.retired = map[Engine]int{}, map[Engine]bool{}
	}
	h.users[e]++
	return e, func() { h.release(e) }, nil
}

func (h *engineHolder) release(e Engine) {
	h.mu.Lock()
	h.users[e]--
	free := h.users[e] == 0 && h.retired[e]
	if free {
		delete(h.retired, e)
	}
	h.mu.Unlock()
	if free {
		_ = e.Close()
	}
}

// Render implements projects.Renderer.
func (h *engineHolder) Render(ctx context.Context, req inference.Request, report func(inference.Progress)) (*inference.Result, error) {
	e, release, err := h.use()
	if err != nil {
		return nil, err
	}
	defer release()
	return e.Render(ctx, req, report)
}

// Providers asks the engine for the machine's execution providers.
func (h *engineHolder) Providers(ctx context.Context) ([]inference.ProviderStatus, error) {
	e, release, err := h.use()
	if err != nil {
		return nil, err
	}
	defer release()
	return e.Providers(ctx), nil
}

// Replace makes the next render use an engine with other settings; the old one
// is closed when its renders are over.
func (h *engineHolder) Replace(set settings.Settings) {
	h.mu.Lock()
	old := h.engine
	h.engine, h.settings = nil, set
	idle := old != nil && h.users[old] == 0
	if old != nil && !idle {
		h.retired[old] = true
	}
	h.mu.Unlock()
	if idle {
		_ = old.Close()
	}
}

// Close frees the engine.
func (h *engineHolder) Close() error {
	h.mu.Lock()
	e := h.engine
	h.engine = nil
	h.mu.Unlock()
	if e == nil {
		return nil
	}
	return e.Close()
}

// libraryHolder makes the model library when it is first needed. It is safe for
// use by several goroutines.
type libraryHolder struct {
	make func() (Library, error)

	mu       sync.Mutex
	settings settings.Settings
	library  Library
}

func (h *libraryHolder) get() (Library, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.library == nil {
		l, err := h.make()
		if err != nil {
			return nil, err
		}
		h.library = l
	}
	return h.library, nil
}

// Resolve implements projects.Models.
func (h *libraryHolder) Resolve(ctx context.Context, r projects.Recipe) (projects.ModelFiles, error) {
	l, err := h.get()
	if err != nil {
		return projects.ModelFiles{}, err
	}
	return l.Resolve(ctx, r)
}

// Checkpoints lists the checkpoints of the library.
func (h *libraryHolder) Checkpoints(ctx context.Context) ([]checkpoint.Entry, error) {
	l, err := h.get()
	if err != nil {
		return nil, err
	}
	return l.Checkpoints(ctx)
}

// Fitting lists the models of the library that are of use with a checkpoint.
func (h *libraryHolder) Fitting(ctx context.Context, checkpointPath string, kind checkpoint.Kind) ([]checkpoint.Entry, error) {
	l, err := h.get()
	if err != nil {
		return nil, err
	}
	return l.Fitting(ctx, checkpointPath, kind)
}

// ControlNets lists the ControlNets of the library for a checkpoint and a control kind.
func (h *libraryHolder) ControlNets(ctx context.Context, checkpointPath string, kind control.Kind) ([]checkpoint.Entry, error) {
	l, err := h.get()
	if err != nil {
		return nil, err
	}
	return l.ControlNets(ctx, checkpointPath, kind)
}

// PhotoDepth estimates the depth of a photograph with the library's depth model.
// It implements control.PhotoDepth.
func (h *libraryHolder) PhotoDepth(ctx context.Context, photo image.Image) (*image.Gray16, error) {
	l, err := h.get()
	if err != nil {
		return nil, err
	}
	return l.PhotoDepth(ctx, photo)
}

// Relocate finds models of a recipe that are gone by their hashes.
func (h *libraryHolder) Relocate(ctx context.Context, r projects.Recipe, hashes map[string]string, progress func(projects.HashProgress)) (projects.Recipe, []projects.Moved, error) {
	l, err := h.get()
	if err != nil {
		return r, nil, err
	}
	return l.Relocate(ctx, r, hashes, progress)
}

// Replace makes the next use read other settings.
func (h *libraryHolder) Replace(set settings.Settings) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.library, h.settings = nil, set
}
