// Maquette turns sketches into concept images with Stable Diffusion and
// ControlNet, on this machine alone. Without arguments it opens the studio;
// `maquette help` lists the commands that work without a display.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"golang.org/x/term"

	"maquette/assets"
	"maquette/inference"
	"maquette/inference/runtime"
	"maquette/projects"
	"maquette/projects/settings"
	_ "maquette/ui/startup" // keeps Fyne and GTK quiet before they start
	"maquette/ui/studio"
	"maquette/ui/terminal"
)

// version is that of FyneApp.toml.
const version = "0.1.0"

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends the command in good order, a second one at once.
	context.AfterFunc(ctx, stop)

	command := &terminal.App{
		Version:     version,
		In:          os.Stdin,
		Out:         os.Stdout,
		Err:         os.Stderr,
		Interactive: term.IsTerminal(int(os.Stderr.Fd())),
		NewEngine: func(cfg inference.Config) (terminal.Engine, error) {
			return inference.New(cfg)
		},
		FindLibrary: runtime.FindLibrary,
		LoadLibrary: func(path string, log *slog.Logger) (string, error) {
			r, err := runtime.Open(path, log)
			if err != nil {
				return "", err
			}
			return r.Version(), r.Close()
		},
		NewLibrary: func(set settings.Settings, log *slog.Logger) (terminal.Library, error) {
			return projects.NewLibrary(set.ModelFolders, log)
		},
		Studio: func(ctx context.Context, dir string, log *slog.Logger) error {
			app.SetMetadata(metadata())
			return studio.Run(ctx, studio.Options{
				ProjectDir: dir,
				NewEngine: func(set settings.Settings) (studio.Engine, error) {
					return inference.New(projects.EngineConfig(set, log))
				},
				NewLibrary: func(set settings.Settings) (studio.Library, error) {
					return projects.NewLibrary(set.ModelFolders, log)
				},
				Log:     log,
				Version: version,
			})
		},
	}
	return command.Run(ctx, os.Args[1:])
}

// metadata says of FyneApp.toml what the window needs to know of it; a program
// that go build made does not read the file.
func metadata() fyne.AppMetadata {
	return fyne.AppMetadata{
		ID: studio.AppID, Name: "Maquette", Version: version, Build: 1,
		Icon:       fyne.NewStaticResource("maquette.png", assets.Icon("maquette.png")),
		Migrations: map[string]bool{"fyneDo": true},
	}
}
