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

func TestDistancesAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []image.Point{{1, 1}, {17, 1}, {1, 9}, {23, 31}} {
		m := newMask(size.X, size.Y)
		var on []image.Point
		for range 1 + size.X*size.Y/40 {
			p := image.Pt(r.IntN(size.X), r.IntN(size.Y))
			m.on[p.Y*m.w+p.X] = 1
			on = append(on, p)
		}
		for i, got := range m.distances() {
			want := math.Inf(1)
			for _, p := range on {
				want = min(want, math.Hypot(float64(i%m.w-p.X), float64(i/m.w-p.Y)))
			}
			if math.Abs(float64(got)-want) > 1e-4 {
				t.Fatalf("%v: pixel %d is %g from the mask, want %g", size, i, got, want)
			}
		}
	}
	if d := newMask(3, 2).distances(); !math.IsInf(float64(d[5]), 1) {
		t.Errorf("an empty mask is %g away", d[5])
	}
}

func TestChamfer(t *testing.T) {
	line := func(y int) *image.RGBA {
		m := image.NewRGBA(image.Rect(0, 0, 40, 30))
		for x := range 40 {
			m.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
		}
		return m
	}
	both := line(5)
	for x := range 40 {
		both.SetRGBA(x, 11, color.RGBA{255, 255, 255, 255})
	}
	none := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for name, c := range map[string]struct {
		a, b *image.RGBA
		want float64
	}{
		"same":       {line(5), line(5), 0},
		"three off":  {line(5), line(8), 3},
		"one more":   {both, line(5), 1.5}, // half of both's pixels are 6 away, line's are 0
		"both empty": {none, none, 0},
		"one empty":  {none, line(5), 50},
	} {
		if got := Chamfer(c.a, c.b); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}

// house paints a picture of coloured rectangles; bend moves the vertical edges
// of the windows sideways in their middle.
func house(side int, bend float64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	k := float64(side) / 256
	for y := range side {
		for x := range side {
			u, v := float64(x)/k, float64(y)/k
			c := color.RGBA{225, 225, 230, 255}
			if u > 30 && u < 226 && v > 30 && v < 226 {
				c = color.RGBA{150, 70, 50, 255}
			}
			for i := range 3 {
				for j := range 3 {
					x0, y0 := 48+float64(i)*60, 48+float64(j)*60
					sag := bend * math.Sin(math.Pi*(v-y0)/40)
					if v > y0 && v < y0+40 && u > x0+sag && u < x0+40+sag {
						c = color.RGBA{40, 60, 90, 255}
					}
				}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// houseLines draws what house paints, unbent, as a control image.
func houseLines(side int) *image.RGBA {
	p := newPen(side, side)
	k := float64(side) / 256
	box := func(x0, y0, x1, y1 float64) {
		p.stroke(x0*k, y0*k, x1*k, y0*k, 2)
		p.stroke(x1*k, y0*k, x1*k, y1*k, 2)
		p.stroke(x1*k, y1*k, x0*k, y1*k, 2)
		p.stroke(x0*k, y1*k, x0*k, y0*k, 2)
	}
	box(30, 30, 226, 226)
	for i := range 3 {
		for j := range 3 {
			x, y := 48+float64(i)*60, 48+float64(j)*60
			box(x, y, x+40, y+40)
		}
	}
	return rgba(p.Gray)
}

func TestFidelityOfAFacade(t *testing.T) {
	ctx := context.Background()
	for _, side := range []int{256, 512} {
		lines := houseLines(side)
		exact, err := MeasureFidelity(ctx, Lineart, lines, house(side, 0))
		if err != nil {
			t.Fatal(err)
		}
		if exact.F1 < .99 || exact.Chamfer > 1 || exact.Straight < .99 || exact.StraightLines != 40 {
			t.Errorf("%d: the facade itself: %+v", side, exact)
		}
		// Only the 18 upright window edges bend: 18 × 40 of 9 × 160 + 4 × 196.
		bent, err := MeasureFidelity(ctx, Lineart, lines, house(side, 6))
		if err != nil {
			t.Fatal(err)
		}
		want := 1 - 18*40/(9*160+4*196.)
		if math.Abs(bent.Straight-want) > .04 || bent.F1 > .95 || bent.Chamfer <= exact.Chamfer {
			t.Errorf("%d: with bent windows: %+v, want straight %.2f", side, bent, want)
		}
		// Another size of the picture changes nothing but its resolution.
		large, err := MeasureFidelity(ctx, Lineart, lines, house(2*side, 0))
		if err != nil {
			t.Fatal(err)
		}
		if large.F1 < .98 || large.Straight < .98 {
			t.Errorf("%d: at twice the size: %+v", side, large)
		}
	}
}

func TestFidelityLosesWhatIsLost(t *testing.T) {
	ctx := context.Background()
	lines := houseLines(256)
	blank := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for i := range blank.Pix {
		blank.Pix[i] = 200
	}
	f, err := MeasureFidelity(ctx, Lineart, lines, blank)
	if err != nil {
		t.Fatal(err)
	}
	if f.F1 != 0 || f.Straight != 0 || math.Abs(f.Chamfer-256*math.Sqrt2) > .1 {
		t.Errorf("a blank picture: %+v", f)
	}
	if _, err := MeasureFidelity(ctx, Lineart, rgba(newPen(256, 256).Gray), blank); !errors.Is(err, ErrNoLines) {
		t.Errorf("no lines: %v", err)
	}
	if _, err := MeasureFidelity(ctx, Lineart, lines, image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("an empty picture is measured")
	}
	done, stop := context.WithCancel(ctx)
	stop()
	if _, err := MeasureFidelity(done, Lineart, lines, blank); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A round drawing has no straight lines to keep.
func TestFidelityOfACircle(t *testing.T) {
	p, shown := newPen(256, 256), image.NewRGBA(image.Rect(0, 0, 256, 256))
	const n = 120
	for i := range n {
		a, b := 2*math.Pi*float64(i)/n, 2*math.Pi*float64(i+1)/n
		p.stroke(128+80*math.Cos(a), 128+80*math.Sin(a), 128+80*math.Cos(b), 128+80*math.Sin(b), 3)
	}
	for i := range 256 * 256 {
		c := color.RGBA{250, 250, 250, 255}
		if math.Hypot(float64(i%256)+.5-128, float64(i/256)+.5-128) < 80 {
			c = color.RGBA{30, 90, 40, 255}
		}
		shown.SetRGBA(i%256, i/256, c)
	}
	f, err := MeasureFidelity(context.Background(), Lineart, rgba(p.Gray), shown)
	if err != nil {
		t.Fatal(err)
	}
	if f.F1 < .99 || f.Chamfer > 1 || f.StraightLines != 0 {
		t.Errorf("%+v", f)
	}
	// A vase has rims and sides that are nearly straight, but is no facade.
	if _, n, err := keptStraight(context.Background(), false, edgeMask(rgba(vase(256, 256, 3).Gray)).thinned(), newMask(256, 256), shown); err != nil || n != 0 {
		t.Errorf("a vase has %d straight lines, %v", n, err)
	}
	// What was made of straight lines by its own control counts however it runs.
	if f, err = MeasureFidelity(context.Background(), Straight, houseLines(256), house(256, 0)); err != nil || f.StraightLines != 40 {
		t.Errorf("%+v, %v", f, err)
	}
}

func BenchmarkMeasureFidelity512(b *testing.B) {
	lines, shown := houseLines(512), house(512, 0)
	for b.Loop() {
		if _, err := MeasureFidelity(b.Context(), Lineart, lines, shown); err != nil {
			b.Fatal(err)
		}
	}
}
