package projects

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// isolate points caches and the trash at temporary folders.
func isolate(t testing.TB) {
	t.Helper()
	t.Setenv("MAQUETTE_CACHE", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("XDG_DATA_HOME", filepath.Join(t.TempDir(), "data"))
}

// newProject creates a project in a temporary folder.
func newProject(t testing.TB) *Project {
	t.Helper()
	isolate(t)
	p, err := Create(context.Background(), filepath.Join(t.TempDir(), "house"), "House")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// reopen closes p and opens its folder again.
func reopen(t testing.TB, p *Project) *Project {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := Open(context.Background(), p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

// picture makes an opaque image that differs by seed.
func picture(w, h int, seed uint64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(seed, 1))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x + int(seed)), uint8(y), uint8(rng.UintN(16)), 255})
		}
	}
	return img
}

func samePixels(t testing.TB, got, want image.Image) {
	t.Helper()
	if got.Bounds().Size() != want.Bounds().Size() {
		t.Fatalf("size %v, want %v", got.Bounds().Size(), want.Bounds().Size())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, a := got.At(got.Bounds().Min.X+x, got.Bounds().Min.Y+y).RGBA()
			R, G, B, A := want.At(want.Bounds().Min.X+x, want.Bounds().Min.Y+y).RGBA()
			if r != R || g != G || b != B || a != A {
				t.Fatalf("pixel %d,%d differs", x, y)
			}
		}
	}
}

func recipe(prompt string) Recipe {
	r := DefaultRecipe()
	r.Prompt = prompt
	return r
}

func addConcept(t testing.TB, p *Project, prompt string) Concept {
	t.Helper()
	c, err := p.AddConcept(context.Background(), picture(24, 16, 7), Concept{Recipe: recipe(prompt)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
