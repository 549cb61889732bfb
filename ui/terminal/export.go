package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

const exportHelp = `Writes the networks of a checkpoint as ordinary ONNX models for other programs:
text_encoder (and text_encoder_2), unet, vae_decoder and vae_encoder, and for
each --control its controlnet and controlnet_hint. Each is a folder with
model.onnx and its weights as external data in model.onnx_data. export.json
lists inputs and outputs, and what a sampler needs to know.

CHECKPOINT is starter, a path, or a name of the model library. The models
compute in float32 and take batches of any size. With --control the UNet has
inputs for residuals, down_0 … and mid; where nothing controls it, each takes a
zero of shape [1,1,1,1]. controlnet_hint turns a control image into the
ControlNet's input hint once a render; the ControlNet's weight is one number for
each residual.

--precision says how weights are stored: as in the checkpoint's files (stored),
in fp32, which all runtimes read, or in fp16, which halves the files.`

const exportExample = `  # The bundled checkpoint with the ControlNet that it has for lines
  maquette export-onnx starter --control lineart -o starter-onnx

  # A checkpoint for images of one size, with two ControlNets
  maquette export-onnx photo.safetensors --size 512x512 --control canny.safetensors --control depth.safetensors -o photo-onnx`

// exportFlags are the flags of export-onnx.
type exportFlags struct {
	out, vae, size, precision string
	controls                  []string
	fused, overwrite          bool
}

func (s *session) exportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:     "export-onnx CHECKPOINT -o DIR",
		Short:   "Write a checkpoint as ONNX models for other programs",
		Long:    exportHelp,
		Example: exportExample,
		Args:    exactly("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.export(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "the folder to make")
	must(cmd.MarkFlagDirname("output"))
	flags.StringArrayVar(&f.controls, "control", nil, "also write this ControlNet: a `PATH`, or a control kind for the model library's")
	flags.StringVar(&f.vae, "vae", "", "write the VAE at this `PATH` in place of the checkpoint's")
	flags.StringVar(&f.size, "size", "", "fix the size of images in pixels as WIDTHxHEIGHT (default: any size)")
	precisions := []string{string(inference.ExportStored), string(inference.ExportFP32), string(inference.ExportFP16)}
	flags.StringVar(&f.precision, "precision", precisions[0], "how weights are stored: stored, fp32 or fp16")
	must(cmd.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(precisions, cobra.ShellCompDirectiveNoFileComp)))
	flags.BoolVar(&f.fused, "fused", false, "keep ONNX Runtime's own attention operator: faster there, unknown to other runtimes")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace an earlier export")
	s.jsonFlag(cmd, "print progress and the result as lines of JSON")
	return cmd
}

// request makes the request that the flags describe, but for the models.
func (f exportFlags) request() (inference.ExportRequest, error) {
	if f.out == "" {
		return inference.ExportRequest{}, usagef("-o DIR is missing: where to write the models")
	}
	r := inference.ExportRequest{
		VAE: f.vae, Precision: inference.ExportPrecision(f.precision), Fused: f.fused, Dir: f.out, Overwrite: f.overwrite,
	}
	if f.size != "" {
		size, err := parseRenderSize(f.size)
		if err != nil {
			return r, &usageError{err}
		}
		r.Width, r.Height = size.X, size.Y
	}
	return r, nil
}

// export writes a checkpoint as ONNX models.
func (s *session) export(ctx context.Context, name string, f exportFlags) error {
	r, err := f.request()
	if err != nil {
		return err
	}
	log, err := s.logger(noLogging)
	if err != nil {
		return err
	}
	library, err := s.NewLibrary(s.settings(), log)
	if err != nil {
		return err
	}
	recipe := projects.Recipe{}
	if recipe.Checkpoint, err = findCheckpoint(ctx, library, name); err != nil {
		return err
	}
	for _, c := range f.controls {
		control, err := exportedControl(c)
		if err != nil {
			return err
		}
		recipe.Controls = append(recipe.Controls, control)
	}
	files, err := library.Resolve(ctx, recipe)
	if err != nil {
		return err
	}
	r.Checkpoint, r.ControlNets = files.Checkpoint, files.ControlNets
	report, finish := s.exportMeter()
	began := time.Now()
	m, err := inference.ExportONNX(ctx, r, report)
	finish()
	var there *inference.ExportExistsError
	var wrong *inference.RequestError
	switch {
	case errors.As(err, &there) && !there.Foreign:
		return fmt.Errorf("%s has an export already; --overwrite replaces it", there.Dir)
	case errors.As(err, &wrong):
		return &usageError{err}
	case err != nil:
		return err
	}
	return s.exported(r.Dir, m, time.Since(began))
}

// exportedControl reads the value of --control.
func exportedControl(text string) (projects.RecipeControl, error) {
	if _, err := os.Stat(text); err == nil {
		path, err := filepath.Abs(text)
		return projects.RecipeControl{ControlNet: path}, err
	}
	if _, err := control.For(control.Kind(text)); err != nil {
		return projects.RecipeControl{}, usagef("--control %q is neither a file nor a control kind", text)
	}
	return projects.RecipeControl{Kind: control.Kind(text)}, nil
}

// exportEvent is the line of --json that says what was written.
type exportEvent struct {
	Event string `json:"event"` // "done"
	Dir   string `json:"dir"`
	*inference.ExportManifest
	Seconds float64 `json:"seconds"`
}

// exported tells what was written.
func (s *session) exported(dir string, m *inference.ExportManifest, took time.Duration) error {
	if s.json {
		s.emit(exportEvent{"done", dir, m, took.Seconds()})
		return nil
	}
	rows := [][]string{{"MODEL", "SIZE"}}
	for _, n := range m.Networks {
		rows = append(rows, []string{filepath.Join(dir, filepath.FromSlash(n.Model)), humanBytes(n.Bytes)})
	}
	return s.table(rows)
}

// exportProgressEvent is the line of --json that says how far an export is.
type exportProgressEvent struct {
	Event   string `json:"event"` // "progress"
	Network string `json:"network"`
	Done    int64  `json:"done_bytes"`
	Total   int64  `json:"total_bytes"`
}

// exportMeter shows how far an export is, in the form that fits standard error.
func (s *session) exportMeter() (report func(inference.ExportProgress), finish func()) {
	if s.Interactive && !s.json {
		var bar *progressbar.ProgressBar
		report = func(p inference.ExportProgress) {
			if bar == nil {
				bar = progressbar.NewOptions64(p.Total, progressbar.OptionSetWriter(s.Err), progressbar.OptionSetWidth(30),
					progressbar.OptionShowBytes(true), progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionClearOnFinish())
			}
			bar.Describe("writing " + p.Network)
			_ = bar.Set64(p.Done) // the errors are the terminal's; there is nowhere left to report them
		}
		return report, func() {
			if bar != nil {
				_ = bar.Clear()
			}
		}
	}
	last := exportProgressEvent{}
	return func(p inference.ExportProgress) {
		// A line for each network and each tenth of it all.
		e := exportProgressEvent{"progress", p.Network, p.Done, p.Total}
		if e.Network == last.Network && 10*p.Done/p.Total == 10*last.Done/p.Total {
			return
		}
		last = e
		if s.json {
			s.emit(e)
		} else {
			s.note("%3.0f %%  writing %s", float64(p.Done)/float64(p.Total)*100, p.Network)
		}
	}, func() {}
}
