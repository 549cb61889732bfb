package terminal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"maquette/inference/checkpoint"
	"maquette/inference/depth"
	"maquette/projects"
	"maquette/projects/settings"
)

func (s *session) modelsCommand() *cobra.Command {
	return group("models", "List, inspect and add models",
		`The model library is the folders in which Maquette looks for checkpoints,
ControlNets, LoRAs, VAEs and depth models. Files stay where they are and are never changed.`,
		s.modelsListCommand(), s.modelsShowCommand(), s.modelsHashCommand(), s.modelsFindCommand(), s.modelsAddCommand(), s.modelsRemoveCommand())
}

// modelInfo is what `maquette models ls|show --json` prints of a model.
type modelInfo struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Family    string `json:"family,omitempty"`
	Precision string `json:"precision,omitempty"`
	// Layout is how the weights are stored; Prediction is what a checkpoint's UNet predicts.
	Layout     string     `json:"layout,omitempty"`
	Prediction string     `json:"prediction,omitempty"`
	Inpainting bool       `json:"inpainting,omitempty"`
	Parts      []partInfo `json:"parts,omitempty"`
	Bytes      int64      `json:"bytes"`
	Path       string     `json:"path"`
	// Triggers are the words that a LoRA reacts to; Preview is the image beside the file.
	Triggers []string `json:"triggers,omitempty"`
	Preview  string   `json:"preview,omitempty"`
	// Reason says why the model cannot be used; absent if it can.
	Reason string `json:"reason,omitempty"`
}

// partInfo is one component of a model.
type partInfo struct {
	Name      string `json:"name"`
	Precision string `json:"precision,omitempty"`
	Bytes     int64  `json:"bytes"`
}

func newModelInfo(e checkpoint.Entry) modelInfo {
	m := modelInfo{
		Name: e.Name, Kind: string(e.Kind), Family: e.Family, Precision: e.Precision, Layout: e.Layout,
		Prediction: e.Prediction, Inpainting: e.Inpainting, Bytes: e.Bytes, Path: e.Path,
		Triggers: e.Triggers(), Preview: e.Preview(), Reason: e.Reason,
	}
	for _, p := range e.Parts {
		m.Parts = append(m.Parts, partInfo(p))
	}
	return m
}

// modelFilter is what `maquette models ls` leaves in the list.
type modelFilter struct{ kind, fits, search string }

// apply returns the models that pass, and what each is, in the same order.
func (f modelFilter) apply(entries []checkpoint.Entry) ([]modelInfo, error) {
	var base checkpoint.Entry
	if f.fits != "" {
		var err error
		if base, err = findBase(entries, f.fits); err != nil {
			return nil, err
		}
	}
	list := []modelInfo{}
	for _, e := range entries {
		if f.kind != "" && string(e.Kind) != f.kind || f.fits != "" && !e.Fits(base) {
			continue
		}
		if m := newModelInfo(e); e.Matches(f.search, m.Triggers...) {
			list = append(list, m)
		}
	}
	return list, nil
}

// findBase finds a checkpoint by path, or by its name among entries.
func findBase(entries []checkpoint.Entry, name string) (checkpoint.Entry, error) {
	for _, e := range entries {
		if e.Kind == checkpoint.KindCheckpoint && (e.Path == name || strings.EqualFold(e.Name, name)) {
			return e, nil
		}
	}
	e, err := checkpoint.Inspect(name)
	if err != nil {
		return e, fmt.Errorf("the library has no checkpoint named %s: %w", name, err)
	}
	if e.Kind != checkpoint.KindCheckpoint {
		return e, fmt.Errorf("%s is of kind %s, not a checkpoint", name, e.Kind)
	}
	return e, nil
}

func (s *session) modelsListCommand() *cobra.Command {
	var filter modelFilter
	cmd := &cobra.Command{
		Use:   "ls [DIR…]",
		Short: "List the models of the library, or of other folders",
		Example: `  maquette models ls
  maquette models ls --kind lora --fits photo.safetensors
  maquette models ls --search "sd1 lines"
  maquette models ls ~/Downloads --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			folders := args
			var entries []checkpoint.Entry
			if len(args) == 0 {
				set := s.settings()
				folders = set.ModelFolders
				starter, err := s.starter(cmd.Context(), set)
				if err != nil {
					return err
				}
				entries = starter
			}
			found, err := checkpoint.Scan(cmd.Context(), folders)
			if err != nil {
				return err
			}
			depths, err := depth.Find(cmd.Context(), folders)
			if err != nil {
				return err
			}
			found = append(found, depths...)
			list, err := filter.apply(append(entries, found...))
			if err != nil {
				return err
			}
			if s.json {
				for _, m := range list {
					s.emit(m)
				}
				return nil
			}
			switch {
			case len(found) == 0:
				s.note("%s", noModels(folders))
			case len(list) == 0:
				s.note("none of the %d models matches", len(entries)+len(found))
			}
			if len(list) == 0 {
				return nil
			}
			rows := [][]string{{"NAME", "KIND", "FAMILY", "PRECISION", "SIZE", "PATH"}}
			for _, m := range list {
				rows = append(rows, []string{m.Name, m.Kind, orDash(m.Family), orDash(m.Precision), humanBytes(m.Bytes), m.Path})
			}
			return s.table(rows)
		},
	}
	cmd.Flags().StringVar(&filter.kind, "kind", "", "only models of `KIND`: checkpoint, controlnet, lora, embedding, vae, depth or unknown")
	cmd.Flags().StringVar(&filter.fits, "fits", "", "only models that fit `CHECKPOINT`, a name in the list or a path")
	cmd.Flags().StringVar(&filter.search, "search", "", "only models with all words of `TEXT` in name, path, kind, family or trigger words")
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

// starter returns the library's entry of the bundled starter, alone in a slice.
func (s *session) starter(ctx context.Context, set settings.Settings) ([]checkpoint.Entry, error) {
	log, err := s.logger(noLogging)
	if err != nil {
		return nil, err
	}
	library, err := s.NewLibrary(set, log)
	if err != nil {
		return nil, err
	}
	entries, err := library.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e checkpoint.Entry) bool { return !isStarter(e) }), nil
}

// noModels says why a list of models is empty and what to do.
func noModels(folders []string) string {
	if len(folders) == 0 {
		return "the model library has no folders; 'maquette models add DIR' adds one. Renders use the bundled starter"
	}
	return "no models in " + strings.Join(folders, ", ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (s *session) modelsShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show PATH",
		Short: "Show what a model file or folder holds",
		Long: `Shows kind, family, precision and size of a .safetensors file, a diffusers
folder or a depth model (.onnx), and the reason where Maquette cannot use it.
"starter" is the bundled model.`,
		Args: exactly("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := s.modelPath(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			inspect := checkpoint.Inspect
			if strings.EqualFold(filepath.Ext(path), ".onnx") {
				inspect = depth.Inspect
			}
			e, err := inspect(path)
			if err != nil {
				return err
			}
			m := newModelInfo(e)
			if s.json {
				s.emit(m)
				return nil
			}
			rows := [][]string{
				{"Name", m.Name}, {"Path", m.Path}, {"Kind", m.Kind}, {"Family", orDash(m.Family)},
				{"Layout", orDash(m.Layout)}, {"Precision", orDash(m.Precision)}, {"Size", humanBytes(m.Bytes)},
			}
			if m.Prediction != "" {
				rows = append(rows, []string{"Predicts", m.Prediction})
			}
			if m.Inpainting {
				rows = append(rows, []string{"Inpainting", "yes: it reads a mask and a masked image"})
			}
			for _, p := range m.Parts {
				rows = append(rows, []string{"Part", strings.TrimSpace(p.Name + ", " + humanBytes(p.Bytes) + " " + p.Precision)})
			}
			if calls := callsOf(e); len(calls) > 0 {
				rows = append(rows, []string{"In a prompt", strings.Join(calls, " or ")})
			}
			if len(m.Triggers) > 0 {
				rows = append(rows, []string{"Trigger words", strings.Join(m.Triggers, ", ")})
			}
			if m.Preview != "" {
				rows = append(rows, []string{"Preview", m.Preview})
			}
			if m.Reason != "" {
				rows = append(rows, []string{"Cannot be used", m.Reason})
			}
			return s.table(rows)
		},
	}
	s.jsonFlag(cmd, "print JSON")
	return cmd
}

// modelPath is the absolute path of a model; the starter's is the folder that it
// is unpacked to.
func (s *session) modelPath(ctx context.Context, name string) (string, error) {
	if _, err := os.Stat(name); name != projects.StarterCheckpoint || err == nil {
		return filepath.Abs(name)
	}
	log, err := s.logger(noLogging)
	if err != nil {
		return "", err
	}
	library, err := s.NewLibrary(s.settings(), log)
	if err != nil {
		return "", err
	}
	files, err := library.Resolve(ctx, projects.Recipe{Checkpoint: name})
	return files.Checkpoint, err
}

// callsOf are the ways in which a prompt calls a LoRA or a textual inversion.
func callsOf(e checkpoint.Entry) []string {
	if e.Reason != "" {
		return nil
	}
	var calls []string
	switch e.Kind {
	case checkpoint.KindLoRA:
		for _, w := range e.Words() {
			calls = append(calls, "<lora:"+w+":1>")
		}
	case checkpoint.KindEmbedding:
		calls = e.Words()
	}
	return calls
}

func (s *session) modelsAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add DIR",
		Short: "Add a folder to the model library",
		Long: `Adds a folder in which to look for models. The folders of ComfyUI and
AUTOMATIC1111 are understood, and in place of a folder ComfyUI's
extra_model_paths.yaml may be given.`,
		Example: `  maquette models add ~/models
  maquette models add ~/ComfyUI`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			info, err := os.Stat(dir)
			if err != nil {
				return fmt.Errorf("the model folder: %w", err)
			}
			if ext := strings.ToLower(filepath.Ext(dir)); !info.IsDir() && ext != ".yaml" && ext != ".yml" {
				return fmt.Errorf("%s is a file; give the folder that it lies in", dir)
			}
			if _, err := checkpoint.ModelFolders([]string{dir}); err != nil {
				return err
			}
			return s.changeFolders(cmd.Context(), func(folders []string) ([]string, error) {
				if slices.Contains(folders, dir) {
					return folders, nil
				}
				return append(folders, dir), nil
			})
		},
	}
}

func (s *session) modelsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove DIR",
		Short: "Take a folder out of the model library; its files stay",
		Args:  exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return s.changeFolders(cmd.Context(), func(folders []string) ([]string, error) {
				i := slices.Index(folders, dir)
				if i < 0 {
					return nil, fmt.Errorf("%s is not in the model library, which has %s", dir, orNothing(folders))
				}
				return slices.Delete(folders, i, i+1), nil
			})
		},
	}
}

// changeFolders changes and stores the folders of the model library, and lists them.
func (s *session) changeFolders(ctx context.Context, change func([]string) ([]string, error)) error {
	// Unlike elsewhere a damaged settings file stops the command: saving would lose it.
	set, err := settings.Load()
	if err != nil {
		return err
	}
	if set.ModelFolders, err = change(slices.Clone(set.ModelFolders)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := settings.Save(set); err != nil {
		return err
	}
	for _, dir := range set.ModelFolders {
		fmt.Fprintln(s.Out, dir)
	}
	return nil
}
