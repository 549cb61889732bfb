package control

import (
	"context"
	"image"
	"math"
)

// neighbours8 lists the steps to the eight neighbours, clockwise from north.
func neighbours8() [8]image.Point {
	return [8]image.Point{{X: 0, Y: -1}, {X: 1, Y: -1}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}, {X: -1, Y: 1}, {X: -1, Y: 0}, {X: -1, Y: -1}}
}

// mask is a w × h map of yes (1) and no (0).
type mask struct {
	w, h int
	on   []uint8
}

func newMask(w, h int) *mask { return &mask{w: w, h: h, on: make([]uint8, w*h)} }

// inked is where ink reaches the threshold.
func inked(ink *image.Gray, threshold uint8) *mask {
	m := newMask(ink.Rect.Dx(), ink.Rect.Dy())
	for i, v := range ink.Pix {
		if v >= threshold {
			m.on[i] = 1
		}
	}
	return m
}

func (m *mask) at(x, y int) uint8 {
	if x < 0 || y < 0 || x >= m.w || y >= m.h {
		return 0
	}
	return m.on[y*m.w+x]
}

// line sets the pixels between two points.
func (m *mask) line(a, b image.Point) {
	n := max(abs(b.X-a.X), abs(b.Y-a.Y))
	for i := 0; i <= n; i++ {
		t := 0.
		if n > 0 {
			t = float64(i) / float64(n)
		}
		x := a.X + int(math.Round(t*float64(b.X-a.X)))
		y := a.Y + int(math.Round(t*float64(b.Y-a.Y)))
		if x >= 0 && y >= 0 && x < m.w && y < m.h {
			m.on[y*m.w+x] = 1
		}
	}
}

func abs(v int) int { return max(v, -v) }

// thinned reduces strokes to lines one pixel wide that keep their topology
// (Zhang and Suen, "A fast parallel algorithm for thinning digital patterns",
// CACM 27(3), 1984).
func (m *mask) thinned() *mask {
	// A frame of one empty pixel saves the bounds checks.
	w, h := m.w+2, m.h+2
	p := make([]uint8, w*h)
	var live []int32
	for y := range m.h {
		for x := range m.w {
			if m.on[y*m.w+x] != 0 {
				i := (y+1)*w + x + 1
				p[i] = 1
				live = append(live, int32(i))
			}
		}
	}
	around := [8]int{-w, -w + 1, 1, w + 1, w, w - 1, -1, -w - 1} // north, then clockwise
	var gone []int32
	for changed := true; changed; {
		changed = false
		for pass := range 2 {
			gone = gone[:0]
			for _, i := range live {
				if p[i] != 0 && thinnable(p, int(i), &around, pass) {
					gone = append(gone, i)
				}
			}
			for _, i := range gone {
				p[i] = 0
			}
			changed = changed || len(gone) > 0
		}
		kept := live[:0]
		for _, i := range live {
			if p[i] != 0 {
				kept = append(kept, i)
			}
		}
		live = kept
	}
	out := newMask(m.w, m.h)
	for _, i := range live {
		out.on[(int(i)/w-1)*m.w+int(i)%w-1] = 1
	}
	return out
}

// thinnable reports whether removing pixel i keeps lines connected and ends in
// place; the two passes eat from the south-east and the north-west.
func thinnable(p []uint8, i int, around *[8]int, pass int) bool {
	var n [8]uint8
	count, rises := 0, 0
	for k, d := range around {
		n[k] = p[i+d]
		count += int(n[k])
	}
	if count < 2 || count > 6 {
		return false
	}
	for k := range 8 {
		if n[k] == 0 && n[(k+1)&7] != 0 {
			rises++
		}
	}
	if rises != 1 {
		return false
	}
	north, east, south, west := n[0], n[2], n[4], n[6]
	if pass == 0 {
		return north&east&south == 0 && east&south&west == 0
	}
	return north&east&west == 0 && north&south&west == 0
}

// end is where a thin line stops, and the direction in which it was going.
type end struct {
	at     image.Point
	dx, dy float64              // of unit length; zero for a lone point
	trail  map[image.Point]bool // the last pixels before the end
}

// ends finds the loose ends of a thinned mask. reach is how many pixels are
// traced back from each.
func (m *mask) ends(reach int) []end {
	var found []end
	for y := range m.h {
		for x := range m.w {
			if m.on[y*m.w+x] == 0 {
				continue
			}
			if n := m.degree(x, y); n == 1 {
				found = append(found, m.trace(image.Pt(x, y), reach))
			}
		}
	}
	return found
}

// degree counts the runs of neighbours, so that two touching ones count once.
func (m *mask) degree(x, y int) int {
	steps := neighbours8()
	runs := 0
	for k, d := range steps {
		next := steps[(k+1)&7]
		if m.at(x+d.X, y+d.Y) != 0 && m.at(x+next.X, y+next.Y) == 0 {
			runs++
		}
	}
	return runs
}

// trace walks back from a loose end along the line.
func (m *mask) trace(from image.Point, reach int) end {
	e := end{at: from, trail: map[image.Point]bool{from: true}}
	cur := from
	for range reach {
		moved := false
		for _, d := range neighbours8() {
			p := cur.Add(d)
			if m.at(p.X, p.Y) != 0 && !e.trail[p] {
				e.trail[p], cur, moved = true, p, true
				break
			}
		}
		if !moved {
			break
		}
		if len(e.trail) <= 10 { // the direction is that of the last few pixels
			e.dx, e.dy = float64(from.X-cur.X), float64(from.Y-cur.Y)
		}
	}
	if n := math.Hypot(e.dx, e.dy); n > 0 {
		e.dx, e.dy = e.dx/n, e.dy/n
	}
	return e
}

// closeGaps joins loose ends of the thinned lines m to what lies ahead of them
// within reach pixels, by drawing into barrier. The ends must have been traced
// back for twice that.
func (m *mask) closeGaps(ctx context.Context, barrier *mask, loose []end, reach int) error {
	for i, e := range loose {
		if i%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if p, ok := m.ahead(e, reach); ok {
			barrier.line(e.at, p)
		}
	}
	return nil
}

// ahead finds the line pixel that an end most likely leads to. Squares of
// growing size are searched, until nothing farther away can be better.
func (m *mask) ahead(e end, reach int) (image.Point, bool) {
	best, bestCost := image.Point{}, math.Inf(1)
	try := func(dx, dy int) {
		p := e.at.Add(image.Pt(dx, dy))
		if m.at(p.X, p.Y) == 0 || e.trail[p] {
			return
		}
		d := math.Hypot(float64(dx), float64(dy))
		straight := (float64(dx)*e.dx + float64(dy)*e.dy) / d
		if d > float64(reach) || straight < .1 {
			return
		}
		// Straight ahead is worth a longer way.
		if cost := d * (1.6 - .6*straight); cost < bestCost {
			best, bestCost = p, cost
		}
	}
	for r := 1; r <= reach && float64(r) < bestCost; r++ {
		for k := -r; k <= r; k++ {
			try(k, -r)
			try(k, r)
		}
		for k := 1 - r; k < r; k++ {
			try(-r, k)
			try(r, k)
		}
	}
	return best, !math.IsInf(bestCost, 1)
}
