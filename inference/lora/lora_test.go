package lora_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/runtime"
)

// fixture is one of make_fixtures.py's files.
type fixture struct {
	file, checkpoint string
	kind             lora.Kind // of the changes to matrices
}

func fixtures() []fixture {
	return []fixture{
		{"kohya", "sd.json", lora.LoRA}, {"legacy", "sd.json", lora.LoRA}, {"peft", "sd.json", lora.LoRA},
		{"sdxl-ldm", "sdxl.json", lora.LoRA}, {"sdxl-kohya", "sdxl.json", lora.LoRA},
		{"locon-tucker", "sd.json", lora.LoRA}, {"loha", "sd.json", lora.LoHa}, {"loha-tucker", "sd.json", lora.LoHa},
	}
}

func open(t testing.TB, c fixture) (*lora.File, *checkpoint.File) {
	t.Helper()
	f, err := lora.Open(filepath.Join("testdata", c.file+".safetensors"), tiny(t, c.checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	want, err := checkpoint.OpenSafetensors(filepath.Join("testdata", c.file+".want.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return f, want
}

// all lists the changes of a file by "part/weight", as the fixtures name them.
func all(f *lora.File) map[string]*lora.Delta {
	list := map[string]*lora.Delta{}
	for part, deltas := range f.Deltas {
		for weight, d := range deltas {
			list[string(part)+"/"+weight] = d
		}
	}
	return list
}

// TestFilesChangeTheWeightsAsDiffusersDoes finds in each file the weights that
// diffusers or LyCORIS found, no other ones, and the same change of each, at
// two strengths of one session.
func TestFilesChangeTheWeightsAsDiffusersDoes(t *testing.T) {
	rt := openRuntime(t)
	for _, c := range fixtures() {
		t.Run(c.file, func(t *testing.T) {
			f, want := open(t, c)
			if len(f.Skipped) > 0 {
				t.Errorf("skipped %v", f.Skipped)
			}
			deltas := all(f)
			names := slices.Sorted(maps.Keys(deltas))
			var wanted []string
			for _, tensor := range want.Tensors {
				if !strings.HasPrefix(tensor.Name, "x/") && !strings.HasPrefix(tensor.Name, "y/") {
					wanted = append(wanted, tensor.Name)
				}
			}
			if slices.Sort(wanted); !slices.Equal(names, wanted) {
				t.Fatalf("it changes\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(wanted, "\n"))
			}
			b := graph.New("changes")
			strength := b.Input("strength", graph.Float32, 1)
			for _, name := range names {
				shape, _ := floats(t, want, name)
				b.Output(name, deltas[name].Value(strength, lora.All()).Reshape(shape...))
				if d := deltas[name]; len(shape) == 2 && d.Kind != c.kind {
					t.Errorf("%s is of kind %s, want %s", name, d.Kind, c.kind)
				}
			}
			for _, s := range []float32{1, -0.5} {
				out := run(t, rt, b, map[string]*runtime.Tensor{"strength": tensor(t, []int64{1}, []float32{s})})
				for _, name := range names {
					shape, data := floats(t, want, name)
					same(t, name, out[name], shape, data, float64(s))
				}
			}
		})
	}
}

// layer is the stride and padding of the tiny checkpoints' convolutions.
func layer(weight string, kernel int64) (stride int64, pads [4]int64) {
	p := kernel / 2
	if strings.Contains(weight, "downsamplers") {
		return 2, [4]int64{p, p, p, p}
	}
	return 1, [4]int64{p, p, p, p}
}

// zeros is a file with a weight of zeros, as the source of a scope.
func zeros(t *testing.T, name string, shape []int64) source {
	t.Helper()
	f, err := checkpoint.OpenSafetensors(store(t, entry{name, shape, nil}))
	if err != nil {
		t.Fatal(err)
	}
	return source{f}
}

type source struct{ *checkpoint.File }

func (s source) Lookup(name string) (string, checkpoint.Tensor, bool) {
	t, ok := s.Tensor(name)
	return s.Path, t, ok
}

// TestPatchAddsWhatTheChangedLayerAdds runs each changed layer, with a zero
// weight, on an input, as the networks would: on both sides, and in spans for
// fused layers.
func TestPatchAddsWhatTheChangedLayerAdds(t *testing.T) {
	rt := openRuntime(t)
	none := graph.Value{}
	for _, c := range fixtures() {
		t.Run(c.file, func(t *testing.T) {
			f, want := open(t, c)
			for key, d := range all(f) {
				for _, side := range []lora.Side{lora.Weights, lora.Activations} {
					xShape, x := floats(t, want, "x/"+key)
					yShape, y := floats(t, want, "y/"+key)
					shape, _ := floats(t, want, key)
					b := graph.New(key)
					b.Patch(lora.NewPatch(d.Part, []*lora.File{f}, side))
					in := b.Input("x", graph.Float32, xShape...)
					s := b.Scope(zeros(t, d.Weight, shape))
					switch {
					case len(shape) == 4:
						stride, pads := layer(d.Weight, shape[2])
						b.Output("y", in.Conv2D(s.Weight(d.Weight, shape...), none, stride, pads))
					case strings.HasSuffix(d.Weight, "ff.net.0.proj.weight"):
						half := func(part int64) graph.Value { return in.Linear(s.Rows(d.Weight, part, 2, shape[0]/2, shape[1]), none) }
						b.Output("y", half(0).Concat(-1, half(1)))
					default:
						b.Output("y", in.Linear(s.Weight(d.Weight, shape...), none))
					}
					for _, strength := range []float32{1, 0.25, 0} {
						out := run(t, rt, b, map[string]*runtime.Tensor{
							"x": tensor(t, xShape, x), lora.Input(0): tensor(t, []int64{1}, []float32{strength}),
						})
						same(t, key, out["y"], yShape, y, float64(strength))
					}
				}
			}
		})
	}
}

// TestPatchAddsUp applies two files at once, and one that doesn't change the network.
func TestPatchAddsUp(t *testing.T) {
	rt := openRuntime(t)
	kohya, want := open(t, fixture{file: "kohya", checkpoint: "sd.json"})
	loha, want2 := open(t, fixture{file: "loha", checkpoint: "sd.json"})
	const key = "unet/up_blocks.1.attentions.2.transformer_blocks.0.attn2.to_k.weight"
	weight := strings.TrimPrefix(key, "unet/")
	shape, first := floats(t, want, key)
	_, second := floats(t, want2, key)
	xShape, x := floats(t, want, "x/"+key)
	b := graph.New("two")
	b.Patch(lora.NewPatch(lora.UNet, []*lora.File{kohya, {}, loha}, lora.Activations))
	in := b.Input("x", graph.Float32, xShape...)
	b.Output("y", in.Linear(b.Scope(zeros(t, weight, shape)).Weight(weight, shape...), graph.Value{}))
	out := run(t, rt, b, map[string]*runtime.Tensor{
		"x": tensor(t, xShape, x), lora.Input(0): tensor(t, []int64{1}, []float32{0.5}), lora.Input(2): tensor(t, []int64{1}, []float32{-2}),
	})["y"]
	var y []float32
	for r := range xShape[1] {
		for o := range shape[0] {
			sum := 0.0
			for i := range shape[1] {
				delta := 0.5*float64(first[o*shape[1]+i]) - 2*float64(second[o*shape[1]+i])
				sum += delta * float64(x[r*shape[1]+i])
			}
			y = append(y, float32(sum))
		}
	}
	same(t, key, out, []int64{1, xShape[1], shape[0]}, y, 1)
}

// TestEveryModuleOfTheRealUNetsIsFound writes a file that changes every linear
// layer and convolution of Stable Diffusion 1.5, 2 and XL, under diffusers' and
// under LDM's names.
func TestEveryModuleOfTheRealUNetsIsFound(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "names.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		path, ldm string
		shape     []int64
	}
	var families map[string][][3]json.RawMessage
	if err := json.NewDecoder(z).Decode(&families); err != nil {
		t.Fatal(err)
	}
	if len(families) != 3 {
		t.Fatalf("%d families", len(families))
	}
	for family, raw := range families {
		net := network{}
		rows := make([]row, len(raw))
		for i, r := range raw {
			if err := errors.Join(json.Unmarshal(r[0], &rows[i].path), json.Unmarshal(r[1], &rows[i].ldm), json.Unmarshal(r[2], &rows[i].shape)); err != nil {
				t.Fatal(err)
			}
			net[rows[i].path+".weight"] = rows[i].shape
		}
		for spelling, name := range map[string]func(r row) string{
			"kohya":     func(r row) string { return "lora_unet_" + strings.ReplaceAll(r.path, ".", "_") },
			"kohya LDM": func(r row) string { return "lora_unet_" + strings.ReplaceAll(r.ldm, ".", "_") },
			"dotted":    func(r row) string { return "unet." + r.path },
			"LDM":       func(r row) string { return "diffusion_model." + r.ldm },
		} {
			t.Run(family+" "+spelling, func(t *testing.T) {
				// Alphas that differ tell whether each module got its own.
				var list []entry
				for i, r := range rows {
					up, down := []int64{r.shape[0], 1}, append([]int64{1}, r.shape[1:]...)
					if len(r.shape) == 4 {
						up = append(up, 1, 1)
					}
					list = append(list, entry{name(r) + ".lora_up.weight", up, nil}, entry{name(r) + ".lora_down.weight", down, nil},
						entry{name(r) + ".alpha", []int64{}, f32(float32(i + 1))})
				}
				f, err := lora.Open(store(t, list...), lora.Networks{lora.UNet: net})
				if err != nil {
					t.Fatal(err)
				}
				if len(f.Skipped) > 0 || len(f.Deltas[lora.UNet]) != len(rows) {
					t.Errorf("%d of %d found; skipped %.300v", len(f.Deltas[lora.UNet]), len(rows), f.Skipped)
				}
				for i, r := range rows {
					if d := f.Deltas[lora.UNet][r.path+".weight"]; d == nil || d.Scale != float32(i+1) {
						t.Fatalf("%s: %+v", r.path, d)
					}
				}
			})
		}
	}
}
