package inference

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"slices"
	"testing"
)

// noiseImage has random pixels, each reproducible.
func noiseImage(w, h int) *image.RGBA {
	rnd := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(rnd.IntN(256))
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// boxMask is white within box.
func boxMask(w, h int, box image.Rectangle) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(m, box, image.White, image.Point{}, draw.Src)
	return m
}

func TestMaskCrop(t *testing.T) {
	for name, c := range map[string]struct {
		w, h    int
		box     image.Rectangle
		padding int
		render  image.Point
		want    image.Rectangle
	}{
		"grown to the shape":      {200, 100, image.Rect(90, 40, 110, 60), 10, image.Pt(64, 64), image.Rect(80, 30, 120, 70)},
		"wide render":             {200, 100, image.Rect(90, 40, 110, 60), 0, image.Pt(128, 64), image.Rect(80, 40, 120, 60)},
		"at the border":           {200, 100, image.Rect(0, 0, 20, 10), 5, image.Pt(64, 64), image.Rect(0, 0, 25, 25)},
		"no room for the shape":   {100, 50, image.Rect(0, 0, 100, 10), 0, image.Pt(64, 64), image.Rect(0, 0, 100, 50)},
		"padding beyond the edge": {100, 100, image.Rect(10, 10, 90, 90), 64, image.Pt(64, 64), image.Rect(0, 0, 100, 100)},
		"one pixel":               {64, 64, image.Rect(63, 63, 64, 64), 0, image.Pt(64, 64), image.Rect(63, 63, 64, 64)},
	} {
		if got := MaskCrop(boxMask(c.w, c.h, c.box), c.padding, c.render); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := MaskCrop(boxMask(64, 64, image.Rectangle{}), 8, image.Pt(64, 64)); !got.Empty() {
		t.Errorf("black mask: %v", got)
	}
	// A mask that is no *image.Gray and doesn't begin at the origin; transparent is black.
	moved := image.NewNRGBA(image.Rect(10, 10, 74, 74))
	moved.SetNRGBA(20, 30, color.NRGBA{255, 255, 255, 255})
	moved.SetNRGBA(50, 50, color.NRGBA{255, 255, 255, 0})
	if got, want := MaskCrop(moved, 0, image.Pt(64, 64)), image.Rect(10, 20, 11, 21); got != want {
		t.Errorf("moved mask: %v, want %v", got, want)
	}
}

func TestOverlayKeepsWhatIsOutside(t *testing.T) {
	base := noiseImage(80, 60)
	white := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(white, white.Rect, image.White, image.Point{}, draw.Src)
	box := image.Rect(20, 10, 60, 50)
	mask := boxMask(80, 60, box)
	for _, feather := range []int{0, 6} {
		got := newOverlay(base, mask, box.Inset(-4), feather).onto(white)
		for y := range 60 {
			for x := range 80 {
				at := image.Pt(x, y)
				was, is := base.RGBAAt(x, y), got.RGBAAt(x, y)
				inset := image.Rect(0, 0, 1, 1).Add(at).In(box.Inset(feather))
				switch {
				case !at.In(box) && was != is:
					t.Fatalf("feather %d: %v outside the mask went from %v to %v", feather, at, was, is)
				case inset && is != color.RGBA{255, 255, 255, 255}:
					t.Fatalf("feather %d: %v well inside is %v", feather, at, is)
				}
			}
		}
		if feather > 0 {
			edge, further := int(got.RGBAAt(20, 30).R)-int(base.RGBAAt(20, 30).R), int(got.RGBAAt(24, 30).R)-int(base.RGBAAt(24, 30).R)
			if edge*7 > 255-int(base.RGBAAt(20, 30).R)+7 || further == 0 && base.RGBAAt(24, 30).R < 200 {
				t.Errorf("the edge rises by %d, four pixels in by %d", edge, further)
			}
		}
	}
	if !slices.Equal(base.Pix, noiseImage(80, 60).Pix) {
		t.Error("the base was changed")
	}
}

// What a mask leaves black keeps its bytes through a whole render, in the whole
// picture and where only a part of a larger one is rendered.
func TestInpaintingKeepsPixels(t *testing.T) {
	e := newEngine(t, Config{})
	dir := sd1(t)
	for name, c := range map[string]struct {
		w, h   int
		box    image.Rectangle
		only   bool
		second *SecondPass
		size   image.Point // of the result
	}{
		"whole":               {96, 64, image.Rect(30, 10, 70, 50), false, nil, image.Pt(96, 64)},
		"part":                {300, 200, image.Rect(200, 30, 230, 60), true, nil, image.Pt(300, 200)},
		"part in two passes":  {300, 200, image.Rect(200, 30, 230, 60), true, &SecondPass{144, 96, 0.5, 4}, image.Pt(300, 200)},
		"whole in two passes": {96, 64, image.Rect(30, 10, 70, 50), false, &SecondPass{192, 128, 0.5, 4}, image.Pt(192, 128)},
	} {
		r := plainRequest(dir)
		init, mask := noiseImage(c.w, c.h), boxMask(c.w, c.h, c.box)
		r.Steps, r.Strength, r.Init, r.Mask = 3, 0.9, init, mask
		r.MaskOnly, r.MaskPadding, r.MaskFeather, r.SecondPass = c.only, 16, 4, c.second
		previews := 0
		r.PreviewEvery = 1
		res := render(t, e, r, func(p Progress) {
			if p.Preview != nil {
				if previews++; p.Preview.Rect.Max != c.size {
					t.Errorf("%s: preview of %v", name, p.Preview.Rect)
				}
			}
		})
		got := res.Images[0]
		if got.Rect.Max != c.size {
			t.Fatalf("%s: an image of %v", name, got.Rect)
		}
		want := rgbaOf(init, c.size)
		scale := c.size.X / c.w
		around := image.Rect(c.box.Min.X*scale, c.box.Min.Y*scale, c.box.Max.X*scale, c.box.Max.Y*scale)
		if scale > 1 {
			around = around.Inset(-1) // the enlarged mask has a soft edge
		}
		changed := 0
		for i := 0; i < len(want.Pix); i += 4 {
			at := image.Pt(i/4%c.size.X, i/4/c.size.X)
			switch same := slices.Equal(want.Pix[i:i+4], got.Pix[i:i+4]); {
			case !at.In(around) && !same:
				t.Fatalf("%s: pixel %v outside the mask changed", name, at)
			case at.In(around) && !same:
				changed++
			}
		}
		if changed < around.Dx()*around.Dy()/2 {
			t.Errorf("%s: only %d pixels are new", name, changed)
		}
		if previews == 0 {
			t.Errorf("%s: no preview", name)
		}
	}
}
