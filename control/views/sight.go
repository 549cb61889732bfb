package views

import (
	"context"
	"fmt"
	"image"
	"math"

	"maquette/control"
)

// Sight is what a camera sees of a mesh: where the surface lies at each pixel,
// and where, and whether, a point of the surface is seen. It answers what two
// views of one object have in common. It may be used from several goroutines.
type Sight struct {
	buffer *buffer
	slack  float64
}

// See looks at a mesh through a framed camera, that is, one with a Span, on a
// picture of a size. Errors: a size outside 64…4096 pixels (*control.SizeError),
// a camera out of range or not framed, a cancelled context.
func See(ctx context.Context, m *Mesh, c Camera, size image.Point) (*Sight, error) {
	if size.X < control.MinSide || size.Y < control.MinSide || size.X > control.MaxSide || size.Y > control.MaxSide {
		return nil, fmt.Errorf("see a mesh: %w", &control.SizeError{Size: size})
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("see a mesh: %w", err)
	}
	if c.Span == 0 {
		return nil, fmt.Errorf("see a mesh: the camera is not framed")
	}
	b, err := drawMesh(ctx, m, c, size)
	if err != nil {
		return nil, fmt.Errorf("see a mesh: %w", err)
	}
	low, high := m.Bounds()
	// Wide enough for the triangles that stand for curves, and thin enough to tell
	// a wall from the window that is set into it.
	return &Sight{b, .006 * high.sub(low).length()}, nil
}

// Surface is a place on a mesh as a camera sees it.
type Surface struct {
	Point Vec
	// Patch is the smooth part of the mesh that the place is on.
	Patch int32
	// Facing is the cosine of the angle at which it is seen: 1 from straight
	// ahead, 0 at a silhouette.
	Facing float64
}

// shows reports whether a pixel shows the mesh.
func (s *Sight) shows(x, y int) bool { return s.buffer.tri[y*s.buffer.w+x] >= 0 }

// At returns what is seen at the centre of a pixel; false for the background.
func (s *Sight) At(x, y int) (Surface, bool) {
	b := s.buffer
	if x < 0 || y < 0 || x >= b.w || y >= b.h || b.tri[y*b.w+x] < 0 {
		return Surface{}, false
	}
	i := y*b.w + x
	origin, dir := b.lens.ray(point{float64(x) + .5, float64(y) + .5})
	return Surface{
		Point:  origin.add(dir.mul(b.depth(float64(b.near[i])))),
		Patch:  b.mesh.Triangles[b.tri[i]].Patch,
		Facing: -b.normal(x, y).dot(dir.unit()),
	}, true
}

// Find returns where a point of the surface appears, in pixels from the upper
// left corner, so that the first pixel's centre is (0.5, 0.5). It is false where
// the point is out of the picture or behind something.
func (s *Sight) Find(p Vec) (x, y float64, visible bool) {
	b := s.buffer
	at, depth := b.lens.project(p)
	x0, y0 := int(math.Floor(at.x-.5)), int(math.Floor(at.y-.5))
	if math.IsNaN(b.nearness(depth)) || x0 < 0 || y0 < 0 || x0+1 >= b.w || y0+1 >= b.h {
		return at.x, at.y, false
	}
	// All four pixels that a sample is taken from must show this surface.
	for k := range 4 {
		i := (y0+k>>1)*b.w + x0 + k&1
		if b.tri[i] < 0 {
			return at.x, at.y, false
		}
		slope := b.slope[b.tri[i]]
		dx, dy := at.x-.5-float64(x0+k&1), at.y-.5-float64(y0+k>>1)
		near := float64(b.near[i]) + float64(slope[0])*dx + float64(slope[1])*dy
		if math.Abs(b.depth(near)-depth) > s.slack {
			return at.x, at.y, false
		}
	}
	return at.x, at.y, true
}
