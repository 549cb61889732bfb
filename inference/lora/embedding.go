package lora

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"maquette/inference/checkpoint"
)

// Limits of an embedding. A chunk of a prompt has 75 tokens, so real embeddings
// have fewer vectors.
const (
	maxVectors = 1024
	maxWidth   = 8192
)

// Embedding is a textual inversion (Gal et al. 2022, arXiv 2208.01618): vectors
// that stand in a prompt in place of a word's token embeddings.
type Embedding struct {
	// Path is absolute; Name is the file's name without its ending, by which
	// prompts name it.
	Path, Name string
	// Token is the word that the file itself gives, such as "<vase-style>", or "".
	Token string
	// Vectors are those of each text encoder, [n][width] with the same n; files
	// for checkpoints with one text encoder have TextEncoder only.
	Vectors map[Part][][]float32
}

// OpenEmbedding reads a textual inversion: AUTOMATIC1111's (emb_params),
// diffusers' (one tensor named after its token) or one for Stable Diffusion XL
// (clip_l and clip_g). Elements may be F64, F32, F16 or BF16. Errors:
// *checkpoint.FormatError, *checkpoint.UnsupportedError, file system errors.
func OpenEmbedding(path string) (*Embedding, error) {
	header, f, name, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e := &Embedding{Path: header.Path, Name: name, Vectors: map[Part][][]float32{}}
	places, err := e.places(header)
	if err != nil {
		return nil, err
	}
	for part, t := range places {
		if e.Vectors[part], err = readVectors(f, t); err != nil {
			return nil, err
		}
	}
	if second, ok := e.Vectors[TextEncoder2]; ok && len(second) != len(e.Vectors[TextEncoder]) {
		return nil, &checkpoint.FormatError{Path: header.Path,
			Problem: fmt.Sprintf("clip_l has %d vectors and clip_g %d; they should have the same", len(e.Vectors[TextEncoder]), len(second))}
	}
	return e, nil
}

// places says which tensor is for which text encoder, and sets Token.
func (e *Embedding) places(header *checkpoint.File) (map[Part]checkpoint.Tensor, error) {
	if t, ok := header.Tensor("emb_params"); ok {
		return map[Part]checkpoint.Tensor{TextEncoder: t}, nil
	}
	l, hasL := header.Tensor("clip_l")
	g, hasG := header.Tensor("clip_g")
	switch {
	case hasL && hasG:
		return map[Part]checkpoint.Tensor{TextEncoder: l, TextEncoder2: g}, nil
	case len(header.Tensors) == 1 && !hasL && !hasG:
		e.Token = header.Tensors[0].Name
		return map[Part]checkpoint.Tensor{TextEncoder: header.Tensors[0]}, nil
	}
	return nil, &checkpoint.UnsupportedError{Path: header.Path,
		Reason: "it is no textual inversion that Maquette knows: it should hold emb_params, clip_l with clip_g, or one tensor named after its token"}
}

// readVectors reads the rows of a tensor [n, width] or [width].
func readVectors(f *os.File, t checkpoint.Tensor) ([][]float32, error) {
	bad := func(format string, args ...any) ([][]float32, error) {
		return nil, &checkpoint.FormatError{Path: f.Name(), Problem: fmt.Sprintf("tensor %.200q ", t.Name) + fmt.Sprintf(format, args...)}
	}
	shape := t.Shape
	if len(shape) == 1 {
		shape = []int64{1, shape[0]}
	}
	if len(shape) != 2 || shape[0] < 1 || shape[0] > maxVectors || shape[1] < 1 || shape[1] > maxWidth {
		return bad("has shape %v; an embedding has 1 to %d vectors of at most %d numbers", t.Shape, maxVectors, maxWidth)
	}
	all, err := readFloats(f, t, shape[0]*shape[1])
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }) {
		return bad("holds numbers that aren't finite; the file is damaged or its training failed")
	}
	return slices.Collect(slices.Chunk(all, int(shape[1]))), nil
}

// Fits says whether the embedding is for a checkpoint whose text encoders have
// the given widths. The error is a *FitError that says what it is for.
func (e *Embedding) Fits(widths map[Part]int) error {
	fits := len(widths) == len(e.Vectors)
	var have []string
	for _, part := range []Part{TextEncoder, TextEncoder2} {
		if v, ok := e.Vectors[part]; ok {
			have = append(have, fmt.Sprint(len(v[0])))
			fits = fits && len(v[0]) == widths[part]
		}
	}
	if fits {
		return nil
	}
	var want []string
	for _, part := range []Part{TextEncoder, TextEncoder2} {
		if w, ok := widths[part]; ok {
			want = append(want, fmt.Sprint(w))
		}
	}
	return &FitError{e.Path, fmt.Sprintf("the embedding is for text encoders of width %s, the checkpoint's have %s", strings.Join(have, " and "), strings.Join(want, " and "))}
}
