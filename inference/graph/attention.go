package graph

import "math"

// fusedAttention is ONNX Runtime's own operator, the quickest on the CPU.
const fusedAttention = "MultiHeadAttention"

// Attention is softmax(q·kᵀ/√d)·v with heads heads; q, k and v are [N, tokens, heads·d].
func (q Value) Attention(k, v Value, heads int64) Value {
	q.b.fused = true
	return q.b.node(microsoft, fusedAttention, []Value{q, k, v}, []Attr{IntAttr("num_heads", heads)},
		q.Type(), []int64{q.Dim(0), q.Dim(1), v.Dim(2)})
}

// plainAttention is Attention in standard operators.
func (q Value) plainAttention(k, v Value, heads int64) Value {
	d := q.Dim(2) / heads
	split := func(x Value, perm ...int64) Value { return x.Reshape(0, 0, heads, d).Transpose(perm...) }
	// Scaled first, so that sums stay in the range of float16.
	scores := split(q, 0, 2, 1, 3).Mul(q.b.Float(float32(1 / math.Sqrt(float64(d))))).MatMul(split(k, 0, 2, 3, 1))
	h := scores.inFloat(Value.Softmax).MatMul(split(v, 0, 2, 1, 3))
	return h.Transpose(0, 2, 1, 3).Reshape(0, 0, v.Dim(2))
}

// encodePlain writes the graph with every fused attention spelled out.
func (b *Builder) encodePlain() []byte { return b.spelledOut().encode() }
