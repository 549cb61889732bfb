// Package models makes small models with random weights for tests, in every
// layout that users have: the ones that testdata/make_family_fixtures.py
// describes. Weights are drawn with the generator that torch has, so that they
// needn't be stored.
package models

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"maquette/inference/sampler"
)

// Model is a family's model.
type Model struct {
	Components map[string]*Component
	// Scheduler is the content of scheduler_config.json.
	Scheduler json.RawMessage
	// Single and Control list the tensors of the single files in LDM's layout.
	Single, Control []Fused
}

// Component is one of its networks.
type Component struct {
	Config json.RawMessage
	Seed   int64
	Params []Param

	once    sync.Once
	weights map[string][]float32
}

// Param is a parameter: [name, shape] in the description.
type Param struct {
	Name  string
	Shape []int64
}

// UnmarshalJSON reads [name, shape].
func (p *Param) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.Name, &p.Shape})
}

// Fused is a tensor of a single file: [name, [[component, parameter], …],
// shape, transposed] in the description.
type Fused struct {
	Name       string
	Of         [][2]string
	Shape      []int64
	Transposed bool
}

// UnmarshalJSON reads the list.
func (f *Fused) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&f.Name, &f.Of, &f.Shape, &f.Transposed})
}

// Load reads families.json.gz in the folder testdata.
func Load(testdata string) (map[string]*Model, error) {
	f, err := os.Open(filepath.Join(testdata, "families.json.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var all map[string]*Model
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return all, nil
}

// Weights draws the parameters of a component, as randomise in the script does.
func (c *Component) Weights() map[string][]float32 {
	c.once.Do(func() {
		c.weights = map[string][]float32{}
		g := sampler.NewGenerator(c.Seed)
		for _, p := range c.Params {
			n := int64(1)
			for _, d := range p.Shape {
				n *= d
			}
			values := make([]float32, n)
			g.Normal(values)
			scale, add := float32(0.1), float32(0)
			if len(p.Shape) > 1 {
				scale = float32(math.Pow(float64(n/p.Shape[0]), -0.5))
			} else if strings.Contains(p.Name, "norm") && strings.HasSuffix(p.Name, "weight") {
				add = 1
			}
			for i, v := range values {
				values[i] = v*scale + add
			}
			c.weights[p.Name] = values
		}
	})
	return c.weights
}

// Tensors are a component's parameters as a file has them.
func (c *Component) Tensors() []Tensor {
	var list []Tensor
	for _, p := range c.Params {
		list = append(list, Tensor{p.Name, p.Shape, c.Weights()[p.Name]})
	}
	return list
}

// Fuse gives the tensors of a single file.
func (m *Model) Fuse(entries []Fused) []Tensor {
	var list []Tensor
	for _, e := range entries {
		var values []float32
		for _, ref := range e.Of {
			values = append(values, m.Components[ref[0]].Weights()[ref[1]]...)
		}
		if e.Transposed {
			rows, cols := int(e.Shape[1]), int(e.Shape[0])
			turned := make([]float32, len(values))
			for i := range rows {
				for j := range cols {
					turned[j*rows+i] = values[i*cols+j]
				}
			}
			values = turned
		}
		list = append(list, Tensor{e.Name, e.Shape, values})
	}
	return list
}

// WriteFolder writes the model as a diffusers folder whose weights lie in the
// given number of shards, with variant ("" or "fp16") in the files' names.
func (m *Model) WriteFolder(dir, variant string, shards int, dtype DType) error {
	index := map[string]any{"_class_name": "StableDiffusionPipeline"}
	if m.Components["text_encoder_2"] != nil {
		index["_class_name"] = "StableDiffusionXLPipeline"
	}
	for part, c := range m.Components {
		stem := "diffusion_pytorch_model"
		if strings.HasPrefix(part, "text_encoder") {
			stem = "model"
		}
		if variant != "" {
			stem += "." + variant
		}
		sub := filepath.Join(dir, part)
		if err := writeJSON(filepath.Join(sub, "config.json"), c.Config); err != nil {
			return err
		}
		list := c.Tensors()
		if shards == 1 {
			if err := Write(filepath.Join(sub, stem+".safetensors"), list, dtype); err != nil {
				return err
			}
			continue
		}
		where := map[string]string{}
		for i := range shards {
			name := fmt.Sprintf("%s-%05d-of-%05d.safetensors", stem, i+1, shards)
			part := list[i*len(list)/shards : (i+1)*len(list)/shards]
			for _, t := range part {
				where[t.Name] = name
			}
			if err := Write(filepath.Join(sub, name), part, dtype); err != nil {
				return err
			}
		}
		if err := writeJSON(filepath.Join(sub, stem+".safetensors.index.json"), map[string]any{"weight_map": where}); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(dir, "scheduler", "scheduler_config.json"), m.Scheduler); err != nil {
		return err
	}
	for _, tokenizer := range []string{"tokenizer", "tokenizer_2"} {
		pad := "<|endoftext|>"
		if tokenizer == "tokenizer_2" || strings.Contains(string(m.Components["text_encoder"].Config), `"gelu"`) {
			pad = "!"
		}
		if err := writeJSON(filepath.Join(dir, tokenizer, "special_tokens_map.json"), map[string]string{"pad_token": pad}); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(dir, "model_index.json"), index)
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
