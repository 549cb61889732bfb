package checkpoint

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ClassVision is CLIP's image encoder with its projection.
const ClassVision = "CLIPVisionModelWithProjection"

// classCLIP is CLIP with both encoders in one file.
const classCLIP = "CLIPModel"

const visionEmbedding = "vision_model.embeddings.patch_embedding.weight"

// IsCLIP reports whether a file holds CLIP's image encoder with the names of
// transformers.
func (f *File) IsCLIP() bool {
	has := f.hasBelow("")
	return has("visual_projection.weight") && (has(visionEmbedding) || has(strings.TrimPrefix(visionEmbedding, "vision_model.")))
}

// OpenCLIP opens CLIP's image encoder and, where the file holds it as well, the
// text encoder that it was trained with; text is nil else. path is a folder as
// transformers writes it, or a single file with transformers' names, such as
// those of other programs' clip_vision folders. Errors: *MissingError,
// *UnsupportedError, *FormatError.
func OpenCLIP(path string) (vision, text *Component, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, nil, &MissingError{Path: path, Advice: "Check the path, or choose another model"}
	}
	dir, single := path, ""
	if !st.IsDir() {
		dir, single = filepath.Dir(path), path
	}
	all := &Component{Class: classCLIP, Dir: path}
	config, class, err := readConfig(dir)
	switch {
	case err == nil && (class == classCLIP || class == ClassVision):
		all.Config = config
	case single == "" && err != nil:
		return nil, nil, err
	case single == "":
		return nil, nil, &UnsupportedError{Path: dir, Reason: "it is a " + class + "; a " + classCLIP + " or " + ClassVision + " is needed here"}
	}
	files := []string{single}
	if all.Config != nil {
		found, err := weightFiles(dir)
		if err == nil && (single == "" || slices.Contains(found, single)) {
			files = found
		} else if single == "" {
			return nil, nil, err
		}
	}
	for _, file := range files {
		f, err := OpenSafetensors(file)
		if err != nil {
			return nil, nil, err
		}
		all.Files = append(all.Files, f)
	}
	if err := all.indexTensors(); err != nil {
		return nil, nil, err
	}
	if _, _, ok := all.Lookup(strings.TrimPrefix(visionEmbedding, "vision_model.")); ok { // as transformers 5 writes it
		bare := all.tensors
		all.tensors = map[string]place{}
		for name, p := range bare {
			if !strings.HasPrefix(name, "visual_projection.") {
				name = "vision_model." + name
			}
			all.tensors[name] = p
		}
	}
	vision, err = all.visionPart()
	if err != nil {
		return nil, nil, err
	}
	text, err = all.textPart()
	return vision, text, err
}

// below takes the tensors of one encoder.
func (c *Component) below(class string, prefixes ...string) (*Component, tensors) {
	part := &Component{Class: class, Dir: c.Dir, Files: c.Files, tensors: map[string]place{}}
	t := tensors{}
	for name, p := range c.tensors {
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) && !strings.HasSuffix(name, "position_ids") {
				part.tensors[name], t[name] = p, p.tensor
			}
		}
	}
	return part, t
}

func (c *Component) visionPart() (*Component, error) {
	part, t := c.below(ClassVision, "vision_model.", "visual_projection.")
	if !t.has(visionEmbedding) || !t.has("visual_projection.weight") {
		return nil, &UnsupportedError{Path: c.Dir, Reason: "it has no image encoder of CLIP with its projection (vision_model, visual_projection)"}
	}
	hidden, side := t.dim(visionEmbedding, 0), t.dim(visionEmbedding, 3)
	places := t.dim("vision_model.embeddings.position_embedding.weight", 0) - 1
	across := int64(0)
	for (across+1)*(across+1) <= places {
		across++
	}
	config := config{
		"hidden_size": hidden, "intermediate_size": t.dim("vision_model.encoder.layers.0.mlp.fc1.weight", 0),
		"num_hidden_layers": t.count("vision_model.encoder.layers.%d.layer_norm1.weight"), "patch_size": side, "image_size": across * side,
		"projection_dim": t.dim("visual_projection.weight", 0), "layer_norm_eps": 1e-5,
		// OpenAI's B and L, and OpenCLIP's H and bigG.
		"num_attention_heads": max(1, hidden/64), "hidden_act": "quick_gelu",
	}
	if hidden > 1024 {
		config["num_attention_heads"], config["hidden_act"] = 16, "gelu"
	}
	return part, c.settle(part, config, "vision_config")
}

func (c *Component) textPart() (*Component, error) {
	part, t := c.below(ClassTextProjection, "text_model.", "text_projection.")
	if !t.has("text_projection.weight") || !t.has("text_model.embeddings.token_embedding.weight") {
		return nil, nil
	}
	width := t.dim("text_model.embeddings.token_embedding.weight", 1)
	return part, c.settle(part, inferText(t, ClassTextProjection, width > 768), "text_config")
}

// settle completes a config that was worked out from the tensors by what only
// the model's own says: below key, or at its top where it is of one encoder.
func (c *Component) settle(part *Component, inferred config, key string) error {
	if c.Config != nil {
		own := map[string]json.RawMessage{}
		if err := json.Unmarshal(c.Config, &own); err != nil {
			return &FormatError{Path: filepath.Join(c.Dir, "config.json"), Problem: err.Error()}
		}
		if nested, ok := own[key]; ok {
			own = map[string]json.RawMessage{}
			if err := json.Unmarshal(nested, &own); err != nil {
				return errors.Join(&FormatError{Path: filepath.Join(c.Dir, "config.json"), Problem: key + " is not an object"}, err)
			}
		}
		for _, name := range []string{"num_attention_heads", "hidden_act", "layer_norm_eps", "eos_token_id"} {
			if v, ok := own[name]; ok && string(v) != "null" {
				inferred[name] = v
			}
		}
	}
	part.Config = inferred.encode()
	return nil
}
