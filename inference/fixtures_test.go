package inference

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"maquette/assets"
	"maquette/inference/prompt"
	"maquette/inference/sampler"
)

// pipelineCase is a render of testdata/pipelines.tar.gz.
type pipelineCase struct {
	Name, Model, Sampler string
	Karras               bool
	Steps                int
	Guidance             float32
	Prompt, Negative     string
	Seed                 int64
	Count                int
	Width, Height        int
	Strength             float32
	Controls             []struct {
		Net, Image         string
		Weight, Start, End float32
	}
}

// pipelines is the unpacked archive, shared by all tests.
type pipelines struct {
	dir   string
	cases []pipelineCase
}

// unpacked unpacks testdata/pipelines.tar.gz once; TestMain removes it.
var unpacked = sync.OnceValues(func() (pipelines, error) {
	dir, err := os.MkdirTemp("", "maquette-pipelines-")
	if err != nil {
		return pipelines{}, err
	}
	p := pipelines{dir: dir}
	if err := untar("testdata/pipelines.tar.gz", dir); err != nil {
		return p, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(data, &p.cases)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if p, _ := unpacked(); p.dir != "" {
		os.RemoveAll(p.dir)
	}
	os.Exit(code)
}

func untar(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
}

func fixtures(t testing.TB) pipelines {
	t.Helper()
	p, err := unpacked()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p pipelines) find(t testing.TB, name string) pipelineCase {
	t.Helper()
	for _, c := range p.cases {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no case %s", name)
	return pipelineCase{}
}

func (p pipelines) png(t testing.TB, name string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}

// request compiles a case as projects compiles a recipe.
func (p pipelines) request(t testing.TB, c pipelineCase) Request {
	t.Helper()
	r := Request{
		Checkpoint: filepath.Join(p.dir, c.Model), Prompt: c.Prompt, NegativePrompt: c.Negative,
		Width: c.Width, Height: c.Height, Steps: c.Steps, Guidance: c.Guidance, Sampler: c.Sampler, Schedule: map[bool]string{true: sampler.Karras}[c.Karras && sampler.AllowsKarras(c.Sampler)],
		Seed: c.Seed, Count: c.Count,
	}
	// diffusers' pipelines read the first chunk only.
	tokenizer, err := prompt.New(assets.CLIPMerges())
	if err != nil {
		t.Fatal(err)
	}
	if ids := tokenizer.Encode(r.Prompt); len(ids) > prompt.Length-2 {
		r.Prompt = tokenizer.Decode(ids[:prompt.Length-2])
	}
	size := fmtSize(c.Width, c.Height)
	for _, n := range c.Controls {
		r.Controls = append(r.Controls, Control{
			ControlNet: filepath.Join(p.dir, c.Model, n.Net), Image: p.png(t, n.Image+"-"+size+".png"),
			Weight: n.Weight, Start: n.Start, End: n.End,
		})
	}
	if c.Strength > 0 {
		r.Init, r.Strength = p.png(t, "init-"+size+".png"), c.Strength
	}
	return r
}
