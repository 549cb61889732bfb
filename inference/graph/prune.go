package graph

// prune removes the nodes and initializers that no output depends on, such as the
// float weights of layers that compute in int8.
func (b *Builder) prune() {
	used := map[*value]bool{}
	for _, v := range b.outputs {
		used[v] = true
	}
	kept := make([]bool, len(b.nodes))
	for i := len(b.nodes) - 1; i >= 0; i-- { // a node stands after those that it reads
		for _, v := range b.nodes[i].out {
			kept[i] = kept[i] || used[v]
		}
		if kept[i] {
			for _, v := range b.nodes[i].in {
				used[v] = true
			}
		}
	}
	nodes := b.nodes[:0:0]
	for i, n := range b.nodes {
		if kept[i] {
			nodes = append(nodes, n)
		}
	}
	b.nodes = nodes
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
