package graph

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"maquette/inference/checkpoint"
)

// Source finds tensors by name. *checkpoint.Component is one.
type Source interface {
	Lookup(name string) (path string, t checkpoint.Tensor, ok bool)
}

// Scope is a place in the tree of tensor names: Sub and Index go down, so that
// the path through the model code equals the tensor's name.
type Scope struct {
	b      *Builder
	source Source
	path   string
}

// Scope is the root of the names in source.
func (b *Builder) Scope(source Source) Scope { return Scope{b: b, source: source} }

// Builder is the graph that the scope's weights go into.
func (s Scope) Builder() *Builder { return s.b }

// Sub goes down to a named child; the name may have dots.
func (s Scope) Sub(name string) Scope {
	if s.path != "" {
		name = s.path + "." + name
	}
	return Scope{s.b, s.source, name}
}

// Index goes down to a numbered child.
func (s Scope) Index(i int) Scope { return s.Sub(strconv.Itoa(i)) }

// Has says whether the scope holds the tensor.
func (s Scope) Has(name string) bool {
	_, _, ok := s.source.Lookup(s.Sub(name).path)
	return ok
}

// MissingTensorError reports a tensor that the model's config asks for and its file lacks.
type MissingTensorError struct{ Name string }

func (e *MissingTensorError) Error() string {
	return "tensor " + e.Name + " is missing; the weights don't belong to the config beside them, or the download is incomplete"
}

// ShapeError reports a tensor whose shape isn't the one that the config asks for.
type ShapeError struct {
	Name, Path string
	Got, Want  []int64
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor %s in %s has shape %v, but the config asks for %v; the weights don't belong to the config beside them",
		e.Name, e.Path, e.Got, e.Want)
}

// Weight is the tensor name of the given shape as float32; half-precision
// weights are cast in the graph. Dynamic in shape takes any size. A shape that
// differs in dimensions of size 1 only is accepted and given to the Value, so
// a 1×1 convolution can be read as a matrix.
func (s Scope) Weight(name string, shape ...int64) Value {
	path, t, ok := s.lookup(name)
	if !ok {
		return Value{}
	}
	if !sameButOnes(t.Shape, shape) {
		s.b.Fail(&ShapeError{t.Name, path, t.Shape, shape})
		return Value{}
	}
	if slices.Contains(shape, Dynamic) {
		shape = t.Shape
	}
	return s.b.weight(t.Name, path, t, shape, Weight{t.Name, shape, 0, 1})
}

// Rows is part of the tensor name: of its first dimension, split into parts of
// the given shape, the one with index part. It is a span of the same bytes in
// the file, so a layer that was stored fused can be read as several.
func (s Scope) Rows(name string, part, parts int64, shape ...int64) Value {
	path, t, ok := s.lookup(name)
	if !ok {
		return Value{}
	}
	whole := slices.Clone(shape)
	whole[0] *= parts
	if !slices.Equal(t.Shape, whole) {
		s.b.Fail(&ShapeError{t.Name, path, t.Shape, whole})
		return Value{}
	}
	if t.Transposed {
		s.b.Fail(fmt.Errorf("tensor %s in %s lies transposed; its rows can't be read as several layers", t.Name, path))
		return Value{}
	}
	t.Bytes /= parts
	t.Offset += part * t.Bytes
	return s.b.weight(t.Name, path, t, shape, Weight{t.Name, whole, part, parts})
}

// weight is a tensor as float32 that remembers its name.
func (b *Builder) weight(name, path string, t checkpoint.Tensor, shape []int64, w Weight) Value {
	var v Value
	if t.Transposed && len(shape) == 2 {
		v = b.external(name, path, t, []int64{shape[1], shape[0]}).Cast(Float32)
		if b.err == nil {
			v = v.Transpose(1, 0)
		}
	} else {
		from := b.external(name, path, t, shape)
		if v = from.Cast(Float32); v.v != from.v {
			if b.stored == nil {
				b.stored = map[*value]Value{}
			}
			b.stored[v.v] = from
		}
	}
	if v.v != nil {
		v.v.weight = &w
	}
	return v
}

// lookup finds a tensor and gives it the name that it has in the model code.
func (s Scope) lookup(name string) (string, checkpoint.Tensor, bool) {
	if s.b.err != nil {
		return "", checkpoint.Tensor{}, false
	}
	full := s.Sub(name).path
	path, t, ok := s.source.Lookup(full)
	if !ok {
		s.b.Fail(&MissingTensorError{full})
	}
	t.Name = full
	return path, t, ok
}

// sameButOnes compares shapes, leaving out dimensions of size 1.
func sameButOnes(got, want []int64) bool {
	if len(got) == len(want) {
		for i := range got {
			if want[i] != Dynamic && got[i] != want[i] {
				return false
			}
		}
		return true
	}
	drop := func(s []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(s), func(d int64) bool { return d == 1 })
	}
	return slices.Equal(drop(got), drop(want))
}

// external adds an initializer that points into the file at path.
func (b *Builder) external(name, path string, t checkpoint.Tensor, shape []int64) Value {
	key := fmt.Sprint(path, "\x00", t.Offset, shape)
	if v, ok := b.weights[key]; ok {
		return v
	}
	var typ DType
	switch t.DType {
	case "F32":
		typ = Float32
	case "F16":
		typ = Float16
	case "BF16":
		typ = BFloat16
	case "I8":
		typ = Int8
	case "F8_E4M3":
		typ = Float8E4M3
	case "F8_E5M2":
		typ = Float8E5M2
	default:
		b.Fail(fmt.Errorf("tensor %s in %s is stored as %s; Maquette runs F32, F16, BF16, F8_E4M3 and F8_E5M2", name, path, t.DType))
		return Value{}
	}
	if t.Bytes == 0 {
		b.Fail(fmt.Errorf("tensor %s in %s is empty", name, path))
		return Value{}
	}
	root, location, err := locate(path)
	if err != nil {
		b.Fail(err)
		return Value{}
	}
	if b.root == "" {
		b.root = root
	}
	if b.root != root {
		b.Fail(fmt.Errorf("%s is on another volume than the model's other files; keep them together", path))
		return Value{}
	}
	// The same tensor may be read in two shapes, and two files may share a name.
	b.names[name]++
	if n := b.names[name]; n > 1 {
		name += "#" + strconv.Itoa(n)
	}
	v := Value{b, &value{name: name, typ: typ, shape: slices.Clone(shape), fixed: true}}
	b.inits = append(b.inits, initializer{v: v.v, location: location, offset: t.Offset, length: t.Bytes})
	b.weights[key] = v
	return v
}

// locate splits an absolute path into the root of its volume and the path below
// it, in the form that ONNX's external data wants: relative, with slashes.
func locate(path string) (root, location string, err error) {
	if !filepath.IsAbs(path) {
		return "", "", fmt.Errorf("%s: the path of a weight file must be absolute", path)
	}
	clean := filepath.Clean(path)
	volume := filepath.VolumeName(clean)
	root = volume + string(filepath.Separator)
	return root, filepath.ToSlash(strings.TrimPrefix(clean, root)), nil
}
