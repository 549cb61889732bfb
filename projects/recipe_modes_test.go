package projects

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"maquette/control"
	"maquette/inference"
)

// whiteBox is a mask that is white within box.
func whiteBox(w, h int, box image.Rectangle) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(m, box, image.White, image.Point{}, draw.Src)
	return m
}

// input stores a picture for recipes.
func input(t testing.TB, p *Project, img image.Image) string {
	t.Helper()
	name, err := p.AddInput(context.Background(), img)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := InputName(img); err != nil || again != name {
		t.Fatalf("stored as %s, named %s: %v", name, again, err)
	}
	return name
}

// What a recipe says of its start, its mask, its second pass and its controls
// reaches the engine, survives in the sidecar, and is rendered again from there.
func TestModesReachTheEngine(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := small("a vase", 1)
	init := picture(64, 64, 3)
	r.Init, r.Strength = input(t, p, init), 0.7
	paint := DefaultInpaint(input(t, p, whiteBox(64, 64, image.Rect(10, 10, 30, 30))))
	pass := DefaultSecondPass(1.5)
	r.Inpaint, r.SecondPass = &paint, &pass
	r.Controls[0].Mode = inference.ControlPromptFirst
	j := wait(t, q, enqueue(t, q, r).ID)
	if j.State != JobDone {
		t.Fatalf("%s: %s", j.State, j.Error)
	}
	req := pt.requests[0]
	if req.Strength != 0.7 || req.MaskOnly || req.MaskFeather != paint.Feather || req.Mask.Bounds().Size() != image.Pt(64, 64) {
		t.Errorf("the engine got strength %v, feather %d", req.Strength, req.MaskFeather)
	}
	samePixels(t, req.Init, init)
	if got, want := *req.SecondPass, (inference.SecondPass{Width: 96, Height: 96, Strength: 0.4, Steps: r.Steps}); got != want {
		t.Errorf("second pass %+v, want %+v", got, want)
	}
	c := req.Controls[0]
	if c.Mode != inference.ControlPromptFirst || c.Image.Bounds().Size() != image.Pt(64, 64) || c.Fine.Bounds().Size() != image.Pt(96, 96) {
		t.Errorf("control %q with images of %v and %v", c.Mode, c.Image.Bounds(), c.Fine.Bounds())
	}
	x, err := control.For(c0(r))
	if err != nil {
		t.Fatal(err)
	}
	fine, err := x.Extract(context.Background(), drawing(), image.Pt(96, 96), nil)
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, c.Fine, fine) // made at its size, not enlarged
	stored, err := p.Concept(context.Background(), j.Concepts[0])
	if err != nil || stored.Recipe.Inpaint == nil || *stored.Recipe.Inpaint != paint || stored.Recipe.Init != r.Init || *stored.Recipe.SecondPass != pass {
		t.Fatalf("stored %+v, %v", stored.Recipe, err)
	}
	again := wait(t, q, enqueue(t, q, stored.Recipe).ID)
	if again.State != JobDone || pt.requests[1].Strength != 0.7 {
		t.Errorf("again: %s %s", again.State, again.Error)
	}
}

func c0(r Recipe) control.Kind { return r.Controls[0].Kind }

// With the masked part alone, controls see the part of the sketch that is rendered.
func TestMaskOnlyCutsTheSketch(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := small("a vase", 1)
	init := picture(200, 200, 3)
	paint := Inpaint{Mask: input(t, p, whiteBox(200, 200, image.Rect(100, 100, 140, 140))), Only: true, Padding: 5, Feather: 2}
	r.Init, r.Inpaint = input(t, p, init), &paint
	sketch := image.NewRGBA(image.Rect(0, 0, 400, 400))
	draw.Draw(sketch, sketch.Rect, image.White, image.Point{}, draw.Src)
	for i := range 8 { // a cross in the middle of what is rendered, and a line outside of it
		for k := range 60 {
			sketch.Set(210+k, 236+i, color.Black)
			sketch.Set(236+i, 210+k, color.Black)
			sketch.Set(20+k, 20+i, color.Black)
		}
	}
	job, err := q.Enqueue(context.Background(), "", sketch, r)
	if err != nil {
		t.Fatal(err)
	}
	if j := wait(t, q, job.ID); j.State != JobDone {
		t.Fatalf("%s: %s", j.State, j.Error)
	}
	req := pt.requests[0]
	if !req.MaskOnly || req.MaskPadding != 5 || req.Strength != 1 || req.Init.Bounds().Size() != image.Pt(200, 200) {
		t.Errorf("the engine got %+v", req)
	}
	at := inference.MaskCrop(req.Mask, req.MaskPadding, image.Pt(64, 64))
	if at != image.Rect(95, 95, 145, 145) {
		t.Fatalf("rendered is %v", at)
	}
	x, err := control.For(c0(r))
	if err != nil {
		t.Fatal(err)
	}
	part := image.NewRGBA(image.Rect(0, 0, 100, 100))
	draw.Draw(part, part.Rect, sketch, image.Pt(190, 190), draw.Src)
	want, err := x.Extract(context.Background(), part, image.Pt(64, 64), nil)
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, req.Controls[0].Image, want)
}

func TestCutSketchBesideTheSketch(t *testing.T) {
	sketch := image.NewRGBA(image.Rect(0, 0, 50, 100))
	draw.Draw(sketch, sketch.Rect, image.NewUniform(color.RGBA{200, 210, 220, 255}), image.Point{}, draw.Src)
	sketch.Set(10, 20, color.Black)
	// In 100×100 it lies at 25…75 across: the left half of this part is beside it.
	got := cutSketch(sketch, image.Pt(100, 100), image.Rect(0, 0, 50, 50)).(*image.RGBA)
	if got.Rect.Size() != image.Pt(50, 50) || got.RGBAAt(35, 20) != (color.RGBA{0, 0, 0, 255}) || got.RGBAAt(3, 3) != (color.RGBA{200, 210, 220, 255}) {
		t.Errorf("%v: %v, %v", got.Rect, got.RGBAAt(35, 20), got.RGBAAt(3, 3))
	}
}

func TestModesThatCantBe(t *testing.T) {
	good := small("a vase", 1)
	good.Init, good.Strength = "sketches/history/a.png", 0.5
	for want, change := range map[string]func(*Recipe){
		"is not an image of this project":     func(r *Recipe) { r.Init = "../a.png" },
		"strength 0: with a picture":          func(r *Recipe) { r.Strength = 0 },
		"the mask:":                           func(r *Recipe) { r.Inpaint = &Inpaint{Mask: "/etc/passwd"} },
		"a mask without a picture":            func(r *Recipe) { r.Init, r.Inpaint = "", &Inpaint{Mask: "sketches/history/b.png"} },
		"mask padding -1":                     func(r *Recipe) { r.Inpaint = &Inpaint{Mask: "sketches/history/b.png", Padding: -1} },
		"second pass ×1:":                     func(r *Recipe) { r.SecondPass = &SecondPass{Scale: 1, Strength: 0.5} },
		"second pass ×4: 2400×2400 is larger": func(r *Recipe) { r.Width, r.Height, r.SecondPass = 600, 600, &SecondPass{Scale: 4, Strength: 0.5} },
		"strength 0 of the second pass":       func(r *Recipe) { r.SecondPass = &SecondPass{Scale: 2} },
		"-1 steps of the second pass":         func(r *Recipe) { r.SecondPass = &SecondPass{Scale: 2, Strength: 0.5, Steps: -1} },
		"mode \"mine\" must be":               func(r *Recipe) { r.Controls = []RecipeControl{{Kind: control.Canny, Weight: 1, End: 1, Mode: "mine"}} },
		"a mask with several views":           func(r *Recipe) { r.Views, r.Inpaint = DefaultViews(StarterCheckpoint, "front"), &Inpaint{Mask: r.Init} },
	} {
		r := good
		change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	p := newProject(t)
	q := newQueue(t, p, &painter{})
	r := good
	r.Init = input(t, p, picture(64, 64, 1))
	r.Inpaint = &Inpaint{Mask: input(t, p, whiteBox(64, 64, image.Rectangle{}))}
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobFailed || !strings.Contains(j.Error, "black all over") {
		t.Errorf("a black mask: %s %s", j.State, j.Error)
	}
	r.Init, r.Inpaint = "sketches/history/gone.png", nil
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobFailed || !strings.Contains(j.Error, "gone.png") {
		t.Errorf("a picture that is gone: %s %s", j.State, j.Error)
	}
}

func TestModesInParameters(t *testing.T) {
	r := recipe("a vase")
	r.Controls[0].Mode = inference.ControlControlFirst
	r.SecondPass = &SecondPass{Scale: 1.5, Strength: 0.45, Steps: 12}
	text := Parameters(r, nil)
	for _, want := range []string{"Hires upscale: 1.5", "Hires steps: 12", "Denoising strength: 0.45", "Control Mode: ControlNet is more important"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	got, err := ParseParameters(text)
	if err != nil || got.SecondPass == nil || *got.SecondPass != *r.SecondPass || got.Strength != 0 || got.Controls[0].Mode != r.Controls[0].Mode {
		t.Errorf("read back: %+v, %v", got, err)
	}
	// Numbers that no render takes are left out.
	got, err = ParseParameters("x\nSteps: 20, Sampler: Euler, Size: 1024x1024, Hires upscale: 3.5, Hires steps: 900")
	if err != nil || got.SecondPass != nil {
		t.Errorf("too large: %+v, %v", got.SecondPass, err)
	}
}
