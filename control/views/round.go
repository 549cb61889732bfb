package views

import (
	"context"
	"fmt"
	"image"
	"math"

	"maquette/control"
)

// Heights of parts on a rounded body, as in package control: a rounded part
// bulges by half its own hemisphere.
const bumpShare = .5

// round reads an object as inflated: a cushion over its outline, the same in
// front and behind, with rounded parts bulging from its front.
func (b *builder) round(ctx context.Context, o *outline) (*Mesh, error) {
	z, err := b.cushion(ctx, o.in, 1)
	if err != nil {
		return nil, err
	}
	front := append([]float32(nil), z...)
	done := map[int32]bool{}
	for i, r := range b.l.Regions {
		if i == 0 || r.Parent == 0 || done[r.Group] || r.Straight || r.Depth > 6 {
			continue
		}
		done[r.Group] = true
		part := outlineOf(b.l, r.Group)
		reading, told := b.reading(part)
		if !o.holds(part) || float64(part.area) < leastDetail*b.unit*b.unit || told && reading != Round {
			continue
		}
		bump, err := b.cushion(ctx, part.in, bumpShare)
		if err != nil {
			return nil, err
		}
		for k, v := range bump {
			front[k] += v
		}
	}
	return b.sheet(ctx, o.in, o.box, front, func(i int) float32 { return -z[i] }, true)
}

// holds reports whether a part lies within the outline.
func (o *outline) holds(part *outline) bool {
	if part.group == o.group {
		return false
	}
	for y := part.box.Min.Y; y < part.box.Max.Y; y++ {
		for x := part.box.Min.X; x < part.box.Max.X; x++ {
			if i := y*o.drawing.Size.X + x; part.in[i] != 0 {
				return o.in[i] != 0
			}
		}
	}
	return false
}

// cushion is the inflated height over a mask, in pixels.
func (b *builder) cushion(ctx context.Context, in []uint8, share float64) ([]float32, error) {
	label := make([]int32, len(in))
	for i, v := range in {
		label[i] = int32(v)
	}
	z, err := control.Inflate(ctx, label, b.l.Size.X, b.l.Size.Y)
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	for i, v := range z {
		z[i] = float32(share * math.Sqrt(max(float64(v), 0)))
	}
	return z, nil
}

// sheet makes a closed body of a mask with a height in front and one behind, in
// pixels before the target plane. Its border runs where the smoothed mask is one
// half, between the points of a grid, so that it has no stairs. A rounded sheet
// is one smooth patch; else front, back and rim are three.
func (b *builder) sheet(ctx context.Context, in []uint8, box image.Rectangle, front []float32, back func(i int) float32, rounded bool) (*Mesh, error) {
	w, h := b.l.Size.X, b.l.Size.Y
	step := max(2, int(math.Round(2.5*b.unit)))
	inside := func(x, y int) float64 {
		sum, n := 0, 0
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				if px, py := x+dx, y+dy; px >= 0 && py >= 0 && px < w && py < h {
					sum += int(in[py*w+px])
				}
				n++
			}
		}
		return float64(sum)/float64(n) - .5
	}
	x0, y0 := box.Min.X-2*step, box.Min.Y-2*step
	cols, rows := (box.Dx()+4*step)/step+1, (box.Dy()+4*step)/step+1
	field := make([]float64, cols*rows)
	for r := range rows {
		for c := range cols {
			field[r*cols+c] = inside(x0+c*step, y0+r*step)
		}
	}
	cam := b.camera
	l := cam.on(b.l.Size)
	px := cam.Span / float64(h)
	place := func(p point, z float32) Vec { return l.onPlane(p, cam.Target, float64(z)*px) }
	m := &Mesh{}
	patch := m.newPatch()
	behind := patch
	if !rounded {
		behind = m.newPatch()
	}
	type key struct{ a, b int }
	made := [2]map[key]int32{{}, {}}
	vertex := func(side, a, bb int) int32 {
		k := key{min(a, bb), max(a, bb)}
		rim := a != bb
		if rim && rounded {
			side = 0
		}
		if v, ok := made[side][k]; ok {
			return v
		}
		t := 0.
		if rim {
			t = field[k.a] / (field[k.a] - field[k.b])
		}
		at := func(i int) point { return point{float64(x0+i%cols*step) + .5, float64(y0+i/cols*step) + .5} }
		p := at(k.a).to(at(k.b), t)
		i := min(max(int(p.y), 0), h-1)*w + min(max(int(p.x), 0), w-1)
		z := front[i]
		switch {
		case rim && rounded:
			z = 0
		case side == 1:
			z = back(i)
		}
		v := m.add(place(p, z), Vec{})
		made[side][k] = v
		return v
	}
	for r := range rows - 1 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for c := range cols - 1 {
			ring := [4]int{r*cols + c, (r+1)*cols + c, (r+1)*cols + c + 1, r*cols + c + 1} // counter-clockwise from the front
			var cell [][2]int
			for k, a := range ring {
				n := ring[(k+1)%4]
				if field[a] > 0 {
					cell = append(cell, [2]int{a, a})
				}
				if (field[a] > 0) != (field[n] > 0) {
					cell = append(cell, [2]int{a, n})
				}
			}
			for k := 2; k < len(cell); k++ {
				var f, g [3]int32
				for e, q := range [3]int{0, k - 1, k} {
					f[e], g[e] = vertex(0, cell[q][0], cell[q][1]), vertex(1, cell[q][0], cell[q][1])
				}
				m.triangle(f[0], f[1], f[2], patch)
				m.triangle(g[0], g[2], g[1], behind)
			}
			if rounded {
				continue
			}
			for k := range cell { // the rim between two crossings
				p, q := cell[k], cell[(k+1)%len(cell)]
				if p[0] != p[1] && q[0] != q[1] && field[p[0]] > 0 {
					a, d := vertex(0, p[0], p[1]), vertex(0, q[0], q[1])
					e, g := vertex(1, p[0], p[1]), vertex(1, q[0], q[1])
					m.Points, m.Normals = append(m.Points, m.Points[a], m.Points[d], m.Points[e], m.Points[g]), append(m.Normals, Vec{}, Vec{}, Vec{}, Vec{})
					n := int32(len(m.Points))
					m.triangle(n-4, n-2, n-1, behind)
					m.triangle(n-4, n-1, n-3, behind)
				}
			}
		}
	}
	m.averageNormals(0, m.Triangles)
	return m, nil
}
