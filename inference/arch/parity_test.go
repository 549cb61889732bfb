package arch_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// tolerance is how far results may be from diffusers', absolutely.
const tolerance = 1e-4

// fixture is one of the models that testdata/make_fixtures.py makes, with what
// diffusers computes with it.
type fixture struct {
	t     testing.TB
	rt    *runtime.Runtime
	dir   string
	model *checkpoint.Model
	cases *checkpoint.File
}

// eachFixture runs the test on both models.
func eachFixture(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, name := range []string{"narrow", "wide"} {
		t.Run(name, func(t *testing.T) { test(t, openFixture(t, name)) })
	}
}

func openRuntime(t testing.TB) *runtime.Runtime {
	t.Helper()
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	return rt
}

func openFixture(t testing.TB, name string) *fixture {
	t.Helper()
	dir := filepath.Join("..", "testdata", "modules", name)
	model, err := checkpoint.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := checkpoint.OpenSafetensors(filepath.Join(dir, "cases.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, rt: openRuntime(t), dir: dir, model: model, cases: cases}
}

// raw reads the bytes of a case's tensor.
func (f *fixture) raw(name string) (checkpoint.Tensor, []byte) {
	f.t.Helper()
	tensor, ok := f.cases.Tensor(name)
	if !ok {
		f.t.Fatalf("%s has no tensor %s", f.cases.Path, name)
	}
	file, err := os.Open(f.cases.Path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	data := make([]byte, tensor.Bytes)
	if _, err := file.ReadAt(data, tensor.Offset); err != nil {
		f.t.Fatal(err)
	}
	return tensor, data
}

// tensor reads a case's tensor as a session's input.
func (f *fixture) tensor(name string) *runtime.Tensor {
	f.t.Helper()
	info, data := f.raw(name)
	var out *runtime.Tensor
	var err error
	switch info.DType {
	case "I64":
		ints := make([]int64, len(data)/8)
		for i := range ints {
			ints[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
		out, err = runtime.NewInt64(info.Shape, ints)
	case "F32":
		out, err = runtime.NewFloat32(info.Shape, floats(data))
	default:
		f.t.Fatalf("tensor %s is %s", name, info.DType)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { out.Close() })
	return out
}

func floats(data []byte) []float32 {
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// run builds, loads and runs a graph.
func (f *fixture) run(m *graph.Model, err error, inputs map[string]*runtime.Tensor) map[string]*runtime.Tensor {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	s, err := f.rt.NewSession(context.Background(), m, runtime.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), inputs)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { runtime.CloseAll(out) })
	return out
}

// same compares an output with a case's tensor.
func (f *fixture) same(got *runtime.Tensor, want string) {
	f.t.Helper()
	info, data := f.raw(want)
	if g := got.Shape(); !equal(g, info.Shape) {
		f.t.Errorf("%s: shape %v, want %v", want, g, info.Shape)
		return
	}
	worst := 0.0
	for i, w := range floats(data) {
		d := math.Abs(float64(got.Float32()[i]) - float64(w))
		if !(d <= worst) { // true for NaN as well
			worst = d
		}
	}
	f.t.Logf("%s: largest difference %.2g", want, worst)
	if !(worst <= tolerance) {
		f.t.Errorf("%s: largest difference %v, want at most %v", want, worst, tolerance)
	}
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// sizes are the graph sizes to test: fixed and open.
func sizes(batch, h, w int) map[string]arch.Size {
	return map[string]arch.Size{"fixed": {Batch: batch, Height: h, Width: w}, "open": {}}
}

func TestTextEncoderEqualsTransformers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		enc, err := arch.NewTextEncoder(f.model.TextEncoder)
		if err != nil {
			t.Fatal(err)
		}
		for _, batch := range []int{2, 0} {
			m, err := enc.Graph(batch, arch.TextOutput{})
			out := f.run(m, err, map[string]*runtime.Tensor{"input_ids": f.tensor("text.input_ids")})
			f.same(out["last_hidden_state"], "text.last_hidden_state")
		}
	})
}

// residualInputs gives the UNet or the next ControlNet the residuals in from,
// or zeros where it is nil.
func (f *fixture) residualInputs(to map[string]*runtime.Tensor, prefix string, n int, from map[string]*runtime.Tensor) {
	f.t.Helper()
	names := []string{"mid"}
	for i := range n {
		names = append(names, arch.Down(i))
	}
	for _, name := range names {
		if from != nil {
			to[prefix+name] = from[name]
			continue
		}
		zero, err := runtime.Zero()
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { zero.Close() })
		to[prefix+name] = zero
	}
}

func (f *fixture) unetInputs() map[string]*runtime.Tensor {
	f.t.Helper()
	return map[string]*runtime.Tensor{
		"sample": f.tensor("unet.sample"), "timestep": f.tensor("unet.timestep"),
		"encoder_hidden_states": f.tensor("text.last_hidden_state"),
	}
}

func TestUNetEqualsDiffusers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		unet, err := arch.NewUNet(f.model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes(2, 8, 12) {
			m, err := unet.Graph(size, false)
			f.same(f.run(m, err, f.unetInputs())["out_sample"], "unet.plain")

			in := f.unetInputs()
			f.residualInputs(in, "", unet.Residuals(), nil)
			m, err = unet.Graph(size, true)
			f.same(f.run(m, err, in)["out_sample"], "unet.plain")
		}
	})
}

// TestSpelledOutAttentionEqualsDiffusers runs the form of the graphs that is
// for providers whose fused attention can't be used.
func TestSpelledOutAttentionEqualsDiffusers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		unet, err := arch.NewUNet(f.model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes(2, 8, 12) {
			m, err := unet.Graph(size, false)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(m.Plain(), []byte("MultiHeadAttention")) || !bytes.Contains(m.Proto, []byte("MultiHeadAttention")) {
				t.Error("the two forms don't differ in their attention")
			}
			m.Proto = m.Plain()
			f.same(f.run(m, nil, f.unetInputs())["out_sample"], "unet.plain")
		}
	})
}

func TestUNetTakesSizesThatDontHalve(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		unet, err := arch.NewUNet(f.model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		text := f.tensor("text.last_hidden_state")
		shape := text.Shape()
		first, err := runtime.NewFloat32([]int64{1, shape[1], shape[2]}, text.Float32()[:shape[1]*shape[2]])
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		for _, size := range sizes(1, 9, 13) {
			m, err := unet.Graph(size, false)
			out := f.run(m, err, map[string]*runtime.Tensor{
				"sample": f.tensor("odd.sample"), "timestep": f.tensor("odd.timestep"), "encoder_hidden_states": first,
			})
			f.same(out["out_sample"], "odd.plain")
		}
	})
}

func (f *fixture) controlNet(name string) *arch.ControlNet {
	f.t.Helper()
	c, err := checkpoint.OpenControlNet(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	net, err := arch.NewControlNet(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return net
}

// weights gives every residual of a ControlNet the same weight.
func weights(w float32, n *arch.ControlNet) (*runtime.Tensor, error) {
	count := n.Residuals() + 1
	return runtime.NewFloat32([]int64{int64(count), 1}, slices.Repeat([]float32{w}, count))
}

// TestControlNetsEqualDiffusers runs one ControlNet alone, a second one after
// it, and the UNet with the residuals of the first and of both.
func TestControlNetsEqualDiffusers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		unet, err := arch.NewUNet(f.model.UNet)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes(2, 8, 12) {
			var sum map[string]*runtime.Tensor
			for i, name := range []string{"controlnet-a", "controlnet-b"} {
				net := f.controlNet(name)
				if !net.Fits(unet) {
					t.Fatalf("%s doesn't fit the UNet", name)
				}
				prefix := []string{"control_0", "control_1"}[i]
				m, err := net.HintGraph(size)
				hint := f.run(m, err, map[string]*runtime.Tensor{"image": f.tensor(prefix + ".image")})["hint"]
				f.same(hint, prefix+".hint")

				in := f.unetInputs()
				in["hint"] = hint
				if in["weight"], err = weights(f.tensor(prefix + ".weight").Float32()[0], net); err != nil {
					t.Fatal(err)
				}
				defer in["weight"].Close()
				f.residualInputs(in, "prev_", net.Residuals(), nil)
				m, err = net.Graph(size)
				alone := f.run(m, err, in)
				for j := range net.Residuals() {
					f.same(alone[arch.Down(j)], prefix+"."+arch.Down(j))
				}
				f.same(alone["mid"], prefix+".mid")

				f.residualInputs(in, "prev_", net.Residuals(), sum)
				sum = f.run(m, err, in)
				in = f.unetInputs()
				f.residualInputs(in, "", unet.Residuals(), sum)
				m, err = unet.Graph(size, true)
				f.same(f.run(m, err, in)["out_sample"], "unet.controlled_"+prefix[len(prefix)-1:])
			}
		}
	})
}

func TestVAEEqualsDiffusers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		vae, err := arch.NewVAE(f.model.VAE)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes(2, 8, 12) {
			m, err := vae.Decoder(size)
			f.same(f.run(m, err, map[string]*runtime.Tensor{"latents": f.tensor("vae.latents")})["image"], "vae.decoded")
		}
		for _, size := range sizes(1, 8, 12) {
			m, err := vae.Encoder(size)
			out := f.run(m, err, map[string]*runtime.Tensor{"image": f.tensor("vae.image")})
			f.same(out["mean"], "vae.mean")
			if _, ok := f.cases.Tensor("vae.std"); ok {
				f.same(out["std"], "vae.std")
			} else if out["std"] != nil {
				t.Error("an autoencoder that isn't variational has a std")
			}
		}
	})
}
