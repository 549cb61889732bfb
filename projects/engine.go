package projects

import (
	"context"
	"log/slog"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects/settings"
)

// EngineConfig is the engine that the user's settings ask for, for the window and
// the command line alike.
func EngineConfig(set settings.Settings, log *slog.Logger) inference.Config {
	return inference.Config{
		Providers: set.Providers, Precision: inference.Precision(set.Precision), CacheBytes: set.MemoryMB << 20, Log: log,
		Hash: hasher(log),
	}
}

// hasher gives hashes of models for the engine, and remembers those of files from
// one run of the program to the next.
func hasher(log *slog.Logger) func(ctx context.Context, path string, progress func(done, total int64)) (string, error) {
	return func(ctx context.Context, path string, progress func(done, total int64)) (string, error) {
		library, err := NewLibrary(nil, log)
		if err != nil {
			return checkpoint.HashWeights(ctx, path)
		}
		var report func(HashProgress)
		if progress != nil {
			report = func(p HashProgress) { progress(p.Done, p.Total) }
		}
		h, err := library.HashModel(ctx, path, report)
		return h.SHA256, err
	}
}
