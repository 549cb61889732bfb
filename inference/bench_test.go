package inference

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"testing"

	"maquette/assets"
)

// drawing is a control image: a white square on black.
func drawing(size int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	draw.Draw(img, img.Rect, image.Black, image.Point{}, draw.Src)
	for i := size / 4; i < 3*size/4; i++ {
		for _, p := range [...]image.Point{{i, size / 4}, {i, 3 * size / 4}, {size / 4, i}, {3 * size / 4, i}} {
			img.SetRGBA(p.X, p.Y, color.RGBA{255, 255, 255, 255})
		}
	}
	return img
}

// starter unpacks the checkpoint that the app ships with.
func starter(t testing.TB) Request {
	t.Helper()
	archive, _ := assets.Starter()
	dir := t.TempDir()
	file := filepath.Join(dir, "starter.tar.gz")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := untar(file, dir); err != nil {
		t.Fatal(err)
	}
	checkpoint := dir
	if below, err := filepath.Glob(filepath.Join(dir, "*", "model_index.json")); err != nil {
		t.Fatal(err)
	} else if len(below) == 1 {
		checkpoint = filepath.Dir(below[0])
	}
	return Request{
		Checkpoint: checkpoint, Prompt: "a tall red ceramic vase", Width: 256, Height: 256, Steps: 25, Guidance: 2,
		Sampler: "dpmpp_2m", Schedule: "karras", Seed: 1, Count: 1,
		Controls: []Control{{ControlNet: filepath.Join(checkpoint, "controlnet-lines"), Image: drawing(256), Weight: 1, End: 1}},
	}
}

func TestStarterRenders(t *testing.T) {
	r := starter(t)
	r.Controls = append(r.Controls, Control{
		ControlNet: filepath.Join(r.Checkpoint, "controlnet-depth"), Image: drawing(256), Weight: 0.5, End: 0.5})
	r.Steps, r.PreviewEvery = 4, 1
	previews := 0
	res := render(t, newEngine(t, Config{}), r, func(p Progress) {
		if p.Preview != nil {
			previews++
		}
	})
	if len(res.Hashes) != 3 || previews == 0 {
		t.Errorf("%d hashes, %d previews", len(res.Hashes), previews)
	}
}

// BenchmarkRenderStarter renders with the bundled checkpoint and one control:
// 25 steps with guidance, 256×256 pixels. The seconds of the denoising alone
// and of the decoding are reported beside the whole.
func BenchmarkRenderStarter(b *testing.B) {
	for _, count := range []int{1, 4} {
		b.Run(fmt.Sprintf("count=%d", count), func(b *testing.B) {
			r := starter(b)
			r.Count = count
			e := newEngine(b, Config{})
			render(b, e, r, nil) // loads the models
			var denoise, decode float64
			for b.Loop() {
				res, err := e.Render(context.Background(), r, nil)
				if err != nil {
					b.Fatal(err)
				}
				denoise += res.Denoise.Seconds()
				decode += res.Decode.Seconds()
			}
			b.ReportMetric(denoise/float64(b.N), "denoise-s/op")
			b.ReportMetric(decode/float64(b.N), "decode-s/op")
		})
	}
}

// BenchmarkLoadStarter measures what the first render of a session waits for.
func BenchmarkLoadStarter(b *testing.B) {
	r := starter(b)
	r.Steps = 1
	for b.Loop() {
		e := newEngine(b, Config{})
		res, err := e.Render(context.Background(), r, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(res.Load.Seconds(), "load-s/op")
	}
}
