package graph

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// External is a weight that a model reads from a file.
type External struct {
	// Name is the tensor's diffusers name, with #2, #3, … where one is read again.
	Name  string
	Type  DType
	Shape []int64
	// Path is the absolute path of the file; the weight is Length bytes from Offset on.
	Path           string
	Offset, Length int64
}

// Stored says where an exported model finds a weight.
type Stored struct {
	// Type may differ from External's; the model then casts the weight before use.
	Type DType
	// Location is a path relative to the model's folder, with slashes.
	Location       string
	Offset, Length int64
}

// Export says how a model is written for other programs.
type Export struct {
	// Fused keeps ONNX Runtime's own attention operator, which is faster and
	// takes less memory there, and which other runtimes don't know.
	Fused bool
	// Place is asked for each weight once, in the order of the graph.
	Place func(External) (Stored, error)
	// Metadata are the model's metadata_props.
	Metadata map[string]string
}

// Export is the model as an ordinary onnx.ModelProto whose weights lie where
// o.Place says. Errors: those of o.Place.
func (m *Model) Export(o Export) ([]byte, error) { return m.export(o) }

// export writes a copy of the graph with its weights at other places.
func (b *Builder) export(o Export) ([]byte, error) {
	p := b
	if !o.Fused {
		p = b.spelledOut()
	}
	c := *p
	c.metadata = o.Metadata
	c.inits = slices.Clone(p.inits)
	var casts []node
	for i, t := range c.inits {
		if t.location == "" {
			continue
		}
		path := filepath.FromSlash(c.root + t.location)
		s, err := o.Place(External{t.v.name, t.v.typ, t.v.shape, path, t.offset, t.length})
		if err != nil {
			return nil, fmt.Errorf("exporting the %s: %w", b.name, err)
		}
		v := t.v
		if s.Type != v.typ {
			// What reads the weight goes on with its name and type.
			v = &value{name: v.name + ".stored", typ: s.Type, shape: v.shape, fixed: true}
			casts = append(casts, node{op: "Cast", in: []*value{v}, out: []*value{t.v}, attrs: []Attr{IntAttr("to", int64(t.v.typ))}})
		}
		c.inits[i] = initializer{v: v, location: s.Location, offset: s.Offset, length: s.Length}
	}
	c.nodes = append(casts, c.nodes...)
	return c.encode(), nil
}

// spelledOut is the graph with every fused attention in standard operators.
func (b *Builder) spelledOut() *Builder {
	p := *b
	p.inits, p.consts, p.casts = slices.Clone(b.inits), maps.Clone(b.consts), maps.Clone(b.casts)
	// Values name the builder that they belong to, constants as well.
	for key, c := range p.consts {
		p.consts[key] = Value{&p, c.v}
	}
	p.nodes = p.spellOut(b.nodes)
	return &p
}

// spellOut puts standard operators in place of the fused attentions among nodes.
func (b *Builder) spellOut(nodes []node) []node {
	outside := b.nodes
	defer func() { b.nodes = outside }()
	var list []node
	for _, n := range nodes {
		if n.op != fusedAttention {
			list = append(list, n.withBranches(func(inside []node) []node {
				defer b.inside()()
				return b.spellOut(inside)
			}))
			continue
		}
		b.nodes = nil
		Value{b, n.in[0]}.plainAttention(Value{b, n.in[1]}, Value{b, n.in[2]}, n.attrs[0].i)
		b.nodes[len(b.nodes)-1].out[0] = n.out[0]
		list = append(list, b.nodes...)
	}
	return list
}
