package inference

import (
	"errors"
	"image"
	"slices"
	"strings"
	"testing"
)

func TestSecondPassReportsOneProgress(t *testing.T) {
	e := newEngine(t, Config{})
	r := plainRequest(sd1(t))
	r.Count, r.Steps, r.PreviewEvery = 2, 4, 1
	r.SecondPass = &SecondPass{Width: 144, Height: 96, Strength: 0.5, Steps: 6}
	fraction, step := 0.0, 0
	var done []int
	var first []*image.RGBA
	res := render(t, e, r, func(p Progress) {
		if p.Fraction < fraction || p.Step < step || p.Step > p.Steps {
			t.Errorf("fraction %v after %v, step %d of %d after %d", p.Fraction, fraction, p.Step, p.Steps, step)
		}
		if p.Stage == StageDenoise && p.Steps != 2*4+2*3 {
			t.Errorf("%d steps, want 14", p.Steps)
		}
		fraction, step = p.Fraction, p.Step
		if p.Done != nil {
			done = append(done, p.Image)
		}
		if p.Preview != nil && p.Stage == StageDecode {
			first = append(first, p.Preview)
		}
	})
	if step != 14 || fraction < 1-1e-6 || !slices.Equal(done, []int{0, 1}) || len(first) != 2 {
		t.Errorf("ended at step %d and %v, handed over %v, %d previews of finished first passes", step, fraction, done, len(first))
	}
	for i, img := range res.Images {
		if img.Rect.Max != image.Pt(144, 96) {
			t.Errorf("image %d has %v", i, img.Rect)
		}
	}
	// An image doesn't depend on the others.
	r.Seed, r.Count = r.Seed+1, 1
	if alone := render(t, e, r, nil); !same(alone.Images[0], res.Images[1]) {
		t.Error("seed+1 alone gives another image than image 1 of 2")
	}
}

func TestRefusedModes(t *testing.T) {
	good := plainRequest("model")
	good.Init, good.Strength = noiseImage(96, 64), 0.5
	for want, change := range map[string]func(*Request){
		"Mask: there is no image":          func(r *Request) { r.Init, r.Mask = nil, boxMask(96, 64, image.Rect(0, 0, 9, 9)) },
		"Mask: the mask has 32×32 pixels":  func(r *Request) { r.Mask = boxMask(32, 32, image.Rect(0, 0, 9, 9)) },
		"Mask: the mask is black all over": func(r *Request) { r.Mask = boxMask(96, 64, image.Rectangle{}) },
		"MaskPadding: -1 pixels":           func(r *Request) { r.MaskPadding = -1 },
		"MaskFeather: 5000 pixels":         func(r *Request) { r.MaskFeather = 5000 },
		"Init: the image has 32×32 pixels": func(r *Request) { r.Init, r.MaskOnly = noiseImage(32, 32), true },
		"SecondPass.Width: 64 pixels":      func(r *Request) { r.SecondPass = &SecondPass{64, 128, 0.5, 4} },
		"SecondPass.Height: 100 pixels":    func(r *Request) { r.SecondPass = &SecondPass{192, 100, 0.5, 4} },
		"SecondPass.Strength: 0 is":        func(r *Request) { r.SecondPass = &SecondPass{192, 128, 0, 4} },
		"SecondPass.Steps: 0 is":           func(r *Request) { r.SecondPass = &SecondPass{192, 128, 0.5, 0} },
		"Controls[0].Mode: \"mine\" is unknown": func(r *Request) {
			r.Controls = []Control{{ControlNet: "n", Image: noiseImage(96, 64), End: 1, Mode: "mine"}}
		},
		"Controls[0].Fine: there is no": func(r *Request) {
			r.SecondPass = &SecondPass{192, 128, 0.5, 4}
			r.Controls = []Control{{ControlNet: "n", Image: noiseImage(96, 64), End: 1}}
		},
	} {
		r := good
		change(&r)
		var bad *RequestError
		if err := r.Validate(); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
