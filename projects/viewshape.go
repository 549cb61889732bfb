package projects

import (
	"context"
	"errors"
	"fmt"
	"image"

	"maquette/control"
	"maquette/control/views"
)

// Shape is the body that the views of a set show.
type Shape struct {
	Mesh *views.Mesh
	// Cameras are framed, by the names of Recipe.Views.Cameras.
	Cameras map[string]views.Camera
}

// ErrNoViews says that a concept does not belong to views rendered together.
var ErrNoViews = errors.New("the concept is not one of several views of a sketch")

// ViewShape lifts the sketch of a concept as its render did, with the cameras of
// all views. Views that the user drew are taken for what the sketch shows from
// there. depth finds the depth of sketches that are photographs; it may be nil.
// Errors: ErrNoViews, views.ErrNoShape, control.ErrNeedsDepthModel.
func (p *Project) ViewShape(ctx context.Context, c Concept, depth control.PhotoDepth) (*Shape, error) {
	r := c.Recipe
	if r.Views == nil || c.Sketch == "" {
		return nil, fmt.Errorf("concept %s: %w", c.ID, ErrNoViews)
	}
	sketch, err := p.File(ctx, c.Sketch)
	if err != nil {
		return nil, fmt.Errorf("concept %s: its sketch: %w", c.ID, err)
	}
	m := &viewMaker{r: r, size: image.Pt(r.Width, r.Height), sketch: sketch, depth: depth, note: func(string) {}}
	if err := m.lift(ctx); err != nil {
		return nil, fmt.Errorf("concept %s: %w", c.ID, err)
	}
	s := &Shape{Mesh: m.relief.Mesh, Cameras: map[string]views.Camera{}}
	for i, name := range r.Views.Cameras {
		s.Cameras[name] = m.frame(i)
	}
	return s, nil
}
