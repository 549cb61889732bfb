package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind says what a model file or folder is.
type Kind string

// The kinds of models.
const (
	KindCheckpoint Kind = "checkpoint"
	KindControlNet Kind = "controlnet"
	KindVAE        Kind = "vae"
	KindLoRA       Kind = "lora"
	KindUnknown    Kind = "unknown"
)

// Entry describes a model in the model library.
type Entry struct {
	// Path is absolute: a folder or a file.
	Path string
	// Name is for people.
	Name string
	Kind Kind
	// Family says what fits together: a ControlNet works with the checkpoints of
	// its own family. It is "sd1" for Stable Diffusion 1.x, "sd2", "sdxl", or the
	// sizes of another network of that kind, such as "sd1 64-128-160/128".
	Family string
	// Bytes is the size of the weights.
	Bytes int64
	// Precision is "fp32", "fp16", "bf16", …
	Precision string
	// Layout says how the weights are stored, such as LayoutSingle.
	Layout string
	// Prediction is what a checkpoint's UNet predicts, "epsilon" or "v_prediction".
	Prediction string
	// Inpainting says that the UNet reads a mask and a masked image as well.
	Inpainting bool
	// Parts are the components.
	Parts []Part
	// Reason says in a sentence why Maquette can't run it; empty if it can.
	Reason string
}

// Part is one component of a model.
type Part struct {
	// Name is the component's name in diffusers' folders, such as "unet".
	Name, Precision string
	Bytes           int64
}

// Inspect says what is at path: a diffusers checkpoint folder, a component
// folder or a single file. What is recognised but not run has a Reason and no
// error. Errors: nothing there, or not a model at all.
func Inspect(path string) (Entry, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Entry{}, fmt.Errorf("resolving %s: %w", path, err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return Entry{}, err
	}
	switch {
	case st.IsDir() && isFile(filepath.Join(path, "model_index.json")):
		return inspectCheckpoint(path), nil
	case st.IsDir() && isFile(filepath.Join(path, "config.json")):
		return inspectComponent(path), nil
	case st.IsDir():
		return Entry{}, &MissingError{Path: filepath.Join(path, "model_index.json"),
			Advice: "A model folder has a model_index.json (checkpoint) or config.json (ControlNet, VAE)"}
	case isPickleName(path):
		return Entry{Path: path, Name: fileName(path), Kind: KindUnknown, Bytes: st.Size(),
			Reason: "pickled weights are refused. " + adviceConvert}, nil
	}
	f, err := OpenSafetensors(path)
	if err != nil {
		var bad *FormatError
		if errors.As(err, &bad) {
			return Entry{Path: path, Name: fileName(path), Kind: KindUnknown, Bytes: st.Size(), Reason: bad.Error()}, nil
		}
		return Entry{}, err
	}
	return recognise(f.entry()), nil
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

func fileName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// inspectCheckpoint describes a diffusers checkpoint folder.
func inspectCheckpoint(dir string) Entry {
	e := Entry{Path: dir, Name: displayName(dir), Kind: KindCheckpoint}
	m, err := OpenFolder(dir)
	if err != nil {
		e.Reason = reasonOf(err)
		return e
	}
	e.describe(m)
	return e
}

// describe fills in what a checkpoint holds.
func (e *Entry) describe(m *Model) {
	e.Family, e.Layout, e.Precision, e.Bytes = m.Family, m.Layout, m.UNet.Precision(), 0
	for _, p := range []struct {
		name string
		c    *Component
	}{{"text_encoder", m.TextEncoder}, {"text_encoder_2", m.TextEncoder2}, {"unet", m.UNet}, {"vae", m.VAE}} {
		if p.c != nil {
			e.Parts = append(e.Parts, Part{p.name, p.c.Precision(), p.c.Bytes()})
			e.Bytes += p.c.Bytes()
		}
	}
	var noise struct {
		Prediction string `json:"prediction_type"`
	}
	var unet struct {
		In int `json:"in_channels"`
	}
	// The configs were read as JSON objects before; what they leave out keeps its default.
	noise.Prediction, unet.In = "epsilon", 4
	if json.Unmarshal(m.Scheduler, &noise) != nil || json.Unmarshal(m.UNet.Config, &unet) != nil {
		return
	}
	e.Prediction, e.Inpainting = noise.Prediction, unet.In == 9
	if unet.In != 4 && unet.In != 9 {
		e.Reason = fmt.Sprintf("its UNet reads %d channels: a model that upscales or edits images, and %s", unet.In, onlySD)
	}
}

// inspectComponent describes a folder with a config.json.
func inspectComponent(dir string) Entry {
	e := Entry{Path: dir, Name: filepath.Base(dir), Kind: KindUnknown}
	config, class, err := readConfig(dir)
	if err != nil {
		e.Reason = reasonOf(err)
		return e
	}
	switch class {
	case ClassControlNet:
		e.Kind, e.Family = KindControlNet, family(config)
	case ClassVAE, ClassTinyVAE:
		e.Kind = KindVAE
	default:
		e.Reason = fmt.Sprintf("a %s is part of a checkpoint, not a model of its own", class)
		return e
	}
	c, err := openComponent(dir, class)
	if err != nil {
		e.Reason = reasonOf(err)
		return e
	}
	e.Bytes, e.Precision, e.Layout = c.Bytes(), c.Precision(), LayoutFolder
	return e
}

func reasonOf(err error) string {
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) {
		return unsupported.Reason
	}
	return err.Error()
}

// The families of standard size; others have their sizes added.
const (
	familySD1 = "sd1"
	familySD2 = "sd2"
	familyXL  = "sdxl"
)

func isXL(family string) bool { return strings.HasPrefix(family, familyXL) }

// family names what a UNet or ControlNet config fits with.
func family(config json.RawMessage) string {
	var c struct {
		Channels []int           `json:"block_out_channels"`
		Cross    json.RawMessage `json:"cross_attention_dim"`
		Linear   bool            `json:"use_linear_projection"`
		Addition string          `json:"addition_embed_type"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return ""
	}
	cross := strings.TrimSpace(string(c.Cross))
	name, channels, width := familySD1, []int{320, 640, 1280, 1280}, "768"
	switch {
	case c.Addition != "":
		name, channels, width = familyXL, []int{320, 640, 1280}, "2048"
	case c.Linear || cross == "1024":
		name, width = familySD2, "1024"
	}
	if slices.Equal(c.Channels, channels) && cross == width {
		return name
	}
	sizes := make([]string, len(c.Channels))
	for i, n := range c.Channels {
		sizes[i] = fmt.Sprint(n)
	}
	return name + " " + strings.Join(sizes, "-") + "/" + cross
}

// kind recognises a single file from its tensors' names.
func (f *File) kind() Kind {
	has := f.hasBelow("")
	switch {
	case has("model.diffusion_model.input_blocks.0.0.weight"):
		return KindCheckpoint
	case has("control_model.input_hint_block.0.weight"), has("input_hint_block.0.weight"), has("controlnet_cond_embedding.conv_in.weight"):
		return KindControlNet
	case f.anyName(func(n string) bool {
		return strings.Contains(n, "lora_") || strings.Contains(n, ".lora.") || strings.Contains(n, "hada_w1")
	}):
		return KindLoRA
	case has("first_stage_model.decoder.conv_in.weight"), has("decoder.conv_in.weight") && has("decoder.conv_out.weight"), f.tiny("") != nil:
		return KindVAE
	}
	return KindUnknown
}

// entry describes a single file.
func (f *File) entry() Entry {
	e := Entry{Path: f.Path, Name: fileName(f.Path), Kind: f.kind(), Bytes: f.Size, Precision: precision(f.Tensors)}
	if e.Reason = f.foreignReason(); e.Reason != "" {
		e.Kind = KindUnknown
		return e
	}
	switch e.Kind {
	case KindCheckpoint:
		m, err := openSingle(f)
		if err != nil {
			unet := ldmUNet(f.hasBelow(ldmUNetPrefix)).all(f, ldmUNetPrefix)
			e.Family, e.Layout, e.Reason = family(inferUNet(unet, ClassUNet).encode()), LayoutSingle, reasonOf(err)
			return e
		}
		e.describe(m)
	case KindControlNet:
		c := f.controlNet()
		e.Family, e.Precision, e.Layout = family(c.Config), c.Precision(), "single file"
		e.Parts = []Part{{"controlnet", c.Precision(), c.Bytes()}}
	case KindVAE:
		e.Layout = "single file"
		e.Parts = []Part{{"vae", e.Precision, e.Bytes}}
	case KindLoRA:
		e.Layout = "single file"
	default:
		e.Reason = "it is a safetensors file, but its tensors are not those of a known kind of model"
	}
	return e
}

func (f *File) anyName(match func(string) bool) bool {
	return slices.ContainsFunc(f.Tensors, func(t Tensor) bool { return match(t.Name) })
}
