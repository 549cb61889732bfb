package projects

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"maquette/assets"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
	"maquette/inference/vision"
)

// Vision are networks that look at pictures. Those that the model library does
// not hold are nil.
type Vision struct {
	Inception *vision.Inception
	CLIP      *vision.CLIP
	// Missing says what is not there.
	Missing []MissingModel
}

// MissingModel is a model that the model library does not hold.
type MissingModel struct {
	// For is what it is needed for, File what it is, Where the place to put it;
	// each a sentence or a part of one.
	For   string `json:"for"`
	File  string `json:"file"`
	Where string `json:"where"`
}

// OpenVision loads the networks that look at pictures, to run on the CPU. To be
// closed.
func (l *Library) OpenVision(ctx context.Context) (_ *Vision, err error) {
	v := &Vision{}
	defer func() {
		if err != nil {
			_ = v.Close() // the first error is the one to report
		}
	}()
	inception, err := vision.FindInception(ctx, l.folders)
	if err != nil {
		return nil, fmt.Errorf("model library: %w", err)
	}
	clip, err := vision.FindCLIP(ctx, l.folders)
	if err != nil {
		return nil, fmt.Errorf("model library: %w", err)
	}
	where := "any model folder: " + strings.Join(l.folders, ", ")
	if len(l.folders) == 0 {
		where = "a folder that 'maquette models add DIR' makes a model folder"
	}
	cpu := runtime.Options{Providers: []string{runtime.CPU}}
	if inception == "" {
		v.Missing = append(v.Missing, MissingModel{"KID, FID and Inception Score",
			"an Inception v3 network as ONNX file, from pictures [N,3,299,299] of 0 to 1 to 2048 features and 1008 logits, " +
				"such as pytorch-fid's InceptionV3 exported with torch.onnx", where})
	} else {
		r, err := l.runtime()
		if err != nil {
			return nil, err
		}
		if v.Inception, err = vision.OpenInception(ctx, r, inception, cpu); err != nil {
			return nil, err
		}
		if !v.Inception.Classes() {
			v.Missing = append(v.Missing, MissingModel{"Inception Score",
				"an Inception v3 network as ONNX file that gives 1008 logits beside its features, unlike " + inception, where})
		}
	}
	if clip == "" {
		v.Missing = append(v.Missing, MissingModel{"CLIP similarity",
			"a CLIP model of transformers with config.json and model.safetensors, such as the folder clip-vit-large-patch14", where})
		return v, nil
	}
	tokens, err := prompt.New(assets.CLIPMerges())
	if err != nil {
		return nil, err
	}
	r, err := l.runtime()
	if err != nil {
		return nil, err
	}
	if v.CLIP, err = vision.OpenCLIP(ctx, r, clip, tokens, cpu); err != nil {
		return nil, err
	}
	if !v.CLIP.ReadsText() {
		v.Missing = append(v.Missing, MissingModel{"CLIP similarity of prompts and pictures",
			"a CLIP model of transformers that has its text encoder as well, unlike " + clip, where})
	}
	return v, nil
}

// Close frees the networks.
func (v *Vision) Close() error {
	var errs []error
	if v.Inception != nil {
		errs = append(errs, v.Inception.Close())
	}
	if v.CLIP != nil {
		errs = append(errs, v.CLIP.Close())
	}
	return errors.Join(errs...)
}

// runtime opens ONNX Runtime, which is one for the whole program.
func (l *Library) runtime() (*runtime.Runtime, error) {
	library, err := runtime.FindLibrary()
	if err != nil {
		return nil, err
	}
	return runtime.Open(library, l.log)
}
