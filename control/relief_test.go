package control

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// discs labels a map with discs given by centre and radius.
func discs(w, h int, all ...[3]float64) []int32 {
	label := make([]int32, w*h)
	for i := range label {
		for n, d := range all {
			if math.Hypot(float64(i%w)-d[0], float64(i/w)-d[1]) <= d[2] {
				label[i] = int32(n + 1)
			}
		}
	}
	return label
}

// A disc becomes a hemisphere, at every size; regions don't mix.
func TestDiscInflatesToHemisphere(t *testing.T) {
	all := [][3]float64{{160, 170, 140}, {380, 100, 60}, {430, 300, 20}, {480, 420, 7}}
	label := discs(512, 512, all...)
	h, err := inflate(context.Background(), label, 512, 512)
	if err != nil {
		t.Fatal(err)
	}
	for n, d := range all {
		area := 0.
		for _, l := range label {
			if l == int32(n+1) {
				area++
			}
		}
		worst, r := 0., math.Sqrt(area/math.Pi)
		for i, l := range label {
			if l == int32(n+1) {
				r2 := math.Pow(float64(i%512)-d[0], 2) + math.Pow(float64(i/512)-d[1], 2)
				worst = max(worst, math.Abs(float64(h[i])-max(r*r-r2, 0)))
			}
		}
		// Pixels place the border to within three quarters of a pixel.
		if limit := .012*r*r + 2*.75*r; worst > limit {
			t.Errorf("disc of radius %g: h is off by %.1f, more than %.1f", d[2], worst, limit)
		}
		centre := math.Sqrt(float64(h[int(d[1])*512+int(d[0])]))
		if math.Abs(centre-r)/r > .02 {
			t.Errorf("disc of radius %g has height %.2f", d[2], centre)
		}
	}
	for i, l := range label {
		if l == 0 && h[i] != 0 {
			t.Fatalf("height %g outside all regions", h[i])
		}
	}
}

// A long strip of width 2R has h = 2·(R² − x²): the solver must reach it far
// from where the coarse grids see it.
func TestStripInflatesToParabola(t *testing.T) {
	label := make([]int32, 400*400)
	for y := range 400 {
		for x := 180; x < 220; x++ {
			label[y*400+x] = 1
		}
	}
	h, err := inflate(context.Background(), label, 400, 400)
	if err != nil {
		t.Fatal(err)
	}
	for x := 180; x < 220; x++ {
		d := float64(x) + .5 - 200
		want := 2 * (400 - d*d)
		if got := float64(h[200*400+x]); math.Abs(got-want) > .02*800 {
			t.Errorf("at %g from the middle: %.1f, want %.1f", d, got, want)
		}
	}
}

// depthAt extracts depth of a black-on-white drawing and reads it.
func depthOfPen(t testing.TB, p pen, params Params) func(x, y int) int {
	t.Helper()
	out := extract(t, Depth, p.on(color.White, color.Black), p.Rect.Size(), params)
	return func(x, y int) int { return int(out.Pix[out.PixOffset(x, y)]) }
}

func TestDepthOfCircle(t *testing.T) {
	p := newPen(512, 512)
	p.ring(256, 256, 180, 180, 5)
	at := depthOfPen(t, p, Params{"rim": 0})
	for r := 0.; r < 170; r += 10 {
		want := 255 * math.Sqrt(1-r*r/180/180)
		for _, a := range []float64{0, .7, 2, 4} {
			got := float64(at(256+int(math.Round(r*math.Cos(a))), 256+int(math.Round(r*math.Sin(a)))))
			if math.Abs(got-want) > 8 {
				t.Errorf("at radius %g: %g, want %.0f", r, got, want)
			}
		}
	}
	if at(10, 10) != 0 || at(256, 60) != 0 {
		t.Error("the background is not black")
	}
	// With a rim the outline is a step.
	at = depthOfPen(t, p, Params{"rim": .2})
	if v := at(256-178, 256); v < 48 {
		t.Errorf("just inside the outline: %d", v)
	}
	if v := at(256, 256); v < 253 {
		t.Errorf("the nearest point is %d, not white", v)
	}
}

func square(p pen, cx, cy, r, width float64) {
	p.path(width, [2]float64{cx - r, cy - r}, [2]float64{cx + r, cy - r}, [2]float64{cx + r, cy + r}, [2]float64{cx - r, cy + r})
}

func TestNestedSquaresStack(t *testing.T) {
	p := newPen(512, 512)
	for _, r := range []float64{200, 140, 80, 30} {
		square(p, 256, 256, r, 4)
	}
	at := depthOfPen(t, p, nil)
	last := 0
	for _, r := range []int{225, 170, 110, 55, 0} {
		v := at(256-r, 256)
		if r < 200 && v <= last+8 {
			t.Errorf("ring at %d has depth %d, not clearly nearer than %d", r, v, last)
		}
		if opposite := at(256+r, 256); opposite != v {
			t.Errorf("ring at %d is not flat: %d and %d", r, v, opposite)
		}
		last = v
	}
	if at(256-225, 256) != 0 || last < 250 {
		t.Errorf("background %d, innermost %d", at(256-225, 256), last)
	}
}

func TestWindowsAreRecessed(t *testing.T) {
	p := newPen(512, 512)
	p.path(4, [2]float64{80, 60}, [2]float64{430, 60}, [2]float64{430, 460}, [2]float64{80, 460})
	for _, x := range []float64{150, 250, 350} {
		for _, y := range []float64{140, 260, 380} {
			square(p, x, y, 30, 3)
		}
	}
	at := depthOfPen(t, p, nil)
	wall := at(200, 200)
	for _, x := range []int{150, 250, 350} {
		for _, y := range []int{140, 260, 380} {
			if v := at(x, y); v >= wall-15 || v < 60 {
				t.Errorf("window at %d,%d has depth %d, the wall %d", x, y, v, wall)
			}
		}
	}
	if at(100, 440) != wall || at(410, 80) != wall {
		t.Error("the wall is not a plane")
	}
}

// The three faces of a box: the front is nearest, the others fall back from it.
func TestBoxFacesFallBack(t *testing.T) {
	p := newPen(512, 512)
	a, b, c, d := [2]float64{110, 130}, [2]float64{280, 160}, [2]float64{280, 450}, [2]float64{110, 400}
	e, f, g := [2]float64{400, 120}, [2]float64{400, 390}, [2]float64{230, 95}
	p.path(4, a, b, c, d)
	p.path(4, b, e, f, c)
	p.path(4, a, g, e, b)
	at := depthOfPen(t, p, nil)
	front := at(200, 300)
	if x := at(120, 200); x != front {
		t.Errorf("the front is not a plane: %d and %d", x, front)
	}
	if near, far := at(295, 300), at(385, 280); !(front >= near && near > far+20) {
		t.Errorf("the side goes %d, %d, %d from the front back", front, near, far)
	}
	if near, far := at(230, 145), at(235, 105); near <= far+4 {
		t.Errorf("the top goes %d, %d from the front back", near, far)
	}
}

func TestGapsAreClosed(t *testing.T) {
	p := newPen(512, 512)
	const n = 200
	for i := range n - 4 { // a circle that misses a piece of 18 pixels
		a, b := 2*math.Pi*float64(i)/n, 2*math.Pi*float64(i+1)/n
		p.stroke(256+150*math.Cos(a), 256+150*math.Sin(a), 256+150*math.Cos(b), 256+150*math.Sin(b), 4)
	}
	if v := depthOfPen(t, p, Params{"gap": 24})(256, 256); v < 250 {
		t.Errorf("with the gap closed the middle has depth %d", v)
	}
	if v := depthOfPen(t, p, Params{"gap": 4})(256, 256); v != 0 {
		t.Errorf("with the gap open the middle has depth %d", v)
	}
}

// Nothing is closed: the strokes themselves become thin bodies.
func TestOpenStrokesBecomeTubes(t *testing.T) {
	p := newPen(256, 256)
	p.stroke(40, 40, 200, 180, 8)
	at := depthOfPen(t, p, nil)
	if on, off := at(120, 110), at(60, 200); on < 200 || off != 0 {
		t.Errorf("on the stroke %d, beside it %d", on, off)
	}
}

func TestNormalsOfSphere(t *testing.T) {
	p := newPen(512, 512)
	p.ring(256, 256, 180, 180, 5)
	out := extract(t, Normal, p.on(color.White, color.Black), image.Pt(512, 512), nil)
	for _, c := range []struct{ x, y float64 }{{0, 0}, {-.6, 0}, {.6, 0}, {0, -.6}, {0, .6}, {.4, -.5}} {
		i := out.PixOffset(256+int(180*c.x), 256+int(180*c.y))
		z := math.Sqrt(1 - c.x*c.x - c.y*c.y)
		// Red faces left, green up, blue the viewer.
		for ch, n := range []float64{-c.x, -c.y, z} {
			if want := (n + 1) / 2 * 255; math.Abs(float64(out.Pix[i+ch])-want) > 8 {
				t.Errorf("at %v channel %d is %d, want %.0f", c, ch, out.Pix[i+ch], want)
			}
		}
	}
	if i := out.PixOffset(5, 5); out.Pix[i] != 128 || out.Pix[i+1] != 128 || out.Pix[i+2] != 255 {
		t.Errorf("the background is %v", out.Pix[i:i+3])
	}
}

func TestPhotographsNeedAModel(t *testing.T) {
	src := ball(300, 200)
	for _, k := range []Kind{Depth, Normal} {
		e, err := For(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Extract(context.Background(), src, image.Pt(256, 256), nil); !errors.Is(err, ErrNeedsDepthModel) {
			t.Errorf("%s of a photograph without a model: %v", k, err)
		}
	}
	var seen image.Point
	model := func(_ context.Context, m image.Image) (*image.Gray16, error) {
		seen = m.Bounds().Size()
		out := image.NewGray16(image.Rect(0, 0, 64, 32))
		for y := range 32 {
			for x := range 64 { // nearer to the right, in part of the range only
				out.SetGray16(x, y, color.Gray16{Y: uint16(20000 + 200*x)})
			}
		}
		return out, nil
	}
	out := extract(t, Depth, src, image.Pt(256, 256), nil, WithPhotoDepth(model))
	if seen != image.Pt(256, 171) {
		t.Errorf("the model saw %v", seen)
	}
	left, right, above := out.Pix[out.PixOffset(2, 128)], out.Pix[out.PixOffset(253, 128)], out.Pix[out.PixOffset(128, 10)]
	if left > 6 || right < 249 || above != 0 {
		t.Errorf("stretched to %d … %d, padding %d", left, right, above)
	}
	normal := extract(t, Normal, src, image.Pt(256, 256), nil, WithPhotoDepth(model))
	if p := normal.Pix[normal.PixOffset(128, 128):]; p[0] <= 135 || p[1] != 128 {
		t.Errorf("a slope rising to the right has normal colour %v, want it to face left", p[:3])
	}
	broken := errors.New("out of memory")
	e, err := For(Depth, WithPhotoDepth(func(context.Context, image.Image) (*image.Gray16, error) { return nil, broken }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Extract(context.Background(), src, image.Pt(64, 64), nil); !errors.Is(err, broken) {
		t.Errorf("the model's error is lost: %v", err)
	}
}

// Parents are found through the graph of touching regions.
func TestWhoSurroundsWhom(t *testing.T) {
	p := newPen(400, 400)
	square(p, 200, 200, 180, 4) // frame
	square(p, 110, 200, 60, 4)  // left panel, divided below
	p.stroke(110, 140, 110, 260, 4)
	p.ring(280, 200, 60, 60, 4)
	p.ring(280, 200, 25, 25, 4)
	d, err := findRegions(context.Background(), p.Gray, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := func(x, y int) region { return d.regions[d.label[y*400+x]] }
	frame, l, r, ring, hub := at(200, 50), at(80, 200), at(140, 200), at(240, 200), at(280, 200)
	if len(d.regions) != 6 {
		t.Fatalf("%d regions", len(d.regions))
	}
	if frame.depth != 1 || l.parent != frame.id || r.parent != frame.id || ring.parent != frame.id || hub.parent != ring.id || hub.depth != 3 {
		t.Errorf("depths %d %d %d %d %d", frame.depth, l.depth, r.depth, ring.depth, hub.depth)
	}
	if l.group != r.group || l.group == ring.group {
		t.Errorf("groups %d %d %d: touching panels are one object, the ring another", l.group, r.group, ring.group)
	}
}

// Straight-edged outlines become planes, curved ones cushions, by hand or not.
func TestShapesAreToldApart(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	outline := func(pts ...[2]float64) pen {
		p := newPen(512, 512)
		for i, a := range pts {
			b := pts[(i+1)%len(pts)]
			p.byHand(segment{a[0], a[1], b[0], b[1]}, 4, 1.2, r)
		}
		return p
	}
	circle := newPen(512, 512)
	circle.ring(256, 256, 90, 90, 4)
	small := newPen(512, 512)
	small.ring(256, 256, 16, 16, 3)
	egg := newPen(512, 512)
	egg.ring(256, 256, 190, 110, 4)
	for name, c := range map[string]struct {
		p        pen
		straight bool
	}{
		"box":       {outline([2]float64{100, 100}, [2]float64{400, 110}, [2]float64{395, 420}, [2]float64{105, 410}), true},
		"window":    {outline([2]float64{200, 200}, [2]float64{231, 200}, [2]float64{231, 245}, [2]float64{200, 245}), true},
		"L":         {outline([2]float64{80, 80}, [2]float64{200, 80}, [2]float64{200, 300}, [2]float64{420, 300}, [2]float64{420, 430}, [2]float64{80, 430}), true},
		"house":     {outline([2]float64{100, 220}, [2]float64{256, 90}, [2]float64{412, 220}, [2]float64{412, 440}, [2]float64{100, 440}), true},
		"hexagon":   {outline([2]float64{110, 150}, [2]float64{240, 100}, [2]float64{400, 140}, [2]float64{400, 400}, [2]float64{280, 460}, [2]float64{110, 420}), true},
		"vase":      {vase(512, 512, 4), false},
		"circle":    {circle, false},
		"small one": {small, false},
		"egg":       {egg, false},
	} {
		d, err := findRegions(context.Background(), c.p.Gray, 12)
		if err != nil {
			t.Fatal(err)
		}
		objects, _, err := d.objects(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(objects) != 2 {
			t.Errorf("%s: %d objects", name, len(objects)-1)
			continue
		}
		if objects[1].shape.straight != c.straight {
			t.Errorf("%s: straight is %v", name, objects[1].shape.straight)
		}
	}
}
