package studio

import (
	"maps"
	"math"
	"slices"

	"maquette/control"
	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/panels"
)

// State is what the inspector edits. It knows nothing of the window.
type State struct {
	recipe     projects.Recipe
	influence  int
	shares     []share
	seedLocked bool
	live       bool
	variants   []panels.Variant
	// readings say what regions of the drawing are, by views.RegionID.
	readings map[string]views.Reading
	// paint says how the part under the mask is rendered; its Mask is empty.
	paint projects.Inpaint
	// jobID is the newest job that the user started from the inspector; the
	// Render button cancels it while it waits or runs.
	jobID string
}

// NewState returns a state with a recipe.
func NewState(r projects.Recipe) *State {
	s := &State{paint: projects.DefaultInpaint("")}
	s.UseRecipe(r)
	return s
}

// cloneRecipe copies a recipe so that nothing is shared with the original.
func cloneRecipe(r projects.Recipe) projects.Recipe {
	r.Controls, r.LoRAs = slices.Clone(r.Controls), slices.Clone(r.LoRAs)
	for i := range r.Controls {
		r.Controls[i].Params = maps.Clone(r.Controls[i].Params)
	}
	if r.Views != nil {
		v := *r.Views
		v.Cameras, v.Readings = slices.Clone(v.Cameras), maps.Clone(v.Readings)
		r.Views = &v
	}
	return r
}

// Recipe returns a copy of the recipe as edited.
func (s *State) Recipe() projects.Recipe {
	r := cloneRecipe(s.recipe)
	if r.Views != nil {
		r.Views.Readings = maps.Clone(s.readings)
	}
	return r
}

// SetViews chooses the sides that are rendered together, as views.Parse reads
// them; none stands for the drawing's own alone. Count stays a number of whole sets.
func (s *State) SetViews(cameras []string) {
	r := &s.recipe
	sets := max(r.Count, 1)
	if r.Views != nil {
		sets = max(sets/max(len(r.Views.Cameras), 1), 1)
	}
	switch {
	case len(cameras) == 0:
		r.Views = nil
	case r.Views == nil:
		r.Views = projects.DefaultViews(r.Checkpoint, cameras...)
		r.Views.Drawn = string(views.Front)
	default:
		r.Views.Cameras = slices.Clone(cameras)
	}
	r.Count = sets * max(len(cameras), 1)
}

// Variants returns what a render varies.
func (s *State) Variants() []panels.Variant { return slices.Clone(s.variants) }

// EditVariants changes what a render varies.
func (s *State) EditVariants(change func([]panels.Variant) []panels.Variant) {
	s.variants = change(slices.Clone(s.variants))
	if len(s.variants) > panels.MaxVariantRows {
		s.variants = s.variants[:panels.MaxVariantRows]
	}
}

// SetReading says what a region of the drawing is; views.Auto lets it be found.
func (s *State) SetReading(id views.RegionID, reading views.Reading) {
	s.readings = maps.Clone(s.readings) // others may be reading it
	if reading == views.Auto {
		delete(s.readings, id.String())
		return
	}
	if s.readings == nil {
		s.readings = map[string]views.Reading{}
	}
	s.readings[id.String()] = reading
}

// Influence returns the slider's position, 0…100.
func (s *State) Influence() int { return s.influence }

// UseRecipe takes over a whole recipe, such as a concept's. The slider follows
// the strongest control.
func (s *State) UseRecipe(r projects.Recipe) {
	s.recipe = cloneRecipe(r.WholeSet())
	if r.Views != nil {
		s.readings = maps.Clone(r.Views.Readings)
	}
	if s.recipe.Count < 1 {
		s.recipe.Count = 1
	}
	if len(r.Controls) > 0 {
		strongest := slices.MaxFunc(r.Controls, func(a, b projects.RecipeControl) int {
			switch {
			case a.Weight < b.Weight:
				return -1
			case a.Weight > b.Weight:
				return 1
			}
			return 0
		})
		s.influence = influenceOf(strongest.Weight, strongest.End)
	} else if s.influence == 0 {
		s.influence = influenceOf(1, 1)
	}
	s.measureShares()
}

func (s *State) measureShares() {
	s.shares = make([]share, len(s.recipe.Controls))
	for i, c := range s.recipe.Controls {
		s.shares[i] = shareOf(c.Weight, c.End, s.influence)
	}
}

// SetInfluence moves the slider and with it all controls.
func (s *State) SetInfluence(percent int) {
	s.influence = min(max(percent, 0), 100)
	for i := range s.recipe.Controls {
		c := &s.recipe.Controls[i]
		c.Weight, c.End = s.shares[i].at(s.influence)
		c.Start = min(c.Start, math.Max(c.End-0.05, 0))
	}
}

// Edit changes anything but the controls' weights and ranges.
func (s *State) Edit(change func(*projects.Recipe)) { change(&s.recipe) }

// SetControl changes one control; the slider stays and the control's share changes.
func (s *State) SetControl(i int, change func(*projects.RecipeControl)) {
	if i < 0 || i >= len(s.recipe.Controls) {
		return
	}
	c := &s.recipe.Controls[i]
	change(c)
	if w, _ := influenceAt(s.influence); w == 0 && c.Weight > 0 {
		s.influence = influenceOf(c.Weight, c.End) // at 0 % nothing has a share
		s.measureShares()
		return
	}
	s.shares[i] = shareOf(c.Weight, c.End, s.influence)
}

// AddControl adds a control of a kind with the slider's weight and range.
func (s *State) AddControl(kind control.Kind) {
	c := projects.RecipeControl{Kind: kind}
	c.Weight, c.End = influenceAt(s.influence)
	s.recipe.Controls = append(s.recipe.Controls, c)
	s.shares = append(s.shares, share{weight: 1, end: 1})
}

// RemoveControl removes control i.
func (s *State) RemoveControl(i int) {
	if i < 0 || i >= len(s.recipe.Controls) {
		return
	}
	s.recipe.Controls = slices.Delete(s.recipe.Controls, i, i+1)
	s.shares = slices.Delete(s.shares, i, i+1)
}

// maxSeed bounds new seeds to what other tools read.
const maxSeed = 1 << 32

// NewSeed draws a seed from rnd, which returns a number in 0…n-1.
func (s *State) NewSeed(rnd func(n int64) int64) { s.recipe.Seed = rnd(maxSeed) }

// Next returns the recipe to render now: with a new seed, unless the seed is locked.
func (s *State) Next(rnd func(n int64) int64) projects.Recipe {
	if !s.seedLocked {
		s.NewSeed(rnd)
	}
	return s.Recipe()
}

// Limits of a live render, which has to be quick rather than fine.
const (
	liveSteps = 8
	liveSide  = 512 // pixels
)

// Live returns the recipe of a live render: one picture, few steps, small, and
// always the same seed so that only the drawing changes it.
func (s *State) Live() projects.Recipe {
	r := s.Recipe()
	r.Count, r.Views, r.View = 1, nil, ""
	r.Steps = min(r.Steps, liveSteps)
	if side := max(r.Width, r.Height); side > liveSide {
		r.Width = max(r.Width*liveSide/side/8*8, 64)
		r.Height = max(r.Height*liveSide/side/8*8, 64)
	}
	return r
}

// NeedsDrawing reports whether the recipe has a control that acts, so that
// there must be something to control with.
func (s *State) NeedsDrawing() bool {
	return slices.ContainsFunc(s.recipe.Controls, func(c projects.RecipeControl) bool { return c.Weight > 0 && c.End > c.Start })
}
