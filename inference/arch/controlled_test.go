package arch_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// bool makes a switch of a graph.
func (f *fixture) bool(on bool) *runtime.Tensor {
	f.t.Helper()
	v, err := runtime.NewBool(on)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { v.Close() })
	return v
}

// close compares values.
func (f *fixture) close(what string, got, want *runtime.Tensor, within float32) {
	f.t.Helper()
	var worst float32
	for i, v := range got.Float32() {
		worst = max(worst, v-want.Float32()[i], want.Float32()[i]-v)
	}
	f.t.Logf("%s: largest difference %.2g", what, worst)
	if !(worst <= within) || len(got.Float32()) == 0 {
		f.t.Errorf("%s: %d values with a largest difference of %v, want at most %v", what, len(got.Float32()), worst, within)
	}
}

// A UNet with ControlNets inside gives what it gives with their residuals as
// inputs, for every choice of those that act, and has none of them as inputs.
func TestControlNetsInsideEqualThoseOutside(t *testing.T) {
	for _, stored := range []models.DType{models.F32, models.F16} {
		t.Run(string(stored), func(t *testing.T) {
			all, err := models.Load(filepath.Join("..", "testdata"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := all["sd1"].WriteFolder(dir, "", 1, stored); err != nil {
				t.Fatal(err)
			}
			model, err := checkpoint.OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			f := &fixture{t: t, rt: openRuntime(t), dir: dir, model: model}
			insideEqualsOutside(f)
		})
	}
}

func insideEqualsOutside(f *fixture) {
	unet, err := arch.NewUNet(f.model.UNet)
	if err != nil {
		f.t.Fatal(err)
	}
	net := f.controlNet("controlnet")
	const h, w = 8, 12
	random := func(seed int, shape ...int64) *runtime.Tensor {
		n := int64(1)
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32((i*7919+seed*104729)%2003)/1001 - 1
		}
		x, err := runtime.NewFloat32(shape, values)
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { x.Close() })
		return x
	}
	in := map[string]*runtime.Tensor{"sample": random(1, 2, 4, h, w), "timestep": random(2, 1), "encoder_hidden_states": random(3, 2, 77, int64(unet.Context()))}
	hint, err := net.HintGraph(arch.Size{Height: h, Width: w})
	hints := []*runtime.Tensor{
		f.run(hint, err, map[string]*runtime.Tensor{"image": random(4, 1, 3, 8*h, 8*w)})["hint"],
		f.run(hint, err, map[string]*runtime.Tensor{"image": random(5, 1, 3, 8*h, 8*w)})["hint"],
	}
	half, err := weights(0.5, net)
	if err != nil {
		f.t.Fatal(err)
	}
	defer half.Close()
	full, err := weights(1, net)
	if err != nil {
		f.t.Fatal(err)
	}
	defer full.Close()
	strengths := []*runtime.Tensor{half, full}
	with := func(more map[string]*runtime.Tensor) map[string]*runtime.Tensor {
		out := map[string]*runtime.Tensor{}
		for _, m := range []map[string]*runtime.Tensor{in, more} {
			for name, x := range m {
				out[name] = x
			}
		}
		return out
	}
	size := arch.Size{Height: h, Width: w}
	for _, act := range [][]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		var sum map[string]*runtime.Tensor
		for i, on := range act {
			if on {
				more := map[string]*runtime.Tensor{"hint": hints[i], "weight": strengths[i]}
				f.residualInputs(more, "prev_", net.Residuals(), sum)
				m, err := net.Graph(size)
				sum = f.run(m, err, with(more))
			}
		}
		more := map[string]*runtime.Tensor{}
		f.residualInputs(more, "", net.Residuals(), sum)
		m, err := unet.Graph(size, true)
		want := f.run(m, err, with(more))["out_sample"]
		for _, numbers := range []graph.Numbers{{}, {ShapeFree: true}, {ShapeFree: true, Half: true}} {
			size := size
			size.Numbers = numbers
			m, err := unet.ControlledGraph(size, []*arch.ControlNet{net, net})
			if err != nil {
				f.t.Fatal(err)
			}
			if slices.ContainsFunc(m.Inputs, func(io graph.IO) bool { return strings.HasPrefix(io.Name, "down_") || io.Name == "mid" }) {
				f.t.Error("residuals are inputs")
			}
			within := float32(1e-5)
			if numbers.Half {
				spelled := *m // the CPU's fused attention has no float16
				spelled.Proto, m, within = m.Plain(), &spelled, 0.05
			}
			more := map[string]*runtime.Tensor{}
			for i := range hints {
				more[arch.ControlOn(i)], more[arch.ControlHint(i)], more[arch.ControlWeight(i)] = f.bool(act[i]), hints[i], strengths[i]
			}
			got := f.run(m, nil, with(more))["out_sample"]
			f.close(f.t.Name(), got, want, within)
		}
	}
	m, err := unet.ControlledGraph(size, []*arch.ControlNet{net, net})
	if err != nil {
		f.t.Fatal(err)
	}
	once, err := unet.ControlledGraph(size, []*arch.ControlNet{net})
	if err != nil {
		f.t.Fatal(err)
	}
	if m.WeightBytes != once.WeightBytes {
		f.t.Errorf("the same ControlNet twice has %d bytes of weights, once %d", m.WeightBytes, once.WeightBytes)
	}
}
