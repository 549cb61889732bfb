// Package views lifts a sketch to a mesh and draws it from other cameras.
//
// Closed regions become bodies: symmetric outlines with drawn rims are solids of
// revolution, outlines with the corners of a box are boxes, other straight-edged
// ones are extruded, and rounded ones inflated. A z-buffer then gives the depth,
// normal, line and mask images of any camera.
package views

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"

	"maquette/control"
)

// Reading is the body that an object of a drawing is taken for.
type Reading string

// The readings. Auto chooses among the others.
const (
	Auto     Reading = ""
	Round    Reading = "round"
	Flat     Reading = "flat"
	Box      Reading = "box"
	Revolved Reading = "revolved"
	Depth    Reading = "depth"
)

// Readings lists what a region can be read as.
func Readings() []Reading { return []Reading{Round, Flat, Box, Revolved, Depth} }

// RegionID names a region by a place inside it, in thousandths of the page from
// its upper left corner. It stays valid for other render sizes and as long as
// the region covers that place.
type RegionID struct{ X, Y int }

// String returns the ID as "512,403".
func (r RegionID) String() string { return fmt.Sprintf("%d,%d", r.X, r.Y) }

// ParseRegionID reads what String returns.
func ParseRegionID(text string) (RegionID, error) {
	a, b, ok := strings.Cut(text, ",")
	x, errX := strconv.Atoi(strings.TrimSpace(a))
	y, errY := strconv.Atoi(strings.TrimSpace(b))
	if !ok || errX != nil || errY != nil || min(x, y) < 0 || max(x, y) > 999 {
		return RegionID{}, fmt.Errorf("region %q is not X,Y in thousandths of the page (0…999)", text)
	}
	return RegionID{x, y}, nil
}

// Options change how a drawing is lifted. The zero value lets everything be found.
type Options struct {
	// Drawn is the camera that the drawing shows its object from. With a Span of
	// 0 only its angles are taken. Nil: they are estimated, and the mesh is scaled
	// to a longest side of 1, standing on y = 0.
	Drawn *Camera
	// Readings say what objects are, by any region of theirs; the rest is found.
	Readings map[RegionID]Reading
	// Depth is a depth map of the whole page, near is high, of any size. Objects
	// that no other reading is given for take their relief from it.
	Depth *image.Gray16
	// PhotoDepth is asked for the depth of photographs.
	PhotoDepth control.PhotoDepth
	// Gap closes strokes that stop this near to another one, in pixels of a
	// 512-pixel drawing; 0 stands for 12, negative values for none.
	Gap float64
}

// Part is one object of the drawing, or a part that lies within one.
type Part struct {
	ID      RegionID
	Box     image.Rectangle // pixels at render size
	Nested  int             // 1 for objects, 2 for parts on them, …
	Reading Reading         // what it was read as; parts on bodies may be Auto
	Told    bool            // the reading comes from Options
}

// Relief is a lifted drawing.
type Relief struct {
	Mesh  *Mesh
	Parts []Part
	// Drawn is the camera of the drawing: rendered from it, the mesh covers the sketch.
	Drawn Camera
	Size  image.Point
}

// ErrNoShape says that a drawing has nothing that could be lifted.
var ErrNoShape = errors.New("the drawing has no closed shape that could become a body; close its outlines or draw larger")

// Lift reads a sketch or photograph of any size and makes a mesh of it. size is
// the render size, which the drawing is fitted into. Errors: a size out of range
// (*control.SizeError), control.ErrNeedsDepthModel, ErrNoShape, an unknown
// reading, a reading for a place without a region, a cancelled context.
func Lift(ctx context.Context, src image.Image, size image.Point, o Options) (*Relief, error) {
	gap := o.Gap
	switch {
	case gap == 0:
		gap = 12
	case gap < 0:
		gap = 0
	}
	if math.IsNaN(gap) || gap > 48 {
		return nil, fmt.Errorf("lift: a gap of %g pixels is more than 48", gap)
	}
	if o.Drawn != nil {
		if err := o.Drawn.check(); err != nil {
			return nil, fmt.Errorf("lift: %w", err)
		}
		if steep := math.Abs(o.Drawn.Elevation) * 180 / math.Pi; steep > 80 {
			return nil, fmt.Errorf("lift: a drawing from an elevation of %.0f° shows no height; 80° is the most", steep)
		}
	}
	l, err := control.Lift(ctx, src, size, gap, control.WithPhotoDepth(o.PhotoDepth))
	if err != nil {
		return nil, err
	}
	b := &builder{l: l, options: o, unit: max(1, float64(min(size.X, size.Y))/512), camera: Camera{Span: 2}}
	absolute := false
	if o.Drawn != nil {
		b.camera, b.known = *o.Drawn, true
		absolute = o.Drawn.Span > 0
		if !absolute {
			b.camera.Span = 2
		}
	}
	r := &Relief{Size: size}
	if l.Photo {
		r.Mesh, err = b.photo(ctx)
	} else {
		r.Mesh, r.Parts, err = b.build(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("lift: %w", err)
	}
	r.Drawn = b.camera
	if !absolute {
		scale, origin := r.Mesh.normalise()
		r.Drawn.Target = r.Drawn.Target.sub(origin).mul(scale)
		r.Drawn.Span *= scale
	}
	return r, ctx.Err()
}

// builder lifts one drawing.
type builder struct {
	l       *control.Lifted
	options Options
	unit    float64 // pixels that one of a 512-pixel drawing takes
	camera  Camera  // of the drawing
	known   bool    // the camera is given, or fixed by the main object
	rings   bool    // some body has rings
	ink     []float32
	told    map[int32]Reading // by object
	near    []float32         // the depth map at render size
}

// reading is what the user says about an object.
func (b *builder) reading(o *outline) (Reading, bool) {
	r, ok := b.told[o.group]
	return r, ok && r != Auto
}

// regionsOf lists the regions of an object.
func (b *builder) regionsOf(group int32) (out []int32) {
	for i, r := range b.l.Regions {
		if i > 0 && r.Group == group {
			out = append(out, int32(i))
		}
	}
	return out
}

// heed finds the objects that the user's readings are about.
func (b *builder) heed() error {
	b.told = make(map[int32]Reading)
	for id, r := range b.options.Readings {
		if r != Auto && !slices.Contains(Readings(), r) {
			return fmt.Errorf("region %v: %q is not one of %v", id, string(r), Readings())
		}
		if r == Depth && b.options.Depth == nil {
			return fmt.Errorf("region %v: there is no depth map to read it from", id)
		}
		if min(id.X, id.Y) < 0 || max(id.X, id.Y) > 999 {
			return fmt.Errorf("region %v is not on the page (0…999)", id)
		}
		x, y := (2*id.X+1)*b.l.Size.X/2000, (2*id.Y+1)*b.l.Size.Y/2000
		region := b.l.Label[y*b.l.Size.X+x]
		if region == 0 {
			return fmt.Errorf("region %v: there is no closed region at this place", id)
		}
		b.told[b.l.Regions[region].Group] = r
	}
	return nil
}

// build lifts all objects, the largest first: it decides the camera.
func (b *builder) build(ctx context.Context) (*Mesh, []Part, error) {
	if err := b.heed(); err != nil {
		return nil, nil, err
	}
	b.ink = inkDistance(b.l, inkLimit)
	if b.options.Depth != nil {
		b.near = fitDepth(b.options.Depth, b.l.Size)
	}
	nested := map[int32]int{}
	for i, r := range b.l.Regions {
		if i > 0 {
			nested[r.Group] = r.Depth
		}
	}
	var objects, parts []*outline
	least := max(60*b.unit*b.unit, .0008*float64(len(b.l.Label)))
	for g, depth := range nested {
		o := outlineOf(b.l, g)
		switch {
		case depth > 1:
			o.in = nil // large, and not needed for the list
			parts = append(parts, o)
		case float64(o.area) >= least:
			objects = append(objects, o)
		}
	}
	bySize := func(a, b *outline) int { return cmp.Or(cmp.Compare(b.area, a.area), cmp.Compare(a.group, b.group)) }
	slices.SortFunc(objects, bySize)
	slices.SortFunc(parts, bySize)
	if len(objects) == 0 {
		return nil, nil, ErrNoShape
	}
	whole := &Mesh{}
	var list []Part
	for _, o := range objects {
		m, reading, err := b.body(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		if m == nil || len(m.Triangles) == 0 {
			continue
		}
		whole.merge(m)
		_, told := b.reading(o)
		list = append(list, Part{ID: o.id(), Box: o.box, Nested: 1, Reading: reading, Told: told})
	}
	if len(whole.Triangles) == 0 {
		return nil, nil, ErrNoShape
	}
	for _, o := range parts {
		reading, told := b.reading(o)
		list = append(list, Part{ID: o.id(), Box: o.box, Nested: nested[o.group], Reading: reading, Told: told})
	}
	if err := b.keepStrokes(ctx, whole); err != nil {
		return nil, nil, err
	}
	return whole, list, nil
}

// body lifts one object.
func (b *builder) body(ctx context.Context, o *outline) (*Mesh, Reading, error) {
	want, told := b.reading(o)
	if !told && b.near != nil {
		want, told = Depth, true
	}
	straight := b.l.Regions[b.regionsOf(o.group)[0]].Straight
	fix := func(m *Mesh, cam Camera, r Reading) (*Mesh, Reading, error) {
		b.camera, b.known = cam, true
		return m, r, nil
	}
	lens := b.camera
	if !b.known {
		b.camera.Field = DefaultField // tried for bodies whose rims and corners show it
	}
	if want == Revolved || !told {
		m, cam, fits, err := b.handled(ctx, o)
		if err != nil {
			return nil, Revolved, err
		}
		// Seen from the side a straight outline could be either; rims that curve
		// show a body of revolution.
		if !fits {
			m, cam, fits = b.revolve(o)
		}
		if m != nil && (told || fits && (!straight || cam.Elevation > 4*math.Pi/180)) {
			b.rings = true
			return fix(m, cam, Revolved)
		}
	}
	if want == Box || !told {
		if m, cam, fits := b.boxOf(o); fits {
			return fix(m, cam, Box)
		}
	}
	b.camera = lens // drawn in elevation
	var m *Mesh
	var err error
	switch {
	case want == Depth:
		m, err = b.embossed(ctx, o)
	case want == Flat:
		m = b.flat(o, flatShare)
	case want == Box, !told && straight:
		m, want = b.flat(o, slabShare), Box
	default:
		m, err = b.round(ctx, o)
		want = Round
	}
	b.known = true
	return m, want, err
}

// embossed takes an object's relief from the depth map.
func (b *builder) embossed(ctx context.Context, o *outline) (*Mesh, error) {
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for i, v := range o.in {
		if v != 0 {
			low, high = min(low, b.near[i]), max(high, b.near[i])
		}
	}
	deep := float32(.6 * float64(min(o.box.Dx(), o.box.Dy())))
	z := make([]float32, len(o.in))
	for i := range z {
		z[i] = deep * (b.near[i] - low) / max(high-low, 1e-6)
	}
	return b.sheet(ctx, o.in, o.box, z, func(int) float32 { return -.1 * deep }, false)
}

// photo makes a relief of a whole photograph.
func (b *builder) photo(ctx context.Context) (*Mesh, error) {
	o := &outline{drawing: b.l, box: b.l.Fit, in: make([]uint8, b.l.Size.X*b.l.Size.Y)}
	for y := o.box.Min.Y; y < o.box.Max.Y; y++ {
		for x := o.box.Min.X; x < o.box.Max.X; x++ {
			o.in[y*b.l.Size.X+x] = 1
		}
	}
	b.near = b.l.Near
	return b.embossed(ctx, o)
}

// fitDepth samples a depth map at render size, bilinearly, from 0 to 1.
func fitDepth(d *image.Gray16, size image.Point) []float32 {
	out := make([]float32, size.X*size.Y)
	w, h := d.Rect.Dx(), d.Rect.Dy()
	if w == 0 || h == 0 {
		return out
	}
	at := func(x, y int) float64 {
		return float64(d.Gray16At(d.Rect.Min.X+min(max(x, 0), w-1), d.Rect.Min.Y+min(max(y, 0), h-1)).Y)
	}
	for y := range size.Y {
		fy := (float64(y)+.5)*float64(h)/float64(size.Y) - .5
		y0 := math.Floor(fy)
		for x := range size.X {
			fx := (float64(x)+.5)*float64(w)/float64(size.X) - .5
			x0 := math.Floor(fx)
			u, v := fx-x0, fy-y0
			i, j := int(x0), int(y0)
			z := (at(i, j)*(1-u)+at(i+1, j)*u)*(1-v) + (at(i, j+1)*(1-u)+at(i+1, j+1)*u)*v
			out[y*size.X+x] = float32(z / math.MaxUint16)
		}
	}
	return out
}

// id is the place farthest inside the object's own regions.
func (o *outline) id() RegionID {
	w := o.drawing.Size.X
	box := o.box
	in := func(x, y int) bool {
		return image.Pt(x, y).In(box) && o.drawing.Regions[o.drawing.Label[y*w+x]].Group == o.group
	}
	d := make([]int32, box.Dx()*box.Dy())
	at := func(x, y int) int32 {
		if !in(x, y) {
			return 0
		}
		return d[(y-box.Min.Y)*box.Dx()+x-box.Min.X]
	}
	best, where := int32(0), box.Min
	for pass := range 2 {
		for k := range d {
			i := k
			if pass == 1 {
				i = len(d) - 1 - k
			}
			x, y := box.Min.X+i%box.Dx(), box.Min.Y+i/box.Dx()
			switch {
			case !in(x, y):
			case pass == 0:
				d[i] = 1 + min(at(x-1, y), at(x, y-1))
			default:
				d[i] = min(d[i], 1+min(at(x+1, y), at(x, y+1)))
				if d[i] > best {
					best, where = d[i], image.Pt(x, y)
				}
			}
		}
	}
	return RegionID{where.X * 1000 / o.drawing.Size.X, where.Y * 1000 / o.drawing.Size.Y}
}
