// Package runtime runs models on ONNX Runtime: it loads the library, makes
// sessions on the first execution provider that takes the model, and runs them
// so that they can be cancelled.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// environment is the one ONNX Runtime environment that the binding allows in a
// process. It is shared by all Runtimes and never torn down: the WebGPU provider
// keeps threads that don't survive the library's unloading.
//
// This is the package's only state; the binding's own globals force it.
var environment struct {
	sync.Mutex
	library string
}

// Runtime is the loaded ONNX Runtime library. It is safe for concurrent use.
type Runtime struct {
	log *slog.Logger
	lib string

	mu        sync.Mutex // guards closed, the beginning of calls, and attention
	closed    bool
	calls     sync.WaitGroup
	attention map[string]bool // whether fused attention works, by provider

	abilities map[ability]bool // what providers can do

	loading chan struct{} // holds a token of each who loads a model
}

// loadsAtOnce is the number of models that may be loaded at the same time: ONNX
// Runtime uses about one core for each.
const loadsAtOnce = 2

// ErrClosed reports the use of a closed Runtime or Session.
var ErrClosed = errors.New("closed")

// Open loads the library at path lib, as FindLibrary gives it. log may be nil.
// A process can use one library only; a second path is an error.
func Open(lib string, log *slog.Logger) (*Runtime, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	abs, err := filepath.Abs(lib)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", lib, err)
	}
	environment.Lock()
	defer environment.Unlock()
	switch environment.library {
	case abs:
		return &Runtime{log: log, lib: abs, loading: make(chan struct{}, loadsAtOnce)}, nil
	case "":
	default:
		return nil, fmt.Errorf("ONNX Runtime is already loaded from %s; restart to use %s", environment.library, abs)
	}
	if !isFile(abs) {
		return nil, fmt.Errorf("the ONNX Runtime library %s is not a file; set %s to its path", abs, EnvLibrary)
	}
	ort.SetSharedLibraryPath(abs)
	// Errors come back as Go errors; a provider that is only tried must not also
	// write them to the terminal.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return nil, fmt.Errorf("loading ONNX Runtime from %s (version 1.24 or newer is needed): %w", abs, err)
	}
	environment.library = abs
	log.Info("loaded ONNX Runtime", "library", abs, "version", ort.GetVersion())
	return &Runtime{log: log, lib: abs, loading: make(chan struct{}, loadsAtOnce)}, nil
}

// Version is the library's version, such as "1.30.0".
func (r *Runtime) Version() string { return ort.GetVersion() }

// Library is the path that the library was loaded from.
func (r *Runtime) Library() string { return r.lib }

// Close waits for the calls under way to end and forbids new ones. Sessions
// are closed by their owners. The library stays loaded until the process ends.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.calls.Wait()
	return nil
}

// enter counts a call that Close waits for; r.calls.Done ends it.
func (r *Runtime) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("ONNX Runtime: %w", ErrClosed)
	}
	r.calls.Add(1)
	return nil
}
