package inference

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
