package control

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// facet is the plane of one face of a box-like object: z = a·x + b·y + c,
// relative to the object's front face.
type facet struct{ a, b, c float64 }

// mostFaces is how many faces a box-like object may have. Mosaics and patterns
// have more, and lie flat.
const mostFaces = 48

func (f facet) at(x, y float64) float64 { return f.a*x + f.b*y + f.c }

// facets tilts the faces of a straight-edged object. The largest face is the
// front. Faces beside it fall back from the edge that they share; a face that
// shares two edges takes the plane through both, so that the three visible
// faces of a box meet without a step. Upright rectangles side by side, as the
// bays of a facade or the panes of a window, stay in one plane. Nil when all faces
// lie in the front.
func (d *drawing) facets(o *object, unit float64) (map[int32]facet, error) {
	if len(o.regions) < 2 || len(o.regions) > mostFaces || o.shape.upright {
		return nil, nil
	}
	type face struct {
		id    int32
		shape *silhouette
	}
	faces := make([]face, 0, len(o.regions))
	for _, id := range o.regions {
		s, err := measure(d.regions[id].box, unit, func(x, y int) bool {
			return d.ancestor(d.label[y*d.w+x], o.depth) == id
		})
		if err != nil {
			return nil, err
		}
		faces = append(faces, face{id, s})
	}
	slices.SortFunc(faces, func(a, b face) int {
		return cmp.Or(cmp.Compare(b.shape.area, a.shape.area), cmp.Compare(a.id, b.id))
	})
	upright := make(map[int32]bool, len(faces))
	tilted := false
	for _, f := range faces {
		upright[f.id] = f.shape.straight && f.shape.upright
		tilted = tilted || !upright[f.id]
	}
	if !tilted {
		return nil, nil
	}
	seams := d.seams(o)
	placed := map[int32]facet{faces[0].id: {}}
	for len(placed) < len(faces) {
		// Next comes the face with the longest seam to those already placed.
		next, most := int32(-1), 0
		for _, f := range faces {
			if _, done := placed[f.id]; done {
				continue
			}
			n := 0
			for other := range placed {
				n += len(seams[[2]int32{f.id, other}])
			}
			if next < 0 || n > most {
				next, most = f.id, n
			}
		}
		placed[next] = hinge(next, placed, seams, upright, d.centre(o, next))
	}
	return placed, nil
}

// seams lists, for each ordered pair of touching faces, the pixels of the first
// along the second.
func (d *drawing) seams(o *object) map[[2]int32][]image.Point {
	out := make(map[[2]int32][]image.Point)
	face := func(x, y int) int32 {
		a := d.ancestor(d.label[y*d.w+x], o.depth)
		if a == 0 || d.regions[a].group != o.group {
			return 0
		}
		return a
	}
	for y := o.box.Min.Y; y < o.box.Max.Y; y++ {
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			a := face(x, y)
			for _, q := range [2]image.Point{{X: x + 1, Y: y}, {X: x, Y: y + 1}} {
				if a == 0 || !q.In(o.box) {
					continue
				}
				if b := face(q.X, q.Y); b != 0 && b != a {
					out[[2]int32{a, b}] = append(out[[2]int32{a, b}], image.Pt(x, y))
					out[[2]int32{b, a}] = append(out[[2]int32{b, a}], image.Pt(x, y))
				}
			}
		}
	}
	return out
}

// centre is the middle of a face.
func (d *drawing) centre(o *object, id int32) (c [2]float64) {
	n := 0.
	box := d.regions[id].box
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if d.ancestor(d.label[y*d.w+x], o.depth) == id {
				c[0], c[1], n = c[0]+float64(x), c[1]+float64(y), n+1
			}
		}
	}
	n = max(n, 1)
	return [2]float64{c[0] / n, c[1] / n}
}

// hinge finds the plane of a face from its seams with placed faces.
func hinge(id int32, placed map[int32]facet, seams map[[2]int32][]image.Point, upright map[int32]bool, centre [2]float64) facet {
	type sample struct{ x, y, z float64 }
	var pts []sample
	longest, beside := 0, int32(0)
	others := make([]int32, 0, len(placed))
	for other := range placed {
		others = append(others, other)
	}
	slices.Sort(others)
	for _, other := range others {
		seam := seams[[2]int32{id, other}]
		if len(seam) > longest {
			longest, beside = len(seam), other
		}
		for _, p := range seam {
			x, y := float64(p.X), float64(p.Y)
			pts = append(pts, sample{x, y, placed[other].at(x, y)})
		}
	}
	if len(pts) < 3 {
		return facet{}
	}
	if upright[id] && upright[beside] {
		return placed[beside] // coplanar bays
	}
	n := float64(len(pts))
	var mx, my, mz float64
	for _, p := range pts {
		mx, my, mz = mx+p.x/n, my+p.y/n, mz+p.z/n
	}
	var xx, xy, yy, xz, yz float64
	for _, p := range pts {
		dx, dy, dz := p.x-mx, p.y-my, p.z-mz
		xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
		xz, yz = xz+dx*dz, yz+dy*dz
	}
	// Principal direction of the seam, and how far it spreads across it.
	angle := .5 * math.Atan2(2*xy, xx-yy)
	ux, uy := math.Cos(angle), math.Sin(angle)
	along := xx*ux*ux + 2*xy*ux*uy + yy*uy*uy
	across := xx + yy - along
	if across > .02*along {
		// Two edges: the plane through both, not steeper than a side face.
		det := xx*yy - xy*xy
		a, b := (xz*yy-yz*xy)/det, (yz*xx-xz*xy)/det
		if s := math.Hypot(a, b); s > 1.5*recedeSlope {
			a, b = a*1.5*recedeSlope/s, b*1.5*recedeSlope/s
		}
		return facet{a, b, mz - a*mx - b*my}
	}
	// One edge: keep the height along it and fall back away from it.
	rise := 0.
	if along > 0 {
		rise = (xz*ux + yz*uy) / along
	}
	vx, vy := -uy, ux
	if (centre[0]-mx)*vx+(centre[1]-my)*vy < 0 {
		vx, vy = -vx, -vy
	}
	a, b := rise*ux-recedeSlope*vx, rise*uy-recedeSlope*vy
	return facet{a, b, mz - a*mx - b*my}
}
