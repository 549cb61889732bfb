package projects

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"maquette/control"
	"maquette/control/views"
)

const (
	// liftSide is the least longer side, in pixels, that sketches are lifted at.
	liftSide = 512
	// nearView is how many degrees two cameras may be apart that mean the same view.
	nearView = 25
)

// LiftSketch makes the body of a sketch as the views of a recipe see it: with
// their readings, from the camera that the sketch's own rims and corners show, if
// that is about the one that the recipe names, else from the named one. Readings
// of places that have no part any more, as the sketch was changed, are left out.
// size is that of the render; small drawings are lifted larger, as they are read
// less well. depth finds the depth of photographs and may be nil; note is told
// what the user should know. Errors are those of views.Lift.
func LiftSketch(ctx context.Context, sketch image.Image, size image.Point, v *Views, depth control.PhotoDepth, note func(string)) (*views.Relief, error) {
	named, err := v.camera(v.drawn())
	if err != nil {
		return nil, err
	}
	if longer := max(size.X, size.Y); longer < liftSide {
		size = image.Pt(max(size.X*liftSide/longer, control.MinSide), max(size.Y*liftSide/longer, control.MinSide))
	}
	o := views.Options{PhotoDepth: depth}
	relief, err := views.Lift(ctx, sketch, size, o)
	if err != nil {
		return nil, err
	}
	off := math.Abs(math.Remainder(relief.Drawn.Azimuth-named.Azimuth, 2*math.Pi)) * 180 / math.Pi
	unsaid := v.Drawn == "" && relief.Drawn.Field > 0 // nobody said so, and the drawing says otherwise
	switch {
	case off <= nearView:
	case unsaid:
		note(fmt.Sprintf("The sketch seems to show its object from %s, not from %s: say which view it is, or begin with that one",
			relief.Drawn.Title(), v.drawn()))
	default:
		o.Drawn = &named
	}
	if o.Readings, err = known(relief.Parts, size, v.Readings); err != nil {
		return nil, err
	}
	if o.Drawn == nil && len(o.Readings) == 0 {
		return relief, nil
	}
	return views.Lift(ctx, sketch, size, o)
}

// known are the readings whose place lies in the box of a part.
func known(parts []views.Part, size image.Point, readings map[string]views.Reading) (map[views.RegionID]views.Reading, error) {
	kept := map[views.RegionID]views.Reading{}
	for text, reading := range readings {
		id, err := views.ParseRegionID(text)
		if err != nil {
			return nil, fmt.Errorf("reading %s of a region: %w", text, err)
		}
		at := image.Pt(id.X*size.X/1000, id.Y*size.Y/1000)
		if slices.ContainsFunc(parts, func(p views.Part) bool { return at.In(p.Box) }) {
			kept[id] = reading
		}
	}
	return kept, nil
}
