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

// The layouts of checkpoints.
const (
	LayoutFolder = "diffusers folder"
	LayoutSingle = "LDM single file"
)

// The tokens that prompts are filled up with.
const (
	endToken  = 49407 // the end of text, in Stable Diffusion 1
	zeroToken = 0     // "!", in Stable Diffusion 2 and XL's second text encoder
)

// Model is a checkpoint.
type Model struct {
	// Dir is the folder or the single file, absolute.
	Dir string
	// Name is maquette.json's name or the folder's or file's.
	Name string
	// Family is as in Entry, Layout one of the Layout constants.
	Family, Layout string
	// TextEncoder, UNet and VAE are the networks; TextEncoder2 is nil but for
	// Stable Diffusion XL.
	TextEncoder, TextEncoder2, UNet, VAE *Component
	// PadToken and PadToken2 are what fills up the prompts of the text encoders.
	PadToken, PadToken2 int64
	// Scheduler is the content of scheduler/scheduler_config.json, a valid JSON object.
	Scheduler json.RawMessage
}

// OpenFolder opens the diffusers folder dir (the one with model_index.json)
// and checks that all parts of a Stable Diffusion model are there. Only
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
	m := &Model{Dir: dir, Name: displayName(dir), Layout: LayoutFolder, PadToken: endToken, PadToken2: zeroToken}
	type piece struct {
		to      **Component
		dir     string
		classes []string
	}
	pieces := []piece{
		{&m.TextEncoder, "text_encoder", []string{ClassTextEncoder}},
		{&m.UNet, "unet", []string{ClassUNet}},
		{&m.VAE, "vae", []string{ClassVAE, ClassTinyVAE}},
	}
	if strings.HasPrefix(head.Class, "StableDiffusionXL") {
		pieces = append(pieces, piece{&m.TextEncoder2, "text_encoder_2", []string{ClassTextProjection}})
	}
	for _, p := range pieces {
		if *p.to, err = openComponent(filepath.Join(dir, p.dir), p.classes...); err != nil {
			return nil, err
		}
	}
	m.Family = family(m.UNet.Config)
	m.PadToken = padToken(filepath.Join(dir, "tokenizer"), m.PadToken)
	m.PadToken2 = padToken(filepath.Join(dir, "tokenizer_2"), m.PadToken2)
	if m.Scheduler, err = readJSON(filepath.Join(dir, "scheduler", "scheduler_config.json")); err != nil {
		return nil, err
	}
	return m, nil
}

// padToken reads what a tokenizer fills prompts up with.
func padToken(dir string, otherwise int64) int64 {
	for _, name := range []string{"special_tokens_map.json", "tokenizer_config.json"} {
		data, err := readJSON(filepath.Join(dir, name))
		if err != nil {
			continue // not every folder has one, and the family's own will do
		}
		var head struct {
			Pad json.RawMessage `json:"pad_token"`
		}
		if json.Unmarshal(data, &head) != nil || len(head.Pad) == 0 {
			continue
		}
		switch pad := string(head.Pad); {
		case strings.Contains(pad, `"!"`):
			return zeroToken
		case strings.Contains(pad, "endoftext"):
			return endToken
		}
	}
	return otherwise
}

// pipelineReason says why a pipeline class isn't run, or "".
func pipelineReason(class string) string {
	switch {
	case class == "":
		return "model_index.json names no pipeline class"
	case strings.HasPrefix(class, "StableDiffusion3"), strings.HasPrefix(class, "Flux"):
		return class + " has another architecture: " + onlySD
	case strings.HasPrefix(class, "StableDiffusion"):
		return ""
	}
	return class + " is not a Stable Diffusion pipeline: " + onlySD
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
		e.Reason = "it is a single file of kind " + string(e.Kind) + "; a diffusers folder is needed here"
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
