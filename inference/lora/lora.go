// Package lora reads what people train onto checkpoints: LoRA, LoCon and LoHa
// files, and textual-inversion embeddings. It finds out which weights of a
// checkpoint a file changes, under whatever names the file has for them, and
// adds the change to the graph with a strength that is an input of the model,
// so that it is chosen anew for each render.
//
// The methods are those of LoRA (Hu et al. 2021, arXiv 2106.09685), and of LoCon
// and LoHa in LyCORIS (Yeh et al. 2023, arXiv 2309.14859).
package lora

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"maquette/inference/checkpoint"
)

// File is a LoRA file as it applies to one checkpoint.
type File struct {
	// Path is absolute; Name is the file's name without its ending, by which
	// prompts name it.
	Path, Name string
	// Deltas are the changes of each network, by the diffusers name of the weight.
	Deltas map[Part]map[string]*Delta
	// Skipped are the names of the file's tensors that are left out, sorted: the
	// checkpoint has no such module, or they change a bias or a norm.
	Skipped []string

	source source
}

// source finds the tensors of the file by their names in it.
type source struct{ *checkpoint.File }

// Lookup implements graph.Source.
func (s source) Lookup(name string) (string, checkpoint.Tensor, bool) {
	t, ok := s.Tensor(name)
	return s.Path, t, ok
}

// FitError reports a LoRA or embedding that was made for another kind of checkpoint.
type FitError struct {
	Path string
	// Problem is a clause that says what doesn't fit.
	Problem string
}

func (e *FitError) Error() string {
	return fmt.Sprintf("%s doesn't fit the checkpoint: %s; choose one that was made for the family of the checkpoint", e.Path, e.Problem)
}

// Open reads the LoRA at path as it applies to the networks of a checkpoint. It
// reads the header and the alphas; the weights stay in the file.
//
// Each name is resolved against the checkpoint's own weights. What resolves to
// none is listed in Skipped; if that is everything, or if a shape is not the
// checkpoint's, the error is a *FitError. Other errors: *checkpoint.FormatError,
// *checkpoint.UnsupportedError for methods such as DoRA and LoKr, file system errors.
func Open(path string, nets Networks) (*File, error) {
	header, f, name, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := reader{
		file:   &File{Path: header.Path, Name: name, Deltas: map[Part]map[string]*Delta{}, source: source{header}},
		data:   f,
		names:  index(nets),
		groups: map[string]group{},
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.file, nil
}

// open reads the header of a safetensors file and opens it for its data; name is
// that of the file without its ending. The caller closes data.
func open(path string) (header *checkpoint.File, data *os.File, name string, err error) {
	if pickled(path) {
		return nil, nil, "", &checkpoint.UnsupportedError{Path: path, Reason: pickleReason}
	}
	if header, err = checkpoint.OpenSafetensors(path); err != nil {
		return nil, nil, "", err
	}
	if data, err = os.Open(header.Path); err != nil {
		return nil, nil, "", err
	}
	base := filepath.Base(header.Path)
	return header, data, strings.TrimSuffix(base, filepath.Ext(base)), nil
}

const pickleReason = "pickled weights (.pt, .bin, .ckpt) can run any program when they are opened, so Maquette never reads them; " +
	"look for the same model as .safetensors"

// pickled says whether files with this ending are usually pickles.
func pickled(path string) bool {
	return slices.Contains([]string{".pt", ".bin", ".ckpt", ".pth", ".pkl"}, strings.ToLower(filepath.Ext(path)))
}

// group holds the tensors of one module of the file.
type group map[field]checkpoint.Tensor

type reader struct {
	file   *File
	data   *os.File
	names  names
	groups map[string]group // by the module's name in the file
}

func (r *reader) read() error {
	if err := r.collect(); err != nil {
		return err
	}
	alphas, err := configuredAlphas(r.file.source.Metadata)
	if err != nil {
		return r.format("%v", err)
	}
	mods := make([]string, 0, len(r.groups))
	for mod := range r.groups {
		mods = append(mods, mod)
	}
	// Some files have the same change under diffusers' and under LDM's names;
	// diffusers' count, as in diffusers itself.
	slices.SortFunc(mods, func(a, b string) int {
		if la, lb := r.names[a].ldm, r.names[b].ldm; la != lb {
			if la {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	applied := 0
	for _, mod := range mods {
		m, ok := r.names.find(mod)
		if !ok || r.file.Deltas[m.part][m.weight] != nil {
			r.skip(r.groups[mod])
			continue
		}
		d, err := r.delta(mod, m, alphas)
		if err != nil {
			return err
		}
		if r.file.Deltas[m.part] == nil {
			r.file.Deltas[m.part] = map[string]*Delta{}
		}
		r.file.Deltas[m.part][m.weight] = d
		applied++
	}
	slices.Sort(r.file.Skipped)
	if applied > 0 {
		return nil
	}
	if len(r.groups) == 0 {
		return &checkpoint.UnsupportedError{Path: r.file.Path, Reason: "it holds no LoRA, LoCon or LoHa"}
	}
	return &FitError{r.file.Path, fmt.Sprintf("it has none of the %d modules that the LoRA changes, such as %.200q", len(mods), mods[0])}
}

// collect sorts the file's tensors into groups.
func (r *reader) collect() error {
	for _, t := range r.file.source.Tensors {
		mod, role, kind := split(t.Name)
		switch {
		case role == other, kind == biasKind, kind == normKind:
			r.file.Skipped = append(r.file.Skipped, t.Name)
			continue
		case role == foreign:
			return &checkpoint.UnsupportedError{Path: r.file.Path,
				Reason: fmt.Sprintf("%.200q is part of %s; Maquette applies LoRA, LoCon and LoHa", t.Name, kind)}
		}
		g := r.groups[mod]
		if g == nil {
			g = group{}
			r.groups[mod] = g
		}
		if old, ok := g[role]; ok {
			return r.format("tensors %.200q and %.200q are for the same place", old.Name, t.Name)
		}
		g[role] = t
	}
	return nil
}

func (r *reader) skip(g group) {
	for _, t := range g {
		r.file.Skipped = append(r.file.Skipped, t.Name)
	}
}

func (r *reader) format(format string, args ...any) error {
	return &checkpoint.FormatError{Path: r.file.Path, Problem: fmt.Sprintf(format, args...)}
}

// delta makes the change of one module out of its tensors.
func (r *reader) delta(mod string, m module, alphas configAlphas) (*Delta, error) {
	g := r.groups[mod]
	d := &Delta{Part: m.part, Weight: m.weight, Shape: trim(m.shape), source: r.file.source}
	var err error
	switch {
	case g.has(up, down):
		d.Kind = LoRA
		if _, ok := g[mid]; ok || len(d.Shape) == 4 {
			d.Kind = LoCon
		}
		d.products, err = r.products(d, g, roles{a: up, b: down, core: mid})
	case g.has(hada1A, hada1B, hada2A, hada2B):
		d.Kind = LoHa
		d.products, err = r.products(d, g, roles{hada1A, hada1B, hada1T}, roles{hada2A, hada2B, hada2T})
	default:
		return nil, r.format("module %.200q lacks one of its factors", mod)
	}
	if err != nil {
		return nil, err
	}
	// The rank of all products of a LoHa is the same in LyCORIS' files, and the
	// first's is what alpha is divided by.
	d.Rank = d.products[0].rank
	d.Scale = 1
	if t, ok := g[alpha]; ok {
		v, err := readFloats(r.data, t, 1)
		if err != nil {
			return nil, err
		}
		if len(v) != 1 {
			return nil, r.format("tensor %.200q is empty; it should be one number", t.Name)
		}
		d.Scale = v[0] / float32(d.Rank)
	} else if d.Kind != LoHa {
		d.Scale = alphas.scale(m, d.Rank)
	}
	if s := float64(d.Scale); math.IsNaN(s) || math.IsInf(s, 0) {
		return nil, r.format("the alpha of %.200q is no finite number", mod)
	}
	return d, nil
}

func (g group) has(roles ...field) bool {
	return !slices.ContainsFunc(roles, func(f field) bool { _, ok := g[f]; return !ok })
}

// roles are those of a product's factors.
type roles struct{ a, b, core field }

// products makes the products of d and checks them against the weight's shape.
func (r *reader) products(d *Delta, g group, list ...roles) ([]product, error) {
	var all []product
	for _, role := range list {
		core, tucker := g[role.core]
		p := product{a: g[role.a], b: g[role.b], core: core, tucker: tucker, flipped: tucker && d.Kind == LoHa}
		if err := p.check(d.Shape); err != nil {
			if errors.Is(err, errType) {
				return nil, &checkpoint.UnsupportedError{Path: r.file.Path, Reason: err.Error()}
			}
			return nil, &FitError{r.file.Path, fmt.Sprintf("%v, for %s of shape %v", err, d.Weight, d.Shape)}
		}
		all = append(all, p)
	}
	return all, nil
}

// trim drops the trailing ones of a 1×1 convolution's shape, which files have
// or lack without a rule.
func trim(shape []int64) []int64 {
	for len(shape) > 2 && shape[len(shape)-1] == 1 {
		shape = shape[:len(shape)-1]
	}
	return shape
}
