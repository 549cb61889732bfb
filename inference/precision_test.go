package inference

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
)

// psnr is the peak signal-to-noise ratio of two opaque images in decibels.
func psnr(a, b *image.RGBA) float64 {
	var sum float64
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)*3/4)/sum)
}

func TestFastIsNearFloat32(t *testing.T) {
	e := newEngine(t, Config{Int8Dir: t.TempDir()})
	r := starter(t)
	r.Steps = 8
	for seed, text := range []string{"a tall red ceramic vase", "a wooden house"} {
		r.Seed, r.Prompt = int64(seed), text
		r.Precision = PrecisionFP32
		want := render(t, e, r, nil)
		r.Precision = PrecisionFast
		got := render(t, e, r, nil)
		if same(got.Images[0], want.Images[0]) {
			t.Errorf("%s: fast is no other precision", text)
		}
		db := psnr(got.Images[0], want.Images[0])
		t.Logf("%s: %.1f dB", text, db)
		if db < 32 {
			t.Errorf("%s: %.1f dB against fp32, want 32", text, db)
		}
	}
	if copies, _ := filepath.Glob(filepath.Join(e.cfg.Int8Dir, "*.safetensors")); len(copies) != 2 {
		t.Errorf("copies %q; want the UNet's and the ControlNet's", copies)
	}
}

// LoRAs act in fast as they do in float32: on the activations beside the int8
// weights, or for a LoHa on weights that stay in float.
func TestLoRAsActInFast(t *testing.T) {
	e := newEngine(t, Config{Int8Dir: t.TempDir()})
	for name, file := range map[string]string{"LoRA": loraFor(t, false), "LoHa": loraFor(t, true)} {
		t.Run(name, func(t *testing.T) {
			r := starter(t)
			r.Steps, r.Controls = 8, nil
			image := func(precision Precision, strength float32) *image.RGBA {
				r.Precision, r.LoRAs = precision, nil
				if strength != 0 {
					r.LoRAs = []LoRA{{file, strength, 0}}
				}
				return render(t, e, r, nil).Images[0]
			}
			exact, fast := image(PrecisionFP32, 1), image(PrecisionFast, 1)
			kept, effect := psnr(fast, exact), psnr(exact, image(PrecisionFP32, 0))
			alike := psnr(fast, image(PrecisionFast, 0))
			t.Logf("fast to fp32 %.1f dB; the effect is %.1f dB in fp32 and %.1f in fast", kept, effect, alike)
			if kept < 32 {
				t.Errorf("with the LoRA, fast is %.1f dB from fp32, want 32", kept)
			}
			if effect > kept-6 || alike > kept-6 {
				t.Errorf("the LoRA changes the picture by %.1f dB, in fast by %.1f: too little beside the rounding's %.1f", effect, alike, kept)
			}
			if d := alike - effect; d > 2 || d < -2 {
				t.Errorf("the LoRA changes the picture by %.1f dB in fp32 and %.1f in fast", effect, alike)
			}
		})
	}
}

// loraFor writes a random LoRA or LoHa that changes linear layers and
// convolutions of the bundled checkpoint's UNet, most of which are in int8 in fast.
func loraFor(t *testing.T, hadamard bool) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	var list []models.Tensor
	add := func(name string, scale float64, shape ...int64) {
		n := int64(1)
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64() * scale)
		}
		list = append(list, models.Tensor{Name: name, Shape: shape, Values: values})
	}
	m, err := checkpoint.Open(starter(t).Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	const rank = 4
	layers := 0
	for _, name := range m.UNet.Names() {
		linear := strings.HasSuffix(name, "attn1.to_q.weight") || strings.HasSuffix(name, "ff.net.2.weight")
		if !linear && !strings.HasSuffix(name, "resnets.1.conv1.weight") {
			continue
		}
		_, w, _ := m.UNet.Lookup(name)
		layers++
		out, in := w.Shape[0], w.Shape[1]
		key := "lora_unet_" + strings.ReplaceAll(strings.TrimSuffix(name, ".weight"), ".", "_")
		kernel := w.Shape[2:]
		fan := float64(in)
		for _, d := range kernel {
			fan *= float64(d)
		}
		scale := 0.25 / math.Sqrt(fan)
		if hadamard {
			for _, d := range kernel {
				in *= d
			}
			for _, half := range []string{"1", "2"} {
				add(key+".hada_w"+half+"_a", math.Sqrt(scale/rank), out, rank)
				add(key+".hada_w"+half+"_b", 1, rank, in)
			}
			continue
		}
		add(key+".lora_down.weight", scale, append([]int64{rank, in}, kernel...)...)
		up := []int64{out, rank}
		for range kernel {
			up = append(up, 1)
		}
		add(key+".lora_up.weight", 1/math.Sqrt(rank), up...)
	}
	if layers < 8 {
		t.Fatalf("only %d layers", layers)
	}
	path := filepath.Join(t.TempDir(), "adapter.safetensors")
	if err := models.Write(path, list, models.F32); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFastWithoutFolderFallsBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{Precision: PrecisionFast, Int8Dir: filepath.Join(file, "below")})
	r := small(t, "wide-ddim")
	var notes []string
	got := render(t, e, r, func(p Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	})
	if len(notes) != 2 || !strings.Contains(notes[0], "fp32") {
		t.Errorf("notes %q; want one for the ControlNet and one for the UNet", notes)
	}
	r.Precision = PrecisionFP32
	if !same(got.Images[0], render(t, e, r, nil).Images[0]) {
		t.Error("the fallback isn't fp32")
	}
}

func TestPrecisionIsChecked(t *testing.T) {
	r := small(t, "wide-ddim")
	r.Precision = "fp7"
	var bad *RequestError
	if _, err := newEngine(t, Config{}).Render(context.Background(), r, nil); !errors.As(err, &bad) || bad.Field != "Precision" {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Precision: "double"}); err == nil || !strings.Contains(err.Error(), "double") {
		t.Errorf("config: %v", err)
	}
	for text, want := range map[string]Precision{"": PrecisionAuto, " FP16 ": PrecisionFP16, "fast": PrecisionFast} {
		if got, err := ParsePrecision(text); err != nil || got != want {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}

// Drafts are fast on the CPU where nothing else is asked for.
func TestDraftsAreFastOnTheCPU(t *testing.T) {
	for _, c := range []struct {
		config, request Precision
		providers       []string
		draft           bool
		want            Precision
	}{
		{"", "", nil, true, PrecisionFast}, {"", "", nil, false, PrecisionAuto}, {PrecisionAuto, "", []string{"CPU"}, true, PrecisionFast},
		{PrecisionFP32, "", nil, true, PrecisionFP32}, {"", PrecisionFP32, nil, true, PrecisionFP32}, {PrecisionFP32, PrecisionAuto, nil, true, PrecisionFP32},
		{"", "", []string{"WebGPU", "CPU"}, true, PrecisionAuto}, {PrecisionFast, "", nil, false, PrecisionFast},
	} {
		e := &Engine{cfg: Config{Precision: c.config, Providers: c.providers}}
		r := e.newRun(Request{Precision: c.request, Draft: c.draft}, nil, &Result{})
		if got := r.precision(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		if len(c.providers) > 1 {
			e.failed = map[string]string{"WebGPU": "test"}
			if got := r.precision(); got != PrecisionFast {
				t.Errorf("without its GPU: %s", got)
			}
		}
	}
}
