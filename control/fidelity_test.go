package control

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func dots(w, h int, at ...image.Point) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for _, p := range at {
		m.SetRGBA(p.X, p.Y, color.RGBA{255, 255, 255, 255})
	}
	return m
}

func TestEdgeF1(t *testing.T) {
	line := dots(20, 20, image.Pt(3, 3), image.Pt(4, 3), image.Pt(5, 3), image.Pt(6, 3))
	moved := dots(20, 20, image.Pt(3, 5), image.Pt(4, 5), image.Pt(5, 5), image.Pt(6, 5))
	half := dots(20, 20, image.Pt(3, 3), image.Pt(4, 3), image.Pt(15, 15))
	none := dots(20, 20)
	red := image.NewRGBA(image.Rect(0, 0, 20, 20))
	for x := 3; x < 7; x++ {
		red.SetRGBA(x, 3, color.RGBA{200, 0, 0, 255})
	}
	shifted := line.SubImage(image.Rect(2, 2, 8, 8)).(*image.RGBA)
	for name, c := range map[string]struct {
		got, want     *image.RGBA
		tolerance     int
		precision, rc float64
	}{
		"same":            {line, line, 0, 1, 1},
		"two off, exact":  {moved, line, 0, 0, 0},
		"two off, within": {moved, line, 2, 1, 1},
		"one short":       {moved, line, 1, 0, 0},
		"half of it":      {half, line, 0, 2. / 3, .5},
		"half, near":      {half, line, 1, 2. / 3, .75},
		"colour":          {red, line, 0, 1, 1},
		"both empty":      {none, none, 2, 1, 1},
		"nothing got":     {none, line, 2, 0, 0},
		"nothing wanted":  {line, none, 2, 0, 0},
		"other size":      {dots(20, 21), none, 2, 0, 0},
		"nil":             {nil, line, 2, 0, 0},
		"sub-image":       {shifted, shifted, 0, 1, 1},
	} {
		p, r, f := EdgeF1(c.got, c.want, c.tolerance)
		want := 0.
		if c.precision+c.rc > 0 {
			want = 2 * c.precision * c.rc / (c.precision + c.rc)
		}
		if math.Abs(p-c.precision)+math.Abs(r-c.rc)+math.Abs(f-want) > 1e-9 {
			t.Errorf("%s: precision %.3f recall %.3f F1 %.3f, want %.3f %.3f %.3f", name, p, r, f, c.precision, c.rc, want)
		}
	}
}

func TestGrownIsASquare(t *testing.T) {
	m := newMask(30, 30)
	m.on[10*30+12], m.on[0], m.on[29*30+29], m.on[10*30+15] = 1, 1, 1, 1
	g := m.grown(2)
	for y := range 30 {
		for x := range 30 {
			want := uint8(0)
			for j := range 30 {
				for i := range 30 {
					if m.on[j*30+i] != 0 && max(abs(x-i), abs(y-j)) <= 2 {
						want = 1
					}
				}
			}
			if g.at(x, y) != want {
				t.Fatalf("at %d,%d: %d, want %d", x, y, g.at(x, y), want)
			}
		}
	}
}
