package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The classes of components that Maquette runs, as model configs name them.
const (
	ClassTextEncoder = "CLIPTextModel"
	// ClassTextProjection is a text encoder that gives the embedding of the whole
	// prompt as well: the second one of Stable Diffusion XL.
	ClassTextProjection = "CLIPTextModelWithProjection"
	ClassUNet           = "UNet2DConditionModel"
	ClassVAE            = "AutoencoderKL"
	ClassTinyVAE        = "AutoencoderTiny"
	ClassControlNet     = "ControlNetModel"
)

// maxConfig bounds the JSON configs that are read.
const maxConfig = 4 << 20

// Component is one network of a model: its config and where its tensors lie.
type Component struct {
	// Class is one of the Class constants.
	Class string
	// Dir is the component's folder, or the single file that it lies in; absolute.
	Dir string
	// Config is the content of config.json, a valid JSON object. For single files
	// it is worked out from the tensors' names and shapes.
	Config json.RawMessage
	// Files are the weight files, usually one.
	Files []*File

	tensors map[string]place
}

// place is where a tensor lies; its Name is the one in the file.
type place struct {
	file   *File
	tensor Tensor
}

// MissingError reports a file that a model folder lacks.
type MissingError struct {
	Path   string
	Advice string
}

func (e *MissingError) Error() string {
	s := e.Path + " is missing"
	if e.Advice != "" {
		s += ". " + e.Advice
	}
	return s
}

// Is makes errors.Is(err, fs.ErrNotExist) hold.
func (e *MissingError) Is(target error) bool { return target == fs.ErrNotExist }

// UnsupportedError reports a model that Maquette recognises but doesn't run.
type UnsupportedError struct {
	Path string
	// Reason is a sentence for the user, without a full stop.
	Reason string
}

func (e *UnsupportedError) Error() string { return e.Path + ": " + e.Reason }

// openComponent opens the component in dir, whose class must be one of classes.
func openComponent(dir string, classes ...string) (*Component, error) {
	config, class, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(classes, class) {
		return nil, &UnsupportedError{Path: filepath.Join(dir, "config.json"),
			Reason: fmt.Sprintf("it describes a %s; Maquette needs %s here", class, strings.Join(classes, " or "))}
	}
	c := &Component{Class: class, Dir: dir, Config: config}
	paths, err := weightFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		f, err := OpenSafetensors(path)
		if err != nil {
			return nil, err
		}
		c.Files = append(c.Files, f)
	}
	return c, c.indexTensors()
}

// indexTensors gives every tensor its current diffusers name.
func (c *Component) indexTensors() error {
	c.tensors = map[string]place{}
	for _, f := range c.Files {
		for _, t := range f.Tensors {
			name := currentName(c.Class, t.Name)
			if other, ok := c.tensors[name]; ok {
				return &FormatError{Path: f.Path, Problem: fmt.Sprintf("tensor %s is there twice, also in %s", show(name), other.file.Path)}
			}
			c.tensors[name] = place{f, t}
		}
	}
	return nil
}

// currentName translates spellings of older and newer writers, so that nothing
// inside knows two. Text encoders written by transformers 5 lack "text_model.";
// autoencoders written before diffusers 0.18 have other attention names.
func currentName(class, name string) string {
	switch class {
	case ClassTextEncoder, ClassTextProjection:
		if !strings.HasPrefix(name, "text_model.") && !strings.HasPrefix(name, "text_projection.") {
			return "text_model." + name
		}
	case ClassVAE:
		if i := strings.Index(name, ".attentions."); i >= 0 {
			head, tail := name[:i], name[i:]
			for _, r := range [...][2]string{{".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}} {
				tail = strings.Replace(tail, r[0], r[1], 1)
			}
			return head + tail
		}
	}
	return name
}

// Lookup finds a tensor by its diffusers name and says in which file it lies.
func (c *Component) Lookup(name string) (path string, t Tensor, ok bool) {
	p, ok := c.tensors[name]
	if !ok {
		return "", Tensor{}, false
	}
	return p.file.Path, p.tensor, true
}

// Names are the diffusers names of all tensors, sorted.
func (c *Component) Names() []string {
	names := make([]string, 0, len(c.tensors))
	for n := range c.tensors {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Bytes is the size of all weights.
func (c *Component) Bytes() int64 {
	var sum int64
	for _, p := range c.tensors {
		sum += p.tensor.Bytes
	}
	return sum
}

// Elements is the number of all weights' elements.
func (c *Component) Elements() int64 {
	var sum int64
	for _, p := range c.tensors {
		n := int64(1)
		for _, d := range p.tensor.Shape {
			n *= d
		}
		sum += n
	}
	return sum
}

// Precision is the element type that holds most bytes: "fp32", "fp16", "bf16" or the format's name.
func (c *Component) Precision() string {
	var all []Tensor
	for _, p := range c.tensors {
		all = append(all, p.tensor)
	}
	return precision(all)
}

func precision(tensors []Tensor) string {
	sum := map[string]int64{}
	best := ""
	for _, t := range tensors {
		sum[t.DType] += t.Bytes
	}
	for _, dtype := range slices.Sorted(maps.Keys(sum)) {
		if best == "" || sum[dtype] > sum[best] {
			best = dtype
		}
	}
	switch best {
	case "F32":
		return "fp32"
	case "F16":
		return "fp16"
	case "BF16":
		return "bf16"
	case "F8_E4M3":
		return "fp8 e4m3fn"
	case "F8_E5M2":
		return "fp8 e5m2"
	}
	return best
}

// readConfig reads config.json of dir and the class it names.
func readConfig(dir string) (json.RawMessage, string, error) {
	path := filepath.Join(dir, "config.json")
	data, err := readJSON(path)
	if err != nil {
		return nil, "", err
	}
	var head struct {
		Class         string   `json:"_class_name"`
		Architectures []string `json:"architectures"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	if head.Class == "" && len(head.Architectures) > 0 {
		head.Class = head.Architectures[0]
	}
	if head.Class == "" {
		return nil, "", &UnsupportedError{Path: path, Reason: "it names no _class_name or architectures, so it isn't a diffusers component"}
	}
	return data, head.Class, nil
}

// readJSON reads a JSON object of bounded size.
func readJSON(path string) (json.RawMessage, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &MissingError{Path: path}
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case st.Size() > maxConfig:
		return nil, fmt.Errorf("%s: %d bytes; a config has at most %d", path, st.Size(), maxConfig)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(trimmed) {
		return nil, fmt.Errorf("%s: not a JSON object; the file is damaged, download it again", path)
	}
	return data, nil
}

// stems are the weight files' names without their ending, in order of preference.
func stems() []string {
	return []string{"diffusion_pytorch_model", "diffusion_pytorch_model.fp16", "model", "model.fp16"}
}

// weightFiles finds the weight files of a component folder: one file, or the
// parts that an index names.
func weightFiles(dir string) ([]string, error) {
	for _, stem := range stems() {
		path := filepath.Join(dir, stem+".safetensors")
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			return []string{path}, nil
		}
		parts, err := indexedParts(path + ".index.json")
		if err == nil {
			return parts, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for _, name := range []string{"diffusion_pytorch_model.bin", "pytorch_model.bin", "diffusion_pytorch_model.fp16.bin", "pytorch_model.fp16.bin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return nil, &FormatError{Path: path, Problem: "the weights are a Python pickle", Advice: adviceConvert}
		}
	}
	return nil, &MissingError{Path: filepath.Join(dir, stems()[0]+".safetensors"),
		Advice: "The folder has a config but no weights; download the model again, with its .safetensors files"}
}

// indexedParts reads the weight map of a model that is split over several files.
func indexedParts(path string) ([]string, error) {
	data, err := readJSON(path)
	if err != nil {
		return nil, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	set := map[string]bool{}
	for _, name := range index.WeightMap {
		if name != filepath.Base(name) || !strings.HasSuffix(name, ".safetensors") {
			return nil, fmt.Errorf("%s: weight_map names %s, which isn't a .safetensors file of the same folder", path, show(name))
		}
		set[filepath.Join(filepath.Dir(path), name)] = true
	}
	if len(set) == 0 || len(set) > 64 {
		return nil, fmt.Errorf("%s: weight_map names %d files; want 1 to 64", path, len(set))
	}
	parts := make([]string, 0, len(set))
	for p := range set {
		parts = append(parts, p)
	}
	slices.Sort(parts)
	return parts, nil
}

// HasEncoder says whether a VAE has its encoder.
func (c *Component) HasEncoder() bool {
	for _, name := range []string{"encoder.conv_in.weight", "encoder.layers.0.weight"} {
		if _, _, ok := c.Lookup(name); ok {
			return true
		}
	}
	return false
}
