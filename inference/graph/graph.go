// Package graph writes ONNX models in memory. Their weights are external data:
// initializers that point at the bytes of the user's own safetensors files, so
// a graph takes kilobytes and milliseconds whatever the model's size.
//
// Model code holds Values and calls operators on them. The first error sticks
// to the Builder and is returned by Model; after it, operators do nothing.
package graph

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// DType is an ONNX element type (onnx.TensorProto.DataType).
type DType int32

// The element types that the models need.
const (
	Float32  DType = 1
	Uint8    DType = 2
	Int8     DType = 3
	Int32    DType = 6
	Int64    DType = 7
	Bool     DType = 9
	Float16  DType = 10
	Float64  DType = 11
	BFloat16 DType = 16
	// Float8E4M3 and Float8E5M2 are storage types: weights are cast before use.
	Float8E4M3 DType = 17 // FLOAT8E4M3FN
	Float8E5M2 DType = 19
)

// Dynamic is a dimension that is known only when the model runs.
const Dynamic int64 = -1

// opset and irVersion are the versions of ONNX that the graphs are written in;
// 21 is the first with GroupNormalization as PyTorch has it.
const (
	opset     = 21
	irVersion = 10
)

// IO describes an input or output of a model.
type IO struct {
	Name string
	Type DType
	// Shape has Dynamic where any size is taken.
	Shape []int64
}

// Model is a finished ONNX model.
type Model struct {
	Name            string
	Inputs, Outputs []IO
	// Proto is the serialised onnx.ModelProto.
	Proto []byte
	// Root is the folder that the locations of the weights are relative to: the
	// root of the volume that holds the model files.
	Root string
	// WeightBytes is the size of all external weights in their files, MemoryBytes
	// in the numbers that they are computed in, Parameters their number of
	// elements and Nodes the number of operators.
	WeightBytes, MemoryBytes, Parameters int64
	Nodes                                int

	plain  func() []byte
	export func(Export) ([]byte, error)
}

// Plain is Proto with ONNX Runtime's fused attention spelled out in standard
// operators, for providers whose fused kernel can't be used. It takes more
// memory: the scores of all pairs of tokens exist at once.
func (m *Model) Plain() []byte {
	if m.plain == nil {
		return m.Proto
	}
	return m.plain()
}

// Builder collects the nodes of one graph. It is not safe for concurrent use.
type Builder struct {
	name    string
	nodes   []node
	inits   []initializer
	inputs  []*value
	outputs []*value
	consts  map[string]Value
	weights map[string]Value
	names   map[string]int
	root    string
	count   int
	fused   bool // there is a fused attention
	// branches counts the Ifs.
	branches int
	patch    Patch
	err      error
	// metadata goes into the model as it is written.
	metadata map[string]string

	numbers Numbers
	stored  map[*value]Value // weights in float32 and what they are cast from
	casts   map[typed]Value
	rounded map[*value][3]Value // values in uint8 with their scale and zero point

	weightBytes, memoryBytes, parameters int64
}

// value is a named edge of the graph.
type value struct {
	name  string
	typ   DType
	shape []int64
	// fixed says that the name can't be changed: inputs, weights and outputs.
	fixed bool
	// weight is the tensor that the value was read from, if it is one.
	weight *Weight
}

type node struct {
	op, domain string
	in         []*value
	out        []*value
	attrs      []Attr
}

// Value is a tensor in the graph: an input, a weight or a node's output.
type Value struct {
	b *Builder
	v *value
}

// New starts a graph. The name appears in errors and logs.
func New(name string) *Builder {
	return &Builder{name: name, consts: map[string]Value{}, weights: map[string]Value{}, names: map[string]int{}}
}

// Fail records an error, if it is the first.
func (b *Builder) Fail(err error) {
	if b.err == nil && err != nil {
		b.err = fmt.Errorf("building the graph of the %s: %w", b.name, err)
	}
}

// Err is the first error so far.
func (b *Builder) Err() error { return b.err }

// Type is the element type.
func (x Value) Type() DType {
	if x.v == nil {
		return 0
	}
	return x.v.typ
}

// Shape has Dynamic where a dimension isn't known. It must not be changed.
func (x Value) Shape() []int64 {
	if x.v == nil {
		return nil
	}
	return x.v.shape
}

// Valid is false for the zero Value, which stands for "not there".
func (x Value) Valid() bool { return x.v != nil }

// Dim is one dimension; negative i counts from the end. Dynamic if unknown.
func (x Value) Dim(i int) int64 {
	s := x.Shape()
	if i < 0 {
		i += len(s)
	}
	if i < 0 || i >= len(s) {
		return Dynamic
	}
	return s[i]
}

// Input declares a model input.
func (b *Builder) Input(name string, t DType, shape ...int64) Value {
	v := &value{name: name, typ: t, shape: slices.Clone(shape), fixed: true}
	b.inputs = append(b.inputs, v)
	return Value{b, v}
}

// Output makes x a model output of that name.
func (b *Builder) Output(name string, x Value) {
	if b.err != nil {
		return
	}
	if x.v == nil {
		b.Fail(fmt.Errorf("output %s has no value", name))
		return
	}
	if x.Type() == Float16 {
		x = x.Cast(Float32) // the binding has no float16
	}
	if x.v.fixed {
		x = x.op("Identity", nil, nil, x.Type(), x.Shape())
	}
	x.v.name, x.v.fixed = name, true
	b.outputs = append(b.outputs, x.v)
}

// node adds an operator with one output.
func (b *Builder) node(domain, op string, in []Value, attrs []Attr, t DType, shape []int64) Value {
	out := b.nodes2(domain, op, in, attrs, []DType{t}, [][]int64{shape})
	return out[0]
}

// nodes2 adds an operator with any number of outputs.
func (b *Builder) nodes2(domain, op string, in []Value, attrs []Attr, types []DType, shapes [][]int64) []Value {
	outs := make([]Value, len(types))
	for i := range outs {
		b.count++
		outs[i] = Value{b, &value{name: fmt.Sprintf("v%d", b.count), typ: types[i], shape: shapes[i]}}
	}
	if b.err != nil {
		return outs
	}
	n := node{op: op, domain: domain, attrs: attrs, in: make([]*value, len(in)), out: make([]*value, len(outs))}
	for i, x := range in {
		if x.v == nil {
			continue // an optional input that is left out
		}
		if x.b != b {
			b.Fail(fmt.Errorf("%s: an input belongs to another graph", op))
		}
		n.in[i] = x.v
	}
	for i, x := range outs {
		n.out[i] = x.v
	}
	b.nodes = append(b.nodes, n)
	return outs
}

// op adds an operator of the standard domain whose first input is x.
func (x Value) op(name string, more []Value, attrs []Attr, t DType, shape []int64) Value {
	return x.b.node("", name, append([]Value{x}, more...), attrs, t, shape)
}

// Float is a scalar constant.
func (b *Builder) Float(f float32) Value { return b.Floats(nil, f) }

// Floats is a float32 constant of the given shape, stored in the model.
func (b *Builder) Floats(shape []int64, data ...float32) Value {
	raw := make([]byte, 0, 4*len(data))
	for _, f := range data {
		u := math.Float32bits(f)
		raw = append(raw, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b.constant(Float32, shape, raw)
}

// Ints is an int64 vector constant, such as a shape.
func (b *Builder) Ints(data ...int64) Value {
	raw := make([]byte, 0, 8*len(data))
	for _, u := range data {
		for s := 0; s < 64; s += 8 {
			raw = append(raw, byte(u>>s))
		}
	}
	return b.constant(Int64, []int64{int64(len(data))}, raw)
}

// constant adds a small initializer, once for each content.
func (b *Builder) constant(t DType, shape []int64, raw []byte) Value {
	key := fmt.Sprint(t, shape, raw)
	if v, ok := b.consts[key]; ok {
		return v
	}
	return b.addConstant(key, t, shape, raw)
}

// addConstant adds an initializer that is known by key.
func (b *Builder) addConstant(key string, t DType, shape []int64, raw []byte) Value {
	b.count++
	v := Value{b, &value{name: fmt.Sprintf("c%d", b.count), typ: t, shape: slices.Clone(shape), fixed: true}}
	b.inits = append(b.inits, initializer{v: v.v, raw: raw})
	b.consts[key] = v
	return v
}

// Model finishes the graph. Errors: the first one met while building, naming
// the tensor and its file.
func (b *Builder) Model() (*Model, error) {
	if b.err != nil {
		return nil, b.err
	}
	if len(b.outputs) == 0 {
		return nil, errors.New("building the graph of the " + b.name + ": it has no output")
	}
	b.prune()
	m := &Model{Name: b.name, Root: b.root, WeightBytes: b.weightBytes, MemoryBytes: b.memoryBytes, Parameters: b.parameters, Nodes: countNodes(b.nodes), Proto: b.encode()}
	m.export = b.export
	if b.fused {
		m.plain = sync.OnceValue(b.encodePlain)
	}
	for _, v := range b.inputs {
		m.Inputs = append(m.Inputs, IO{v.name, v.typ, v.shape})
	}
	for _, v := range b.outputs {
		m.Outputs = append(m.Outputs, IO{v.name, v.typ, v.shape})
	}
	return m, nil
}

// Builder is the graph that x belongs to.
func (x Value) Builder() *Builder { return x.b }
