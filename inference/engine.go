package inference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"maquette/assets"
	"maquette/inference/prompt"
	"maquette/inference/quant"
	"maquette/inference/runtime"
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
	// VAEBytes bounds the memory that a VAE takes for one image beside its
	// weights; larger images are decoded and encoded in tiles. 0 means half of the
	// memory that is free.
	VAEBytes int64
	// CacheBytes bounds the bytes of loaded model weights that are kept between
	// renders; 0 means half of the machine's memory. The models of the running render are always kept.
	CacheBytes int64
	// Profile, if not empty, is a folder for profiles of the networks, which are
	// written when they are freed; see runtime.Options.
	Profile string
	// Precision is what requests without one of their own compute in; empty means
	// PrecisionAuto.
	Precision Precision
	// Int8Dir is the folder for the int8 copies of weights that PrecisionFast
	// makes; empty means one in the user's cache folder. Int8Bytes bounds it; 0
	// means quant.DefaultLimit.
	Int8Dir   string
	Int8Bytes int64
	// Hash, if not nil, gives checkpoint.HashWeights of a path, remembered from
	// earlier runs of the program where it can; the Engine itself remembers as long
	// as it lives. progress, which may be nil, is told of the bytes that are read.
	Hash func(ctx context.Context, path string, progress func(done, total int64)) (string, error)
}

// Engine renders. It is safe for concurrent use; renders run one at a time.
type Engine struct {
	cfg       Config
	log       *slog.Logger
	rt        *runtime.Runtime
	tokenizer *prompt.Tokenizer
	hashes    hashCache
	int8      *quant.Store

	// turn holds one token: who takes it may render, and touch what follows.
	turn    chan struct{}
	cache   sessionCache
	texts   textCache
	failed  map[string]string // providers that can't be used, and why
	strikes map[string]int    // failed renders in a row of providers that took the models
	closed  bool

	// bare leaves images as the VAE gives them, also outside a mask, for tests
	// against pipelines that do.
	bare bool
	// large is largeNetwork, but for tests.
	large int64
	// maxBatch, if not 0, is the number of images that are denoised at once.
	maxBatch int
	// exec runs a network: runSession, but for tests of failing providers.
	exec func(context.Context, *runtime.Session, map[string]*runtime.Tensor) (map[string]*runtime.Tensor, error)
}

// ProviderStatus says whether an execution provider works on this machine.
type ProviderStatus struct {
	Name string
	OK   bool
	// Reason says why it doesn't work; empty if it does.
	Reason string
}

// ErrClosed reports the use of a closed Engine.
var ErrClosed = errors.New("the engine is closed")

// New makes an Engine. It loads the ONNX Runtime library, and no model. Errors:
// *runtime.NoLibraryError where the library isn't found, and the library's own.
func New(cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = defaultCacheBytes()
	}
	if cfg.Threads < 0 || cfg.CacheBytes < 0 || cfg.VAEBytes < 0 || cfg.Int8Bytes < 0 {
		return nil, fmt.Errorf("engine: %d threads, %d bytes of cache, %d for the VAE and %d of int8 copies: none can be negative", cfg.Threads, cfg.CacheBytes, cfg.VAEBytes, cfg.Int8Bytes)
	}
	var err error
	if cfg.Precision, err = ParsePrecision(string(cfg.Precision)); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	cfg.Providers = providerNames(cfg.Providers)
	tokenizer, err := prompt.New(assets.CLIPMerges())
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	lib := cfg.Library
	if lib == "" {
		if lib, err = runtime.FindLibrary(); err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
	}
	rt, err := runtime.Open(lib, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return &Engine{
		cfg: cfg, log: cfg.Log, rt: rt, tokenizer: tokenizer, int8: newInt8Store(cfg), turn: make(chan struct{}, 1), hashes: hashCache{hash: cfg.Hash},
		cache: sessionCache{limit: cfg.CacheBytes}, failed: map[string]string{}, strikes: map[string]int{}, exec: runSession, large: largeNetwork,
	}, nil
}

// providerNames gives the providers the spelling that package runtime has:
// users also write "webgpu" and "WebGpuExecutionProvider".
func providerNames(list []string) []string {
	out := make([]string, len(list))
	for i, name := range list {
		out[i] = strings.TrimSuffix(strings.TrimSpace(name), "ExecutionProvider")
		for _, known := range runtime.ProviderNames() {
			if strings.EqualFold(known, out[i]) {
				out[i] = known
			}
		}
	}
	return out
}

// take waits for the engine's turn; the caller gives it back with release.
func (e *Engine) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.closed {
		e.release()
		return ErrClosed
	}
	return nil
}

func (e *Engine) release() { <-e.turn }

// Providers tries every known execution provider with a small model. It waits
// for no render.
func (e *Engine) Providers(ctx context.Context) []ProviderStatus {
	names := runtime.ProviderNames()
	for _, name := range e.cfg.Providers {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var list []ProviderStatus
	for _, name := range names {
		s := e.rt.Probe(ctx, name, nil)
		list = append(list, ProviderStatus{Name: s.Name, OK: s.OK, Reason: s.Reason})
	}
	return list
}

// Close waits for the running render and frees the loaded models. Renders that
// are asked for later fail with ErrClosed; closing twice does nothing.
func (e *Engine) Close() error {
	e.turn <- struct{}{}
	defer e.release()
	if e.closed {
		return nil
	}
	e.closed = true
	return errors.Join(e.cache.clear(), e.rt.Close())
}
