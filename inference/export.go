package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/sampler"
)

// ExportPrecision says how an exported model's weights are stored. The models
// compute in float32 whatever it is.
type ExportPrecision string

// The precisions of exports.
const (
	ExportStored ExportPrecision = "stored" // as in the checkpoint's files
	ExportFP32   ExportPrecision = "fp32"
	ExportFP16   ExportPrecision = "fp16" // half the size; values beyond ±65504 become infinite, which is refused
)

// ExportRequest says what to write as ONNX files.
type ExportRequest struct {
	// Checkpoint is the path of a diffusers folder or a single .safetensors file.
	Checkpoint string
	// ControlNets are paths like Control.ControlNet. With at least one, the UNet
	// has inputs for residuals.
	ControlNets []string
	// VAE, if not empty, is the path of a VAE to write in place of the checkpoint's.
	VAE string
	// Width and Height, in pixels and multiples of 8, fix the size of the images;
	// 0 leaves it to the run. Batches are of any size either way.
	Width, Height int
	// Precision is how weights are stored; empty means ExportStored.
	Precision ExportPrecision
	// Fused keeps ONNX Runtime's own attention operator.
	Fused bool
	// Dir is the folder to make. Overwrite lets it replace an earlier export.
	Dir       string
	Overwrite bool
}

// ExportProgress reports how far an export is.
type ExportProgress struct {
	// Network is the one that is being written, as in ExportedNetwork.
	Network string
	// Done of Total bytes of weights are written.
	Done, Total int64
}

// ExportedTensor is an input or output; Dynamic dimensions are -1.
type ExportedTensor struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Shape []int64 `json:"shape"`
}

// ExportedNetwork is one ONNX model of an export.
type ExportedNetwork struct {
	// Name is that of its folder: text_encoder, text_encoder_2, controlnet_hint,
	// controlnet, unet, vae_decoder or vae_encoder, the second ControlNet's with _2.
	Name string `json:"name"`
	// Model and Weights are paths of its files, relative to the export's folder.
	Model   string           `json:"model"`
	Weights string           `json:"weights"`
	Bytes   int64            `json:"bytes"` // of both
	Inputs  []ExportedTensor `json:"inputs"`
	Outputs []ExportedTensor `json:"outputs"`
}

// ExportManifest is export.json of an export: what a program needs to know to
// run the models as Maquette does.
type ExportManifest struct {
	Schema int    `json:"schema"`
	Family string `json:"family"`
	// Prediction is what the UNet predicts: epsilon or v_prediction.
	Prediction string `json:"prediction"`
	// ScalingFactor turns the VAE encoder's latents into the UNet's; the decoder
	// wants latents divided by it.
	ScalingFactor float32 `json:"scaling_factor"`
	// PadTokens fill up the prompts of the text encoders behind the end token.
	PadTokens []int64           `json:"pad_tokens"`
	Precision ExportPrecision   `json:"precision"`
	Scheduler json.RawMessage   `json:"scheduler"`
	Networks  []ExportedNetwork `json:"networks"`
}

// exportManifest is the name of the manifest, by which an export is known.
const exportManifest = "export.json"

// ExportExistsError reports a folder that an export doesn't replace.
type ExportExistsError struct {
	Dir string
	// Foreign says that the folder is no earlier export, so that it isn't
	// replaced in any case.
	Foreign bool
}

func (e *ExportExistsError) Error() string {
	if e.Foreign {
		return e.Dir + " is there and holds other things than an export; choose another folder"
	}
	return e.Dir + " has an export already; ask to overwrite it, or choose another folder"
}

// ExportONNX writes the networks of a checkpoint as ONNX models, each a folder
// with model.onnx and its weights as external data in model.onnx_data, and
// export.json, an ExportManifest. The graphs are those that Render runs. The
// folder appears when all is written. ONNX Runtime isn't needed.
//
// Errors: *ExportExistsError, *RequestError for a wrong size or precision, ctx's,
// those of package checkpoint, and the file system's.
func ExportONNX(ctx context.Context, req ExportRequest, report func(ExportProgress)) (*ExportManifest, error) {
	m, err := exportONNX(ctx, req, report)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return m, nil
}

func exportONNX(ctx context.Context, req ExportRequest, report func(ExportProgress)) (_ *ExportManifest, err error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(req.Dir)
	if err != nil {
		return nil, err
	}
	replace, err := replaces(dir, req.Overwrite)
	if err != nil {
		return nil, err
	}
	manifest, models, err := exportModels(req)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	// Beside the folder, so that it can be renamed.
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	whole := filepath.Join(temp, "whole")
	w := &exportWriter{root: whole, report: report}
	defer func() { err = errors.Join(err, w.close()) }()
	var plans []*exportPlan
	for _, m := range models {
		p, err := planExport(m, req, manifest.metadata())
		if err != nil {
			return nil, err
		}
		w.progress.Total += p.bytes
		plans = append(plans, p)
	}
	for _, p := range plans {
		network, err := w.write(ctx, p)
		if err != nil {
			return nil, err
		}
		manifest.Networks = append(manifest.Networks, network)
	}
	data, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(whole, exportManifest), append(data, '\n'), 0o644); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if replace {
		if err := os.Rename(dir, filepath.Join(temp, "before")); err != nil {
			return nil, err
		}
	}
	return manifest, os.Rename(whole, dir)
}

func (r *ExportRequest) validate() error {
	if r.Precision == "" {
		r.Precision = ExportStored
	}
	if !slices.Contains([]ExportPrecision{ExportStored, ExportFP32, ExportFP16}, r.Precision) {
		return &RequestError{"Precision", fmt.Sprintf("%q is not known; there are stored, fp32 and fp16", r.Precision)}
	}
	if r.Dir == "" {
		return &RequestError{"Dir", "no folder to write to"}
	}
	if r.Width == 0 && r.Height == 0 {
		return nil
	}
	for field, v := range map[string]int{"Width": r.Width, "Height": r.Height} {
		if v < minSide || v > maxSide || v%sideStep != 0 {
			return &RequestError{field, fmt.Sprintf("%d is not a multiple of %d from %d to %d", v, sideStep, minSide, maxSide)}
		}
	}
	return nil
}

// replaces says whether dir is an earlier export that has to make way.
func replaces(dir string, overwrite bool) (bool, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case len(entries) == 0:
		return true, nil
	}
	if _, err := os.Stat(filepath.Join(dir, exportManifest)); err != nil {
		return false, &ExportExistsError{Dir: dir, Foreign: true}
	}
	if !overwrite {
		return false, &ExportExistsError{Dir: dir}
	}
	return true, nil
}

// exportModel is a network's graph and the name that it gets.
type exportModel struct {
	name  string
	model *graph.Model
}

// exportModels builds the graphs of an export.
func exportModels(req ExportRequest) (*ExportManifest, []exportModel, error) {
	m, err := checkpoint.Open(req.Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	config, err := sampler.ParseConfig(m.Scheduler)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", m.Dir, err)
	}
	n := &networks{}
	like := Request{Checkpoint: req.Checkpoint, VAE: req.VAE}
	for _, path := range req.ControlNets {
		like.Controls = append(like.Controls, Control{ControlNet: path})
	}
	n.controls = make([]controlNet, len(like.Controls))
	if m.VAE.HasEncoder() {
		like.Init = image.Black // the encoder belongs to it then
	}
	parts, err := n.parts(m, like, nil)
	if err != nil {
		return nil, nil, err
	}
	manifest := &ExportManifest{
		Schema: 1, Family: m.Family, Prediction: config.PredictionType, ScalingFactor: n.scale,
		PadTokens: []int64{m.PadToken}, Precision: req.Precision, Scheduler: m.Scheduler,
	}
	if n.xl {
		manifest.PadTokens = append(manifest.PadTokens, m.PadToken2)
	}
	size := arch.Size{Height: req.Height / sideStep, Width: req.Width / sideStep}
	var models []exportModel
	seen := map[string]int{}
	for _, p := range parts {
		if p.kind == "unet" && len(req.ControlNets) == 0 {
			unet, err := arch.NewUNet(p.component)
			if err != nil {
				return nil, nil, err
			}
			p.build = func(s arch.Size) (*graph.Model, error) { return unet.Graph(s, false) }
		}
		name := map[string]string{"text": "text_encoder", "text 2": "text_encoder_2", "hint": "controlnet_hint", "control": "controlnet",
			"unet": "unet", "decoder": "vae_decoder", "encoder": "vae_encoder"}[p.kind]
		if name == "" {
			return nil, nil, fmt.Errorf("%s: no name for the %s", m.Dir, p.kind)
		}
		if p.session == &n.preview {
			continue // the decoder once more
		}
		if seen[p.kind]++; seen[p.kind] > 1 {
			name = fmt.Sprintf("%s_%d", name, seen[p.kind])
		}
		g, err := p.build(size)
		if err != nil {
			return nil, nil, err
		}
		models = append(models, exportModel{name, g})
	}
	return manifest, models, nil
}

// metadata are the metadata_props of each model.
func (m *ExportManifest) metadata() map[string]string {
	return map[string]string{
		"maquette.family": m.Family, "maquette.prediction": m.Prediction,
		"maquette.scaling_factor": fmt.Sprint(m.ScalingFactor), "maquette.precision": string(m.Precision),
	}
}
