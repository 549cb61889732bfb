package inference

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/internal/models"
)

// viewsRequest renders three views with a small random model of a family, as
// testdata/make_view_fixtures.py does.
func viewsRequest(t testing.TB, family string, mode ShareMode) Request {
	t.Helper()
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := all[family].WriteFolder(dir, "", 1, models.F32); err != nil {
		t.Fatal(err)
	}
	lines, ramp, _ := familyImages()
	turned := image.NewNRGBA(lines.Rect)
	for y := range 64 {
		for x := range 96 {
			turned.Set(x, y, lines.At(95-x, y))
		}
	}
	r := Request{
		Checkpoint: dir, Prompt: "a tall glass vase, studio lighting", NegativePrompt: "blurry, low quality",
		Width: 96, Height: 64, Steps: 6, Guidance: 4, Sampler: "ddim", Seed: 5, Count: 1,
		Controls: []Control{{ControlNet: filepath.Join(dir, "controlnet"), Weight: 1, End: 1}},
		Share:    Share{Mode: mode, Strength: 0.8, Unconditional: 0.5, Noise: 0.6, MaxTokens: 96},
	}
	for i, words := range []string{"front view", "side left view", "top view"} {
		r.Views = append(r.Views, View{Name: words, Words: words, Controls: []image.Image{[]image.Image{lines, turned, ramp}[i]}})
	}
	return r
}

// pane is the image with this number of equally wide ones side by side.
func pane(img image.Image, number, width int) image.Image {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, b.Dy()))
	draw.Draw(out, out.Rect, img, image.Pt(b.Min.X+number*width, b.Min.Y), draw.Src)
	return out
}

// Views that read each other equal diffusers' pipelines with an attention
// processor that does the same.
func TestViewsEqualDiffusers(t *testing.T) {
	e := newEngine(t, Config{})
	for _, family := range []string{"sd1", "sd2", "sdxl"} {
		for _, mode := range []ShareMode{ShareFirst, ShareAll} {
			t.Run(family+" "+string(mode), func(t *testing.T) {
				r := viewsRequest(t, family, mode)
				res := render(t, e, r, nil)
				want := openPNG(t, filepath.Join("testdata", fmt.Sprintf("views-%s-%s.png", family, mode)))
				for i, img := range res.Images {
					most, mean := difference(t, img, pane(want, i, r.Width))
					t.Logf("view %d: greatest difference %d levels, mean %.4f", i, most, mean)
					if most > 2 {
						t.Errorf("view %d differs by up to %d levels, want at most 2", i, most)
					}
				}
			})
		}
	}
}

// A render of views that share nothing gives the images that plain renders of
// their prompts, control images and seeds give.
func TestViewsThatShareNothingArePlain(t *testing.T) {
	e := newEngine(t, Config{})
	for _, family := range []string{"sd1", "sdxl"} {
		r := viewsRequest(t, family, ShareAll)
		r.Count, r.Share.Strength, r.Share.Noise = 2, 0, 0
		res := render(t, e, r, nil)
		if len(res.Images) != 6 || !slices.Equal(res.Seeds, []int64{5, 6, 7, 8, 9, 10}) {
			t.Fatalf("%d images with seeds %v", len(res.Images), res.Seeds)
		}
		for i, img := range res.Images {
			v := r.Views[i%3]
			plain := r
			plain.Views, plain.Count, plain.Seed, plain.Prompt = nil, 1, r.Seed+int64(i), r.Prompt+", "+v.Words
			plain.Controls = slices.Clone(r.Controls)
			plain.Controls[0].Image = v.Controls[0]
			if !same(render(t, e, plain, nil).Images[0], img) {
				t.Errorf("%s: image %d isn't the plain one", family, i)
			}
		}
	}
}

// Everything that views share changes their images, and nothing that is said of
// one changes the first of a set that reads no other.
func TestWhatViewsShare(t *testing.T) {
	e := newEngine(t, Config{})
	base := viewsRequest(t, "sd1", ShareFirst)
	first := render(t, e, base, nil)
	for name, change := range map[string]func(*Request){
		"strength":      func(r *Request) { r.Share.Strength = 0.4 },
		"unconditional": func(r *Request) { r.Share.Unconditional = 1 },
		"noise":         func(r *Request) { r.Share.Noise = 0.2 },
		"tokens":        func(r *Request) { r.Share.MaxTokens = 24 },
		"off":           func(r *Request) { r.Share.Mode = ShareOff },
		"words":         func(r *Request) { r.Views = slices.Clone(r.Views); r.Views[1].Words = "back view" },
	} {
		r := base
		change(&r)
		got := render(t, e, r, nil)
		if same(got.Images[1], first.Images[1]) {
			t.Errorf("another %s gave the same second view", name)
		}
		if most, _ := difference(t, got.Images[0], first.Images[0]); most > 1 {
			t.Errorf("another %s changed the first view by %d levels", name, most)
		}
	}
	r := base
	r.Share.Mode = ShareAll
	if same(render(t, e, r, nil).Images[0], first.Images[0]) {
		t.Error("reading all views left the first one as it was")
	}
}

// Sets that don't fit in memory are rendered in groups with their first view,
// which gives the same images.
func TestGroupsOfViews(t *testing.T) {
	e := newEngine(t, Config{})
	r := viewsRequest(t, "sd1", ShareFirst)
	r.Sampler, r.Count, r.PreviewEvery = "euler_a", 2, 1
	whole := render(t, e, r, nil)
	e.maxBatch = 2
	var done []int
	fraction := 0.0
	groups := render(t, e, r, func(p Progress) {
		if p.Done != nil {
			done = append(done, p.Image)
		}
		if p.Fraction < fraction || p.Fraction > 1 {
			t.Errorf("fraction %v after %v", p.Fraction, fraction)
		}
		if fraction = p.Fraction; p.Steps != 24 && p.Stage == StageDenoise {
			t.Errorf("%d steps, want 24: two groups of each set", p.Steps)
		}
		if p.Preview != nil && slices.Contains(done, p.Image) {
			t.Errorf("a preview of the finished image %d", p.Image)
		}
	})
	if !slices.Equal(done, []int{0, 1, 2, 3, 4, 5}) || fraction != 1 {
		t.Errorf("handed over %v, fraction %v", done, fraction)
	}
	for i := range whole.Images {
		if most, _ := difference(t, groups.Images[i], whole.Images[i]); most > 1 {
			t.Errorf("image %d differs by %d levels from that of the whole set", i, most)
		}
	}
}

func TestBatchesOfViews(t *testing.T) {
	r := Request{Count: 2, Views: make([]View, 4), Share: Share{Mode: ShareFirst, Strength: 1}}
	for size, want := range map[int]string{
		4: "[[0 1 2 3] [4 5 6 7]]", 3: "[[0 1 2] [0 3] [4 5 6] [4 7]]", 1: "[[0 1] [0 2] [0 3] [4 5] [4 6] [4 7]]",
	} {
		if got := fmt.Sprint(r.batches(size)); got != want {
			t.Errorf("%d at once: %s, want %s", size, got, want)
		}
	}
	r.Share.Strength = 0
	if got := fmt.Sprint(r.batches(3)); got != "[[0 1 2] [3 4 5] [6 7]]" {
		t.Errorf("without sharing: %s", got)
	}
}

// Each view can start from an image of its own.
func TestViewsFromImages(t *testing.T) {
	e := newEngine(t, Config{})
	r := viewsRequest(t, "sd1", ShareFirst)
	r.Strength = 0.3
	r.Share.Noise = 1
	for i := range r.Views {
		flat := image.NewRGBA(image.Rect(0, 0, 96, 64))
		draw.Draw(flat, flat.Rect, image.NewUniform(color.Gray{uint8(40 + 80*i)}), image.Point{}, draw.Src)
		r.Views[i].Init = flat
	}
	own := render(t, e, r, nil)
	r.Init = r.Views[0].Init
	for i := range r.Views {
		r.Views[i].Init = nil
	}
	one := render(t, e, r, nil)
	if !same(own.Images[0], one.Images[0]) || same(own.Images[1], one.Images[1]) {
		t.Error("the images to start from aren't each view's own")
	}
}

// A view without a control is as if there were none, whatever the others have.
func TestViewsWithoutAControl(t *testing.T) {
	e := newEngine(t, Config{})
	for _, mode := range ControlModes() {
		r := viewsRequest(t, "sd1", ShareOff)
		r.Controls[0].Mode = mode
		lines := r.Views[1].Controls[0]
		r.Views[1].Controls = []image.Image{nil}
		r.Share.Noise = 0
		got := render(t, e, r, nil)
		plain := r
		plain.Views, plain.Controls, plain.Seed, plain.Prompt = nil, nil, r.Seed+1, r.Prompt+", "+r.Views[1].Words
		if most, _ := difference(t, got.Images[1], render(t, e, plain, nil).Images[0]); most > 1 {
			t.Errorf("%q: the view without a control differs by %d levels from one without", mode, most)
		}
		r.Views[1].Controls = []image.Image{lines}
		if same(render(t, e, r, nil).Images[1], got.Images[1]) {
			t.Errorf("%q: the control changes nothing", mode)
		}
	}
}

func TestValidateViews(t *testing.T) {
	good := viewsRequest(t, "sd1", ShareFirst)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	small := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for want, change := range map[string]func(*Request){
		"Views: 40 are more than the 32 allowed":                           func(r *Request) { r.Views = slices.Repeat(r.Views[:1], 40) },
		"Count: 30 times 3 views":                                          func(r *Request) { r.Count = 30 },
		"Views[1].Controls: there are 0 images for 1 controls":             func(r *Request) { r.Views[1].Controls = []image.Image{} },
		"Views[1].Controls[0]: there is no image":                          func(r *Request) { r.Views[1].Controls = nil },
		"Views[2].Controls[0]: the image has 8×8 pixels, the render 96×64": func(r *Request) { r.Views[2].Controls = []image.Image{small} },
		"Views[0].Init: the image has 8×8":                                 func(r *Request) { r.Views[0].Init, r.Strength = small, 0.5 },
		"Views[1].Init: there is no image":                                 func(r *Request) { r.Views[0].Init, r.Strength = r.Views[0].Controls[0], 0.5 },
		"Strength: 0 is not above 0":                                       func(r *Request) { r.Init = r.Views[0].Controls[0] },
		`Share.Mode: "some" is unknown`:                                    func(r *Request) { r.Share.Mode = "some" },
		"Share.Strength: 2 is outside":                                     func(r *Request) { r.Share.Strength = 2 },
		"Share.Unconditional: -1 is outside":                               func(r *Request) { r.Share.Unconditional = -1 },
		"Share.Noise: 3 is outside":                                        func(r *Request) { r.Share.Noise = 3 },
		"Share.MaxTokens: -1 is negative":                                  func(r *Request) { r.Share.MaxTokens = -1 },
	} {
		r := good
		r.Views = slices.Clone(good.Views)
		change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
