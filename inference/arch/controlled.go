package arch

import (
	"fmt"

	"maquette/inference/graph"
)

// ControlOn is the name of the input of ControlledGraph that switches ControlNet i.
func ControlOn(i int) string { return fmt.Sprintf("control_%d_on", i) }

// ControlHint is the name of the input that takes the hint of ControlNet i.
func ControlHint(i int) string { return fmt.Sprintf("control_%d_hint", i) }

// ControlWeight is the name of the input that takes the weights of the residuals
// of ControlNet i.
func ControlWeight(i int) string { return fmt.Sprintf("control_%d_weight", i) }

// ControlledGraph writes the UNet with ControlNets inside, for providers with
// memory of their own: the residuals never leave it. It reads the same weights as
// Graph and gives the same values as Graph fed by ControlNet.Graph.
//
// Inputs: those of Graph without residuals, and for each ControlNet i, in the order
// of nets: ControlOn(i), bool [1], whether it acts, else it doesn't run;
// ControlHint(i) and ControlWeight(i), which are the inputs hint and weight of
// ControlNet.Graph. Output: out_sample. The ControlNets must fit the UNet, see
// ControlNet.Fits, and compute in float.
func (u *UNet) ControlledGraph(size Size, nets []*ControlNet) (*graph.Model, error) {
	b := graph.New("UNet")
	b.Patch(u.patch)
	b.Numbers(size.Numbers)
	x := b.Input("sample", graph.Float32, dim(size.Batch), int64(u.config.InChannels), dim(size.Height), dim(size.Width))
	in := u.config.inputs(b, size.Batch)
	plain := in // ControlNets look at one image at a time, as in Graph
	in.context.views = u.views.inputs(b, size.Batch)
	if size.Numbers.Int8 != nil {
		b.Fail(fmt.Errorf("ControlNets inside of a UNet don't compute in int8"))
	}
	net := newUNet(b.Scope(u.component), u.config)
	var down []graph.Value
	var mid graph.Value
	if len(nets) > 0 {
		none := b.Floats([]int64{1, 1, 1, 1}, 0)
		if size.Numbers.Half {
			none = none.Cast(graph.Float16) // as residuals are
		}
		for range u.Residuals() {
			down = append(down, none)
		}
		mid = none
	}
	// A patch knows weights by their names, which a ControlNet's are as well.
	b.Patch(nil)
	for i, n := range nets {
		if b.Err() == nil {
			down, mid = n.inside(b, size, i, x, plain, down, mid)
		}
	}
	b.Patch(u.patch)
	if b.Err() == nil {
		b.Output("out_sample", net.forward(x, in, down, mid))
	}
	return b.Model()
}

// inside adds ControlNet number i to a UNet's graph: it gives the residuals down
// and mid with its own added where it acts.
func (n *ControlNet) inside(b *graph.Builder, size Size, i int, x graph.Value, in conditions, down []graph.Value, mid graph.Value) ([]graph.Value, graph.Value) {
	on := b.Input(ControlOn(i), graph.Bool, 1)
	hint := b.Input(ControlHint(i), graph.Float32, graph.Dynamic, int64(n.config.Channels[0]), dim(size.Height), dim(size.Width))
	weight := b.Input(ControlWeight(i), graph.Float32, int64(n.Residuals()+1), graph.Dynamic)
	before := append(append([]graph.Value{}, down...), mid)
	// Outside, so that weights that are stored in half precision are widened once.
	net := newControlNet(b.Scope(n.component), n.config)
	after := b.If(on, func() []graph.Value {
		latents := x
		if c := int64(n.config.InChannels); x.Dim(1) != c {
			latents = x.Slice(1, 0, c) // a UNet for inpainting reads more behind them
		}
		skips, middle := net.forward(latents, in, hint)
		var sums []graph.Value
		for k, r := range append(skips, middle) {
			sums = append(sums, r.Mul(residualWeight(weight, k)).AddResidual(before[k]))
		}
		return sums
	}, func() []graph.Value { return before })
	last := len(after) - 1
	if last < 0 {
		return nil, graph.Value{}
	}
	return after[:last], after[last]
}
