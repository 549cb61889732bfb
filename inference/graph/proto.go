package graph

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers are those of onnx.proto (onnx/onnx, version 1.16 and later).

// Attr is an attribute of a node.
type Attr struct {
	name string
	kind int32 // AttributeProto.AttributeType
	f    float32
	i    int64
	s    string
	ints []int64
	// branch is a graph inside the node.
	branch *branch
}

// FloatAttr makes a float attribute.
func FloatAttr(name string, f float32) Attr { return Attr{name: name, kind: 1, f: f} }

// IntAttr makes an integer attribute.
func IntAttr(name string, i int64) Attr { return Attr{name: name, kind: 2, i: i} }

// StringAttr makes a string attribute.
func StringAttr(name, s string) Attr { return Attr{name: name, kind: 3, s: s} }

// IntsAttr makes an attribute that is a list of integers.
func IntsAttr(name string, ints ...int64) Attr { return Attr{name: name, kind: 7, ints: ints} }

// initializer is a constant: raw bytes in the model, or a span of a file.
type initializer struct {
	v              *value
	raw            []byte
	location       string
	offset, length int64
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, message)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendInt(b []byte, field protowire.Number, i int64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(i))
}

// encode writes the ModelProto.
func (b *Builder) encode() []byte {
	var graph []byte
	for i := range b.nodes {
		graph = appendMessage(graph, 1, b.nodes[i].encode("", i))
	}
	graph = appendString(graph, 2, b.name)
	for i := range b.inits {
		graph = appendMessage(graph, 5, b.inits[i].encode())
	}
	for _, v := range b.inputs {
		graph = appendMessage(graph, 11, v.encode())
	}
	for _, v := range b.outputs {
		graph = appendMessage(graph, 12, v.encode())
	}
	model := make([]byte, 0, len(graph)+100)
	model = appendInt(model, 1, irVersion)
	model = appendString(model, 2, "maquette")
	model = appendMessage(model, 7, graph)
	model = appendMessage(model, 8, appendInt(appendString(nil, 1, ""), 2, opset))
	if anyNode(b.nodes, func(n node) bool { return n.domain == microsoft }) {
		model = appendMessage(model, 8, appendInt(appendString(nil, 1, microsoft), 2, 1))
	}
	for _, key := range slices.Sorted(maps.Keys(b.metadata)) {
		model = appendMessage(model, 14, appendString(appendString(nil, 1, key), 2, b.metadata[key]))
	}
	return model
}

// encode writes a NodeProto, whose name begins with prefix and has the number i.
func (n *node) encode(prefix string, i int) []byte {
	var m []byte
	for _, v := range n.in {
		name := ""
		if v != nil {
			name = v.name
		}
		m = appendString(m, 1, name)
	}
	for _, v := range n.out {
		m = appendString(m, 2, v.name)
	}
	m = appendString(m, 3, prefix+n.op+"_"+strconv.Itoa(i))
	m = appendString(m, 4, n.op)
	for _, a := range n.attrs {
		m = appendMessage(m, 5, a.encode())
	}
	if n.domain != "" {
		m = appendString(m, 7, n.domain)
	}
	return m
}

func (a Attr) encode() []byte {
	m := appendString(nil, 1, a.name)
	switch a.kind {
	case 1:
		m = protowire.AppendTag(m, 2, protowire.Fixed32Type)
		m = protowire.AppendFixed32(m, math.Float32bits(a.f))
	case 2:
		m = appendInt(m, 3, a.i)
	case 3:
		m = appendString(m, 4, a.s)
	case 7:
		for _, i := range a.ints {
			m = appendInt(m, 8, i)
		}
	case graphKind:
		m = appendBranch(m, a.branch)
	default:
		panic(fmt.Sprintf("graph: attribute %s of unknown kind %d", a.name, a.kind))
	}
	return appendInt(m, 20, int64(a.kind))
}

// encode writes a TensorProto.
func (t *initializer) encode() []byte {
	var m []byte
	for _, d := range t.v.shape {
		m = appendInt(m, 1, d)
	}
	m = appendInt(m, 2, int64(t.v.typ))
	m = appendString(m, 8, t.v.name)
	if t.location == "" {
		return appendMessage(m, 9, t.raw)
	}
	for _, pair := range [...][2]string{
		{"location", t.location},
		{"offset", strconv.FormatInt(t.offset, 10)},
		{"length", strconv.FormatInt(t.length, 10)},
	} {
		m = appendMessage(m, 13, appendString(appendString(nil, 1, pair[0]), 2, pair[1]))
	}
	return appendInt(m, 14, 1) // data_location: EXTERNAL
}

// encode writes a ValueInfoProto.
func (v *value) encode() []byte {
	var shape []byte
	for i, d := range v.shape {
		var dim []byte
		if d >= 0 {
			dim = appendInt(nil, 1, d)
		} else {
			dim = appendString(nil, 2, fmt.Sprintf("%s_%d", v.name, i))
		}
		shape = appendMessage(shape, 1, dim)
	}
	tensor := appendMessage(appendInt(nil, 1, int64(v.typ)), 2, shape)
	return appendMessage(appendString(nil, 1, v.name), 2, appendMessage(nil, 1, tensor))
}
