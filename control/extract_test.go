package control

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// edgeKinds are those whose image doesn't show the source's own colours.
var edgeKinds = []Kind{Canny, Lineart, Scribble, Straight, SoftEdge, Depth, Normal}

func TestPolarityMakesNoDifference(t *testing.T) {
	black, white := color.Gray{}, color.Gray{Y: 255}
	for _, size := range []image.Point{{256, 256}, {192, 192}, {384, 384}} {
		p := vase(256, 256, 3)
		same := map[string]image.Image{
			"light on dark":           p.on(black, white),
			"dark on transparent":     p.clear(color.NRGBA{0, 0, 0, 255}),
			"light on transparent":    p.clear(color.NRGBA{255, 255, 255, 255}),
			"gray image":              grayOf(p.on(white, black)),
			"dark on transparent, 16": deep(p.clear(color.NRGBA{0, 0, 0, 255})),
		}
		for _, k := range edgeKinds {
			want := extract(t, k, p.on(white, black), size, nil)
			if ink := brightShare(want); k != Normal && (ink < .005 || ink > .6) {
				t.Errorf("%s at %v: %.3f of the image is bright; expected a drawing", k, size, ink)
			}
			for name, src := range same {
				got := extract(t, k, src, size, nil)
				if n := differing(got, want); n > len(want.Pix)/4/1000 {
					t.Errorf("%s at %v: %s differs in %d of %d pixels", k, size, name, n, len(want.Pix)/4)
				}
			}
		}
	}
}

// differing counts pixels that differ in any channel by more than 2 levels.
func differing(a, b *image.RGBA) int {
	n := 0
	for i := 0; i < len(a.Pix); i += 4 {
		for c := range 3 {
			if abs(int(a.Pix[i+c])-int(b.Pix[i+c])) > 2 {
				n++
				break
			}
		}
	}
	return n
}

// brightShare is the part of the pixels that is above half.
func brightShare(m *image.RGBA) float64 {
	n := 0
	for i := 0; i < len(m.Pix); i += 4 {
		if m.Pix[i] > 127 {
			n++
		}
	}
	return float64(n) / float64(len(m.Pix)/4)
}

func grayOf(m *image.RGBA) *image.Gray {
	g := image.NewGray(m.Rect)
	for i := range g.Pix {
		g.Pix[i] = m.Pix[4*i]
	}
	return g
}

func deep(m *image.NRGBA) *image.NRGBA64 {
	out := image.NewNRGBA64(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			out.Set(x, y, m.NRGBAAt(x, y))
		}
	}
	return out
}

// A line one pixel wide in a 4096² scan is still there, whole, at 512².
func TestThinLinesSurviveShrinking(t *testing.T) {
	src := image.NewGray(image.Rect(0, 0, 4096, 4096))
	fill(src.Pix, 255)
	set := func(x, y int) { src.Pix[y*4096+x] = 0 }
	for i := 500; i < 3500; i++ {
		set(i, 901)              // horizontal
		set(1203, i)             // vertical
		set(i, i)                // diagonal
		set(i, 2500+(i-500)*3/7) // slanted
	}
	for _, k := range []Kind{Scribble, Lineart, Canny, SoftEdge, Straight} {
		out := extract(t, k, src, image.Pt(512, 512), nil)
		near := func(x, y int) bool {
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					if p := image.Pt(x+dx, y+dy); p.In(out.Rect) && out.Pix[out.PixOffset(p.X, p.Y)] > 120 {
						return true
					}
				}
			}
			return false
		}
		missing := 0
		for i := 520; i < 3480; i += 8 {
			for _, p := range [][2]int{{i, 901}, {1203, i}, {i, i}, {i, 2500 + (i-500)*3/7}} {
				if !near(p[0]/8, p[1]/8) {
					missing++
				}
			}
		}
		if missing > 6 { // of 1480; straight bends a little at crossings
			t.Errorf("%s: %d of 1480 points of the lines are missing", k, missing)
		}
	}
	// Dust of single pixels is not a stroke and fades.
	dust := image.NewGray(src.Rect)
	fill(dust.Pix, 255)
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		dust.Pix[r.IntN(len(dust.Pix))] = 0
	}
	for i := 600; i < 3400; i++ {
		dust.Pix[2000*4096+i] = 0
	}
	out := extract(t, Scribble, dust, image.Pt(512, 512), nil)
	if share := brightShare(out); share > .003 {
		t.Errorf("scribble: dust makes %.4f of the image white", share)
	}
}

func TestEnlargedStrokesStayCrisp(t *testing.T) {
	src := vase(128, 128, 2).on(color.White, color.Black)
	out := extract(t, Scribble, src, image.Pt(1024, 1024), nil)
	if share := brightShare(out); share < .02 || share > .2 {
		t.Fatalf("%.3f of the image is white", share)
	}
	// Before the threshold, few pixels may be between paper and ink.
	pg, err := newPage(context.Background(), src, image.Pt(1024, 1024))
	if err != nil {
		t.Fatal(err)
	}
	ink, err := pg.ink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	grey, dark := 0, 0
	for _, v := range ink.Pix {
		switch {
		case v > 200:
			dark++
		case v > 50:
			grey++
		}
	}
	if dark == 0 || float64(grey) > .4*float64(dark) {
		t.Errorf("%d soft pixels beside %d dark ones: the strokes are blurred", grey, dark)
	}
	// A faint stroke stays faint but whole.
	faint := newPen(128, 128)
	faint.stroke(20, 64, 108, 64, 2)
	for i, v := range faint.Pix {
		faint.Pix[i] = v / 4
	}
	strong := newPen(128, 128)
	strong.stroke(20, 20, 108, 20, 2)
	for i, v := range strong.Pix {
		faint.Pix[i] = max(faint.Pix[i], v)
	}
	pg, err = newPage(context.Background(), faint.on(color.White, color.Black), image.Pt(512, 512))
	if err != nil {
		t.Fatal(err)
	}
	if ink, err = pg.ink(context.Background()); err != nil {
		t.Fatal(err)
	}
	if v := ink.GrayAt(256, 258).Y; v < 50 || v > 80 {
		t.Errorf("the faint stroke has ink %d, want about 63", v)
	}
}

func TestOtherShapesAreFittedOnTheirOwnGround(t *testing.T) {
	p := newPen(300, 150)
	p.path(3, [2]float64{40, 30}, [2]float64{260, 30}, [2]float64{260, 120}, [2]float64{40, 120})
	for _, ground := range []color.Gray{{Y: 255}, {Y: 0}, {Y: 200}} {
		ink := color.Gray{Y: 255 - ground.Y/128*255}
		for _, k := range edgeKinds {
			out := extract(t, k, p.on(ground, ink), image.Pt(256, 256), nil)
			for x := range 256 {
				for _, y := range []int{0, 20, 60, 196, 240, 255} {
					i := out.PixOffset(x, y)
					if got := out.Pix[i]; k == Normal && got != 128 || k != Normal && got != 0 {
						t.Fatalf("%s on %d: padding has %d at %d,%d", k, ground.Y, got, x, y)
					}
				}
			}
		}
		tile := extract(t, Tile, p.on(ground, ink), image.Pt(256, 256), nil)
		if got := tile.Pix[tile.PixOffset(128, 10)]; got != ground.Y {
			t.Errorf("tile pads with %d, want its ground %d", got, ground.Y)
		}
	}
	for _, c := range []struct{ from, size, want image.Point }{
		{image.Pt(100, 100), image.Pt(512, 512), image.Pt(512, 512)},
		{image.Pt(1000, 667), image.Pt(768, 512), image.Pt(768, 512)}, // less than a pixel
		{image.Pt(200, 100), image.Pt(512, 512), image.Pt(512, 256)},
		{image.Pt(1, 4000), image.Pt(512, 512), image.Pt(1, 512)},
	} {
		if got := fitInto(c.from, c.size).Size(); got != c.want {
			t.Errorf("%v into %v gives %v, want %v", c.from, c.size, got, c.want)
		}
	}
}

// A photograph of another shape gets no frame of edges.
func TestPaddedPhotographHasNoFrame(t *testing.T) {
	src := ball(400, 200)
	for _, k := range []Kind{Canny, SoftEdge, Straight, Scribble, Lineart} {
		out := extract(t, k, src, image.Pt(256, 256), nil)
		for x := 8; x < 248; x++ {
			for _, y := range []int{30, 63, 64, 65, 190, 191, 192} {
				if v := out.Pix[out.PixOffset(x, y)]; v > 60 {
					t.Fatalf("%s: %d at %d,%d, where the photograph ends", k, v, x, y)
				}
			}
		}
	}
}

func TestAllKindsTakeOddSources(t *testing.T) {
	depth := WithPhotoDepth(func(_ context.Context, m image.Image) (*image.Gray16, error) {
		return image.NewGray16(m.Bounds()), nil
	})
	shifted := vase(90, 70, 2).on(color.White, color.Black).SubImage(image.Rect(7, 5, 83, 66))
	sources := map[string]image.Image{
		"one pixel":    image.NewGray(image.Rect(0, 0, 1, 1)),
		"one column":   image.NewRGBA(image.Rect(0, 0, 1, 900)),
		"one row":      image.NewNRGBA(image.Rect(0, 0, 900, 1)),
		"all black":    image.NewGray(image.Rect(0, 0, 64, 64)),
		"all clear":    image.NewNRGBA(image.Rect(0, 0, 64, 64)),
		"part of one":  shifted,
		"far away":     &image.Gray{Pix: make([]uint8, 400), Stride: 20, Rect: image.Rect(-1000, 5000, -980, 5020)},
		"bad palette":  &image.Paletted{Pix: []uint8{0, 200, 255, 1}, Stride: 2, Rect: image.Rect(0, 0, 2, 2), Palette: color.Palette{color.White, color.Black}},
		"uniform":      croppedUniform{image.Rect(0, 0, 50, 40)},
		"noise":        noise(200, 160),
		"checkerboard": checkers(300, 300),
	}
	for name, src := range sources {
		for _, e := range Extractors(depth) {
			for _, size := range []image.Point{{64, 64}, {65, 129}, {256, 64}} {
				out, err := e.Extract(context.Background(), src, size, nil)
				if err != nil {
					t.Errorf("%s of %s at %v: %v", e.Kind(), name, size, err)
				} else if out.Rect.Size() != size {
					t.Errorf("%s of %s: size %v, want %v", e.Kind(), name, out.Rect.Size(), size)
				}
			}
		}
	}
	for name, src := range map[string]image.Image{"nil": nil, "empty": image.NewGray(image.Rect(3, 3, 3, 9))} {
		if _, err := newCanny().Extract(context.Background(), src, image.Pt(64, 64), nil); err == nil {
			t.Errorf("a source that is %s gives no error", name)
		}
	}
}

type croppedUniform struct{ r image.Rectangle }

func (c croppedUniform) ColorModel() color.Model { return color.CMYKModel }
func (c croppedUniform) Bounds() image.Rectangle { return c.r }
func (c croppedUniform) At(int, int) color.Color { return color.CMYK{C: 20, M: 60} }

func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	for i := 3; i < len(m.Pix); i += 4 { // premultiplied: alpha is the largest
		m.Pix[i] = max(m.Pix[i-3], m.Pix[i-2], m.Pix[i-1])
	}
	return m
}

func checkers(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8((i%w/3 + i/w/3) & 1 * 255)
	}
	return m
}

func TestParametersAreChecked(t *testing.T) {
	src := vase(64, 64, 2).on(color.White, color.Black)
	for _, e := range Extractors() {
		if e.Label() == "" || e.Help() == "" {
			t.Errorf("%s has no label or help", e.Kind())
		}
		_, err := e.Extract(context.Background(), src, image.Pt(64, 64), Params{"nonsense": 1})
		var pe *ParamError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), string(e.Kind())) || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%s: unknown parameter gives %v", e.Kind(), err)
		}
		for _, p := range e.Params() {
			if p.Label == "" || p.Help == "" || p.Name == "" {
				t.Errorf("%s: parameter %q lacks words", e.Kind(), p.Name)
			}
			if p.Type != Bool && !(p.Min < p.Max && p.Step > 0) || p.Default < p.Min || p.Default > p.Max {
				t.Errorf("%s: parameter %s has no sound range", e.Kind(), p.Name)
			}
			for _, v := range []float64{p.Min - 1, p.Max + 1, math.NaN(), math.Inf(1)} {
				_, err := e.Extract(context.Background(), src, image.Pt(64, 64), Params{p.Name: v})
				if !errors.As(err, &pe) {
					t.Fatalf("%s: %s = %g gives %v", e.Kind(), p.Name, v, err)
				}
				for _, word := range []string{string(e.Kind()), p.Name, fmt.Sprintf("%g", p.Min), fmt.Sprintf("%g", p.Max)} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%q does not name %q", err, word)
					}
				}
			}
			if p.Type == Int {
				if _, err := e.Extract(context.Background(), src, image.Pt(64, 64), Params{p.Name: p.Min + .5}); !errors.As(err, &pe) {
					t.Errorf("%s: %s takes fractions", e.Kind(), p.Name)
				}
			}
			for _, v := range []float64{p.Min, p.Max} {
				if _, err := e.Extract(context.Background(), src, image.Pt(96, 80), Params{p.Name: v}); err != nil {
					t.Errorf("%s: %s = %g: %v", e.Kind(), p.Name, v, err)
				}
			}
		}
		for _, size := range []image.Point{{}, {63, 512}, {512, 4097}, {-1, 64}, {1 << 30, 1 << 30}} {
			var se *SizeError
			if _, err := e.Extract(context.Background(), src, size, nil); !errors.As(err, &se) {
				t.Errorf("%s: size %v gives %v", e.Kind(), size, err)
			}
		}
		// The declarations are the caller's own copy.
		if ps := e.Params(); len(ps) > 0 {
			ps[0].Name = "changed"
			if e.Params()[0].Name == "changed" {
				t.Errorf("%s: declarations can be changed from outside", e.Kind())
			}
		}
	}
	var unknown *UnknownKindError
	if _, err := For("sketchy"); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "sketchy") {
		t.Errorf("an unknown kind gives %v", err)
	}
}

func TestCancel(t *testing.T) {
	src := vase(512, 512, 3).on(color.White, color.Black)
	done, stop := context.WithCancel(context.Background())
	stop()
	for _, e := range Extractors() {
		if _, err := e.Extract(done, src, image.Pt(512, 512), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a cancelled context gives %v", e.Kind(), err)
		}
	}
	// Cancelling on the way stops the work soon: few rows are read afterwards.
	big := vase(800, 800, 8).on(color.White, color.Black)
	for _, e := range Extractors() {
		for _, after := range []int{100, 900, 1500} { // while surveying, or while scaling
			ctx, cancel := context.WithCancel(context.Background())
			src := &watched{Image: big, after: after, act: cancel}
			_, err := e.Extract(ctx, src, image.Pt(512, 512), nil)
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: cancelled after %d rows: %v", e.Kind(), after, err)
			}
			if more := src.rows - after; more > 256 {
				t.Errorf("%s: cancelled after %d rows, it read %d more", e.Kind(), after, more)
			}
		}
	}
}

// watched is an image that counts how often a row is read and acts after some.
type watched struct {
	image.Image
	rows, after int
	act         func()
}

func (w *watched) At(x, y int) color.Color {
	if x == 0 {
		if w.rows++; w.rows == w.after {
			w.act()
		}
	}
	return w.Image.At(x, y)
}

func TestManyAtOnce(t *testing.T) {
	src := vase(200, 200, 3).on(color.White, color.Black)
	es := Extractors()
	want := make([]*image.RGBA, len(es))
	for i, e := range es {
		want[i] = extract(t, e.Kind(), src, image.Pt(160, 160), nil)
	}
	var wg sync.WaitGroup
	for range 6 {
		for i, e := range es {
			wg.Go(func() {
				got, err := e.Extract(context.Background(), src, image.Pt(160, 160), nil)
				if err != nil {
					t.Errorf("%s: %v", e.Kind(), err)
				} else if n := differing(got, want[i]); n > 0 {
					t.Errorf("%s: %d pixels differ when run beside others", e.Kind(), n)
				}
			})
		}
	}
	wg.Wait()
}
