package inference

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
)

// maxVectors is the number of vectors of a textual inversion that fit a chunk.
const maxVectors = prompt.Length - 2

// change is what the LoRAs of a request do to one network.
type change struct {
	files     []*lora.File // those that change it, by path
	states    []string     // of the files, for the cache's keys
	strengths strengths    // in the order of files
	elements  int64        // in the files
}

// strengths are those of the LoRAs that change a network, in the order of its inputs.
type strengths []float32

// name adds the inputs that take the strengths; the caller closes them.
func (s strengths) name(in map[string]*runtime.Tensor) error {
	for i, v := range s {
		t, err := runtime.NewFloat32([]int64{1}, []float32{v})
		if err != nil {
			return err
		}
		in[lora.Input(i)] = t
	}
	return nil
}

// openLoRAs reads the LoRAs of the request as they apply to the checkpoint.
func (r *run) openLoRAs(m *checkpoint.Model) (map[lora.Part]*change, error) {
	if len(r.req.LoRAs) == 0 {
		return nil, nil
	}
	nets := lora.Networks{lora.UNet: m.UNet, lora.TextEncoder: m.TextEncoder}
	if m.TextEncoder2 != nil {
		nets[lora.TextEncoder2] = m.TextEncoder2
	}
	// The order doesn't change the image, so it needn't change the graph.
	list := slices.Clone(r.req.LoRAs)
	slices.SortStableFunc(list, func(a, b LoRA) int { return cmp.Compare(a.Path, b.Path) })
	changes := map[lora.Part]*change{}
	for _, l := range list {
		f, err := lora.Open(l.Path, nets)
		if err != nil {
			return nil, adapterError("LoRA", l.Path, err)
		}
		if n := len(f.Skipped); n > 0 {
			r.note(fmt.Sprintf("%d tensors of the LoRA %s, such as %s, change nothing of this checkpoint and are left out", n, f.Name, f.Skipped[0]))
		}
		state, err := fileState(f.Path)
		if err != nil {
			return nil, adapterError("LoRA", l.Path, err)
		}
		for part, deltas := range f.Deltas {
			c := changes[part]
			if c == nil {
				c = &change{}
				changes[part] = c
			}
			strength := l.Text
			if part == lora.UNet {
				strength = l.UNet
			}
			c.files, c.states, c.strengths = append(c.files, f), append(c.states, state), append(c.strengths, strength)
			for _, d := range deltas {
				c.elements += d.Elements()
			}
		}
	}
	return changes, nil
}

// adapterError names the file in errors of the file system that don't say what it is for.
func adapterError(kind, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s %s any more; choose another one, or put it back: %w", kind, path, err)
	}
	return fmt.Errorf("%s: %w", kind, err)
}

// patched completes a part whose network LoRAs may change. Their strengths are
// inputs of its graph, so that only another set of files needs another session.
// They act on the activations: the weights stay constants, which all sessions
// map from their file, and may be in int8.
func (n *networks) patched(name lora.Part, changes map[lora.Part]*change, p part, build func(graph.Patch, arch.Size) (*graph.Model, error)) part {
	c := changes[name]
	if c == nil {
		p.build = func(s arch.Size) (*graph.Model, error) { return build(nil, s) }
		return p
	}
	patch := lora.NewPatch(name, c.files, lora.Activations)
	p.build = func(s arch.Size) (*graph.Model, error) { return build(patch, s) }
	p.variant += "\n" + strings.Join(c.states, "")
	p.extra = c.elements
	n.strengths[name] = c.strengths
	return p
}

// textOutput is what the UNet of a family reads of its text encoders, or what a
// clip skip asks for.
func textOutput(family string, xl bool, clipSkip int) arch.TextOutput {
	switch {
	case xl: // the last layer but one, without the norm
		return arch.TextOutput{Skip: max(clipSkip, 2) - 1, Raw: true, Vectors: true}
	case strings.HasPrefix(family, "sd2"): // whose text encoder comes without its last layer
		return arch.TextOutput{Skip: max(clipSkip, 2) - 2, Vectors: true}
	}
	return arch.TextOutput{Skip: max(clipSkip, 1) - 1, Vectors: true}
}

// inversion is a textual inversion under one of its names.
type inversion struct {
	*lora.Embedding
	name string
}

// openEmbeddings reads textual inversions, each of which may have several names.
func openEmbeddings(list []Embedding, widths map[lora.Part]int) ([]*inversion, error) {
	var all []*inversion
	for _, req := range list {
		e, err := lora.OpenEmbedding(req.Path)
		if err == nil {
			err = e.Fits(widths)
		}
		if err == nil && len(e.Vectors[lora.TextEncoder]) > maxVectors {
			err = fmt.Errorf("%s has %d vectors; a prompt takes %d at most", req.Path, len(e.Vectors[lora.TextEncoder]), maxVectors)
		}
		if err != nil {
			return nil, adapterError("textual inversion", req.Path, err)
		}
		for _, name := range []string{req.Name, e.Name, e.Token} {
			known := slices.ContainsFunc(all, func(o *inversion) bool { return o.name == name })
			if strings.TrimSpace(name) != "" && !known {
				all = append(all, &inversion{e, name})
			}
		}
	}
	return all, nil
}
