package inference

import (
	"context"
	"encoding/json"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"

	"maquette/inference/internal/models"
)

// modeCase is a render of testdata/make_mode_fixtures.py.
type modeCase struct {
	Name, Sampler, Mask string
	Width, Height       int
	Steps, Tile         int
	Guidance, Strength  float32
	Seed                int64
	Mode                *ControlMode
	Weight              float32
	Crop                []int
	Second              *SecondPass
}

// modes is the content of testdata/modes.json.
type modes struct {
	Cases   []modeCase
	Encoded []float32
}

func modeFixtures(t testing.TB) (m modes) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "modes.json"))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// modeImages are what the script calls lines, ramp, hard and soft.
func modeImages(w, h int) (lines, ramp, hard, soft image.Image) {
	size := image.Rect(0, 0, w, h)
	l, r, m, s := image.NewGray(size), image.NewNRGBA(size), image.NewGray(size), image.NewGray(size)
	fw, fh := float32(w), float32(h)
	round := func(v float32) uint8 { return uint8(math.RoundToEven(float64(v * 255))) }
	for y := range h {
		for x := range w {
			fx, fy := float32(x), float32(y)
			d := (fx-fw/3)*(fx-fw/3) + (fy-fh/2)*(fy-fh/2) - (fh/4)*(fh/4)
			if max(d, -d) < fh*1.5 {
				l.SetGray(x, y, color.Gray{255})
			}
			r.SetNRGBA(x, y, color.NRGBA{round(fx / fw), round(fy / fh), round((fx + fy) / (fw + fh)), 255})
			if x >= 40 {
				m.SetGray(x, y, color.Gray{255})
			}
			s.SetGray(x, y, color.Gray{uint8(x / 8 * 255 / (w/8 - 1))})
		}
	}
	return l, r, m, s
}

// sd1 writes the small Stable Diffusion 1 model of the family fixtures.
func sd1(t testing.TB) string {
	t.Helper()
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := all["sd1"].WriteFolder(dir, "", 1, models.F32); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plainRequest is what the requests of the script have in common.
func plainRequest(checkpoint string) Request {
	return Request{
		Checkpoint: checkpoint, Prompt: "a tall glass vase, studio lighting", NegativePrompt: "blurry, low quality",
		Width: 96, Height: 64, Steps: 6, Guidance: 4, Sampler: "ddim", Seed: 5, Count: 1,
	}
}

// Inpainting with any UNet, soft masks, control modes, a second pass and a VAE
// in tiles equal diffusers' pipelines.
func TestModesEqualDiffusers(t *testing.T) {
	cases := modeFixtures(t).Cases
	dir := sd1(t)
	e := newEngine(t, Config{})
	e.bare = true
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			lines, ramp, hard, soft := modeImages(c.Width, c.Height)
			r := plainRequest(dir)
			r.Width, r.Height, r.Steps, r.Guidance, r.Sampler, r.Seed = c.Width, c.Height, c.Steps, c.Guidance, c.Sampler, c.Seed
			if c.Strength > 0 {
				r.Init, r.Strength = ramp, c.Strength
			}
			switch c.Mask {
			case "hard":
				r.Mask = hard
			case "soft":
				r.Mask = soft
			}
			r.SecondPass = c.Second
			if c.Mode != nil {
				n := Control{ControlNet: filepath.Join(dir, "controlnet"), Image: lines, Weight: c.Weight, End: 1, Mode: *c.Mode}
				if c.Second != nil {
					n.Fine, _, _, _ = modeImages(c.Second.Width, c.Second.Height)
				}
				r.Controls = []Control{n}
			}
			e.cfg.VAEBytes = 0
			if c.Tile > 0 {
				e.cfg.VAEBytes = 1 // the smallest tiles, which are the script's
			}
			got := render(t, e, r, nil).Images[0]
			if len(c.Crop) == 4 {
				part := image.NewRGBA(image.Rect(0, 0, c.Crop[2]-c.Crop[0], c.Crop[3]-c.Crop[1]))
				for y := range part.Rect.Dy() {
					copy(part.Pix[y*part.Stride:], got.Pix[got.PixOffset(c.Crop[0], c.Crop[1]+y):][:part.Stride])
				}
				got = part
			}
			most, mean := difference(t, got, openPNG(t, filepath.Join("testdata", "mode-"+c.Name+".png")))
			t.Logf("greatest difference %d levels, mean %.4f", most, mean)
			if most > 2 {
				t.Errorf("differs by up to %d levels, want at most 2", most)
			}
		})
	}
}

// An image that is encoded in tiles gives diffusers' latents.
func TestEncodesInTilesAsDiffusers(t *testing.T) {
	want := modeFixtures(t).Encoded
	e := newEngine(t, Config{VAEBytes: 1})
	r := plainRequest(sd1(t))
	r.Width, r.Height, r.Strength = 96, 448, 1
	_, r.Init, _, _ = modeImages(96, 448)
	run := e.newRun(r, nil, &Result{})
	net, err := run.load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	run.net = net
	got, err := run.encodeInit(context.Background(), r.Init)
	if err != nil {
		t.Fatal(err)
	}
	if net.encodeTile != 32 || len(want) != 4*16*12 {
		t.Fatalf("tiles of %d, %d values to compare", net.encodeTile, len(want))
	}
	most := 0.0
	for i, v := range want {
		c, row := i/(16*12), i%(16*12)
		most = max(most, math.Abs(float64(got.mean[c*56*12+20*12+row]-v)))
	}
	if t.Logf("greatest difference %.2g", most); most > 1e-4 {
		t.Errorf("latents differ by up to %v, want at most 1e-4", most)
	}
}
