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
	// Reason says in a sentence why Maquette can't run it; empty if it can.
	Reason string
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
	return f.entry(), nil
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
	e.Family = family(m.UNet.Config)
	e.Precision = m.UNet.Precision()
	e.Bytes = m.TextEncoder.Bytes() + m.UNet.Bytes() + m.VAE.Bytes()
	return e
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
	e.Bytes, e.Precision = c.Bytes(), c.Precision()
	return e
}

func reasonOf(err error) string {
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) {
		return unsupported.Reason
	}
	return err.Error()
}

// family names what a UNet or ControlNet config fits with.
func family(config json.RawMessage) string {
	var c struct {
		Channels []int           `json:"block_out_channels"`
		Cross    json.RawMessage `json:"cross_attention_dim"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return ""
	}
	cross := strings.TrimSpace(string(c.Cross))
	standard := slices.Equal(c.Channels, []int{320, 640, 1280, 1280})
	switch {
	case standard && cross == "768":
		return "sd1"
	case standard && cross == "1024":
		return "sd2"
	case slices.Equal(c.Channels, []int{320, 640, 1280}) && cross == "2048":
		return "sdxl"
	}
	sizes := make([]string, len(c.Channels))
	for i, n := range c.Channels {
		sizes[i] = fmt.Sprint(n)
	}
	return "sd1 " + strings.Join(sizes, "-") + "/" + cross
}

const singleFileReason = "single-file checkpoints are recognised but not yet run: use a diffusers folder"

// entry recognises a single file from its tensors' names and shapes.
func (f *File) entry() Entry {
	e := Entry{Path: f.Path, Name: fileName(f.Path), Kind: KindUnknown, Bytes: f.Size, Precision: precision(f.Tensors)}
	// The width of the text that cross-attention reads tells the families apart.
	families := func(name string) string {
		t, ok := f.Tensor(name)
		if !ok || len(t.Shape) != 2 {
			return ""
		}
		switch t.Shape[1] {
		case 768:
			return "sd1"
		case 1024:
			return "sd2"
		case 2048:
			return "sdxl"
		}
		return ""
	}
	has := func(name string) bool { _, ok := f.Tensor(name); return ok }
	const attn2 = ".transformer_blocks.0.attn2.to_k.weight"
	switch {
	case has("model.diffusion_model.input_blocks.0.0.weight"):
		e.Kind, e.Reason = KindCheckpoint, singleFileReason
		e.Family = families("model.diffusion_model.input_blocks.4.1" + attn2)
		if has("conditioner.embedders.1.model.ln_final.weight") {
			e.Family = "sdxl"
		} else if e.Family == "" {
			e.Family = families("model.diffusion_model.input_blocks.1.1" + attn2)
		}
	case has("control_model.input_hint_block.0.weight"), has("input_hint_block.0.weight"):
		e.Kind = KindControlNet
		e.Reason = "single-file ControlNets are recognised but not yet run: use a diffusers folder with config.json"
		for _, prefix := range []string{"", "control_model."} {
			for _, block := range []string{"input_blocks.1.1", "input_blocks.4.1"} {
				if e.Family == "" {
					e.Family = families(prefix + block + attn2)
				}
			}
		}
	case has("controlnet_cond_embedding.conv_in.weight"):
		e.Kind, e.Family = KindControlNet, families("down_blocks.0.attentions.0"+attn2)
		e.Reason = "this ControlNet lacks its config.json: keep it in its diffusers folder"
	case f.anyName(func(n string) bool { return strings.Contains(n, "lora_") || strings.Contains(n, ".lora.") }):
		e.Kind, e.Reason = KindLoRA, "LoRAs are recognised but not yet applied"
	case has("first_stage_model.decoder.conv_in.weight"), has("decoder.conv_in.weight"), has("decoder.layers.0.weight"):
		e.Kind, e.Reason = KindVAE, "single-file VAEs are recognised but not yet run: use a diffusers folder with config.json"
	case has("conv_in.weight") && has("down_blocks.0.resnets.0.conv1.weight"):
		e.Reason = "a UNet alone is part of a checkpoint: choose the folder with model_index.json above it"
	default:
		e.Reason = "it is a safetensors file, but its tensors are not those of a known kind of model"
	}
	return e
}

func (f *File) anyName(match func(string) bool) bool {
	return slices.ContainsFunc(f.Tensors, func(t Tensor) bool { return match(t.Name) })
}
