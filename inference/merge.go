package inference

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// merged is a UNet's graph with ControlNets inside. Providers with memory of their
// own run that one, so that residuals stay there: as sessions of their own,
// ControlNets would give them back to the host, which would send them up again,
// 27 MB in each step at 512 pixels, twice with guidance. The CPU runs a session for
// each, which is the same there and lets controls change without loading the UNet.
type merged struct {
	nets       []*arch.ControlNet
	components []*checkpoint.Component
	build      func(arch.Size) (*graph.Model, error)
}

func (m *merged) add(net *arch.ControlNet, c *checkpoint.Component) {
	m.nets, m.components = append(m.nets, net), append(m.components, c)
}

// merges says whether a provider runs a UNet with its ControlNets as one graph.
func (r *run) merges(ctx context.Context, provider string) bool {
	return r.e.rt.Branches(ctx, provider)
}

// merge plans which networks are loaded as one: it puts the UNet before the
// ControlNets, which are then loaded only if another provider has to run it, or
// takes merged from the parts.
func (r *run) merge(ctx context.Context, parts []part) []part {
	i := slices.IndexFunc(parts, func(p part) bool { return p.merged != nil })
	if i < 0 {
		return parts
	}
	if usable := r.usable(parts[i]); len(usable) == 0 || !r.merges(ctx, usable[0]) {
		parts[i].merged = nil
		return parts
	}
	for k := range parts {
		parts[k].spare = parts[k].kind == "control"
	}
	place := func(p part) int {
		if p.spare {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(place(a), place(b)) })
	return parts
}

// mark separates the ControlNets in the key of a merged UNet.
const mark = "\x00"

// mergedKey is the key of a UNet with ControlNets inside, base being that of the
// UNet. A loaded one that holds these ControlNets serves, also with others, which
// don't run then; it notes the places of the request's. One that doesn't is freed
// first, so that the weights are there once.
func (r *run) mergedKey(n *networks, base string, m *merged) (string, error) {
	wanted := make([]string, len(m.components))
	for i, c := range m.components {
		state, err := componentState(c)
		if err != nil {
			return "", err
		}
		wanted[i] = fmt.Sprintf("%s\n%s", c.Config, state)
	}
	base += mark
	for _, key := range r.e.cache.keys() {
		rest, ok := strings.CutPrefix(key, base)
		if !ok {
			continue
		}
		if slots, ok := places(wanted, strings.Split(rest, mark)); ok {
			for i, slot := range slots {
				n.controls[i].slot = slot
			}
			return key, nil
		}
		if err := r.e.cache.drop(key); err != nil {
			return "", err
		}
	}
	for i := range wanted {
		n.controls[i].slot = i
	}
	return base + strings.Join(wanted, mark), nil
}

// places finds each of wanted in held, each in another place.
func places(wanted, held []string) ([]int, bool) {
	taken := make([]bool, len(held))
	slots := make([]int, len(wanted))
	for i, w := range wanted {
		slots[i] = -1
		for k, h := range held {
			if h == w && !taken[k] {
				slots[i], taken[k] = k, true
				break
			}
		}
		if slots[i] < 0 {
			return nil, false
		}
	}
	return slots, true
}

// componentState lists path, size and time of change of a component's files.
func componentState(c *checkpoint.Component) (string, error) {
	var b strings.Builder
	for _, f := range c.Files {
		state, err := fileState(f.Path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Path, err)
		}
		b.WriteString(state)
	}
	return b.String(), nil
}

// inputOf is the description of a session's input.
func inputOf(s *runtime.Session, name string) (graph.IO, bool) {
	i := slices.IndexFunc(s.Inputs(), func(io graph.IO) bool { return io.Name == name })
	if i < 0 {
		return graph.IO{}, false
	}
	return s.Inputs()[i], true
}

// takesResiduals says whether a UNet's graph is fed by ControlNets outside of it.
func takesResiduals(unet *runtime.Session) bool {
	_, ok := inputOf(unet, "mid")
	return ok
}

// bindControls prepares the inputs of the ControlNets inside of the UNet's graph.
// Those that the request doesn't have are off.
func (m *model) bindControls() error {
	unet := m.r.net.unet
	if takesResiduals(unet) {
		return nil
	}
	m.inside = map[string]*runtime.Tensor{}
	own := func(name string, t *runtime.Tensor, err error) error {
		if err == nil {
			m.inside[name] = t
			m.owned = append(m.owned, t)
		}
		return err
	}
	for i := 0; ; i++ {
		io, ok := inputOf(unet, arch.ControlHint(i))
		if !ok {
			return nil
		}
		on, err := runtime.NewBool(false)
		if err := own(arch.ControlOn(i), on, err); err != nil {
			return err
		}
		k := slices.IndexFunc(m.r.net.controls, func(c controlNet) bool { return c.slot == i })
		if k >= 0 {
			m.inside[arch.ControlHint(i)], m.inside[arch.ControlWeight(i)] = m.hints[k], m.weights[k]
			continue
		}
		shape := slices.Clone(io.Shape)
		shape[0] = 1
		hint, err := runtime.NewFloat32(shape, make([]float32, shape[1]*shape[2]*shape[3]))
		if err := own(arch.ControlHint(i), hint, err); err != nil {
			return err
		}
		weight, _ := inputOf(unet, arch.ControlWeight(i))
		none, err := runtime.NewFloat32([]int64{weight.Shape[0], 1}, make([]float32, weight.Shape[0]))
		if err := own(arch.ControlWeight(i), none, err); err != nil {
			return err
		}
	}
}
