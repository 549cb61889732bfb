package views

import (
	"context"
	"image"
	"math"
)

// buffer is what a camera sees of a mesh: at each pixel the nearest triangle.
type buffer struct {
	w, h  int
	lens  lens
	mesh  *Mesh
	near  []float32 // nearness: 1/depth in perspective, −depth orthographic
	tri   []int32   // −1 for the background
	slope [][2]float32
}

// drawMesh fills a z-buffer. Nearness is linear over the picture of a plane, in
// perspective too, so it is interpolated without division.
func drawMesh(ctx context.Context, m *Mesh, c Camera, size image.Point) (*buffer, error) {
	b := &buffer{w: size.X, h: size.Y, lens: c.on(size), mesh: m}
	b.near, b.tri = make([]float32, b.w*b.h), make([]int32, b.w*b.h)
	b.slope = make([][2]float32, len(m.Triangles))
	for i := range b.tri {
		b.tri[i] = -1
		b.near[i] = float32(math.Inf(-1))
	}
	at, near := make([]point, len(m.Points)), make([]float64, len(m.Points))
	for i, p := range m.Points {
		var depth float64
		at[i], depth = b.lens.project(p)
		near[i] = b.nearness(depth)
	}
	for i, t := range m.Triangles {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// What lies behind the eye is left out; cameras stand outside of objects.
		if !math.IsNaN(near[t.A] + near[t.B] + near[t.C]) {
			b.fill(int32(i), [3]point{at[t.A], at[t.B], at[t.C]}, [3]float64{near[t.A], near[t.B], near[t.C]})
		}
	}
	return b, nil
}

// nearness grows towards the camera; NaN behind it.
func (b *buffer) nearness(depth float64) float64 {
	switch {
	case b.lens.ortho:
		return -depth
	case depth < 1e-3*b.lens.distance:
		return math.NaN()
	}
	return 1 / depth
}

// depth is the inverse of nearness.
func (b *buffer) depth(near float64) float64 {
	if b.lens.ortho {
		return -near
	}
	return 1 / near
}

// fill draws one triangle, row by row, on the pixels whose centre it covers.
func (b *buffer) fill(id int32, p [3]point, near [3]float64) {
	ab, ac := p[1].sub(p[0]), p[2].sub(p[0])
	det := ab.cross(ac)
	if math.Abs(det) < 1e-9 {
		return
	}
	db, dc := near[1]-near[0], near[2]-near[0]
	sx, sy := (db*ac.y-dc*ab.y)/det, (dc*ab.x-db*ac.x)/det
	b.slope[id] = [2]float32{float32(sx), float32(sy)}
	top, bottom := min(p[0].y, p[1].y, p[2].y), max(p[0].y, p[1].y, p[2].y)
	if !(bottom >= 0 && top <= float64(b.h)) {
		return
	}
	y0, y1 := int(math.Ceil(max(top, 0)-.5)), int(math.Ceil(min(bottom, float64(b.h))-.5))
	for y := max(y0, 0); y < y1; y++ {
		cy := float64(y) + .5
		left, right := math.Inf(1), math.Inf(-1)
		for k := range 3 {
			u, v := p[k], p[(k+1)%3]
			if (u.y <= cy) == (v.y <= cy) {
				continue
			}
			x := u.x + (cy-u.y)/(v.y-u.y)*(v.x-u.x)
			left, right = min(left, x), max(right, x)
		}
		x0 := int(math.Ceil(max(left, 0) - .5))
		x1 := int(math.Ceil(min(right, float64(b.w)) - .5))
		n := float32(near[0] + sy*(cy-p[0].y) + sx*(float64(x0)+.5-p[0].x))
		for i := y*b.w + x0; i < y*b.w+x1; i++ {
			if n > b.near[i] {
				b.near[i], b.tri[i] = n, id
			}
			n += float32(sx)
		}
	}
}

// normal is the interpolated normal of the surface at a pixel, turned to the camera.
func (b *buffer) normal(x, y int) Vec {
	i := y*b.w + x
	t := b.mesh.Triangles[b.tri[i]]
	origin, dir := b.lens.ray(point{float64(x) + .5, float64(y) + .5})
	na, nb, nc := b.mesh.Normals[t.A], b.mesh.Normals[t.B], b.mesh.Normals[t.C]
	if na == nb && nb == nc { // a flat face
		if na.dot(dir) > 0 {
			return na.mul(-1)
		}
		return na
	}
	p := origin.add(dir.mul(b.depth(float64(b.near[i]))))
	pa, pb, pc := b.mesh.Points[t.A], b.mesh.Points[t.B], b.mesh.Points[t.C]
	face := pb.sub(pa).cross(pc.sub(pa))
	area := face.dot(face)
	if area == 0 {
		return Vec{0, 0, 0}
	}
	u := pc.sub(pb).cross(p.sub(pb)).dot(face) / area
	v := pa.sub(pc).cross(p.sub(pc)).dot(face) / area
	n := na.mul(u).add(nb.mul(v)).add(nc.mul(1 - u - v)).unit()
	if n.dot(dir) > 0 {
		n = n.mul(-1)
	}
	return n
}

// apart is how far the surfaces at two neighbouring pixels are from being one,
// along the view direction: the lesser distance when either plane is continued.
func (b *buffer) apart(i, j, dx, dy int) float64 {
	extend := func(i, j int, sign float32) float64 {
		s := b.slope[b.tri[i]]
		want := b.near[i] + sign*(s[0]*float32(dx)+s[1]*float32(dy))
		d := float64(b.near[j] - want)
		if !b.lens.ortho { // from nearness to depth
			d /= max(float64(b.near[j])*float64(b.near[j]), 1e-12)
		}
		return math.Abs(d)
	}
	return min(extend(i, j, 1), extend(j, i, -1))
}
