package arch_test

import (
	"testing"

	"maquette/inference/arch"
	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// The graphs that GPUs run, in float16 and without arithmetic on shapes, agree
// with float32; the CPU runs them as well, slowly.
func TestGraphsForGPUsAgree(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		unet, err := arch.NewUNet(f.model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		in := f.unetInputs()
		run := func(n graph.Numbers) []float32 {
			shape := f.tensor("unet.sample").Shape()
			m, err := unet.Graph(arch.Size{Height: int(shape[2]), Width: int(shape[3]), Numbers: n}, false)
			if err != nil {
				t.Fatal(err)
			}
			spelled := *m
			spelled.Proto = m.Plain()
			inputs := map[string]*runtime.Tensor{}
			for _, io := range m.Inputs {
				inputs[io.Name] = in[io.Name]
			}
			return f.run(&spelled, nil, inputs)["out_sample"].Float32()
		}
		want := run(graph.Numbers{})
		for name, c := range map[string]struct {
			numbers graph.Numbers
			within  float32
		}{"float32": {graph.Numbers{ShapeFree: true}, tolerance}, "float16": {graph.Numbers{ShapeFree: true, Half: true}, 0.03}} {
			var worst float32
			for i, v := range run(c.numbers) {
				worst = max(worst, v-want[i], want[i]-v)
			}
			t.Logf("%s differs by up to %v", name, worst)
			if worst > c.within || c.numbers.Half && worst == 0 {
				t.Errorf("%s differs by %v, want at most %v", name, worst, c.within)
			}
		}
	})
}
