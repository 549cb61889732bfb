package control

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

func TestCannyKeepsColouredStrokes(t *testing.T) {
	p := newPen(128, 128)
	p.stroke(20, 64, 108, 64, 3)
	yellow := p.on(color.White, color.RGBA{255, 255, 0, 255})
	for _, k := range []Kind{Canny, Lineart, Scribble, SoftEdge, Straight} {
		for _, size := range []image.Point{{128, 128}, {96, 96}, {200, 200}} {
			if share := brightShare(extract(t, k, yellow, size, nil)); share < .005 {
				t.Errorf("%s at %v: the yellow stroke is lost", k, size)
			}
		}
	}
}

func TestPhotographedPaper(t *testing.T) {
	// Light falls off to one corner, from 235 to 130, over a drawing in pencil.
	p := vase(400, 400, 4)
	src := image.NewGray(p.Rect)
	r := rand.New(rand.NewPCG(5, 6))
	for i, v := range p.Pix {
		x, y := float64(i%400)/400, float64(i/400)/400
		light := 235 - 105*(x*x+y*y)/2
		src.Pix[i] = clamp255(light*(1-.75*float64(v)/255) + r.NormFloat64()*2)
	}
	s, err := surveySource(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	if s.photo || s.uneven == nil {
		t.Fatalf("the drawing is taken for photo=%v uneven=%v", s.photo, s.uneven != nil)
	}
	clean := extract(t, Scribble, p.on(color.White, color.Black), image.Pt(400, 400), nil)
	got := extract(t, Scribble, src, image.Pt(400, 400), nil)
	if _, _, f1 := EdgeF1(got, clean, 1); f1 < .97 {
		t.Errorf("strokes on unevenly lit paper agree with the clean drawing to F1 %.3f", f1)
	}
}

func TestPhotographsAreTold(t *testing.T) {
	white, black := color.Gray{Y: 255}, color.Gray{}
	fills := newPen(256, 256) // flat areas are a drawing too
	fills.ring(128, 128, 60, 60, 90)
	for name, c := range map[string]struct {
		src   image.Image
		photo bool
	}{
		"ball":             {ball(320, 240), true},
		"fixture":          {fixture(t, "photo"), true},
		"vase":             {vase(256, 256, 3).on(white, black), false},
		"chalk":            {vase(256, 256, 3).on(black, white), false},
		"flat fill":        {fills.on(white, color.RGBA{40, 90, 160, 255}), false},
		"blank":            {newPen(100, 100).on(white, black), false},
		"fixture, drawing": {fixture(t, "drawing"), false},
	} {
		s, err := surveySource(context.Background(), c.src)
		if err != nil {
			t.Fatal(err)
		}
		if s.photo != c.photo {
			t.Errorf("%s: photo is %v", name, s.photo)
		}
	}
}

// Extractors must not write to the source: the sketchpad keeps drawing on it.
func TestSourceIsLeftAlone(t *testing.T) {
	src := vase(128, 128, 3).on(color.White, color.Black)
	before := append([]uint8(nil), src.Pix...)
	gray := grayOf(src)
	for _, e := range Extractors() {
		for _, m := range []image.Image{src, gray} {
			if _, err := e.Extract(context.Background(), m, image.Pt(128, 128), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, v := range src.Pix {
		if v != before[i] || i%4 == 0 && gray.Pix[i/4] != v {
			t.Fatalf("byte %d of the source changed", i)
		}
	}
}

// Shrinking must not fatten strokes: ink per length stays what the mean gives.
func TestWideStrokesKeepTheirWidth(t *testing.T) {
	for _, width := range []float64{6, 11, 22} {
		p := newPen(1024, 1024)
		p.stroke(100, 333, 900, 333+70, width)
		pg, err := newPage(context.Background(), p.on(color.White, color.Black), image.Pt(256, 256))
		if err != nil {
			t.Fatal(err)
		}
		ink, err := pg.ink(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.
		for y := range 256 {
			sum += float64(ink.GrayAt(128, y).Y) / 255
		}
		if want := width / 4; sum < want*.95 || sum > want+.6 {
			t.Errorf("a stroke of %g pixels becomes %.2f wide at a quarter of the size", width, sum)
		}
	}
}
