package arch_test

import (
	"path/filepath"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// layouts write a family's model and give the paths of checkpoint and
// ControlNet. The weights are the same in all of them.
func layouts() map[string]func(m *models.Model, dir string) (model, control string, err error) {
	type paths = func(m *models.Model, dir string) (string, string, error)
	folder := func(variant string, shards int) paths {
		return func(m *models.Model, dir string) (string, string, error) {
			return dir, filepath.Join(dir, "controlnet"), m.WriteFolder(dir, variant, shards, models.F32)
		}
	}
	return map[string]paths{
		"sharded fp16 folder": folder("fp16", 2),
		"single file": func(m *models.Model, dir string) (string, string, error) {
			model, control := filepath.Join(dir, "model.safetensors"), filepath.Join(dir, "control.safetensors")
			if err := models.Write(model, m.Fuse(m.Single), models.F32); err != nil {
				return "", "", err
			}
			return model, control, models.Write(control, m.Fuse(m.Control), models.F32)
		},
		"bare": func(m *models.Model, dir string) (string, string, error) { // a ControlNet with diffusers names and no config
			control := filepath.Join(dir, "control.safetensors")
			if c := m.Components["controlnet"]; c != nil {
				return "", control, models.Write(control, c.Tensors(), models.F32)
			}
			return "", "", nil
		},
	}
}

// Each family in each layout computes what diffusers does.
func TestFamiliesEqualDiffusers(t *testing.T) {
	testdata := filepath.Join("..", "testdata")
	all, err := models.Load(testdata)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := checkpoint.OpenSafetensors(filepath.Join(testdata, "families.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for family, m := range all {
		for layout, write := range layouts() {
			t.Run(family+" "+layout, func(t *testing.T) {
				model, control, err := write(m, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				f := &fixture{t: t, rt: openRuntime(t), cases: cases}
				if model != "" {
					if f.model, err = checkpoint.Open(model); err != nil {
						t.Fatal(err)
					}
					f.text(family)
				}
				var residuals map[string]*runtime.Tensor
				if m.Components["controlnet"] != nil {
					c, err := checkpoint.OpenControlNet(control)
					if err != nil {
						t.Fatal(err)
					}
					residuals = f.control(family, c)
				}
				if model != "" {
					f.unet(family, residuals)
					f.decoder(family)
				}
			})
		}
	}
}

// text compares the text encoders, of which the first 24 tokens are stored.
func (f *fixture) text(family string) {
	f.t.Helper()
	for part, c := range map[string]*checkpoint.Component{"text_encoder": f.model.TextEncoder, "text_encoder_2": f.model.TextEncoder2} {
		if c == nil {
			continue
		}
		enc, err := arch.NewTextEncoder(c)
		if err != nil {
			f.t.Fatal(err)
		}
		for name, want := range map[string]arch.TextOutput{"last": {}, "raw": {Skip: 1, Raw: true}} {
			m, err := enc.Graph(0, want)
			out := f.run(m, err, map[string]*runtime.Tensor{"input_ids": f.tensor(family + ".ids")})
			f.same(f.head(out["last_hidden_state"], 24), family+"."+part+"."+name)
			if enc.Pooled() > 0 {
				f.same(out["pooled"], family+"."+part+".pooled")
			}
		}
	}
}

// head is the first n rows of each item of x [N, rows, C].
func (f *fixture) head(x *runtime.Tensor, n int64) *runtime.Tensor {
	f.t.Helper()
	s := x.Shape()
	var data []float32
	for i := range s[0] {
		data = append(data, x.Float32()[i*s[1]*s[2]:][:n*s[2]]...)
	}
	out, err := runtime.NewFloat32([]int64{s[0], n, s[2]}, data)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { out.Close() })
	return out
}

// conditions are the inputs that UNet and ControlNet share.
func (f *fixture) conditions(family string) map[string]*runtime.Tensor {
	in := map[string]*runtime.Tensor{
		"sample": f.tensor(family + ".sample"), "timestep": f.tensor(family + ".timestep"), "encoder_hidden_states": f.tensor(family + ".context"),
	}
	for _, name := range []string{"text_embeds", "time_ids"} {
		if _, ok := f.cases.Tensor(family + "." + name); ok {
			in[name] = f.tensor(family + "." + name)
		}
	}
	return in
}

func (f *fixture) unet(family string, residuals map[string]*runtime.Tensor) {
	f.t.Helper()
	u, err := arch.NewUNet(f.model.UNet)
	if err != nil {
		f.t.Fatal(err)
	}
	for name, size := range sizes(2, 8, 12) {
		in := f.conditions(family)
		m, err := u.Graph(size, false)
		f.same(f.run(m, err, in)["out_sample"], family+".unet")
		if residuals == nil || name == "open" {
			continue
		}
		f.residualInputs(in, "", u.Residuals(), residuals)
		m, err = u.Graph(size, true)
		f.same(f.run(m, err, in)["out_sample"], family+".unet.controlled")
	}
}

func (f *fixture) control(family string, c *checkpoint.Component) map[string]*runtime.Tensor {
	f.t.Helper()
	n, err := arch.NewControlNet(c)
	if err != nil {
		f.t.Fatal(err)
	}
	size := arch.Size{Batch: 2, Height: 8, Width: 12}
	m, err := n.HintGraph(size)
	hint := f.run(m, err, map[string]*runtime.Tensor{"image": f.tensor(family + ".image")})
	in := f.conditions(family)
	in["hint"] = hint["hint"]
	if in["weight"], err = weights(0.7, n); err != nil {
		f.t.Fatal(err)
	}
	defer in["weight"].Close()
	f.residualInputs(in, "prev_", n.Residuals(), nil)
	m, err = n.Graph(size)
	out := f.run(m, err, in)
	f.same(out["down_0"], family+".control.down_0")
	f.same(out["mid"], family+".control.mid")
	return out
}

func (f *fixture) decoder(family string) {
	f.t.Helper()
	vae, err := arch.NewVAE(f.model.VAE)
	if err != nil {
		f.t.Fatal(err)
	}
	m, err := vae.Decoder(arch.Size{Batch: 1, Height: 4, Width: 6})
	f.same(f.run(m, err, map[string]*runtime.Tensor{"latents": f.tensor(family + ".latents")})["image"], family+".decoded")
}
