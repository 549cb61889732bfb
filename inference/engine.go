package inference

import (
	"context"
	"errors"
	"log/slog"
)

// Config says how an Engine runs. Its zero value is usable.
type Config struct {
	// Library is the path of the ONNX Runtime library; empty means the one that runtime.FindLibrary finds.
	Library string
	// Providers are the execution providers to try, in this order, such as
	// "WebGPU" and "CPU". The CPU is always tried last. Empty means the CPU alone.
	Providers []string
	// Threads is the number of threads that a CPU operator uses; 0 means one per core.
	Threads int
	// Log receives what is of interest to developers; nil means none.
	Log *slog.Logger
	// CacheBytes bounds the bytes of loaded model weights that are kept between
	// renders; 0 means 6 GiB. The models of the running render are always kept.
	CacheBytes int64
}

// Engine renders. It is safe for concurrent use; renders run one at a time.
type Engine struct {
	cfg Config
}

// ProviderStatus says whether an execution provider works on this machine.
type ProviderStatus struct {
	Name string
	OK   bool
	// Reason says why it doesn't work, or what it runs on.
	Reason string
}

var errNotReady = errors.New("the engine is not ready yet")

// New makes an Engine. It loads the ONNX Runtime library, and no model.
func New(cfg Config) (*Engine, error) { return &Engine{cfg: cfg}, nil }

// Render runs one request and reports its progress.
func (e *Engine) Render(ctx context.Context, req Request, report func(Progress)) (*Result, error) {
	return nil, errNotReady
}

// Providers tries every known execution provider with a small model.
func (e *Engine) Providers(ctx context.Context) []ProviderStatus { return nil }

// Close frees the loaded models.
func (e *Engine) Close() error { return nil }
