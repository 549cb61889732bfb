package graph

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// branch is the graph of one side of an If. It reads the values of the graph around it.
type branch struct {
	name    string
	nodes   []node
	outputs []*value
}

// If computes then where cond, a bool of one element, is true, and otherwise where
// it is false; the other side doesn't run. Both add nodes that may read whatever
// value was there before, and give the same number of values, of the same types,
// which are the result. Values that were made inside can't be read elsewhere.
// Weights that a side reads are loaded with the graph, once for all who read them.
func (b *Builder) If(cond Value, then, otherwise func() []Value) []Value {
	b.branches++
	yes := b.branch(fmt.Sprintf("then_%d", b.branches), then)
	no := b.branch(fmt.Sprintf("else_%d", b.branches), otherwise)
	if b.err == nil && len(yes.outputs) != len(no.outputs) {
		b.Fail(fmt.Errorf("the sides of an If give %d and %d values", len(yes.outputs), len(no.outputs)))
	}
	types, shapes := make([]DType, len(yes.outputs)), make([][]int64, len(yes.outputs))
	if b.err == nil {
		for i, v := range yes.outputs {
			if types[i] = v.typ; types[i] != no.outputs[i].typ || len(v.shape) != len(no.outputs[i].shape) {
				b.Fail(fmt.Errorf("value %d of an If has type %d and shape %v on one side, %d and %v on the other",
					i, v.typ, v.shape, no.outputs[i].typ, no.outputs[i].shape))
				break
			}
			shapes[i] = slices.Clone(v.shape)
			for k, d := range no.outputs[i].shape {
				if shapes[i][k] != d {
					shapes[i][k] = Dynamic
				}
			}
		}
	}
	return b.nodes2("", "If", []Value{cond}, []Attr{{name: "then_branch", kind: graphKind, branch: yes}, {name: "else_branch", kind: graphKind, branch: no}}, types, shapes)
}

// branch collects the nodes that add adds.
func (b *Builder) branch(name string, add func() []Value) *branch {
	defer b.inside()()
	g := &branch{name: name}
	for _, x := range add() {
		if b.err != nil {
			return g
		}
		if x.v == nil {
			b.Fail(fmt.Errorf("a side of an If gives no value"))
			return g
		}
		made := slices.ContainsFunc(b.nodes, func(n node) bool { return slices.Contains(n.out, x.v) })
		if !made || slices.Contains(g.outputs, x.v) {
			x = x.op("Identity", nil, nil, x.Type(), x.Shape()) // a graph gives its own values, each once
		}
		g.outputs = append(g.outputs, x.v)
	}
	g.nodes = b.nodes
	return g
}

// inside begins a graph inside of a node, and what it returns ends it: what is
// computed in between isn't there outside.
func (b *Builder) inside() func() {
	outside, casts, rounded := b.nodes, b.casts, b.rounded
	b.nodes, b.casts, b.rounded = nil, maps.Clone(casts), maps.Clone(rounded)
	return func() { b.nodes, b.casts, b.rounded = outside, casts, rounded }
}

// branches are the graphs inside a node.
func (n *node) branches() []*branch {
	var list []*branch
	for _, a := range n.attrs {
		if a.branch != nil {
			list = append(list, a.branch)
		}
	}
	return list
}

// withBranches is n with other nodes inside.
func (n node) withBranches(change func([]node) []node) node {
	if len(n.branches()) == 0 {
		return n
	}
	n.attrs = slices.Clone(n.attrs)
	for i, a := range n.attrs {
		if a.branch != nil {
			n.attrs[i].branch = &branch{a.branch.name, change(a.branch.nodes), a.branch.outputs}
		}
	}
	return n
}

// countNodes counts the nodes, those inside of others too.
func countNodes(nodes []node) int {
	total := len(nodes)
	for i := range nodes {
		for _, g := range nodes[i].branches() {
			total += countNodes(g.nodes)
		}
	}
	return total
}

// anyNode says whether a node, or one inside of it, is as is says.
func anyNode(nodes []node, is func(node) bool) bool {
	return slices.ContainsFunc(nodes, func(n node) bool {
		return is(n) || slices.ContainsFunc(n.branches(), func(g *branch) bool { return anyNode(g.nodes, is) })
	})
}

// encode writes a GraphProto.
func (g *branch) encode() []byte {
	var m []byte
	for i := range g.nodes {
		m = appendMessage(m, 1, g.nodes[i].encode(g.name+"/", i))
	}
	m = appendString(m, 2, g.name)
	for _, v := range g.outputs {
		m = appendMessage(m, 12, v.encode())
	}
	return m
}

// graphKind is AttributeProto.GRAPH.
const graphKind = 5

// appendBranch appends the field of an attribute that is a graph.
func appendBranch(b []byte, g *branch) []byte {
	return appendMessage(b, protowire.Number(6), g.encode())
}
