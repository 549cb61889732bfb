// Package studio is Maquette's window: the home page, the project view, menus,
// shortcuts and settings. It renders state and passes intents on; drawing,
// extracting, rendering and storing live in the packages below it.
package studio

import (
	"context"
	"log/slog"

	"maquette/inference"
	"maquette/projects"
	"maquette/projects/settings"
)

// Engine renders and knows the machine's execution providers; *inference.Engine is one.
type Engine interface {
	projects.Renderer
	Providers(ctx context.Context) []inference.ProviderStatus
	Close() error
}

// Library is the model library; *projects.Library is one.
type Library interface {
	projects.Models
}

// Options says what the studio works with.
type Options struct {
	// ProjectDir is the project to open; empty means the home page.
	ProjectDir string
	// NewEngine makes the engine. It is called in the background before the
	// first render and again after settings that concern it have changed.
	NewEngine func(settings.Settings) (Engine, error)
	// NewLibrary makes the model library over the folders of the settings.
	NewLibrary func(settings.Settings) (Library, error)
	// Log receives what is of interest to developers; nil means none.
	Log *slog.Logger
}

// Run opens the window and returns when it was closed and everything is saved.
// It must be called on the process's main goroutine. Cancelling ctx closes the window.
func Run(ctx context.Context, o Options) error { return ctx.Err() }
