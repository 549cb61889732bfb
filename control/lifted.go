package control

import (
	"context"
	"fmt"
	"image"
	"math"
)

// Lifted is what package views needs of a drawing to lift it to other cameras.
type Lifted struct {
	Size image.Point // render size in pixels; all maps have Size.X × Size.Y values, row by row
	// Photo says that the source is a photograph or a shaded picture. Then there
	// are no regions, and Near holds its depth.
	Photo bool
	Fit   image.Rectangle // where in Size the source lies
	Near  []float32       // depth of a photograph from 0 (far) to 1 (near)
	// Label is the closed region at each pixel, 0 for the background; stroke
	// pixels belong to the nearest region. Regions lists them by number.
	Label   []int32
	Regions []LiftedRegion
	// Ink is where strokes are, Thin the same one pixel wide; 1 or 0.
	Ink, Thin []uint8
}

// LiftedRegion is one area that the lines of a drawing close off.
type LiftedRegion struct {
	Area   int
	Parent int32 // the region around it; 0 is the background
	Depth  int   // how many regions are around it, counting itself
	Group  int32 // touching regions with the same parent form one object
	Box    image.Rectangle
	// Straight and Upright describe the outline of the whole object: it has few
	// straight edges, and these follow the image axes.
	Straight, Upright bool
}

// Lift reads a source of any size and polarity, as extractors do, and finds the
// regions that its lines close off at render size. Strokes that stop within gap
// pixels of a 512-pixel drawing from another one are taken as joined. For
// photographs it asks the model of WithPhotoDepth. Errors: *SizeError, a
// cancelled context, ErrNeedsDepthModel.
func Lift(ctx context.Context, src image.Image, size image.Point, gap float64, opts ...Option) (*Lifted, error) {
	if size.X < MinSide || size.Y < MinSide || size.X > MaxSide || size.Y > MaxSide {
		return nil, fmt.Errorf("lift: %w", &SizeError{Size: size})
	}
	pg, err := newPage(ctx, src, size)
	if err == nil {
		err = pg.look(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("lift: %w", err)
	}
	out := &Lifted{Size: size, Photo: pg.photo, Fit: pg.fit}
	if pg.photo {
		if out.Near, err = photoDepth(ctx, pg, collect(opts).photoDepth); err != nil {
			return nil, fmt.Errorf("lift: %w", err)
		}
		return out, nil
	}
	if err := out.find(ctx, pg, gap); err != nil {
		return nil, fmt.Errorf("lift: %w", err)
	}
	return out, nil
}

// find fills in strokes and regions of a drawing.
func (l *Lifted) find(ctx context.Context, pg *page, gap float64) error {
	ink, err := pg.strokes(ctx)
	if err != nil {
		return err
	}
	unit := max(1, float64(min(pg.size.X, pg.size.Y))/512)
	d, err := findRegions(ctx, ink, int(math.Round(gap*unit)))
	if err != nil {
		return err
	}
	objects, _, err := d.objects(ctx, unit)
	if err != nil {
		return err
	}
	strokes := inked(ink, 72)
	l.Label, l.Ink, l.Thin = d.label, strokes.on, strokes.thinned().on
	l.Regions = make([]LiftedRegion, len(d.regions))
	for i, r := range d.regions {
		l.Regions[i] = LiftedRegion{Area: r.area, Parent: r.parent, Depth: r.depth, Group: r.group, Box: r.box}
		if i > 0 {
			s := objects[r.group].shape
			l.Regions[i].Straight, l.Regions[i].Upright = s.straight, s.upright
		}
	}
	return nil
}

// Inflate raises every labelled region of a w × h map to a rounded surface:
// ∇²h = −4 inside, h = 0 on the border (Baran and Lehtinen, "Notes on inflating
// curves", 2009). The result is h in square pixels, so that a disc's √h is a
// hemisphere; 0 outside.
func Inflate(ctx context.Context, label []int32, w, h int) ([]float32, error) {
	if w <= 0 || h <= 0 || len(label) != w*h {
		return nil, fmt.Errorf("inflate: %d labels are not %d×%d", len(label), w, h)
	}
	return inflate(ctx, label, w, h)
}
