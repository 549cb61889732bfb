package views

import (
	"image"
	"math"
)

// How deep built things are, as shares of their size in the drawing.
const (
	slabShare   = .45 // depth of a slab or facade, of the lesser side of its box
	flatShare   = .06 // depth of a flat thing
	recessShare = .05 // how far windows and doors lie behind their wall, of the wall's lesser side
	raiseShare  = .04 // how far other parts stand out
	leastDetail = 40  // smaller parts, in pixels of a 512-pixel drawing, stay lines
)

// flat reads an object as an extrusion: its outline is a straight slab; openings
// in it are recessed, ledges such as cornices and balconies stand out as far as
// they reach beyond what they crown, and other parts are raised a little.
func (b *builder) flat(o *outline, share float64) *Mesh {
	side := float64(min(o.box.Dx(), o.box.Dy()))
	f := &slab{b: b, cam: b.camera, l: b.camera.on(b.l.Size), mesh: &Mesh{}}
	f.px = b.camera.Span / float64(b.l.Size.Y)
	parts := b.details(o, share)
	var body, ledges []int32
	for _, r := range b.regionsOf(o.group) {
		if b.isLedge(r, o) {
			ledges = append(ledges, r)
		} else {
			body = append(body, r)
		}
	}
	back := -share * side
	main := b.polygonOf(body)
	var holes [][]point
	for _, p := range parts {
		if p.height < 0 {
			holes = append(holes, p.outline)
		}
	}
	// Doors end where the wall ends, so they belong to its border, not to its
	// holes; walls stand before them.
	f.prism(main, holes, 0, back)
	for _, r := range ledges {
		f.prism(b.polygonOf([]int32{r}), nil, b.overhang(r, o), back)
	}
	for _, p := range parts {
		if p.height < 0 {
			f.face(p.outline, p.height)
			f.sides(p.outline, 0, p.height, true)
		} else {
			f.prism(p.outline, nil, p.height, 0)
		}
	}
	return f.mesh
}

// detail is a part of a flat object: its outline and how far it stands out.
type detail struct {
	outline []point
	height  float64 // pixels; negative for openings
}

// details lists the objects that lie directly within o. As in package control,
// three or more small straight ones in one wall are its windows.
func (b *builder) details(o *outline, share float64) (out []detail) {
	side := float64(min(o.box.Dx(), o.box.Dy()))
	least := leastDetail * b.unit * b.unit
	var groups []int32
	small := 0
	seen := map[int32]bool{}
	for _, r := range b.regionsOf(o.group) {
		for i, q := range b.l.Regions {
			if i == 0 || q.Parent != r || seen[q.Group] {
				continue
			}
			seen[q.Group] = true
			groups = append(groups, q.Group)
			if q.Straight && float64(q.Area) < .15*float64(o.area) {
				small++
			}
		}
	}
	for _, g := range groups {
		part := outlineOf(b.l, g)
		if float64(part.area) < least {
			continue
		}
		straight := b.l.Regions[b.regionsOf(g)[0]].Straight
		reading, told := b.reading(part)
		height := raiseShare * side
		opening := straight && small >= 3 && float64(part.area) < .15*float64(o.area)
		switch {
		case told && reading == Flat:
			continue // stays a drawing on the surface
		case told && reading != Box:
			continue
		case opening && !told:
			height = -min(recessShare, share/2) * side
		case !straight:
			continue
		}
		// A balcony before a window touches its panes.
		var rest []int32
		for _, r := range b.regionsOf(g) {
			if b.isLedge(r, part) {
				out = append(out, detail{b.polygonOf([]int32{r}), 2 * raiseShare * side})
			} else {
				rest = append(rest, r)
			}
		}
		if p := b.polygonOf(rest); len(p) >= 3 {
			out = append(out, detail{p, height})
		}
	}
	return out
}

// isLedge reports whether a region of an object lies across it and reaches
// beyond the regions next to it on both sides.
func (b *builder) isLedge(r int32, o *outline) bool {
	box := b.l.Regions[r].Box
	all := b.regionsOf(o.group)
	if len(all) < 2 || box.Dx() < 5*box.Dy()/2 {
		return false
	}
	return b.overhang(r, o) > 0
}

// overhang is how far a region reaches on both sides beyond those of its object
// that lie right above and below it, in pixels; 0 when it doesn't.
func (b *builder) overhang(r int32, o *outline) float64 {
	box := b.l.Regions[r].Box
	near := int(6 * b.unit)
	var rest image.Rectangle
	for _, q := range b.regionsOf(o.group) {
		other := b.l.Regions[q].Box
		if above, below := other.Max.Y-box.Min.Y, box.Max.Y-other.Min.Y; q != r && (max(above, -above) <= near || max(below, -below) <= near) {
			rest = rest.Union(other)
		}
	}
	d := float64(min(rest.Min.X-box.Min.X, box.Max.X-rest.Max.X))
	if rest.Dx() < box.Dx()/2 || d < max(3*b.unit, .015*float64(box.Dx())) {
		return 0
	}
	return d
}

// polygonOf is the outline of some regions and what lies within them.
func (b *builder) polygonOf(regions []int32) []point {
	want := make([]bool, len(b.l.Regions))
	var box image.Rectangle
	for i := range b.l.Regions {
		for r := int32(i); r != 0; r = b.l.Regions[r].Parent {
			for _, q := range regions {
				want[i] = want[i] || r == q
			}
		}
		if want[i] {
			box = box.Union(b.l.Regions[i].Box)
		}
	}
	in := make([]uint8, len(b.l.Label))
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if i := y*b.l.Size.X + x; want[b.l.Label[i]] {
				in[i] = 1
			}
		}
	}
	line := traceMask(in, b.l.Size, box)
	if len(line) < 8 {
		return nil
	}
	side := float64(min(box.Dx(), box.Dy()))
	return level(polygon(line, max(1, min(3*b.unit, .08*side))))
}

// level makes sides that are nearly horizontal or vertical exactly so: walls
// drawn by hand stand upright.
func level(c []point) []point {
	const slope = .07
	for i := range c {
		j := (i + 1) % len(c)
		d := c[j].sub(c[i])
		switch {
		case math.Abs(d.y) < slope*math.Abs(d.x):
			y := (c[i].y + c[j].y) / 2
			c[i].y, c[j].y = y, y
		case math.Abs(d.x) < slope*math.Abs(d.y):
			x := (c[i].x + c[j].x) / 2
			c[i].x, c[j].x = x, x
		}
	}
	return c
}

// slab builds extrusions that stand upright before the camera of the drawing.
type slab struct {
	b    *builder
	cam  Camera
	l    lens
	px   float64 // world units in a pixel
	mesh *Mesh
}

// place is where a point of the drawing lies when it is z pixels before the
// target plane and the extrusion is straight.
func (f *slab) place(p point, z float64) Vec {
	return f.l.onPlane(p, f.cam.Target, 0).add(f.l.facing().mul(z * f.px))
}

// face adds a polygon that faces the camera.
func (f *slab) face(outer []point, z float64) { f.cap(outer, nil, z, true) }

// cap adds a plane polygon with holes, to the front or to the back.
func (f *slab) cap(outer []point, holes [][]point, z float64, front bool) {
	if len(outer) < 3 {
		return
	}
	all, tri := triangulate(outer, holes)
	corners := make([]Vec, len(all))
	for i, p := range all {
		corners[i] = f.place(p, z)
	}
	for i, t := range tri { // pictures have y down, so positive is clockwise seen from the camera
		if front {
			tri[i] = [3]int{t[0], t[2], t[1]}
		}
	}
	f.mesh.flat(corners, tri)
}

// sides adds the faces around a polygon between two depths; inwards for those of
// a recess.
func (f *slab) sides(outer []point, front, back float64, inwards bool) {
	ring := oriented(outer, 0, !inwards)
	for i := range ring {
		p, q := outer[ring[i]], outer[ring[(i+1)%len(ring)]]
		f.mesh.quad(f.place(p, front), f.place(q, front), f.place(q, back), f.place(p, back))
	}
}

// prism adds a closed extrusion from one depth to another.
func (f *slab) prism(outer []point, holes [][]point, front, back float64) {
	if len(outer) < 3 {
		return
	}
	f.cap(outer, holes, front, true)
	f.cap(outer, nil, back, false)
	f.sides(outer, front, back, false)
}
