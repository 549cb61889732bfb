package views

import (
	"context"
	"image"
	"math"

	"maquette/control"
)

// keepStrokes lays the strokes that the bodies' own edges don't explain onto the
// mesh, as the camera of the drawing sees it: labels, seams, drawn details.
func (b *builder) keepStrokes(ctx context.Context, m *Mesh) error {
	size := b.l.Size
	seen, err := drawMesh(ctx, m, b.camera, size)
	if err != nil {
		return err
	}
	edges := seen.edges()
	for _, s := range m.Strokes {
		seen.stroke(edges, s)
	}
	known := inkDistance(&control.Lifted{Size: size, Thin: edges}, inkLimit)
	explained := float32(4 * b.unit)
	if b.rings { // ellipses drawn by hand stray farther than straight edges
		explained = float32(7 * b.unit)
	}
	left := make([]uint8, len(edges))
	for i, v := range b.l.Thin {
		if v != 0 && seen.tri[i] >= 0 && known[i] > explained {
			left[i] = 1
		}
	}
	for _, chain := range chains(left, size) {
		if len(chain) < int(12*b.unit) {
			continue
		}
		pts := make([]point, len(chain))
		for i, p := range chain {
			pts[i] = point{float64(p.X) + .5, float64(p.Y) + .5}
		}
		var line []Vec
		for _, p := range resample(blur(pts, 1.5*b.unit), 2*b.unit) {
			i := min(max(int(p.y), 0), size.Y-1)*size.X + min(max(int(p.x), 0), size.X-1)
			if seen.tri[i] < 0 {
				continue
			}
			origin, dir := seen.lens.ray(p)
			line = append(line, origin.add(dir.mul(seen.depth(float64(seen.near[i])))))
		}
		m.Strokes = append(m.Strokes, unbroken(line, 6*b.unit*b.camera.Span/float64(size.Y))...)
	}
	return nil
}

// unbroken cuts a line where it jumps from one body to another.
func unbroken(line []Vec, longest float64) (out [][]Vec) {
	from := 0
	for i := 1; i <= len(line); i++ {
		if i < len(line) && line[i].sub(line[i-1]).length() < 4*longest {
			continue
		}
		if i-from > 1 {
			out = append(out, line[from:i])
		}
		from = i
	}
	return out
}

// chains walks along thin strokes, from their ends first, then around closed ones.
func chains(on []uint8, size image.Point) (out [][]image.Point) {
	steps := [8]image.Point{{X: 1}, {Y: 1}, {X: -1}, {Y: -1}, {X: 1, Y: 1}, {X: -1, Y: 1}, {X: -1, Y: -1}, {X: 1, Y: -1}}
	at := func(p image.Point) bool {
		return p.X >= 0 && p.Y >= 0 && p.X < size.X && p.Y < size.Y && on[p.Y*size.X+p.X] != 0
	}
	walk := func(p image.Point) []image.Point {
		start := p
		var chain []image.Point
		for {
			chain = append(chain, p)
			on[p.Y*size.X+p.X] = 0
			next := image.Pt(-1, -1)
			for _, d := range steps {
				if at(p.Add(d)) {
					next = p.Add(d)
					break
				}
			}
			if next.X < 0 {
				break
			}
			p = next
		}
		if d := p.Sub(start); len(chain) > 8 && math.Hypot(float64(d.X), float64(d.Y)) < 3 {
			chain = append(chain, start)
		}
		return chain
	}
	for pass := range 2 {
		for i := range on {
			p := image.Pt(i%size.X, i/size.X)
			if !at(p) {
				continue
			}
			n := 0
			for _, d := range steps {
				if at(p.Add(d)) {
					n++
				}
			}
			if pass == 1 || n == 1 {
				out = append(out, walk(p))
			}
		}
	}
	return out
}
