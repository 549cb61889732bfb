package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/inference/depth"
	"maquette/inference/quant"
	"maquette/inference/runtime"
	"maquette/projects"
	"maquette/projects/settings"
)

// state is the outcome of one of doctor's checks.
type state string

const (
	good   state = "ok"
	advice state = "advice"  // works, but could be better
	absent state = "absent"  // not there, and not needed
	bad    state = "problem" // something essential is missing
)

// finding is what one of doctor's checks found; `maquette doctor --json`
// prints one a line.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
	// Hint says what to do; absent where there is nothing to do.
	Hint string `json:"hint,omitempty"`
}

func (s *session) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what Maquette needs on this machine",
		Long: `Checks the ONNX Runtime library, the execution providers, the starter
checkpoint, the model library, folders, memory and display, and says how to
mend what is missing. Exit code 1 means that something essential is.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := s.examine(cmd.Context())
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			return s.showFindings(findings)
		},
	}
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

// examine runs all checks.
func (s *session) examine(ctx context.Context) []finding {
	set, err := settings.Load()
	findings := []finding{checkSettings(set, err), checkCache()}
	findings = append(findings, s.checkEngine(ctx, set)...)
	findings = append(findings, s.checkModels(ctx, set)...)
	return append(findings, checkMemory(memory), checkDisplay())
}

// checkSettings reports the settings file.
func checkSettings(set settings.Settings, err error) finding {
	f := finding{Check: "settings", State: good}
	path, pathErr := settings.Path()
	switch {
	case pathErr != nil:
		f.State, f.Detail = bad, pathErr.Error()
		f.Hint = "set HOME, or MAQUETTE_CONFIG to a file of your choice"
	case err != nil:
		f.State, f.Detail = advice, err.Error()
		f.Hint = "defaults are used; mend or remove the file"
	case set.Notice != "":
		f.State, f.Detail = advice, set.Notice
	default:
		f.Detail = path
	}
	return f
}

// checkCache tries to write into the folder that thumbnails and the unpacked
// starter go to.
func checkCache() finding {
	f := finding{Check: "cache folder", State: good}
	base, err := os.UserCacheDir()
	if err != nil {
		f.State, f.Detail, f.Hint = bad, err.Error(), "set HOME or XDG_CACHE_HOME"
		return f
	}
	dir := filepath.Join(base, "maquette")
	f.Detail = dir
	err = os.MkdirAll(dir, 0o755)
	var probe *os.File
	if err == nil {
		probe, err = os.CreateTemp(dir, ".doctor.*")
	}
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		f.State, f.Detail, f.Hint = bad, "cannot be written: "+err.Error(), "make the folder writable, or set XDG_CACHE_HOME"
	}
	return f
}

// fetchHint says how to get ONNX Runtime.
const fetchHint = "'make runtime' in Maquette's source folder fetches it; or set MAQUETTE_ONNXRUNTIME to a libonnxruntime of version 1.24 or newer"

// checkEngine reports the ONNX Runtime library and every execution provider.
func (s *session) checkEngine(ctx context.Context, set settings.Settings) []finding {
	path, err := s.FindLibrary()
	if err != nil {
		return []finding{{"ONNX Runtime", bad, err.Error(), fetchHint}}
	}
	log, err := s.logger(noLogging)
	if err != nil {
		return []finding{{"ONNX Runtime", bad, err.Error(), ""}}
	}
	version, err := s.LoadLibrary(path, log)
	if err != nil {
		return []finding{{"ONNX Runtime", bad, err.Error(), fetchHint}}
	}
	findings := []finding{{"ONNX Runtime", good, version + " in " + path, ""}}
	cfg := projects.EngineConfig(set, log)
	cfg.Library = path
	engine, err := s.NewEngine(cfg)
	if err != nil {
		return append(findings, finding{"engine", bad, err.Error(), ""})
	}
	// Drivers that are tried write complaints of their own, which say less than
	// the reasons below; --log-level debug lets them through.
	var providers []inference.ProviderStatus
	try := func() { providers = engine.Providers(ctx) }
	if log.Enabled(ctx, slog.LevelDebug) {
		try()
	} else if err := silence(try); err != nil {
		findings = append(findings, finding{"providers", bad, err.Error(), ""})
	}
	for _, p := range providers {
		if !p.OK && foreign(p.Name) {
			continue
		}
		findings = append(findings, providerFinding(p))
	}
	if err := engine.Close(); err != nil {
		findings = append(findings, finding{"engine", bad, err.Error(), ""})
	}
	return append(findings, checkExecution(set))
}

// checkExecution tells how images are computed, as the settings have it.
func checkExecution(set settings.Settings) finding {
	order, precision, kept := "CPU", string(inference.PrecisionAuto), "half of the machine's memory"
	if len(set.Providers) > 0 {
		order = strings.Join(set.Providers, ", then ")
	}
	if set.Precision != "" {
		precision = set.Precision
	}
	if set.MemoryMB > 0 {
		kept = humanBytes(set.MemoryMB << 20)
	}
	f := finding{Check: "execution", State: good, Detail: fmt.Sprintf("runs on %s; precision %s; keeps up to %s of models loaded", order, precision, kept)}
	if dir, err := quant.DefaultDir(); err == nil {
		if n, bytes := (&quant.Store{Dir: dir}).Size(); n > 0 {
			f.Detail += fmt.Sprintf("; %s in int8 take %s in %s", plural(n, "network"), humanBytes(bytes), dir)
		}
	}
	return f
}

// foreign says whether a provider exists on another operating system only.
func foreign(provider string) bool {
	switch provider {
	case runtime.CoreML:
		return goruntime.GOOS != "darwin"
	case runtime.DirectML:
		return goruntime.GOOS != "windows"
	}
	return false
}

// providerFinding reports one execution provider. Only the CPU is essential.
func providerFinding(p inference.ProviderStatus) finding {
	f := finding{Check: "provider " + p.Name, State: good, Detail: p.Reason}
	switch {
	case p.OK && p.Reason == "":
		f.Detail = "works"
	case p.OK:
	case p.Name == runtime.CPU:
		f.State = bad
	case strings.Contains(p.Reason, "Failed to load shared library"):
		f.State, f.Detail = absent, "not part of this ONNX Runtime"
	default:
		f.State = absent
		// ONNX Runtime puts source file and condition before the reason.
		if _, reason, ok := strings.Cut(p.Reason, " was false. "); ok {
			f.Detail = reason
		}
	}
	return f
}

// checkModels resolves the starter and looks through the model library.
func (s *session) checkModels(ctx context.Context, set settings.Settings) []finding {
	log, err := s.logger(noLogging)
	if err != nil {
		return []finding{{"starter", bad, err.Error(), ""}}
	}
	library, err := s.NewLibrary(set, log)
	if err != nil {
		return []finding{{"model library", bad, err.Error(), ""}}
	}
	starter := finding{Check: "starter", State: good}
	files, err := library.Resolve(ctx, projects.DefaultRecipe())
	if err != nil {
		starter.State, starter.Detail = bad, err.Error()
		starter.Hint = "remove its folder below the cache folder; the next start unpacks it anew"
	} else {
		starter.Detail = fmt.Sprintf("%s, %s for its default control", files.Checkpoint, plural(len(files.ControlNets), "ControlNet"))
	}
	findings := []finding{starter}
	for _, dir := range set.ModelFolders {
		if _, err := os.ReadDir(dir); err != nil {
			findings = append(findings, finding{"model folder", advice, err.Error(),
				fmt.Sprintf("'maquette models remove %s' forgets it", dir)})
		}
	}
	models := finding{Check: "model library", State: good}
	entries, err := library.Checkpoints(ctx)
	own := slices.DeleteFunc(slices.Clone(entries), isStarter)
	switch {
	case err != nil:
		models.State, models.Detail = advice, err.Error()
	case len(own) == 0:
		models.State, models.Detail = advice, "no checkpoints of your own; renders use the small starter"
		models.Hint = "'maquette models add DIR' adds a folder with Stable Diffusion 1.5 checkpoints"
	default:
		models.Detail = fmt.Sprintf("%s in %s", plural(len(own), "checkpoint"), plural(len(set.ModelFolders), "folder"))
	}
	return append(findings, models, checkDepth(ctx, set.ModelFolders))
}

// checkDepth looks for a depth model, which only photographs need.
func checkDepth(ctx context.Context, folders []string) finding {
	f := finding{Check: "depth model", State: good}
	switch found, err := depth.Find(ctx, folders); {
	case err != nil:
		f.State, f.Detail = advice, err.Error()
	case len(found) == 0:
		f.State, f.Detail = absent, "only the depth and normal controls of photographs need one; drawings do not"
		f.Hint = "put one, such as Depth Anything V2 Small as ONNX, into a model folder"
	default:
		f.Detail = found[0].Path
	}
	return f
}

// isStarter says whether a library's entry is the bundled starter.
func isStarter(e checkpoint.Entry) bool { return e.Path == projects.StarterCheckpoint }

// memory returns the machine's whole and available memory in bytes, and false
// where the system does not tell.
func memory() (total, available int64, ok bool) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, false
	}
	return parseMeminfo(string(data))
}

// parseMeminfo reads the text of Linux's /proc/meminfo.
func parseMeminfo(text string) (total, available int64, ok bool) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			total = kib << 10
		case "MemAvailable:":
			available = kib << 10
		}
	}
	return total, available, total > 0
}

// comfortableMemory is what a Stable Diffusion 1.5 checkpoint with a
// ControlNet in fp32 needs, about 6 GB, and room for the rest of the system.
const comfortableMemory = 8 << 30

func checkMemory(read func() (int64, int64, bool)) finding {
	f := finding{Check: "memory", State: good}
	total, available, ok := read()
	if !ok {
		f.Detail = "this system does not tell"
		return f
	}
	f.Detail = fmt.Sprintf("%s, %s of it free", humanBytes(total), humanBytes(available))
	if total < comfortableMemory {
		f.State = advice
		f.Hint = "enough for the starter; full-size checkpoints want 8 GB"
	}
	return f
}

func checkDisplay() finding {
	f := finding{Check: "display", State: good}
	switch {
	case !hasDisplay():
		f.State, f.Detail = advice, "none, so the studio cannot open"
		f.Hint = "start it from a desktop session; the other commands need no display"
	case os.Getenv("WAYLAND_DISPLAY") != "":
		f.Detail = "Wayland " + os.Getenv("WAYLAND_DISPLAY")
	case os.Getenv("DISPLAY") != "":
		f.Detail = "X11 " + os.Getenv("DISPLAY")
	default:
		f.Detail = goruntime.GOOS
	}
	return f
}

// showFindings prints the findings and fails if one is bad.
func (s *session) showFindings(findings []finding) error {
	problems := 0
	for _, f := range findings {
		if f.State == bad {
			problems++
		}
		if s.json {
			s.emit(f)
			continue
		}
		mark := map[state]string{good: "✓", advice: "!", absent: "·", bad: "✗"}[f.State]
		fmt.Fprintf(s.Out, "%s %-18s %s\n", mark, f.Check, f.Detail)
		if f.Hint != "" {
			fmt.Fprintf(s.Out, "  %-18s → %s\n", "", f.Hint)
		}
	}
	if problems > 0 {
		s.note("%s to mend", plural(problems, "problem"))
		return errReported
	}
	return nil
}
