//go:build window

package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"maquette/inference/runtime"
	"maquette/projects"
	"maquette/ui/windowtest"
)

// stroke is a line through points of the sheet, 0 to 1 from its upper left corner.
type stroke [][2]float32

// arc is a part of an ellipse, angles in radians, clockwise from the right.
func arc(x, y, rx, ry, from, to float64) stroke {
	var s stroke
	const parts = 14
	for k := 0; k <= parts; k++ {
		a := from + (to-from)*float64(k)/parts
		s = append(s, [2]float32{float32(x + rx*math.Cos(a)), float32(y + ry*math.Sin(a))})
	}
	return s
}

// drawings are what a designer might draw in half a minute.
func drawings() map[string][]stroke {
	return map[string][]stroke{
		"a green table lamp, front view": {
			arc(.5, .2, .13, .03, 0, 2*math.Pi), arc(.5, .47, .25, .055, 0, 2*math.Pi),
			{{.37, .2}, {.25, .47}}, {{.63, .2}, {.75, .47}},
			{{.48, .525}, {.48, .77}}, {{.52, .525}, {.52, .77}},
			arc(.5, .8, .16, .04, 0, 2*math.Pi), arc(.5, .825, .16, .04, 0, math.Pi),
		},
		"a brown wooden chair, three-quarter left view": {
			{{.27, .56}, {.56, .62}, {.73, .53}, {.45, .48}, {.27, .56}},
			{{.27, .56}, {.27, .595}, {.56, .655}, {.73, .565}, {.73, .53}}, {{.56, .62}, {.56, .655}},
			{{.45, .48}, {.44, .14}, {.72, .19}, {.73, .53}}, {{.47, .46}, {.465, .17}, {.7, .215}, {.705, .5}},
			{{.27, .595}, {.275, .86}, {.305, .865}, {.3, .605}}, {{.53, .65}, {.535, .93}, {.565, .93}, {.56, .655}},
			{{.7, .58}, {.7, .82}, {.73, .82}, {.73, .565}}, {{.45, .635}, {.45, .78}, {.475, .785}, {.475, .64}},
		},
		"a red brick house, three-quarter right view": {
			{{.13, .78}, {.44, .86}, {.44, .5}, {.13, .47}, {.13, .78}}, {{.1, .48}, {.28, .24}, {.46, .52}},
			{{.44, .86}, {.87, .75}, {.87, .46}, {.44, .5}}, {{.28, .24}, {.7, .22}, {.9, .475}, {.46, .52}},
			{{.24, .81}, {.24, .62}, {.33, .635}, {.33, .83}}, {{.22, .42}, {.22, .52}, {.33, .53}, {.33, .43}, {.22, .42}},
			{{.52, .56}, {.62, .55}, {.62, .67}, {.52, .69}, {.52, .56}}, {{.7, .54}, {.8, .53}, {.8, .64}, {.7, .66}, {.7, .54}},
			{{.57, .555}, {.57, .68}}, {{.75, .535}, {.75, .65}},
		},
	}
}

// drawAll draws with the pointer on the sheet, which is square and as high as the pad but for a margin.
func drawAll(a *windowtest.App, strokes []stroke) {
	p := settledPad(a)
	side := p.H * .91
	for _, s := range strokes {
		points := make([][2]float32, len(s))
		for i, at := range s {
			points[i] = [2]float32{p.X + p.W/2 + (at[0]-.5)*side, p.Y + p.H/2 + (at[1]-.5)*side}
		}
		a.Stroke(points...)
	}
}

// TestWindowDrawingsRender draws three things in the sketchpad, closes the
// studio, and renders the saved sketches with the command and the starter. With
// MAQUETTE_SHOTS the images stay there.
func TestWindowDrawingsRender(t *testing.T) {
	library, err := runtime.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	for prompt, strokes := range drawings() {
		t.Run(prompt, func(t *testing.T) {
			h := newHome(t)
			a := h.start("")
			a.Press("*widget.Button", "New drawing")
			drawAll(a, strokes)
			a.Shot("drawn")
			a.Quit()
			found := sketches(t, filepath.Join(h.dir, "Maquette"))
			if len(found) != 1 {
				t.Fatalf("%d sketches on disk, want 1", len(found))
			}
			dir := filepath.Dir(filepath.Dir(found[0]))
			renderWithCommand(t, h, library, dir, prompt)
			checkConcepts(t, dir, prompt)
		})
	}
}

// renderWithCommand runs `maquette render` on the only sketch of a project.
func renderWithCommand(t *testing.T, h *home, library, dir, prompt string) {
	t.Helper()
	for name, value := range map[string]string{"HOME": h.dir, "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": "", "XDG_DATA_HOME": "",
		"MAQUETTE_CONFIG": filepath.Join(h.dir, "settings.json"), "MAQUETTE_ONNXRUNTIME": library} {
		t.Setenv(name, value)
	}
	p, err := projects.OpenReadOnly(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	known, err := p.Sketches(t.Context())
	p.Close()
	if err != nil || len(known) != 1 {
		t.Fatalf("the project has %d sketches, want 1 (%v)", len(known), err)
	}
	args := os.Args
	defer func() { os.Args = args }()
	os.Args = []string{"maquette", "render", "sketch:" + known[0].Name, "--project", dir, "-p", prompt, "--count", "3", "--seed", "1"}
	begin := time.Now()
	if code := run(); code != 0 {
		t.Fatalf("maquette render ended with exit code %d", code)
	}
	t.Logf("3 images in %v", time.Since(begin).Round(100*time.Millisecond))
}

// checkConcepts wants three images that follow most of the drawing's lines.
func checkConcepts(t *testing.T, dir, prompt string) {
	t.Helper()
	p, err := projects.OpenReadOnly(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, n, err := p.Concepts(t.Context(), projects.Query{})
	if err != nil || n != 3 {
		t.Fatalf("%d concepts, want 3 (%v)", n, err)
	}
	for i, c := range got {
		if c.Fidelity == nil {
			t.Fatalf("%s has no sketch fidelity", c.ID)
		}
		t.Logf("%s %d: recall %.2f precision %.2f F1 %.2f", prompt, i, c.Fidelity.Recall, c.Fidelity.Precision, c.Fidelity.F1)
		if c.Fidelity.F1 < .5 {
			t.Errorf("image %d of %q follows its drawing by F1 %.2f, want .5", i, prompt, c.Fidelity.F1)
		}
	}
	if shots := os.Getenv("MAQUETTE_SHOTS"); shots != "" {
		if err := os.CopyFS(filepath.Join(shots, prompt), os.DirFS(dir)); err != nil {
			t.Error(err)
		}
	}
}
