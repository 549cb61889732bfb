package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OpenControlNet opens a ControlNet: a diffusers folder (config.json and
// weights), the weight file inside such a folder, or a single file with LDM or
// diffusers names.
func OpenControlNet(path string) (*Component, error) {
	return openAlone(path, KindControlNet, (*File).controlNet, ClassControlNet)
}

// OpenVAE opens a VAE of its own: a diffusers folder or a single file with LDM
// or diffusers names, TAESD included. A single AutoencoderKL gets the scaling
// factor of the family it is used with; TAESD may come as decoder alone.
func OpenVAE(path, family string) (*Component, error) {
	return openAlone(path, KindVAE, func(f *File) *Component { return f.vae(family) }, ClassVAE, ClassTinyVAE)
}

// openAlone opens a component that is a model of its own.
func openAlone(path string, kind Kind, single func(*File) *Component, classes ...string) (*Component, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", path, err)
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{Path: path, Advice: "Check the path, or choose another model"}
	}
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return openComponent(path, classes...)
	}
	if isPickleName(path) {
		return nil, refuseFile(path)
	}
	if isFile(filepath.Join(filepath.Dir(path), "config.json")) {
		if c, err := openComponent(filepath.Dir(path), classes...); err == nil {
			return c, nil
		}
	}
	f, err := OpenSafetensors(path)
	if err != nil {
		return nil, err
	}
	if reason := f.foreignReason(); reason != "" {
		return nil, &UnsupportedError{Path: path, Reason: reason}
	}
	if got := f.kind(); got != kind {
		return nil, &UnsupportedError{Path: path, Reason: fmt.Sprintf("it is of kind %s; a %s is needed here", got, kind)}
	}
	return single(f), nil
}

// own gives the tensors below prefix the names they have there.
func (f *File) own(prefix string) tensors {
	t := tensors{}
	for _, tensor := range f.Tensors {
		if name, ok := strings.CutPrefix(tensor.Name, prefix); ok {
			t[name] = tensor
		}
	}
	return t
}

// controlNet is a ControlNet in a file of its own.
func (f *File) controlNet() *Component {
	if _, ok := f.Tensor("controlnet_cond_embedding.conv_in.weight"); ok {
		t := f.own("")
		return f.part(ClassControlNet, t, inferUNet(t, ClassControlNet))
	}
	prefix := ""
	if _, ok := f.Tensor("control_model.input_hint_block.0.weight"); ok {
		prefix = "control_model."
	}
	t := ldmControlNet(f.hasBelow(prefix)).all(f, prefix)
	c := f.part(ClassControlNet, t, inferUNet(t, ClassControlNet))
	c.Config = f.noted("controlnet", c.Config)
	return c
}

// vae is a VAE in a file of its own.
func (f *File) vae(family string) *Component {
	if t := f.tiny(""); t != nil {
		return f.part(ClassTinyVAE, t, inferTiny(t))
	}
	prefix := ""
	if _, ok := f.Tensor(ldmVAEPrefix + "decoder.conv_in.weight"); ok {
		prefix = ldmVAEPrefix
	}
	t := tensors{}
	if f.hasBelow(prefix)("decoder.mid.block_1.conv1.weight") {
		t = ldmVAE(f.hasBelow(prefix)).all(f, prefix)
	} else {
		for name, tensor := range f.own(prefix) {
			t[currentName(ClassVAE, name)] = tensor
		}
	}
	return f.part(ClassVAE, t, inferVAE(t, scaling(family)))
}

// tiny gives TAESD's tensors below prefix their diffusers names, or nil. Its own
// files hold one half each, as a sequence whose first entry in the decoder has no
// weights.
func (f *File) tiny(prefix string) tensors {
	has := f.hasBelow(prefix)
	switch {
	case has("decoder.layers.0.weight"), has("encoder.layers.0.weight"):
		return f.own(prefix)
	case has("1.weight") && has("3.conv.0.weight"):
		t := tensors{}
		for name, tensor := range f.own(prefix) {
			var n int
			var rest string
			if _, err := fmt.Sscanf(name, "%d.%s", &n, &rest); err == nil && n > 0 {
				t[fmt.Sprintf("decoder.layers.%d.%s", n-1, rest)] = tensor
			}
		}
		return t
	case has("0.weight") && has("1.conv.0.weight"):
		t := tensors{}
		for name, tensor := range f.own(prefix) {
			t["encoder.layers."+name] = tensor
		}
		return t
	}
	return nil
}

// inferTiny works out the config of TAESD: how many blocks each level has.
func inferTiny(t tensors) config {
	c := config{"_class_name": ClassTinyVAE, "latent_channels": 4, "scaling_factor": 1.0}
	// run counts the blocks from layer i on.
	run := func(half string, i int) int {
		n := 0
		for n < maxBlocks && t.has(fmt.Sprintf("%s.layers.%d.conv.0.weight", half, i+n)) {
			n++
		}
		return n
	}
	levels := func(half string, first, skip int) (blocks []int) {
		for i := first; len(blocks) < maxBlocks; {
			n := run(half, i)
			blocks = append(blocks, n)
			i += n + skip
			// What halves or doubles the size has no bias; the last layer has one.
			at := fmt.Sprintf("%s.layers.%d.", half, i)
			if !t.has(at+"weight") || t.has(at+"bias") {
				return blocks
			}
			i++
		}
		return blocks
	}
	same := func(n int, ch int64) []int64 {
		out := make([]int64, n)
		for i := range out {
			out[i] = ch
		}
		return out
	}
	decoder, encoder := []int(nil), []int(nil)
	if t.has("decoder.layers.0.weight") {
		decoder = levels("decoder", 2, 1)
	}
	if t.has("encoder.layers.0.weight") {
		encoder = levels("encoder", 1, 0)
	}
	// A half that isn't there mirrors the other; its graph is never asked for.
	mirror := func(from []int) []int { out := slices.Clone(from); slices.Reverse(out); return out }
	dch, ech := t.dim("decoder.layers.0.weight", 0), t.dim("encoder.layers.0.weight", 0)
	if decoder == nil {
		decoder, dch = mirror(encoder), ech
	}
	if encoder == nil {
		encoder, ech = mirror(decoder), dch
	}
	c["num_decoder_blocks"], c["decoder_block_out_channels"] = decoder, same(len(decoder), dch)
	c["num_encoder_blocks"], c["encoder_block_out_channels"] = encoder, same(len(encoder), ech)
	return c
}
