package control

import (
	"context"
	"image"
	"math"
)

// How much relief parts have, as shares of the radius of what carries them.
const (
	slabHeight     = .6  // how far a flat object stands before the background
	stepHeight     = .14 // how far a flat part stands before, or a window behind, its carrier
	bumpHeight     = .5  // how far a rounded part bulges, of its own hemisphere
	recedeSlope    = .7  // how steeply a side face falls back from a front face
	levelsOfDetail = 8   // parts nested deeper than this lie flat
)

// relief is a surface over the drawing: heights in pixels above the background.
type relief struct {
	w, h   int
	z      []float32
	object []int32 // the top-level object at each pixel, 0 for background
}

// object is a set of touching regions that are raised together.
type object struct {
	group   int32
	depth   int
	regions []int32
	box     image.Rectangle // of its regions and all they hold
	shape   *silhouette
	carrier *object // nil at the top
	holes   int     // straight-edged objects that lie directly on it
}

// raise builds the relief of a drawing: rounded objects are inflated,
// straight-edged ones become planes, and what lies within an object is stacked
// on its surface. parts is how much touching regions of a rounded object bulge
// by themselves, 0…1. unit is the size of one pixel of a 512-pixel drawing.
func (d *drawing) raise(ctx context.Context, parts, unit float64) (*relief, error) {
	r := &relief{w: d.w, h: d.h, z: make([]float32, d.w*d.h), object: make([]int32, d.w*d.h)}
	objects, deepest, err := d.objects(ctx, unit)
	if err != nil {
		return nil, err
	}
	for depth := 1; depth <= min(deepest, levelsOfDetail); depth++ {
		if err := d.raiseLevel(ctx, r, objects, depth, parts, unit); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// objects gathers groups of regions and measures their shapes.
func (d *drawing) objects(ctx context.Context, unit float64) (byGroup []*object, deepest int, err error) {
	count := int32(0)
	for _, r := range d.regions[1:] {
		count = max(count, r.group)
		deepest = max(deepest, r.depth)
	}
	byGroup = make([]*object, count+1)
	for _, r := range d.regions[1:] {
		o := byGroup[r.group]
		if o == nil {
			o = &object{group: r.group, depth: r.depth}
			byGroup[r.group] = o
		}
		o.regions = append(o.regions, r.id)
	}
	for _, o := range byGroup[1:] {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		for _, r := range o.regions {
			o.box = o.box.Union(d.regions[r].box)
		}
		o.shape, err = measure(o.box, unit, func(x, y int) bool {
			a := d.ancestor(d.label[y*d.w+x], o.depth)
			return a != 0 && d.regions[a].group == o.group
		})
		if err != nil {
			return nil, 0, err
		}
		if p := d.regions[o.regions[0]].parent; p != 0 {
			o.carrier = byGroup[d.regions[p].group]
		}
	}
	for _, o := range byGroup[1:] {
		if o.carrier != nil && o.shape.straight && o.shape.area < .15*o.carrier.shape.area {
			o.carrier.holes++
		}
	}
	return byGroup, deepest, nil
}

// isOpening reports whether a part is one of several straight-edged ones in a
// plane, as windows and doors in a wall are. Those lie behind their carrier.
func (o *object) isOpening() bool {
	c := o.carrier
	return c != nil && c.shape.straight && o.shape.straight && c.holes >= 3 && o.shape.area < .15*c.shape.area
}

// raiseLevel adds the objects of one nesting depth to the relief.
func (d *drawing) raiseLevel(ctx context.Context, r *relief, objects []*object, depth int, parts, unit float64) error {
	whole, single := make([]int32, len(d.label)), make([]int32, len(d.label))
	divided := false
	for i, l := range d.label {
		a := d.ancestor(l, depth)
		if a == 0 {
			continue
		}
		o := objects[d.regions[a].group]
		if depth == 1 {
			r.object[i] = o.group
		}
		if o.shape.straight {
			continue
		}
		whole[i] = o.group
		if len(o.regions) > 1 {
			single[i], divided = a, true
		}
	}
	full, err := inflate(ctx, whole, d.w, d.h)
	if err != nil {
		return err
	}
	part := full
	if divided && parts > 0 {
		if part, err = inflate(ctx, single, d.w, d.h); err != nil {
			return err
		}
	}
	scale := 1.
	if depth > 1 {
		scale = bumpHeight
	}
	for i := range r.z {
		if whole[i] == 0 {
			continue
		}
		z2 := float64(full[i])
		if single[i] != 0 {
			z2 = (1-parts)*z2 + parts*float64(part[i])
		}
		r.z[i] += float32(scale * math.Sqrt(max(z2, 0)))
	}
	return d.raisePlanes(ctx, r, objects, depth, unit)
}

// raisePlanes adds the straight-edged objects of one depth.
func (d *drawing) raisePlanes(ctx context.Context, r *relief, objects []*object, depth int, unit float64) error {
	for _, o := range objects[1:] {
		if o.depth != depth || !o.shape.straight {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rise := slabHeight * o.shape.radius()
		switch {
		case o.isOpening():
			rise = -stepHeight * o.carrier.shape.radius()
			if o.carrier.depth > 1 {
				rise /= 3 // panes in a window: a small step only
			}
		case o.carrier != nil:
			rise = stepHeight * o.carrier.shape.radius()
		}
		facets, err := d.facets(o, unit)
		if err != nil {
			return err
		}
		for y := o.box.Min.Y; y < o.box.Max.Y; y++ {
			for x := o.box.Min.X; x < o.box.Max.X; x++ {
				i := y*d.w + x
				a := d.ancestor(d.label[i], depth)
				if a == 0 || d.regions[a].group != o.group {
					continue
				}
				z := rise
				if f, ok := facets[a]; ok {
					z += f.at(float64(x), float64(y))
				}
				r.z[i] += float32(z)
			}
		}
	}
	return nil
}

// shade turns the relief into values from 0 (background) to 1 (nearest). Each
// object starts at rim, so that its outline stays sharp; small objects are
// brightened to the root of their relative height, so that they don't drown
// beside large ones.
func (r *relief) shade(rim float64) []float32 {
	low, high := make(map[int32]float32), make(map[int32]float32)
	var top float32
	for i, o := range r.object {
		if o == 0 {
			continue
		}
		z := r.z[i]
		if l, ok := low[o]; !ok || z < l {
			low[o] = z
		}
		high[o] = max(high[o], z)
		top = max(top, z)
	}
	out := make([]float32, len(r.z))
	if top <= 0 {
		return out
	}
	for i, o := range r.object {
		if o == 0 {
			continue
		}
		floor := min(low[o], 0) // side faces may fall behind the background plane
		peak := float64(high[o] - floor)
		if peak <= 0 {
			out[i] = float32(rim)
			continue
		}
		v := float64(r.z[i]-floor) / peak * math.Min(1, math.Sqrt(peak/float64(top)))
		out[i] = float32(rim + (1-rim)*v)
	}
	return out
}
