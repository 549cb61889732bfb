// Package terminal is Maquette's command line: the same projects, queue and
// engine as the window, with no display needed.
//
// Results go to standard output, progress and notes to standard error. Exit
// codes are 0 for success, 1 for a failure and 2 for a wrong command line.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
)

// Exit codes of the command.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
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
	Checkpoints(ctx context.Context) ([]checkpoint.Entry, error)
}

// App is the command line with everything that it reaches outside itself.
type App struct {
	// Version is the version of Maquette, such as "0.1.0".
	Version string
	// In, Out and Err are the standard streams.
	In       io.Reader
	Out, Err io.Writer
	// Interactive says that Err is a terminal, which can draw a progress bar.
	Interactive bool
	// NewEngine makes the engine of a render.
	NewEngine func(inference.Config) (Engine, error)
	// FindLibrary returns the path of the ONNX Runtime library, LoadLibrary
	// loads it and returns its version.
	FindLibrary func() (string, error)
	LoadLibrary func(path string, log *slog.Logger) (version string, err error)
	// NewLibrary makes the model library over the folders of the settings.
	NewLibrary func(settings.Settings, *slog.Logger) (Library, error)
	// Studio opens the window on a project folder, or on the home page if dir
	// is empty, and returns when the window was closed.
	Studio func(ctx context.Context, dir string, log *slog.Logger) error
}

// Run runs one command line, without the program's name, and returns the exit
// code. A cancelled ctx stops the command after what is finished was stored.
func (a *App) Run(ctx context.Context, args []string) int {
	s := &session{App: a}
	root := s.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	return s.fail(cmd, err)
}

// session is the state of one run of a command line: the values of the flags
// that all commands share.
type session struct {
	*App
	logLevel string
	json     bool
}

// usageError is a wrong command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// errReported ends a command with exit code 1 when its output has already said why.
var errReported = errors.New("failed")

// fail reports err and returns the exit code that it means.
func (s *session) fail(cmd *cobra.Command, err error) int {
	if errors.Is(err, errReported) {
		return ExitFailure
	}
	if s.json {
		s.emit(errorEvent{Event: "error", Message: err.Error()})
	}
	fmt.Fprintf(s.Err, "maquette: %s\n", err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(s.Err, "Run '%s --help' to see how it is used.\n", cmd.CommandPath())
		return ExitUsage
	}
	return ExitFailure
}

const rootHelp = `Maquette turns sketches into concept images with Stable Diffusion and
ControlNet, on this machine alone: no account and no network.

Without a command it opens the studio, the window to draw and render in. The
commands below do the same work without a display.`

const rootExample = `  # The first picture: a bundled sketch, rendered into a new project
  maquette render sample:vase --project ~/Maquette/First

  # A drawing of your own, four variants
  maquette render chair.png -p "an oak chair, front view" --count 4 --project ~/Maquette/Chairs

  # See what a ControlNet would see of the drawing
  maquette control lineart chair.png -o chair-lines.png

  # Something does not work? Ask what is missing
  maquette doctor`

func (s *session) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "maquette",
		Short:         "Turn sketches into concept images, on this machine alone",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.studio(cmd.Context(), "")
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&s.logLevel, "log-level", "", "log to standard error: debug, info, warn, error or none (default: none, and warn in the studio)")
	must(root.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(
		[]string{"debug", "info", "warn", "error", "none"}, cobra.ShellCompDirectiveNoFileComp)))
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		_, err := s.logger(noLogging)
		return err
	}
	root.AddCommand(
		s.renderCommand(),
		s.controlCommand(),
		s.viewsCommand(),
		s.projectCommand(),
		s.phrasesCommand(),
		s.evalCommand(),
		s.modelsCommand(),
		s.exportCommand(),
		s.studioCommand(),
		s.doctorCommand(),
		s.versionCommand(),
	)
	return root
}

// group makes a command that only holds others.
func group(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("%s needs a command: %s", cmd.CommandPath(), strings.Join(names(cmd), ", "))
		},
	}
	cmd.AddCommand(subs...)
	return cmd
}

// noSuchCommand refuses arguments where a command's name was expected.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // typing errors
	near := cmd.SuggestionsFor(args[0])
	if len(near) > 0 {
		return usagef("%s has no command %q; did you mean %q?", cmd.CommandPath(), args[0], near[0])
	}
	return usagef("%s has no command %q; it has %s", cmd.CommandPath(), args[0], strings.Join(names(cmd), ", "))
}

// names lists the commands below cmd.
func names(cmd *cobra.Command) []string {
	var list []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, sub.Name())
		}
	}
	return list
}

// exactly wants one argument for each name, such as "SKETCH".
func exactly(want ...string) cobra.PositionalArgs {
	return between(len(want), want...)
}

// atLeast wants one argument for each name, and takes more for the last one.
func atLeast(want ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(want) {
			return usagef("%s is missing: %s", want[len(args)], cmd.UseLine())
		}
		return nil
	}
}

// between wants at least min arguments and at most one for each name.
func between(min int, want ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < min:
			return usagef("%s is missing: %s", want[len(args)], cmd.UseLine())
		case len(args) > len(want):
			return usagef("%q is one argument too many: %s", args[len(want)], cmd.UseLine())
		}
		return nil
	}
}

// noLogging is above every level: what goes wrong in a command is said in its
// error or in a note already.
const noLogging = slog.Level(math.MaxInt)

// logger makes the logger that --log-level asks for, or that of the level def.
func (s *session) logger(def slog.Level) (*slog.Logger, error) {
	level := def
	switch s.logLevel {
	case "":
	case "none":
		level = noLogging
	default:
		if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
			return nil, usagef("--log-level %q is not one of debug, info, warn, error, none", s.logLevel)
		}
	}
	return slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: level})), nil
}

// settings reads the user's settings; a damaged file is noted and its defaults used.
func (s *session) settings() settings.Settings {
	set, err := settings.Load()
	if err != nil {
		s.note("the settings could not be read, so their defaults are used: %v", err)
	} else if set.Notice != "" {
		s.note("%s", set.Notice)
	}
	return set
}

func (s *session) studioCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "studio [DIR]",
		Short: "Open the window",
		Long: `Opens the studio: the window to draw, render and look at concepts in. It needs
a display. With DIR it opens that project, without it the home page.`,
		Example: `  maquette studio
  maquette studio ~/Maquette/Chairs`,
		Args: between(0, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := ""
			if len(args) == 1 {
				dir = args[0]
			}
			return s.studio(cmd.Context(), dir)
		},
	}
}

func (s *session) studio(ctx context.Context, dir string) error {
	log, err := s.logger(slog.LevelWarn)
	if err != nil {
		return err
	}
	if s.Studio == nil || !hasDisplay() {
		return errors.New("there is no display to open the studio on (DISPLAY and WAYLAND_DISPLAY are not set); " +
			"the commands of 'maquette --help' work without one")
	}
	return s.Studio(ctx, dir, log)
}

// must panics on an error that only a mistake in this package can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
