package vision

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/assets"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/models"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
)

func openRuntime(t *testing.T) *runtime.Runtime {
	t.Helper()
	lib, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime.Open(lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// fixture reads the tensors that testdata/make_fixtures.py writes.
func fixture(t *testing.T) map[string]models.Tensor {
	t.Helper()
	path := filepath.Join("testdata", "clip.safetensors")
	f, err := checkpoint.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]models.Tensor{}
	for _, tensor := range f.Tensors {
		out := models.Tensor{Name: tensor.Name, Shape: tensor.Shape}
		for at := tensor.Offset; at < tensor.Offset+tensor.Bytes; at += 4 {
			out.Values = append(out.Values, math.Float32frombits(binary.LittleEndian.Uint32(data[at:])))
		}
		list[tensor.Name] = out
	}
	return list
}

// storeCLIP writes the fixture's model, with or without its text encoder, whose
// names may lack the prefix, as transformers 5 writes an image encoder alone.
func storeCLIP(t *testing.T, path string, text, bare bool) {
	t.Helper()
	var list []models.Tensor
	for name, tensor := range fixture(t) {
		isText := strings.HasPrefix(name, "text_")
		if strings.HasPrefix(name, "case.") || isText && !text {
			continue
		}
		if bare {
			tensor.Name = strings.TrimPrefix(name, "vision_model.")
		}
		list = append(list, tensor)
	}
	if text {
		e := models.Tensor{Name: "text_model.embeddings.token_embedding.weight", Shape: []int64{prompt.VocabSize, 16}}
		for i := range prompt.VocabSize {
			for j := range 16 {
				e.Values = append(e.Values, float32(math.Sin(.37*float64(i)+1.3*float64(j))/10))
			}
		}
		list = append(list, e)
	}
	if err := models.Write(path, list, models.F32); err != nil {
		t.Fatal(err)
	}
}

// config writes the config.json of the fixture's model beside its weights.
func config(t *testing.T, dir string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func picture(t *testing.T) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "picture.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

// normal scales an embedding to length 1, as transformers' outputs are.
func normal(v []float32) []float32 {
	sum := 0.
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x / float32(math.Sqrt(sum))
	}
	return out
}

var (
	visionConfig = map[string]any{"num_attention_heads": 4, "hidden_act": "gelu"}
	textConfig   = map[string]any{"num_attention_heads": 2, "hidden_act": "quick_gelu", "eos_token_id": 49407}
)

func TestCLIPIsTransformers(t *testing.T) {
	ctx := context.Background()
	want := fixture(t)
	tokens, err := prompt.New(assets.CLIPMerges())
	if err != nil {
		t.Fatal(err)
	}
	r := openRuntime(t)
	near(t, "pixels", clipPlanes(picture(t), 48), want["case.pixels"].Values, .03) // rounding of one level
	for name, store := range map[string]func(dir string) string{
		"both encoders": func(dir string) string {
			storeCLIP(t, filepath.Join(dir, "model.safetensors"), true, false)
			config(t, dir, map[string]any{"architectures": []string{"CLIPModel"}, "vision_config": visionConfig, "text_config": textConfig})
			return dir
		},
		"the file of a folder": func(dir string) string {
			storeCLIP(t, filepath.Join(dir, "model.safetensors"), false, true)
			config(t, dir, map[string]any{"architectures": []string{"CLIPVisionModelWithProjection"}, "num_attention_heads": 4, "hidden_act": "gelu"})
			return filepath.Join(dir, "model.safetensors")
		},
	} {
		path := store(t.TempDir())
		c, err := OpenCLIP(ctx, r, path, tokens, runtime.Options{Threads: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { c.Close() })
		got, err := c.Image(ctx, picture(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name+": image", normal(got), want["case.image"].Values, .01)
		x, err := runtime.NewFloat32([]int64{1, 3, 48, 48}, want["case.pixels"].Values)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := answer(ctx, c.image, "pixel_values", x, "embedding")
		x.Close()
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+": the same pixels", normal(exact), want["case.image"].Values, 2e-5)
		if name != "both encoders" {
			if c.ReadsText() {
				t.Errorf("%s reads text", name)
			}
			if _, err := c.Text(ctx, "x"); err == nil {
				t.Errorf("%s: a text has an embedding", name)
			}
			continue
		}
		for i, text := range []string{"a (red:1.3) glossy  vase, <lora:x:1>front view", "brick facade at dusk"} {
			got, err := c.Text(ctx, text)
			if err != nil {
				t.Fatal(err)
			}
			near(t, text, normal(got), want["case.texts"].Values[10*i:10*i+10], 2e-5)
		}
		done, stop := context.WithCancel(ctx)
		stop()
		if _, err := c.Image(done, picture(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := c.Image(ctx, image.NewRGBA(image.Rectangle{})); err == nil {
			t.Error("an empty picture has an embedding")
		}
	}
}

// Without a config, sizes are those of the tensors and heads have 64 channels.
func TestFindCLIP(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.safetensors"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if path, err := FindCLIP(ctx, []string{dir, filepath.Join(dir, "none")}); err != nil || path != "" {
		t.Errorf("found %q, %v", path, err)
	}
	image, both := filepath.Join(dir, "clip_vision", "a.safetensors"), filepath.Join(dir, "clip", "model.safetensors")
	storeCLIP(t, image, false, false)
	if path, err := FindCLIP(ctx, []string{dir}); err != nil || path != image {
		t.Errorf("found %q, %v", path, err)
	}
	storeCLIP(t, both, true, false)
	if path, err := FindCLIP(ctx, []string{dir}); err != nil || path != both {
		t.Errorf("found %q, %v", path, err)
	}
	vision, text, err := checkpoint.OpenCLIP(both)
	if err != nil || text == nil {
		t.Fatalf("%v, %v", text, err)
	}
	var got struct {
		Hidden     int    `json:"hidden_size"`
		Image      int    `json:"image_size"`
		Patch      int    `json:"patch_size"`
		Heads      int    `json:"num_attention_heads"`
		Layers     int    `json:"num_hidden_layers"`
		Activation string `json:"hidden_act"`
	}
	if err := json.Unmarshal(vision.Config, &got); err != nil || got.Hidden != 16 || got.Image != 48 || got.Patch != 12 || got.Layers != 2 || got.Heads != 1 || got.Activation != "quick_gelu" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := checkpoint.OpenCLIP(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	var unsupported *checkpoint.UnsupportedError
	if err := models.Write(filepath.Join(dir, "other.safetensors"), []models.Tensor{{Name: "x", Shape: []int64{1}, Values: []float32{1}}}, models.F32); err != nil {
		t.Fatal(err)
	}
	if _, _, err := checkpoint.OpenCLIP(filepath.Join(dir, "other.safetensors")); !errors.As(err, &unsupported) {
		t.Errorf("another model: %v", err)
	}
}

// storeInception writes a network with Inception's inputs and outputs: colours
// averaged over the picture, spread over the features and classes.
func storeInception(t *testing.T, path string, classes int64) {
	t.Helper()
	b := graph.New("inception")
	x := b.Input("pictures", graph.Float32, 1, 3, inceptionSide, inceptionSide)
	mean := x.Reshape(3, inceptionSide*inceptionSide).MatMul(b.Floats([]int64{inceptionSide * inceptionSide, 1}, filled(inceptionSide*inceptionSide, func(int) float32 { return 1. / (inceptionSide * inceptionSide) })...)).Reshape(1, 3)
	features := mean.MatMul(b.Floats([]int64{3, Features}, filled(3*Features, func(i int) float32 { return float32(i%7) - 3 })...))
	if classes > 0 {
		b.Output("logits", features.MatMul(b.Floats([]int64{Features, classes}, filled(Features*int(classes), func(i int) float32 { return float32(i%5) / 1000 })...)))
	}
	b.Output("pool", features.Reshape(1, Features, 1, 1))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Proto, 0o666); err != nil {
		t.Fatal(err)
	}
}

func filled(n int, f func(i int) float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func TestInception(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	plain, full := filepath.Join(dir, "a.onnx"), filepath.Join(dir, "sub", "b.onnx")
	storeInception(t, plain, 0)
	if path, err := FindInception(ctx, []string{dir}); err != nil || path != plain {
		t.Errorf("found %q, %v", path, err)
	}
	storeInception(t, full, 1008)
	if path, err := FindInception(ctx, []string{dir}); err != nil || path != full {
		t.Errorf("found %q, %v", path, err)
	}
	m, err := OpenInception(ctx, openRuntime(t), full, runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	red := image.NewNRGBA(image.Rect(0, 0, 40, 30)) // its right half transparent, so white
	for i := range 40 * 30 {
		if i%40 < 20 {
			red.SetNRGBA(i%40, i/40, color.NRGBA{255, 0, 0, 255})
		}
	}
	features, logits, err := m.Look(ctx, red)
	if err != nil {
		t.Fatal(err)
	}
	if len(features) != Features || len(logits) != 1008 || !m.Classes() {
		t.Fatalf("%d features, %d logits", len(features), len(logits))
	}
	for i, v := range features {
		want := float64(i%7-3) + .5*float64((i+Features)%7-3) + .5*float64((i+2*Features)%7-3)
		if math.Abs(float64(v)-want) > .02 {
			t.Fatalf("feature %d is %g, want %g", i, v, want)
		}
	}
}

func TestOtherNetworksAreNotInception(t *testing.T) {
	dir := t.TempDir()
	store := func(name string, build func(b *graph.Builder)) string {
		b := graph.New(name)
		build(b)
		m, err := b.Model()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name+".onnx")
		if err := os.WriteFile(path, m.Proto, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{
		store("depth", func(b *graph.Builder) { b.Output("y", b.Input("x", graph.Float32, 1, 3, 299, 299).ReLU()) }),
		store("small", func(b *graph.Builder) {
			b.Output("y", b.Input("x", graph.Float32, 1, 3, 32, 32).Reshape(1, 3072).Slice(1, 0, Features))
		}),
		store("halves", func(b *graph.Builder) {
			b.Output("y", b.Input("x", graph.Float16, 1, 3, 299, 299).Reshape(1, 3*299*299).Slice(1, 0, Features))
		}),
	} {
		_, err := describeInception(path)
		var no *NotInceptionError
		if !errors.As(err, &no) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	if path, err := FindInception(context.Background(), []string{dir}); err != nil || path != "" {
		t.Errorf("found %q, %v", path, err)
	}
}
