package projects

import (
	"fmt"
	"maps"
	"slices"

	"maquette/control/views"
	"maquette/inference"
)

// MaxViews is how many views are rendered together at most.
const MaxViews = 32

// Views are the sides that one render shows the object from, and how the images
// keep to one object.
type Views struct {
	// Cameras as views.Parse reads them, such as "front" or "az30el10".
	Cameras []string `json:"cameras"`
	// Drawn is the camera that the sketch shows the object from; empty means the
	// first of Cameras. That view is guided by the sketch itself.
	Drawn string `json:"drawn,omitempty"`
	// Readings say what the regions of the sketch are, by views.RegionID, where
	// that is not what the drawing is read as by itself.
	Readings map[string]views.Reading `json:"readings,omitempty"`
	// Share, Strength, Unconditional, MaxTokens and Noise are inference.Share's.
	Share         inference.ShareMode `json:"share,omitempty"`
	Strength      float64             `json:"share_strength,omitempty"`
	Unconditional float64             `json:"share_unconditional,omitempty"`
	MaxTokens     int                 `json:"share_max_tokens,omitempty"`
	Noise         float64             `json:"share_noise,omitempty"`
	// Warp 0…1: where it is above 0, the first view is rendered alone, and the
	// others start from its image seen from their side; it is the part of that
	// which is replaced, as Recipe.Strength is of a sketch. It does nothing where
	// the recipe starts from the sketch's colours, or there is no sketch. Where the
	// recipe has a picture to start from, Recipe.Init, only the first view starts
	// from that; with a Warp of 0 all views do, seen from their side and with
	// Recipe.Strength, as they do from the sketch's colours.
	Warp float64 `json:"warp,omitempty"`
}

// DefaultViews are views with the sharing that fits a checkpoint: the starter was
// trained with the attention of all views joined, and keeps colours best with
// the same noise and from the first view's image; others weren't and so read the
// first view with the strength of reference-only control.
func DefaultViews(checkpoint string, cameras ...string) *Views {
	if checkpoint == StarterCheckpoint {
		return &Views{Cameras: cameras, Share: inference.ShareAll, Strength: 1, Unconditional: 1, Noise: 1, Warp: .6}
	}
	return &Views{Cameras: cameras, Share: inference.ShareFirst, Strength: .7, Unconditional: .5, Noise: .3}
}

// clone copies the views; nil stays nil.
func (v *Views) clone() *Views {
	if v == nil {
		return nil
	}
	c := *v
	c.Cameras, c.Readings = slices.Clone(v.Cameras), maps.Clone(v.Readings)
	return &c
}

// drawn is the camera that the sketch shows.
func (v *Views) drawn() string {
	if v.Drawn == "" && len(v.Cameras) > 0 {
		return v.Cameras[0]
	}
	return v.Drawn
}

// validate reports what can't be rendered, each problem with what to do.
func (v *Views) validate(bad func(format string, args ...any)) {
	if n := len(v.Cameras); n < 1 || n > MaxViews {
		bad("%d views: must be 1 to %d", n, MaxViews)
	}
	seen := map[string]string{}
	for _, text := range v.Cameras {
		c, err := views.Parse(text)
		if err != nil {
			bad("%v", err)
			continue
		}
		if before, twice := seen[c.Title()]; twice {
			bad("the views %s and %s are the same: leave one of them out", before, text)
		}
		seen[c.Title()] = text
	}
	if v.Drawn != "" {
		if _, err := views.Parse(v.Drawn); err != nil {
			bad("the sketch's own view: %v", err)
		}
	}
	for id, reading := range v.Readings {
		if _, err := views.ParseRegionID(id); err != nil {
			bad("%v", err)
		}
		if !slices.Contains(views.Readings(), reading) {
			bad("region %s: %q is not one of %v", id, reading, views.Readings())
		}
	}
	if v.Share != inference.ShareOff && v.Share != inference.ShareFirst && v.Share != inference.ShareAll {
		bad("views share %q: must be %q, %q or empty", v.Share, inference.ShareFirst, inference.ShareAll)
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"strength", v.Strength}, {"unconditional part", v.Unconditional}, {"noise", v.Noise}, {"warp", v.Warp}} {
		if !within(p.value, 0, 1) {
			bad("views: %s %g must be 0 to 1", p.name, p.value)
		}
	}
	if v.MaxTokens < 0 {
		bad("views: %d tokens must be 0 or more", v.MaxTokens)
	}
}

// viewIndex is the view that a recipe of one image out of a set shows; -1 for
// recipes of whole sets and without views.
func (r Recipe) viewIndex() int {
	if r.Views == nil || r.View == "" {
		return -1
	}
	return slices.Index(r.Views.Cameras, r.View)
}

// WholeSet is the recipe of all views of the set that a concept belongs to; a
// recipe without views, or of a whole set, stays as it is.
func (r Recipe) WholeSet() Recipe {
	if k := r.viewIndex(); k >= 0 {
		r.Seed, r.View, r.Count = r.Seed-int64(k), "", len(r.Views.Cameras)
	}
	return r
}

// validateViews reports what of the recipe does not fit its views.
func (r Recipe) validateViews(bad func(format string, args ...any)) {
	if r.Views == nil {
		return
	}
	r.Views.validate(bad)
	switch n := len(r.Views.Cameras); {
	case n == 0:
	case r.View != "" && (r.viewIndex() < 0 || r.Count != 1):
		bad("the view %s of a set of %v: must be one of them, with one image", r.View, r.Views.Cameras)
	case r.View == "" && r.Count%n != 0:
		bad("%d images of %d views: must be a multiple, so that each set is whole", r.Count, n)
	}
}

// request is the engine's part of the views: what they share and, for each, its name.
func (v *Views) request(req *inference.Request) {
	req.Share = inference.Share{Mode: v.Share, Strength: float32(v.Strength), Unconditional: float32(v.Unconditional),
		MaxTokens: v.MaxTokens, Noise: float32(v.Noise)}
	for _, name := range v.Cameras {
		req.Views = append(req.Views, inference.View{Name: name})
	}
}

// warps reports whether the recipe's first view is rendered alone for the others
// to start from, given a sketch.
func (r Recipe) warps() bool {
	return r.Views != nil && r.Views.Warp > 0 && len(r.Views.Cameras) > 1 && !r.fromSketch()
}

// camera reads a camera of the recipe.
func (v *Views) camera(text string) (views.Camera, error) {
	c, err := views.Parse(text)
	if err != nil {
		return c, fmt.Errorf("view: %w", err)
	}
	return c, nil
}
