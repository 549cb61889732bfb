package inference

import (
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
)

// familyImages are the control image, the image to start from and the mask of
// testdata/make_family_fixtures.py.
func familyImages() (lines, ramp, mask *image.NRGBA) {
	size := image.Rect(0, 0, 96, 64)
	lines, ramp, mask = image.NewNRGBA(size), image.NewNRGBA(size), image.NewNRGBA(size)
	gray := func(on bool) color.NRGBA {
		if on {
			return color.NRGBA{255, 255, 255, 255}
		}
		return color.NRGBA{0, 0, 0, 255}
	}
	round := func(v float32) uint8 { return uint8(v*255 + 0.5) }
	for y := range 64 {
		for x := range 96 {
			d := (x-32)*(x-32) + (y-32)*(y-32) - 256
			lines.SetNRGBA(x, y, gray(d < 96 && d > -96))
			fx, fy := float32(x), float32(y)
			ramp.SetNRGBA(x, y, color.NRGBA{round(fx / 96), round(fy / 64), round((fx + fy) / 160), 255})
			mask.SetNRGBA(x, y, gray(x > 40))
		}
	}
	return lines, ramp, mask
}

// Whole renders of every family, from a folder and from a single file, equal
// diffusers' pipelines.
func TestFamiliesRenderAsDiffusers(t *testing.T) {
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{})
	e.bare = true
	for family, m := range all {
		dir := t.TempDir()
		folder, single, control := filepath.Join(dir, "folder"), filepath.Join(dir, "model.safetensors"), filepath.Join(dir, "control.safetensors")
		for _, err := range []error{
			m.WriteFolder(folder, "", 1, models.F32), models.Write(single, m.Fuse(m.Single), models.F32), models.Write(control, m.Fuse(m.Control), models.F32),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		lines, ramp, mask := familyImages()
		for path, net := range map[string]string{folder: filepath.Join(folder, "controlnet"), single: control} {
			req := Request{
				Checkpoint: path, Prompt: "a tall glass vase, studio lighting", NegativePrompt: "blurry, low quality",
				Width: 96, Height: 64, Steps: 6, Guidance: 4, Sampler: "ddim", Seed: 5, Count: 1,
			}
			renders := map[string]Request{"": req, "-control": req}
			if strings.HasSuffix(family, "inpaint") {
				renders = map[string]Request{}
				for suffix, strength := range map[string]float32{"": 1, "-part": 0.7} {
					r := req
					r.Init, r.Mask, r.Strength = ramp, mask, strength
					renders[suffix] = r
				}
			}
			for suffix, r := range renders {
				if suffix == "-control" {
					r.Controls = []Control{{ControlNet: net, Image: lines, Weight: 1, End: 1}}
				}
				t.Run(family+suffix+" "+filepath.Base(path), func(t *testing.T) {
					res, err := e.Render(context.Background(), r, nil)
					if err != nil {
						t.Fatal(err)
					}
					most, mean := difference(t, res.Images[0], openPNG(t, filepath.Join("testdata", "family-"+family+suffix+".png")))
					t.Logf("greatest difference %d levels, mean %.4f", most, mean)
					if most > 2 {
						t.Errorf("differs by up to %d levels, want at most 2", most)
					}
				})
			}
		}
		got, err := checkpoint.Inspect(single)
		if err != nil {
			t.Fatal(err)
		}
		if name, _, _ := strings.Cut(family, "-"); !strings.HasPrefix(got.Family, name+" ") || got.Reason != "" || got.Layout != checkpoint.LayoutSingle ||
			got.Inpainting != strings.HasSuffix(family, "inpaint") || (got.Prediction == "v_prediction") != (family == "sd2") || len(got.Parts) < 3 {
			t.Errorf("%s is described as %+v", family, got)
		}
	}
}

func openPNG(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}
