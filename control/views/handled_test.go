package views

import (
	"image"
	"math"
	"testing"
)

// Mugs of the starter's generator are bodies of revolution with a handle, by
// their front drawing alone.
func TestMugs(t *testing.T) {
	depth, f1, n := 0., 0., 0.
	for i, o := range heldout(t, "mugs.zip") {
		d, covered, f, reading := o.measure(t, i)
		t.Logf("mug %d read as %-8s depth error %5.1f %% covered %3.0f %% lines F1 %.2f", i, reading, 100*d, 100*covered, f)
		if reading != Revolved || covered < .97 {
			t.Errorf("mug %d is read as %s and covered by %.0f %%", i, reading, 100*covered)
		}
		depth, f1, n = depth+d, f1+f, n+1
	}
	if depth/n > .03 || f1/n < .7 {
		t.Errorf("mean depth error %.2f %% (want 3 %% at most), lines F1 %.3f (want .7)", 100*depth/n, f1/n)
	}
}

// cup draws a cup whose body is 160 wide and 200 high, with a handle of two arcs
// at its right side, or mirrored at its left one. With wall false, one line goes
// around body and handle, as around a boot.
func cup(handle, wall, left bool) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, 512, 512))
	for i := range g.Pix {
		g.Pix[i] = 255
	}
	dot := func(x, y float64) {
		if left {
			x = 512 - x
		}
		for dy := -1.; dy <= 1; dy++ {
			for dx := -1.; dx <= 1; dx++ {
				g.Pix[int(y+dy)*512+int(x+dx)] = 0
			}
		}
	}
	arc := func(cx, cy, rx, ry, from, to float64) {
		for k := range 1001 {
			s, c := math.Sincos(from + (to-from)*float64(k)/1000)
			dot(cx+rx*c, cy+ry*s)
		}
	}
	const x0, x1, top, base = 160., 320., 170., 370.
	for k := range 1001 {
		y := top + (base-top)*float64(k)/1000
		dot(x0, y)
		if wall || !handle || y < 215 || y > 325 {
			dot(x1, y)
		}
	}
	arc((x0+x1)/2, top, (x1-x0)/2, 16, 0, 2*math.Pi)
	arc((x0+x1)/2, base, (x1-x0)/2, 17, 0, math.Pi)
	if handle {
		arc(x1, 270, 75, 55, -math.Pi/2, math.Pi/2)
		if wall {
			arc(x1, 270, 55, 37, -math.Pi/2, math.Pi/2)
		}
	}
	return g
}

func TestHandlesAreTakenOff(t *testing.T) {
	size := image.Pt(512, 512)
	lift := func(g *image.Gray) *Relief {
		t.Helper()
		r, err := Lift(t.Context(), rgba(g), size, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// wide is the extent along x over that along z: 1 for a body of revolution.
	wide := func(r *Relief) float64 {
		low, high := r.Mesh.Bounds()
		return (high[0] - low[0]) / (high[2] - low[2])
	}
	plain := lift(cup(false, true, false))
	if plain.Parts[0].Reading != Revolved || math.Abs(wide(plain)-1) > .03 {
		t.Fatalf("a cup without a handle is read as %s, %.2f times as wide as deep", plain.Parts[0].Reading, wide(plain))
	}
	for _, left := range []bool{false, true} {
		r := lift(cup(true, true, left))
		if r.Parts[0].Reading != Revolved {
			t.Errorf("handle at the left %v: read as %s", left, r.Parts[0].Reading)
			continue
		}
		// The handle stands out by 75 of the body's 160 pixels.
		if w := wide(r); math.Abs(w-235./160) > .06 {
			t.Errorf("handle at the left %v: %.2f times as wide as deep", left, w)
		}
		if v := r.Mesh.volume(); v <= 0 {
			t.Errorf("the mesh is inside out: volume %g", v)
		}
		// There is air within the handle.
		sight, err := See(t.Context(), r.Mesh, r.Drawn, size)
		if err != nil {
			t.Fatal(err)
		}
		for x, on := range map[int]bool{345: false, 385: true, 240: true, 420: false} {
			if left {
				x = 512 - x
			}
			if got := sight.shows(x, 270); got != on {
				t.Errorf("handle at the left %v: at %d the body shows %v", left, x, got)
			}
		}
	}
	// Without a wall behind it nothing says that the bulge is a handle.
	if r := lift(cup(true, false, false)); r.Parts[0].Reading == Revolved {
		t.Error("a bulge without a wall is taken off")
	}
}
