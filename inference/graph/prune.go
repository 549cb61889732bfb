package graph

import "slices"

// prune removes the nodes and initializers that no output depends on, such as the
// float weights of layers that compute in int8.
func (b *Builder) prune() {
	used := map[*value]bool{}
	for _, v := range b.outputs {
		used[v] = true
	}
	b.nodes = needed(b.nodes, used)
	inits := b.inits[:0:0]
	b.weightBytes, b.parameters, b.memoryBytes = 0, 0, 0
	for _, t := range b.inits {
		if !used[t.v] {
			continue
		}
		inits = append(inits, t)
		if t.location != "" {
			b.weightBytes += t.length
			b.parameters += count(t.v.shape)
			b.memoryBytes += b.residentBytes(t)
		}
	}
	b.inits = inits
}

// needed are the nodes that used values depend on, in their order. It adds what
// those read to used.
func needed(nodes []node, used map[*value]bool) []node {
	var kept []node
	for _, n := range slices.Backward(nodes) { // a node stands after those that it reads
		if !slices.ContainsFunc(n.out, func(v *value) bool { return used[v] }) {
			continue
		}
		for _, g := range n.branches() {
			for _, v := range g.outputs {
				used[v] = true
			}
		}
		n = n.withBranches(func(inside []node) []node { return needed(inside, used) })
		for _, v := range n.in {
			used[v] = true
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	return kept
}

// count is the number of elements of a shape without unknown dimensions.
func count(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// residentBytes is the memory that a weight takes while the model runs: what is
// stored in fewer bits than it is computed in is converted when it is loaded.
func (b *Builder) residentBytes(t initializer) int64 {
	if b.numbers.Half {
		return 2 * count(t.v.shape)
	}
	switch t.v.typ {
	case Float16, BFloat16, Float8E4M3, Float8E5M2:
		return 4 * count(t.v.shape)
	}
	return t.length
}
