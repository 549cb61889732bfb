package views

import "math"

// Mesh is a surface of triangles in world units, y up, front to +z. Triangles
// are counter-clockwise from outside. Points are shared only within one smooth
// patch, so that each has one normal.
type Mesh struct {
	Points    []Vec
	Normals   []Vec // one for each point, of length 1
	Triangles []Triangle
	// Strokes are lines on the surface: those of the drawing that are no edges.
	Strokes [][]Vec
	patches int32
}

// Triangle joins three points. Where two patches meet, a line is drawn.
type Triangle struct {
	A, B, C int32
	Patch   int32
}

// Bounds are the least and greatest coordinates; zero for an empty mesh.
func (m *Mesh) Bounds() (low, high Vec) {
	for i, p := range m.Points {
		for k := range 3 {
			if i == 0 || p[k] < low[k] {
				low[k] = p[k]
			}
			if i == 0 || p[k] > high[k] {
				high[k] = p[k]
			}
		}
	}
	return low, high
}

// newPatch numbers a smooth part of the surface.
func (m *Mesh) newPatch() int32 {
	m.patches++
	return m.patches
}

// add appends a point with its normal and returns its number.
func (m *Mesh) add(p, n Vec) int32 {
	m.Points = append(m.Points, p)
	m.Normals = append(m.Normals, n)
	return int32(len(m.Points) - 1)
}

func (m *Mesh) triangle(a, b, c, patch int32) {
	m.Triangles = append(m.Triangles, Triangle{a, b, c, patch})
}

// flat adds a plane polygon as one patch: corners and the triangles between them.
func (m *Mesh) flat(corners []Vec, triangles [][3]int) {
	if len(triangles) == 0 {
		return
	}
	patch := m.newPatch()
	var n Vec
	for _, t := range triangles {
		n = n.add(corners[t[1]].sub(corners[t[0]]).cross(corners[t[2]].sub(corners[t[0]])))
	}
	n = n.unit()
	base := int32(len(m.Points))
	for _, p := range corners {
		m.add(p, n)
	}
	for _, t := range triangles {
		m.triangle(base+int32(t[0]), base+int32(t[1]), base+int32(t[2]), patch)
	}
}

// quad adds a plane four-cornered face.
func (m *Mesh) quad(a, b, c, d Vec) {
	m.flat([]Vec{a, b, c, d}, [][3]int{{0, 1, 2}, {0, 2, 3}})
}

// averageNormals sets the normals of the points from first on to the mean of
// their triangles', weighted by area.
func (m *Mesh) averageNormals(first int32, triangles []Triangle) {
	sum := make([]Vec, int32(len(m.Points))-first)
	for _, t := range triangles {
		a, b, c := m.Points[t.A], m.Points[t.B], m.Points[t.C]
		n := b.sub(a).cross(c.sub(a))
		for _, i := range [3]int32{t.A, t.B, t.C} {
			sum[i-first] = sum[i-first].add(n)
		}
	}
	for i, n := range sum {
		m.Normals[first+int32(i)] = n.unit()
	}
}

// transform moves everything by f, whose linear part keeps angles; turn is that
// part without its scale.
func (m *Mesh) transform(f, turn func(Vec) Vec) {
	for i := range m.Points {
		m.Points[i], m.Normals[i] = f(m.Points[i]), turn(m.Normals[i]).unit()
	}
	for _, s := range m.Strokes {
		for i := range s {
			s[i] = f(s[i])
		}
	}
}

// normalise scales the mesh so that its longest side is 1 and puts the middle of
// its base at the origin.
func (m *Mesh) normalise() (scale float64, origin Vec) {
	low, high := m.Bounds()
	d := high.sub(low)
	long := max(d[0], d[1], d[2])
	if long <= 0 {
		return 1, Vec{}
	}
	origin = Vec{(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2}
	scale = 1 / long
	m.transform(func(p Vec) Vec { return p.sub(origin).mul(scale) }, func(n Vec) Vec { return n })
	return scale, origin
}

// merge appends another mesh.
func (m *Mesh) merge(o *Mesh) {
	base := int32(len(m.Points))
	m.Points = append(m.Points, o.Points...)
	m.Normals = append(m.Normals, o.Normals...)
	for _, t := range o.Triangles {
		m.Triangles = append(m.Triangles, Triangle{t.A + base, t.B + base, t.C + base, t.Patch + m.patches})
	}
	m.patches += o.patches
	m.Strokes = append(m.Strokes, o.Strokes...)
}

// turned makes a body of revolution about the upright axis through axis, whose y
// is that of height 0. profile lists (radius, height), counter-clockwise seen
// with the axis at the left: from the base outwards and up. Corners of more than
// 38° become edges, as the eye sees them.
func turned(profile []point, axis Vec) *Mesh {
	const sides = 96
	m := &Mesh{}
	normals := make([]point, len(profile)-1)
	for i := range normals {
		d := profile[i+1].sub(profile[i])
		if n := d.length(); n > 0 {
			normals[i] = point{d.y / n, -d.x / n}
		}
	}
	limit := math.Cos(38 * math.Pi / 180)
	patch := m.newPatch()
	ring := func(p, n point) int32 {
		first := int32(len(m.Points))
		for k := range sides {
			s, c := math.Sincos(2 * math.Pi * float64(k) / sides)
			m.add(axis.add(Vec{p.x * s, p.y, p.x * c}), Vec{n.x * s, n.y, n.x * c})
		}
		return first
	}
	blend := func(a, b point) point {
		n := a.add(b)
		return n.mul(1 / max(n.length(), 1e-9))
	}
	var low int32
	for i, n := range normals {
		end := n
		smooth := i > 0 && normals[i-1].dot(n) > limit
		if i+1 < len(normals) && normals[i+1].dot(n) > limit {
			end = blend(n, normals[i+1])
		}
		if !smooth { // a smooth corner shares the ring of the part before
			if i > 0 {
				patch = m.newPatch()
			}
			low = ring(profile[i], n)
		}
		high := ring(profile[i+1], end)
		for k := range int32(sides) {
			a, b := low+k, low+(k+1)%sides
			c, d := high+(k+1)%sides, high+k
			if profile[i].x > 0 {
				m.triangle(a, b, c, patch)
			}
			if profile[i+1].x > 0 {
				m.triangle(a, c, d, patch)
			}
		}
		low = high
	}
	return m
}

// circle is a closed line around the upright axis at one height.
func circle(axis Vec, radius, height float64) []Vec {
	const sides = 96
	out := make([]Vec, sides+1)
	for k := range out {
		s, c := math.Sincos(2 * math.Pi * float64(k) / sides)
		out[k] = axis.add(Vec{radius * s, height, radius * c})
	}
	return out
}
