package control

import (
	"context"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// facadeLines are the true lines of a test facade on a 512-pixel page.
func facadeLines() []segment {
	var all []segment
	box := func(x0, y0, x1, y1 float64) {
		all = append(all, segment{x0, y0, x1, y0}, segment{x1, y0, x1, y1}, segment{x1, y1, x0, y1}, segment{x0, y1, x0, y0})
	}
	box(60, 50, 452, 470)
	for _, y := range []float64{155, 260, 365} {
		all = append(all, segment{60, y, 452, y})
	}
	for r := range 4 {
		for c := range 5 {
			x, y := 78+float64(c)*76, 70+float64(r)*105
			box(x, y, x+52, y+66)
			all = append(all, segment{x + 26, y, x + 26, y + 66}, segment{x, y + 22, x + 52, y + 22})
		}
	}
	return all
}

// byHand draws a segment with a slow wobble of about amp pixels.
func (p pen) byHand(s segment, width, amp float64, r *rand.Rand) {
	ux, uy := s.direction()
	phase, waves := r.Float64()*2*math.Pi, .6+s.length()/150
	last := [2]float64{s.x0, s.y0}
	for t := 0.; t <= s.length(); t += 2 {
		c := amp * math.Sin(phase+waves*math.Pi*t/s.length())
		next := [2]float64{s.x0 + t*ux - c*uy, s.y0 + t*uy + c*ux}
		if t > 0 {
			p.stroke(last[0], last[1], next[0], next[1], width)
		}
		last = next
	}
}

// Every line of a facade drawn by hand comes out straight and whole.
func TestFacadeStaysStraightAndComplete(t *testing.T) {
	truth := facadeLines()
	for _, size := range []int{512, 1024} {
		k := float64(size) / 512
		p := newPen(size, size)
		r := rand.New(rand.NewPCG(11, 12))
		for _, s := range truth {
			p.byHand(segment{s.x0 * k, s.y0 * k, s.x1 * k, s.y1 * k}, 2.6*k, .8*k, r)
		}
		out := extract(t, Straight, p.on(color.White, color.Black), image.Pt(size, size), nil)
		want := newPen(size, size)
		for _, s := range truth {
			want.stroke(s.x0*k, s.y0*k, s.x1*k, s.y1*k, 2)
		}
		precision, recall, _ := EdgeF1(out, rgba(want.Gray), int(2.5*k))
		if precision < .98 || recall < .98 {
			t.Errorf("at %d: precision %.3f, recall %.3f against the true lines", size, precision, recall)
		}
		// Each window's mullion, from top to bottom.
		for i, s := range truth {
			for step := 0.; step <= 1; step += .05 {
				x, y := (s.x0+step*(s.x1-s.x0))*k, (s.y0+step*(s.y1-s.y0))*k
				if !whiteNear(out, x, y, 2.5*k) {
					t.Fatalf("at %d: line %d has a hole at %.0f,%.0f", size, i, x, y)
				}
			}
		}
	}
}

func whiteNear(m *image.RGBA, x, y, reach float64) bool {
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			p := image.Pt(int(math.Round(x+dx)), int(math.Round(y+dy)))
			if p.In(m.Rect) && m.Pix[m.PixOffset(p.X, p.Y)] > 127 {
				return true
			}
		}
	}
	return false
}

func TestStraightSegments(t *testing.T) {
	find := func(p pen) []segment {
		m := inked(p.Gray, 96).thinned()
		f := &lineFinder{m: m, all: &mask{w: m.w, h: m.h, on: append([]uint8(nil), m.on...)}, shortest: 13, wobble: 2, gap: 8}
		lines, err := f.find(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	// A dashed line is one line; its ends stay where they were drawn.
	dashed := newPen(512, 512)
	for x := 60.; x < 440; x += 24 {
		dashed.stroke(x, 100+x/10, x+18, 100+(x+18)/10, 3)
	}
	if got := find(dashed); len(got) != 1 || math.Abs(got[0].length()-386) > 8 {
		t.Errorf("a dashed line gives %v", got)
	}
	// Two strokes side by side stay two.
	double := newPen(512, 512)
	double.stroke(100, 50, 100, 450, 2)
	double.stroke(108, 50, 108, 450, 2)
	if got := find(double); len(got) != 2 {
		t.Errorf("a double line gives %d segments: %v", len(got), got)
	}
	// Circles hold no straight lines.
	circles := newPen(512, 512)
	circles.ring(150, 150, 60, 60, 3)
	circles.ring(340, 320, 120, 90, 4)
	long := 0.
	for _, s := range find(circles) {
		long += s.length()
	}
	if long > 120 { // of 1040 pixels of outline
		t.Errorf("circles give %.0f pixels of straight lines", long)
	}
	// Corners that the hand left open are closed.
	corner := newPen(512, 512)
	corner.stroke(100, 100, 300, 100, 3)
	corner.stroke(304, 104, 304, 300, 3)
	got := find(corner)
	if len(got) != 2 {
		t.Fatalf("a corner gives %v", got)
	}
	touch := math.Inf(1)
	for _, a := range [][2]float64{{got[0].x0, got[0].y0}, {got[0].x1, got[0].y1}} {
		for _, b := range [][2]float64{{got[1].x0, got[1].y0}, {got[1].x1, got[1].y1}} {
			touch = min(touch, math.Hypot(a[0]-b[0], a[1]-b[1]))
		}
	}
	if touch > 1 {
		t.Errorf("the corner is open by %.1f pixels: %v", touch, got)
	}
}

func TestThinningKeepsLinesWhole(t *testing.T) {
	p := newPen(128, 128)
	p.ring(64, 64, 40, 30, 9)
	p.stroke(24, 64, 104, 64, 7)
	thin := inked(p.Gray, 96).thinned()
	count := 0
	for y := range 128 {
		for x := range 128 {
			if thin.at(x, y) == 0 {
				continue
			}
			count++
			if thin.at(x+1, y)+thin.at(x, y+1)+thin.at(x+1, y+1) == 3 {
				t.Fatalf("a block of 2×2 pixels is left at %d,%d", x, y)
			}
		}
	}
	if count < 200 || count > 420 {
		t.Errorf("%d pixels are left of the outlines", count)
	}
	// The two halves stay closed off from each other and from the outside.
	label, n, err := components(thin, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n != 4 || label[50*128+64] == label[78*128+64] {
		t.Errorf("%d areas are left, want lines, outside and two halves", n)
	}
	if ends := thin.ends(8); len(ends) != 0 {
		t.Errorf("%d loose ends in a closed drawing", len(ends))
	}
}
