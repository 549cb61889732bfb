package projects

import (
	"log/slog"

	"maquette/inference"
	"maquette/projects/settings"
)

// EngineConfig is the engine that the user's settings ask for, for the window and
// the command line alike.
func EngineConfig(set settings.Settings, log *slog.Logger) inference.Config {
	return inference.Config{
		Providers: set.Providers, Precision: inference.Precision(set.Precision), CacheBytes: set.MemoryMB << 20, Log: log,
	}
}
