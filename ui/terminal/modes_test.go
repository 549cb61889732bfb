package terminal

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/inference"
	"maquette/projects"
)

// picture writes a grey PNG that is white within box.
func (b *bench) picture(name string, size image.Point, box image.Rectangle) string {
	b.t.Helper()
	img := image.NewGray(image.Rectangle{Max: size})
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			img.SetGray(x, y, color.Gray{255})
		}
	}
	f, err := os.Create(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		b.t.Fatal(err)
	}
	return f.Name()
}

func TestRenderModes(t *testing.T) {
	b := newBench(t)
	size, box := image.Pt(200, 200), image.Rect(40, 40, 80, 80)
	init, mask := b.picture("init.png", size, image.Rect(0, 0, 100, 200)), b.picture("mask.png", size, box)
	sketch, project := b.sketch("square.png"), b.path("project")
	b.ok("render", sketch, "-p", "a box", "--size", "64x64", "-c", "canny,mode=prompt", "-c", "depth:0.5,mode=control",
		"--init", init, "--mask", mask, "--mask-only", "--mask-padding", "9", "--second-pass", "2:0.4:12", "--seed", "5", "--project", project)
	r := b.engine.requests[0]
	if !r.MaskOnly || r.MaskPadding != 9 || r.MaskFeather != 8 || r.Strength != 0.9 || r.Init.Bounds().Size() != size || r.Mask.Bounds().Size() != size {
		t.Errorf("the request is %+v", r)
	}
	if got, want := *r.SecondPass, (inference.SecondPass{Width: 128, Height: 128, Strength: 0.4, Steps: 12}); got != want {
		t.Errorf("second pass %+v, want %+v", got, want)
	}
	if r.Controls[0].Mode != inference.ControlPromptFirst || r.Controls[1].Mode != inference.ControlControlFirst || r.Controls[1].Fine.Bounds().Dx() != 128 {
		t.Errorf("controls %+v", r.Controls)
	}
	first := b.lines()[0]
	// The same from the concept, into another project, which gets the pictures too.
	b.ok("render", sketch, "--like", first, "--second-pass", "none", "--mask-only=false", "--project", b.path("other"))
	r = b.engine.requests[1]
	if r.MaskOnly || r.SecondPass != nil || r.Mask == nil || r.Init.Bounds().Size() != image.Pt(64, 64) || r.Seed != 5 {
		t.Errorf("like the first: %+v", r)
	}
	// A start alone has its own strength.
	b.ok("render", sketch, "-p", "a box", "--size", "64x64", "-c", "none", "--init", init, "--project", project)
	if r = b.engine.requests[2]; r.Strength != 0.6 || r.Mask != nil || r.Init == nil {
		t.Errorf("from a picture: %+v", r)
	}
	// An image that exists is not rendered again.
	b.ok("render", sketch, "-p", "a box", "--size", "64x64", "-c", "canny,mode=prompt", "-c", "depth:0.5,mode=control",
		"--init", init, "--mask", mask, "--mask-only", "--mask-padding", "9", "--second-pass", "2:0.4:12", "--seed", "5",
		"--skip-existing", "--project", project)
	if len(b.engine.requests) != 3 {
		t.Error("the same modes were rendered again")
	}
	if err := os.RemoveAll(filepath.Join(project, "sketches", "history")); err != nil {
		t.Fatal(err)
	}
	if code := b.run(t.Context(), "render", sketch, "--like", first, "--project", b.path("third")); code != 1 || !strings.Contains(b.err.String(), "give it with --init") {
		t.Errorf("exit %d: %s", code, b.err.String())
	}
}

func TestRenderModesThatCantBe(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	init, wide := b.picture("init.png", image.Pt(64, 64), image.Rect(0, 0, 9, 9)), b.picture("wide.png", image.Pt(64, 32), image.Rect(0, 0, 9, 9))
	for want, args := range map[string][]string{
		"--mask needs --init":                 {"--mask", init},
		"need --mask":                         {"--init", init, "--mask-only"},
		"must have the same shape":            {"--init", init, "--mask", wide},
		"--init:":                             {"--init", "nowhere.png"},
		"--second-pass \"1:2\": strength":     {"--second-pass", "1:2"},
		"second pass ×1":                      {"--second-pass", "1"},
		"more than SCALE:STRENGTH:STEPS":      {"--second-pass", "2:0.5:9:9"},
		"mode \"mine\" is not one of":         {"-c", "canny,mode=mine"},
		"mask padding -4":                     {"--init", init, "--mask", init, "--mask-padding", "-4"},
		"strength 1: with a picture to start": {"--init", init, "--strength", "1"},
	} {
		code := b.run(t.Context(), append([]string{"render", sketch, "-p", "a box", "--project", b.path("p")}, args...)...)
		if code == 0 || !strings.Contains(b.err.String(), want) {
			t.Errorf("%q: exit %d, %s", args, code, b.err.String())
		}
	}
	if len(b.engine.requests) > 0 || exists(b.path("p")) == nil {
		t.Error("something was rendered, or a project left behind")
	}
}

func TestControlModeIsWrittenAsRead(t *testing.T) {
	def := projects.RecipeControl{Weight: 1, End: 1}
	for _, spec := range []string{"canny:1:0-1,mode=prompt", "canny:0.5:0-0.8,low=80,mode=control,net=/a,b", "canny:1:0-1"} {
		c, err := parseControl(spec, def)
		if err != nil || formatControl(c) != spec {
			t.Errorf("%s is read as %s: %v", spec, formatControl(c), err)
		}
	}
	def.Mode = inference.ControlPromptFirst
	if c, err := parseControl("canny,mode=balanced", def); err != nil || c.Mode != inference.ControlBalanced {
		t.Errorf("balanced: %+v, %v", c, err)
	}
}
