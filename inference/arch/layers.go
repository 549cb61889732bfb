package arch

import "maquette/inference/graph"

// conv2D is torch.nn.Conv2d with a square kernel.
type conv2D struct {
	weight, bias graph.Value
	stride       int64
	pads         [4]int64
}

// newConv2D is a convolution from in to out channels that keeps the size.
func newConv2D(s graph.Scope, in, out, kernel int) conv2D {
	c := newConvNoBias(s, in, out, kernel)
	c.bias = s.Weight("bias", int64(out))
	return c
}

func newConvNoBias(s graph.Scope, in, out, kernel int) conv2D {
	k, p := int64(kernel), int64(kernel/2)
	return conv2D{weight: s.Weight("weight", int64(out), int64(in), k, k), stride: 1, pads: [4]int64{p, p, p, p}}
}

func (c conv2D) forward(x graph.Value) graph.Value {
	return x.Conv2D(c.weight, c.bias, c.stride, c.pads)
}

// linear is torch.nn.Linear.
type linear struct{ weight, bias graph.Value }

func newLinear(s graph.Scope, in, out int) linear {
	return linear{s.Weight("weight", int64(out), int64(in)), s.Weight("bias", int64(out))}
}

func newLinearNoBias(s graph.Scope, in, out int) linear {
	return linear{weight: s.Weight("weight", int64(out), int64(in))}
}

func (l linear) forward(x graph.Value) graph.Value { return x.Linear(l.weight, l.bias) }

// groupNorm is torch.nn.GroupNorm.
type groupNorm struct {
	weight, bias graph.Value
	groups       int64
	eps          float32
}

func newGroupNorm(s graph.Scope, channels, groups int, eps float32) groupNorm {
	return groupNorm{s.Weight("weight", int64(channels)), s.Weight("bias", int64(channels)), int64(groups), eps}
}

func (n groupNorm) forward(x graph.Value) graph.Value {
	return x.GroupNorm(n.weight, n.bias, n.groups, n.eps)
}

// layerNorm is torch.nn.LayerNorm.
type layerNorm struct {
	weight, bias graph.Value
	eps          float32
}

func newLayerNorm(s graph.Scope, channels int, eps float32) layerNorm {
	return layerNorm{s.Weight("weight", int64(channels)), s.Weight("bias", int64(channels)), eps}
}

func (n layerNorm) forward(x graph.Value) graph.Value {
	return x.LayerNorm(n.weight, n.bias, n.eps)
}
