package views

import (
	"context"
	"image"
	"math"
	"slices"
)

// What makes an outline a body of revolution with a handle, as of a mug.
const (
	leastInside = .97 // share of the mirrored clean side that lies within the outline
	leastHandle = .01 // area beside the body, of the body's
	mostHandle  = .45
	wallDrawn   = .5 // how well the body's side must be drawn where the handle hides it
)

// handled reads an object as a body of revolution with a handle at one side: the
// other side, mirrored about the axis of rim and base, is the body, and must be
// drawn where the handle stands before it; the rest is the handle, a tube along
// its outline without the areas that it encloses. fits is as for revolve.
func (b *builder) handled(ctx context.Context, o *outline) (m *Mesh, cam Camera, fits bool, err error) {
	for _, side := range []int{1, -1} {
		body, handle := b.without(o, side)
		if body == nil {
			continue
		}
		m, cam, fits = b.revolve(body)
		if m == nil || !fits {
			continue
		}
		before := b.camera
		b.camera = cam
		tube, err := b.tube(ctx, o, body, handle)
		b.camera = before
		if err != nil {
			return nil, cam, false, err
		}
		m.merge(tube)
		return m, cam, true, nil
	}
	return nil, b.camera, false, nil
}

// without divides an object into the body that its side without a handle shows
// and what stands beside that at the other side: 1 for the right one, −1 for the
// left. body is nil where the drawing doesn't look like that.
func (b *builder) without(o *outline, side int) (body *outline, handle []uint8) {
	w, top, rows := o.drawing.Size.X, o.box.Min.Y, o.rows()
	axis := middleOfEnds(rows)
	reach := func(y int) float64 { // of the side that is clean
		r := rows[y-top]
		if r.right < 0 {
			return 0
		}
		return max(float64(side)*axis-float64(side)*float64([2]int{r.right, r.left}[(side+1)/2]), 0)
	}
	body = &outline{drawing: o.drawing, group: o.group, in: make([]uint8, len(o.in))}
	handle = make([]uint8, len(o.in))
	inside, beside := 0, 0
	for y := top; y < o.box.Max.Y; y++ {
		r := reach(y)
		from, to := int(math.Round(axis-r)), int(math.Round(axis+r))
		for x := max(from, 0); x < min(to, w); x++ {
			body.in[y*w+x] = 1
			body.area++
			inside += int(o.in[y*w+x])
		}
		if to > from {
			body.box = body.box.Union(image.Rect(max(from, 0), y, min(to, w), y+1))
		}
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			if i := y*w + x; o.in[i] != 0 && body.in[i] == 0 {
				handle[i] = 1
			}
		}
	}
	// What a shaky hand draws beside the mirror image is no handle.
	slack := 3 * b.unit
	drawn, n := 0., 0.
	for y := top; y < o.box.Max.Y; y++ {
		r := rows[y-top]
		far := float64(r.right) - axis
		if side < 0 {
			far = axis - float64(r.left)
		}
		if r.right < 0 || far < reach(y)+slack {
			continue
		}
		for x := r.left; x < r.right; x++ {
			beside += int(handle[y*w+x])
		}
		drawn += math.Exp(-b.inkAt(point{axis + float64(side)*reach(y), float64(y) + .5}) / (2.5 * b.unit))
		n++
	}
	area := float64(body.area)
	if area == 0 || float64(inside) < leastInside*area || float64(beside) < leastHandle*area || float64(beside) > mostHandle*area ||
		n < .15*float64(o.box.Dy()) || drawn < wallDrawn*n {
		return nil, nil
	}
	return body, handle
}

// middleOfEnds is the axis of an object by its rim and its base, where no handle is.
func middleOfEnds(rows []span) float64 {
	var middles []float64
	for y, r := range rows {
		if end := y < len(rows)/10 || y >= len(rows)-len(rows)/10; end && r.right > 0 {
			middles = append(middles, float64(r.left+r.right)/2)
		}
	}
	if len(middles) == 0 {
		return 0
	}
	slices.Sort(middles)
	return middles[len(middles)/2]
}

// tube makes a handle of what stands beside a body: rounded over its outline, in
// the plane through the body's axis, and open where the handle goes around air.
func (b *builder) tube(ctx context.Context, o, body *outline, handle []uint8) (*Mesh, error) {
	w := o.drawing.Size.X
	open := o.enclosed(handle)
	in := make([]uint8, len(handle))
	var box image.Rectangle
	overlap := int(math.Round(4 * b.unit)) // into the body, so that no gap is seen
	for y := o.box.Min.Y; y < o.box.Max.Y; y++ {
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			if i := y*w + x; handle[i] == 0 || open[o.drawing.Label[i]] {
				continue
			}
			for k := -overlap; k <= overlap; k++ {
				if at := x + k; k == 0 || at >= 0 && at < w && body.in[y*w+at] != 0 {
					in[y*w+at] = 1
					box = box.Union(image.Rect(at, y, at+1, y+1))
				}
			}
		}
	}
	z, err := b.cushion(ctx, in, 1)
	if err != nil {
		return nil, err
	}
	return b.sheet(ctx, in, box, z, func(i int) float32 { return -z[i] }, true)
}

// enclosed finds the regions that lie within a part of an object and nowhere at
// the object's border: the air within a handle.
func (o *outline) enclosed(part []uint8) map[int32]bool {
	w, h := o.drawing.Size.X, o.drawing.Size.Y
	area, open := map[int32]int{}, map[int32]bool{}
	for y := o.box.Min.Y; y < o.box.Max.Y; y++ {
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			i := y*w + x
			if part[i] == 0 {
				continue
			}
			l := o.drawing.Label[i]
			area[l]++
			if x == 0 || y == 0 || x+1 == w || y+1 == h || o.in[i-1] == 0 || o.in[i+1] == 0 || o.in[i-w] == 0 || o.in[i+w] == 0 {
				open[l] = false // at the border
			} else if _, seen := open[l]; !seen {
				open[l] = true
			}
		}
	}
	for l := range open {
		if 2*area[l] < o.drawing.Regions[l].Area { // most of it is the body's
			open[l] = false
		}
	}
	return open
}
