// Package studio is Maquette's window: the home page, the project view, menus,
// shortcuts and settings. It renders state and passes intents on; drawing,
// extracting, rendering and storing live in the packages below it.
package studio

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"

	"maquette/assets"
	"maquette/control"
	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
	"maquette/ui/filepicker"
	"maquette/ui/panels"
	uitheme "maquette/ui/theme"
	"maquette/ui/tooltip"
)

// AppID names the app to the desktop, as in FyneApp.toml.
const AppID = "app.maquette"

// Engine renders and knows the machine's execution providers; *inference.Engine is one.
type Engine interface {
	projects.Renderer
	Providers(ctx context.Context) []inference.ProviderStatus
	Close() error
}

// Library is the model library; *projects.Library is one.
type Library interface {
	projects.Models
	Checkpoints(ctx context.Context) ([]checkpoint.Entry, error)
	// Fitting lists the models of a kind that are of use with a checkpoint,
	// ControlNets the ControlNets for a control kind, the best first.
	Fitting(ctx context.Context, checkpoint string, kind checkpoint.Kind) ([]checkpoint.Entry, error)
	ControlNets(ctx context.Context, checkpoint string, kind control.Kind) ([]checkpoint.Entry, error)
	// PhotoDepth is control.PhotoDepth with the library's depth model.
	PhotoDepth(ctx context.Context, photo image.Image) (*image.Gray16, error)
	// Relocate finds models of a recipe that are gone by their hashes.
	Relocate(ctx context.Context, r projects.Recipe, hashes map[string]string, progress func(projects.HashProgress)) (projects.Recipe, []projects.Moved, error)
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
	// Version is shown in the window's About dialog.
	Version string
	// Started, if not nil, is called with the window before it is shown.
	Started func(fyne.Window)
}

// fyneDialogsEnv chooses Fyne's own file dialogs when it is "fyne".
const fyneDialogsEnv = "MAQUETTE_FILE_DIALOGS"

// Run opens the window and returns when it was closed and everything is saved.
// It must be called on the process's main goroutine. Cancelling ctx closes the window.
func Run(ctx context.Context, o Options) error {
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("the studio needs a display: set DISPLAY, or use the commands that `maquette help` lists")
	}
	set, err := settings.Load()
	if err != nil {
		set.Notice = err.Error() // usable defaults come with the error
	}
	useLanguage(set.Language)
	a := app.NewWithID(AppID)
	s := newStudio(ctx, a, o, set)
	s.window.SetMaster()
	go func() {
		<-s.ctx.Done()
		if ctx.Err() != nil {
			s.post(s.quit)
		}
	}()
	if o.Started != nil {
		o.Started(s.window)
	}
	s.window.Show()
	a.Lifecycle().SetOnStarted(s.started)
	a.Run()
	s.cancel()
	return s.finish()
}

// studio is the window. Its fields belong to the UI goroutine.
type studio struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	log    *slog.Logger
	app    fyne.App
	window fyne.Window
	post   func(func()) // brings a call from any goroutine to the UI goroutine

	settings settings.Settings
	theme    *uitheme.Theme
	picker   filepicker.FilePicker
	toasts   *toaster
	engine   *engineHolder
	models   *libraryHolder

	checkpoints []panels.Choice
	looking     bool // for checkpoints
	starterOnly bool
	libraryTurn int // counts how often the library was looked through anew

	body    *fyne.Container // holds the home page or the project view
	home    *home
	work    *workspace
	keys    *keyCatcher
	closing bool
	// closable are the open dialogs that Escape closes.
	closable []dialog.Dialog
}

func newStudio(ctx context.Context, a fyne.App, o Options, set settings.Settings) *studio {
	s := &studio{opts: o, app: a, settings: set, log: o.Log, post: fyne.Do}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.engine = &engineHolder{make: func() (Engine, error) { return makeEngine(s.ctx, o, s.currentSettings()) }}
	s.models = &libraryHolder{make: func() (Library, error) { return makeLibrary(o, s.currentSettings()) }}
	s.engine.settings, s.models.settings = set, set
	s.theme = uitheme.New(uitheme.Mode(set.Theme), set.UIScale)
	a.Settings().SetTheme(s.theme)
	a.SetIcon(fyne.NewStaticResource("maquette.png", assets.Icon("maquette.png")))
	s.window = a.NewWindow("Maquette")
	s.picker = filepicker.New(s.window, s.log)
	if os.Getenv(fyneDialogsEnv) == "fyne" {
		s.picker = filepicker.NewFyne(s.window)
	}
	s.body = container.NewStack()
	s.build()
	w, h := set.Window.W, set.Window.H
	if w < 640 || h < 480 {
		w, h = 1366, 768
	}
	s.window.Resize(fyne.NewSize(w, h))
	s.window.SetCloseIntercept(s.quit)
	s.window.SetOnDropped(s.dropped)
	return s
}

// currentSettings is called from other goroutines through the holders, which
// keep their own copy; see applySettings.
func (s *studio) currentSettings() settings.Settings { return s.engine.currentSettings() }

func makeLibrary(o Options, set settings.Settings) (Library, error) {
	if o.NewLibrary == nil {
		return nil, errors.New("this build of Maquette has no model library")
	}
	l, err := o.NewLibrary(set)
	if err != nil {
		return nil, fmt.Errorf("open the model library: %w", err)
	}
	return l, nil
}

// build makes the window's content in the current language.
func (s *studio) build() {
	s.keys = newKeyCatcher(s)
	s.toasts = newToaster(s.post)
	s.window.SetContent(tooltip.NewLayer(container.NewStack(s.keys, s.body, s.toasts.object)))
	s.connectKeys()
	if s.work == nil {
		s.showHome()
	}
}

// started runs once the window is on the screen.
func (s *studio) started() {
	s.findCheckpoints()
	if s.settings.Notice != "" {
		s.toasts.show(s.settings.Notice, "", nil)
	}
	if s.opts.ProjectDir != "" {
		s.openProject(s.opts.ProjectDir)
	}
}

// finish saves what belongs to the window and frees the engine.
func (s *studio) finish() error {
	var errs []error
	errs = append(errs, settings.Save(s.settings))
	errs = append(errs, s.engine.Close())
	return errors.Join(errs...)
}

// quit saves everything and closes the window.
func (s *studio) quit() {
	if s.closing {
		return
	}
	s.closing = true
	size := s.window.Canvas().Size()
	s.settings.Window = settings.Window{W: size.Width, H: size.Height}
	s.leaveProject(func(err error) {
		if err != nil {
			s.closing = false
			s.fail(saveFailed(), err)
			return
		}
		s.app.Quit()
	})
}
