// Package depth estimates the depth of photographs with an ONNX network of the
// user's own, such as MiDaS v2.1 small or Depth Anything V2 Small.
package depth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/onnxfile"
)

// Kind is the kind of depth models in the model library.
const Kind checkpoint.Kind = "depth"

const maxBytes = 2 << 30 // of a model; ONNX files end there

// NotDepthError says why an ONNX model is no depth model.
type NotDepthError struct{ Path, Reason string }

func (e *NotDepthError) Error() string {
	return fmt.Sprintf("%s is not a depth model: %s", e.Path, e.Reason)
}

// Inspect recognises a depth model by its inputs and outputs: float32, from one
// picture [1,3,H,W] to one map [1,H,W] or [1,1,H,W], of fixed or of any size.
// Only the description in the file is read. Errors: a file that can't be read,
// *NotDepthError.
func Inspect(path string) (checkpoint.Entry, error) {
	e := checkpoint.Entry{Path: path, Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), Kind: Kind}
	_, _, size, err := read(path)
	e.Bytes = size
	return e, err
}

// read gives the picture and the map of a depth model, and the file's size.
func read(path string) (in, out graph.IO, size int64, err error) {
	st, err := os.Stat(path) // before opening, which waits where a pipe lies
	if err != nil {
		return in, out, 0, fmt.Errorf("depth model: %w", err)
	}
	refuse := func(format string, args ...any) (graph.IO, graph.IO, int64, error) {
		return in, out, st.Size(), &NotDepthError{path, fmt.Sprintf(format, args...)}
	}
	if !st.Mode().IsRegular() || st.Size() > maxBytes {
		return refuse("an ONNX model is a file of at most 2 GB")
	}
	f, err := os.Open(path)
	if err != nil {
		return in, out, 0, fmt.Errorf("depth model: %w", err)
	}
	defer f.Close()
	inputs, outputs, err := onnxfile.Signature(f, st.Size())
	if err != nil {
		return refuse("%v", err)
	}
	if len(inputs) != 1 || len(outputs) != 1 {
		return refuse("it has %d inputs and %d outputs, not one picture and one map", len(inputs), len(outputs))
	}
	in, out = inputs[0], outputs[0]
	if in.Type != graph.Float32 || len(in.Shape) != 4 || !is(in.Shape[0], 1) || !is(in.Shape[1], 3) {
		return refuse("its input %s of shape %v is not a picture of float32", in.Name, in.Shape)
	}
	n := len(out.Shape)
	if out.Type != graph.Float32 || n != 3 && n != 4 || !is(out.Shape[0], 1) || n == 4 && !is(out.Shape[1], 1) {
		return refuse("its output %s of shape %v is not one map of float32", out.Name, out.Shape)
	}
	for k := range 2 {
		side, depth := in.Shape[2+k], out.Shape[n-2+k]
		if side > maxSide || side != graph.Dynamic && depth != graph.Dynamic && side != depth {
			return refuse("its output of shape %v does not fit its input of shape %v", out.Shape, in.Shape)
		}
	}
	return in, out, st.Size(), nil
}

// is reports whether a dimension may be n.
func is(dim, n int64) bool { return dim == n || dim == graph.Dynamic }

// Find lists the depth models in folders and below them, as checkpoint.Files
// looks for them: first those whose name says what they are, then by path.
func Find(ctx context.Context, folders []string) ([]checkpoint.Entry, error) {
	files, err := checkpoint.Files(ctx, folders, ".onnx")
	if err != nil {
		return nil, err
	}
	var found []checkpoint.Entry
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e, err := Inspect(path); err == nil {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b checkpoint.Entry) int {
		return cmp.Or(cmp.Compare(unnamed(a.Path), unnamed(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return found, nil
}

// unnamed is 0 for files that are called depth models, as most are, and 1 for
// others, which might make another kind of map.
func unnamed(path string) int {
	dir, name := filepath.Split(strings.ToLower(path))
	for _, text := range []string{name, filepath.Base(dir), filepath.Base(filepath.Dir(filepath.Clean(dir)))} {
		for _, word := range []string{"depth", "midas", "dpt"} {
			if strings.Contains(text, word) {
				return 0
			}
		}
	}
	return 1
}

// errShape reports an answer that is no map; Inspect rules it out for models
// that say their output's shape.
var errShape = errors.New("the model's answer is not one map")
