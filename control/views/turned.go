package views

import (
	"image"
	"math"
	"slices"

	"maquette/control"
)

// outline is the silhouette of one object of a drawing, filled.
type outline struct {
	drawing *control.Lifted
	group   int32
	box     image.Rectangle
	in      []uint8 // over the whole page: 1 inside
	area    int
}

// outlineOf gathers an object with all that lies within it.
func outlineOf(l *control.Lifted, group int32) *outline {
	o := &outline{drawing: l, group: group, in: make([]uint8, len(l.Label))}
	inside := make([]bool, len(l.Regions))
	for i := range l.Regions {
		for r := int32(i); r != 0; r = l.Regions[r].Parent {
			if l.Regions[r].Group == group {
				inside[i] = true
				o.box = o.box.Union(l.Regions[i].Box)
				break
			}
		}
	}
	for i, r := range l.Label {
		if inside[r] {
			o.in[i] = 1
			o.area++
		}
	}
	return o
}

// span is where a row of an object begins and ends; right is −1 in an empty one.
type span struct{ left, right int }

// rows measures each row of the object's box.
func (o *outline) rows() []span {
	w := o.drawing.Size.X
	rows := make([]span, o.box.Dy())
	for y := range rows {
		r := span{math.MaxInt, -1}
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			if o.in[(y+o.box.Min.Y)*w+x] != 0 {
				r.left, r.right = min(r.left, x), x+1
			}
		}
		rows[y] = r
	}
	return rows
}

// halves measures, for each row of the object, how far it reaches from its axis
// of symmetry, and where that axis is. symmetry is the share of the object that
// its mirror image covers.
func (o *outline) halves() (axis float64, half []float64, symmetry float64) {
	rows := o.rows()
	var middles []float64
	for _, r := range rows {
		if r.right > 0 {
			middles = append(middles, float64(r.left+r.right)/2)
		}
	}
	if len(middles) == 0 {
		return 0, nil, 0
	}
	slices.Sort(middles)
	axis = middles[len(middles)/2]
	half = make([]float64, len(rows))
	both, all := 0., 0.
	for y, r := range rows {
		if r.right < 0 {
			continue
		}
		half[y] = float64(r.right-r.left) / 2
		a, b := axis-float64(r.left), float64(r.right)-axis
		both += min(a, b)
		all += max(a, b)
	}
	return axis, half, both / max(all, 1)
}

// contour is the right half of the symmetric outline, from its highest point on
// the axis to its lowest: places relative to the axis, one pixel apart, smoothed.
func (o *outline) contour(half []float64, smooth float64) []point {
	pts := []point{{0, float64(o.box.Min.Y)}}
	for y, r := range half {
		pts = append(pts, point{r, float64(o.box.Min.Y+y) + .5})
	}
	pts = append(pts, point{0, float64(o.box.Max.Y)})
	return blur(resample(pts, 1), smooth)
}

// resample walks a polyline in equal steps.
func resample(pts []point, step float64) []point {
	out := []point{pts[0]}
	left := step
	for i := 1; i < len(pts); i++ {
		d := pts[i].sub(pts[i-1]).length()
		for d > 0 && left <= d {
			out = append(out, pts[i-1].to(pts[i], left/d))
			left += step
		}
		left -= d
	}
	return append(out, pts[len(pts)-1])
}

// blur smooths a polyline by a Gaussian; its ends stay.
func blur(pts []point, sigma float64) []point {
	reach := int(math.Ceil(3 * sigma))
	out := slices.Clone(pts)
	for i := 1; i+1 < len(pts); i++ {
		r := min(reach, i, len(pts)-1-i)
		var sum point
		total := 0.
		for k := -r; k <= r; k++ {
			g := math.Exp(-float64(k*k) / (2 * sigma * sigma))
			sum, total = sum.add(pts[i+k].mul(g)), total+g
		}
		out[i] = sum.mul(1 / total)
	}
	return out
}

// lathe lifts the outline of a body of revolution, exactly for any camera: the
// line of sight to an outline point touches the surface there, so the surface's
// normal is across that line and the outline's tangent; and normals of such a
// body meet its axis. Both together fix the point on the line of sight.
type lathe struct {
	lens    lens
	axis    float64 // of the picture, in pixels
	foot    Vec     // a point on the axis
	outside []point // (radius, height) from the top down
	top     point   // where the silhouette's topmost point is, relative to the axis
	bottom  point
}

func newLathe(o *outline, l lens, target Vec, axis float64, contour []point) *lathe {
	middle := point{axis, float64(o.box.Min.Y+o.box.Max.Y) / 2}
	t := &lathe{lens: l, axis: axis, foot: l.onPlane(middle, target, 0), top: contour[0], bottom: contour[len(contour)-1]}
	const span = 3 // contour points to each side that give the tangent
	up := Vec{0, 1, 0}
	gapFrom := -1
	for i := span; i+span < len(contour); i++ {
		at := point{axis + contour[i].x, contour[i].y}
		step := contour[i+span].sub(contour[i-span])
		origin, d := l.ray(at)
		_, d2 := l.ray(at.add(step))
		o2, _ := l.ray(at.add(step))
		along := d2.sub(d).add(o2.sub(origin).mul(1 / max(l.distance, 1)))
		n := d.cross(along).unit()
		rise := n.cross(d).unit()[1]
		if math.Abs(rise) < .24 || contour[i].x < 1 {
			if gapFrom < 0 {
				gapFrom = len(t.outside)
			}
			continue
		}
		k := n.cross(up) // det[n, v, up] = v·(up × n) = −v·(n × up)
		depth := t.foot.sub(origin).dot(k) / d.dot(k)
		p := origin.add(d.mul(depth)).sub(t.foot)
		q := point{math.Hypot(p[0], p[2]), p[1]}
		if gapFrom > 0 && gapFrom == len(t.outside) {
			t.ledge(q)
		}
		gapFrom = -1
		t.outside = append(t.outside, q)
	}
	t.trim()
	return t
}

// trim lets the body end at its lowest ring: where a hand rounded the corner at
// the base off, the outline seems to rise again.
func (t *lathe) trim() {
	low := 0
	for i, p := range t.outside {
		if p.y <= t.outside[low].y {
			low = i
		}
	}
	if len(t.outside) > 0 {
		t.outside = t.outside[:low+1]
	}
}

// ledge fills a stretch where the outline runs along a ring: from the outer
// ring level inwards to the radius at which the outline goes on.
func (t *lathe) ledge(next point) {
	last := t.outside[len(t.outside)-1]
	if last.x > next.x {
		t.outside = append(t.outside, point{next.x, last.y})
	} else {
		t.outside = append(t.outside, point{last.x, next.y})
	}
}

// at is where a point of the body appears: radius, height, and the angle around
// the axis from the side that faces the camera.
func (t *lathe) at(p point, angle float64) point {
	n := t.lens.facing()
	s, c := math.Sincos(angle)
	q := t.foot.add(n.mul(p.x * c)).add(t.lens.right.mul(p.x * s))
	q[1] += p.y
	out, _ := t.lens.project(q)
	return out
}

// under is the ring whose nearest point appears at height y on the axis, on the
// outside of the body.
func (t *lathe) under(y float64) (point, bool) {
	for i := 1; i < len(t.outside); i++ {
		a, b := t.outside[i-1], t.outside[i]
		ya, yb := t.at(a, 0).y, t.at(b, 0).y
		if ya <= y && y <= yb && yb > ya {
			return a.to(b, (y-ya)/(yb-ya)), true
		}
	}
	return point{}, false
}

// simplified drops points that lie within tolerance of the line between others
// (Douglas and Peucker, 1973).
func simplified(pts []point, tolerance float64) []point {
	if len(pts) < 3 {
		return slices.Clone(pts)
	}
	a, b := pts[0], pts[len(pts)-1]
	d := b.sub(a)
	far, most := 0, tolerance
	for i, p := range pts {
		var off float64
		if n := d.length(); n > 0 {
			off = math.Abs(d.cross(p.sub(a))) / n
		} else {
			off = p.sub(a).length()
		}
		if off > most {
			far, most = i, off
		}
	}
	if far == 0 {
		return []point{a, b}
	}
	return append(simplified(pts[:far+1], tolerance), simplified(pts[far:], tolerance)[1:]...)
}
