package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Model is a checkpoint in diffusers' folder layout.
type Model struct {
	// Dir is the folder, absolute.
	Dir string
	// Name is maquette.json's name or the folder's.
	Name string
	// TextEncoder, UNet and VAE are the networks.
	TextEncoder, UNet, VAE *Component
	// Scheduler is the content of scheduler/scheduler_config.json, a valid JSON object.
	Scheduler json.RawMessage
}

// OpenFolder opens the diffusers folder dir (the one with model_index.json)
// and checks that all parts of a Stable Diffusion 1 model are there. Only
// configs and headers are read. Errors: *MissingError, *UnsupportedError,
// *FormatError, file system errors.
func OpenFolder(dir string) (*Model, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", dir, err)
	}
	if err := refuseFile(dir); err != nil {
		return nil, err
	}
	index := filepath.Join(dir, "model_index.json")
	data, err := readJSON(index)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &MissingError{Path: index, Advice: "A checkpoint is a diffusers folder with model_index.json, unet, vae, text_encoder and scheduler"}
		}
		return nil, err
	}
	var head struct {
		Class string `json:"_class_name"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	if reason := pipelineReason(head.Class); reason != "" {
		return nil, &UnsupportedError{Path: dir, Reason: reason}
	}
	m := &Model{Dir: dir, Name: displayName(dir)}
	for _, part := range []struct {
		to      **Component
		dir     string
		classes []string
	}{
		{&m.TextEncoder, "text_encoder", []string{ClassTextEncoder}},
		{&m.UNet, "unet", []string{ClassUNet}},
		{&m.VAE, "vae", []string{ClassVAE, ClassTinyVAE}},
	} {
		if *part.to, err = openComponent(filepath.Join(dir, part.dir), part.classes...); err != nil {
			return nil, err
		}
	}
	if m.Scheduler, err = readJSON(filepath.Join(dir, "scheduler", "scheduler_config.json")); err != nil {
		return nil, err
	}
	return m, nil
}

// pipelineReason says why a pipeline class isn't run, or "".
func pipelineReason(class string) string {
	switch {
	case class == "":
		return "model_index.json names no pipeline class"
	case strings.HasPrefix(class, "StableDiffusionXL"):
		return "Stable Diffusion XL is recognised but not yet run: use a Stable Diffusion 1 model"
	case strings.HasPrefix(class, "StableDiffusion3"), strings.HasPrefix(class, "Flux"):
		return class + " has another architecture: use a Stable Diffusion 1 model"
	case strings.HasPrefix(class, "StableDiffusion"):
		return ""
	}
	return class + " is not a Stable Diffusion pipeline: use a Stable Diffusion 1 model"
}

// refuseFile gives a single file in place of a folder its own message.
func refuseFile(path string) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingError{Path: path, Advice: "Check the path, or choose another checkpoint"}
	}
	if err != nil {
		return err
	}
	if st.IsDir() {
		return nil
	}
	if isPickleName(path) {
		return &FormatError{Path: path, Problem: "pickled weights (.ckpt, .pt, .pth, .bin) are refused", Advice: adviceConvert}
	}
	f, err := OpenSafetensors(path)
	if err != nil {
		return err
	}
	e := f.entry()
	if e.Reason == "" {
		e.Reason = "it is a single file of kind " + string(e.Kind) + "; a checkpoint is a diffusers folder"
	}
	return &UnsupportedError{Path: path, Reason: e.Reason}
}

// isPickleName says whether files with this ending are usually pickles.
func isPickleName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ckpt", ".pt", ".pth", ".bin", ".pkl":
		return true
	}
	return false
}

// OpenControlNet opens a ControlNet: a diffusers folder (config.json and
// weights), or the weight file inside such a folder.
func OpenControlNet(path string) (*Component, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", path, err)
	}
	st, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &MissingError{Path: path, Advice: "Check the path, or choose another ControlNet"}
		}
		return nil, err
	}
	dir := path
	if !st.IsDir() {
		dir = filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil || isPickleName(path) {
			return nil, refuseFile(path)
		}
	}
	return openComponent(dir, ClassControlNet)
}

// displayName is the name in maquette.json, if the folder has one, or the folder's.
func displayName(dir string) string {
	if data, err := readJSON(filepath.Join(dir, "maquette.json")); err == nil {
		var note struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(data, &note) == nil && note.Name != "" && len(note.Name) < 200 {
			return note.Name
		}
	}
	return filepath.Base(dir)
}
