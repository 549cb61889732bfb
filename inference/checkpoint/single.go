package checkpoint

import (
	"encoding/json"
	"math"
	"os"
	"strings"
)

// The prefixes of the components in single files.
const (
	ldmUNetPrefix  = "model.diffusion_model."
	ldmVAEPrefix   = "first_stage_model."
	ldmCLIPPrefix  = "cond_stage_model.transformer."
	ldmOpenPrefix  = "cond_stage_model.model."
	ldmXLPrefix    = "conditioner.embedders.0.transformer."
	ldmXLBigPrefix = "conditioner.embedders.1.model."
)

// Open opens a checkpoint: a diffusers folder or a single .safetensors file.
// Only configs and headers are read. Errors: *MissingError, *UnsupportedError,
// *FormatError, file system errors.
func Open(path string) (*Model, error) {
	if st, err := os.Stat(path); err == nil && !st.IsDir() && !isPickleName(path) {
		f, err := OpenSafetensors(path)
		if err != nil {
			return nil, err
		}
		return openSingle(f)
	}
	return OpenFolder(path)
}

// hasBelow gives the test for a tensor below prefix.
func (f *File) hasBelow(prefix string) func(string) bool {
	return func(name string) bool { _, ok := f.Tensor(prefix + name); return ok }
}

// part makes a component of tensors that lie in one file.
func (f *File) part(class string, t tensors, c config) *Component {
	p := &Component{Class: class, Dir: f.Path, Config: c.encode(), Files: []*File{f}, tensors: make(map[string]place, len(t))}
	for name, tensor := range t {
		p.tensors[name] = place{f, tensor}
	}
	return p
}

// openSingle finds the components of a single-file checkpoint.
func openSingle(f *File) (*Model, error) {
	if reason := f.foreignReason(); reason != "" {
		return nil, &UnsupportedError{Path: f.Path, Reason: reason}
	}
	if kind := f.kind(); kind != KindCheckpoint {
		return nil, &UnsupportedError{Path: f.Path, Reason: "it is a single file of kind " + string(kind) + "; a checkpoint is needed here"}
	}
	m := &Model{Dir: f.Path, Name: fileName(f.Path), Layout: LayoutSingle, PadToken: endToken, PadToken2: zeroToken}
	unet := ldmUNet(f.hasBelow(ldmUNetPrefix)).all(f, ldmUNetPrefix)
	m.UNet = f.part(ClassUNet, unet, inferUNet(unet, ClassUNet))
	m.UNet.Config = f.noted("unet", m.UNet.Config)
	m.Family = family(m.UNet.Config)
	if err := m.singleText(f); err != nil {
		return nil, err
	}
	m.TextEncoder.Config = f.noted("text_encoder", m.TextEncoder.Config)
	if tiny := f.tiny(ldmVAEPrefix); tiny != nil {
		m.VAE = f.part(ClassTinyVAE, tiny, inferTiny(tiny))
	} else if vae := ldmVAE(f.hasBelow(ldmVAEPrefix)).all(f, ldmVAEPrefix); len(vae) > 0 {
		m.VAE = f.part(ClassVAE, vae, inferVAE(vae, scaling(m.Family)))
	} else {
		return nil, &UnsupportedError{Path: f.Path, Reason: "it has no VAE (first_stage_model); use a version of the checkpoint that has one"}
	}
	m.VAE.Config = f.noted("vae", m.VAE.Config)
	schedule, err := singleScheduler(f, m.Family)
	m.Scheduler = f.noted("scheduler", schedule)
	return m, err
}

// singleText finds the text encoders of a single file.
func (m *Model) singleText(f *File) error {
	clip := func(prefix string) *Component {
		t := tensors{}
		for _, tensor := range f.Tensors {
			if name, ok := strings.CutPrefix(tensor.Name, prefix); ok && !strings.HasSuffix(name, "position_ids") {
				t[currentName(ClassTextEncoder, name)] = tensor
			}
		}
		return f.part(ClassTextEncoder, t, inferText(t, ClassTextEncoder, false))
	}
	has := func(prefix, name string) bool { return f.hasBelow(prefix)(name) }
	switch {
	case isXL(m.Family):
		if !has(ldmXLPrefix, "text_model.embeddings.token_embedding.weight") {
			break
		}
		m.TextEncoder = clip(ldmXLPrefix)
		big := openCLIP(f, ldmXLBigPrefix)
		m.TextEncoder2 = f.part(ClassTextProjection, big, inferText(big, ClassTextProjection, true))
		return nil
	case has(ldmOpenPrefix, "ln_final.weight"):
		// Stable Diffusion 2 reads the last layer but one. Files that were written
		// back from diffusers' format have no last layer: it keeps 23 of 24.
		const kept = 23
		t := openCLIP(f, ldmOpenPrefix)
		delete(t, "text_projection.weight")
		c := inferText(t, ClassTextEncoder, true)
		if n, ok := c["num_hidden_layers"].(int); ok && n > 1 && n != kept {
			c["num_hidden_layers"] = n - 1
		}
		m.TextEncoder = f.part(ClassTextEncoder, t, c)
		m.PadToken = zeroToken
		return nil
	case has(ldmCLIPPrefix, "text_model.embeddings.token_embedding.weight"), has(ldmCLIPPrefix, "embeddings.token_embedding.weight"):
		m.TextEncoder = clip(ldmCLIPPrefix)
		return nil
	}
	return &UnsupportedError{Path: f.Path, Reason: "it has no text encoder; use a version of the checkpoint that has all parts"}
}

// singleScheduler is the scheduler config of a single file's family.
func singleScheduler(f *File, family string) (json.RawMessage, error) {
	c := config{
		"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
		"steps_offset": 1, "set_alpha_to_one": false, "clip_sample": false, "prediction_type": "epsilon",
	}
	if isXL(family) {
		c["timestep_spacing"] = "leading"
	}
	v, err := f.predictsVelocity(family)
	if err != nil {
		return nil, err
	}
	if v {
		c["prediction_type"] = "v_prediction"
	}
	if _, ok := f.Tensor("ztsnr"); ok {
		c["rescale_betas_zero_snr"], c["timestep_spacing"] = true, "trailing"
	}
	return c.encode(), nil
}

// predictsVelocity says whether a single file predicts v. Nothing in its names
// says so for Stable Diffusion 2: the files of 768 pixels predict v, those of 512
// epsilon, and what tells them apart, as ComfyUI found, is the spread of one
// norm's bias. Files of other widths are taken for v, as in diffusers. XL files
// that predict v have a tensor named v_pred. Metadata goes before both.
func (f *File) predictsVelocity(family string) (bool, error) {
	switch strings.ToLower(f.Metadata["modelspec.prediction_type"]) {
	case "v", "v_prediction", "velocity":
		return true, nil
	case "epsilon":
		return false, nil
	}
	if _, ok := f.Tensor("v_pred"); ok {
		return true, nil
	}
	if !strings.HasPrefix(family, familySD2) {
		return false, nil
	}
	if c, ok := f.Tensor(ldmUNetPrefix + "input_blocks.0.0.weight"); ok && len(c.Shape) == 4 && c.Shape[1] != 4 {
		return false, nil // inpainting files
	}
	t, ok := f.Tensor(ldmUNetPrefix + "output_blocks.11.1.transformer_blocks.0.norm1.bias")
	if !ok {
		return true, nil
	}
	values, err := f.read(t)
	if err != nil || len(values) < 2 {
		return true, err
	}
	mean, squares := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	const spread = 0.09
	return math.Sqrt(squares/float64(len(values)-1)) > spread, nil
}
