package evaluate

import (
	"context"
	"image"
	"image/draw"
	"math"
	"path/filepath"
	"testing"

	"maquette/assets"
	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

// fastSteps are enough for images that are finished.
const fastSteps = 12

// fastPair is a bundled sketch rendered in two precisions.
type fastPair struct {
	name        string
	exact, fast float64 // sketch fidelity, F1
	decibels    float64 // of the fast picture against the exact one
}

// fastPairs renders the bundled sketches with the bundled checkpoint in fp32 and in fast.
func fastPairs(t testing.TB) []fastPair {
	t.Helper()
	samples, err := assets.SampleList()
	if err != nil {
		t.Fatal(err)
	}
	pairs := make([]fastPair, len(samples))
	pictures := make([]*image.RGBA, len(samples))
	for _, precision := range []inference.Precision{inference.PrecisionFP32, inference.PrecisionFast} {
		engine, err := inference.New(inference.Config{Precision: precision, Int8Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range samples {
			picture, f1 := rendered(t, engine, s, int64(i+1))
			if precision == inference.PrecisionFP32 {
				pairs[i], pictures[i] = fastPair{name: s.ID, exact: f1}, picture
				continue
			}
			pairs[i].fast, pairs[i].decibels = f1, psnr(pictures[i], picture)
		}
		if err := engine.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return pairs
}

// rendered renders a bundled sketch as the app does; it gives the picture and its sketch fidelity.
func rendered(t testing.TB, engine *inference.Engine, s assets.Sample, seed int64) (*image.RGBA, float64) {
	t.Helper()
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatalf("%s: %v", s.ID, err)
		}
	}
	file, err := assets.Samples().Open(s.ID + ".png")
	fail(err)
	defer file.Close()
	info, err := file.Stat()
	fail(err)
	sketch, err := control.DecodeImage(file, info.Size())
	fail(err)
	library, err := projects.NewLibrary(nil, nil)
	fail(err)
	p, err := projects.Create(ctx, filepath.Join(t.TempDir(), "project"), "")
	fail(err)
	defer p.Close()
	r := projects.DefaultRecipe()
	r.Prompt, r.Steps, r.Seed, r.Count = s.Prompt, fastSteps, seed, 1
	q := projects.NewQueue(p, engine, library, nil)
	defer q.Close()
	job, err := q.Enqueue(ctx, "", sketch, r)
	fail(err)
	job, err = q.Wait(ctx, job.ID)
	fail(err)
	if job.State != projects.JobDone || len(job.Concepts) != 1 {
		t.Fatalf("%s: %s %s", s.ID, job.State, job.Error)
	}
	c, err := p.Concept(ctx, job.Concepts[0])
	fail(err)
	f, err := p.Fidelity(ctx, c)
	fail(err)
	img, err := p.ConceptImage(ctx, c.ID)
	fail(err)
	picture := image.NewRGBA(img.Bounds())
	draw.Draw(picture, picture.Rect, img, picture.Rect.Min, draw.Src)
	return picture, f.F1
}

// psnr is the peak signal-to-noise ratio of two opaque images in decibels.
func psnr(a, b *image.RGBA) float64 {
	var sum float64
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)*3/4)/sum)
}

// Int8 changes neither how the bundled checkpoint's pictures look nor how well they follow their sketches.
func TestFastKeepsSketchFidelity(t *testing.T) {
	exact, fast := 0.0, 0.0
	pairs := fastPairs(t)
	for _, p := range pairs {
		t.Logf("%s: sketch fidelity %.3f in fp32, %.3f in fast; %.1f dB", p.name, p.exact, p.fast, p.decibels)
		if p.decibels < 32 {
			t.Errorf("%s: fast is %.1f dB from fp32, want 32", p.name, p.decibels)
		}
		if math.IsInf(p.decibels, 1) {
			t.Errorf("%s: fast is no other precision", p.name)
		}
		exact, fast = exact+p.exact/float64(len(pairs)), fast+p.fast/float64(len(pairs))
	}
	if math.Abs(fast-exact) > 0.01 {
		t.Errorf("the mean sketch fidelity is %.3f in fast, %.3f in fp32", fast, exact)
	}
}

// BenchmarkFastKeepsSketchFidelity reports the means over the bundled sketches.
func BenchmarkFastKeepsSketchFidelity(b *testing.B) {
	var exact, fast, decibels float64
	for b.Loop() {
		pairs := fastPairs(b)
		exact, fast, decibels = 0, 0, math.Inf(1)
		for _, p := range pairs {
			exact, fast = exact+p.exact/float64(len(pairs)), fast+p.fast/float64(len(pairs))
			decibels = min(decibels, p.decibels)
		}
	}
	for unit, value := range map[string]float64{"fp32-f1": exact, "fast-f1": fast, "least-dB": decibels} {
		b.ReportMetric(value, unit)
	}
}
