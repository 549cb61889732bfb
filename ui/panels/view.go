// Package panels holds the parts of the window around the drawing: the inspector,
// in which a recipe is edited, and the queue. A panel shows a state that it is
// given and passes on what the user wants; it decides nothing.
package panels

import (
	"time"

	"fyne.io/fyne/v2"

	"maquette/control"
	"maquette/projects"
)

// Choice is an entry of a list of models.
type Choice struct {
	// Path is what a recipe stores.
	Path string
	// Name is what the user sees.
	Name string
	// Note says why the entry can't be used, or is empty.
	Note string
	// Detail says what it is, such as its family and size; Words are found by a
	// search as well. Preview is the file of a picture of what it makes, or "".
	Detail  string
	Words   []string
	Preview string
}

// RenderState says what the Render button does.
type RenderState int

// The states of the Render button.
const (
	// RenderReady renders.
	RenderReady RenderState = iota
	// RenderBlocked can't render; View.Blocked says why.
	RenderBlocked
	// RenderWaiting has a job in the queue; the button cancels it.
	RenderWaiting
	// RenderRunning has a running job; the button cancels it.
	RenderRunning
)

// View is what the inspector shows.
type View struct {
	Recipe projects.Recipe
	// Plan is what a render with variants would be.
	Plan Plan
	// Influence is 0…100.
	Influence  int
	SeedLocked bool
	// Checkpoints are the choices for Recipe.Checkpoint. Loading says that they are still being looked for.
	Checkpoints []Choice
	Loading     bool
	// LoRAs and VAEs are those that fit the checkpoint, ControlNets those for each
	// of the recipe's controls, the best first. ModelsLoading says that they are
	// still being looked for.
	LoRAs         []LoRAChoice
	VAEs          []Choice
	ControlNets   [][]Choice
	ModelsLoading bool
	// StarterOnly says that the library holds no checkpoint but the starter.
	StarterOnly bool
	// Masked says that a mask is painted over the picture under the drawing, and
	// Paint how what it covers is rendered.
	Masked bool
	Paint  projects.Inpaint

	Render  RenderState
	Blocked string
	// Fraction 0…1, Stage and Remaining describe the running job.
	Fraction  float64
	Stage     string
	Remaining time.Duration
}

// Intents is what the inspector asks for. All functions are called on the UI goroutine.
type Intents struct {
	// Edit changes the recipe in place.
	Edit func(change func(*projects.Recipe))
	// SetInfluence moves the Influence slider.
	SetInfluence func(percent int)
	// SetControl changes control i; AddControl and RemoveControl change the list.
	SetControl    func(i int, change func(*projects.RecipeControl))
	AddControl    func(kind control.Kind)
	RemoveControl func(i int)
	// SetViews chooses the sides that are rendered together, as views.Parse reads
	// them; none stands for the drawing's own alone.
	SetViews func(cameras []string)
	// SetPaint changes View.Paint in place.
	SetPaint func(change func(*projects.Inpaint))
	// EditVariants changes the list of what a render varies.
	EditVariants func(change func([]Variant) []Variant)
	LockSeed     func(locked bool)
	NewSeed      func()
	// AddCheckpoints lets the user choose a folder of models.
	AddCheckpoints func()
	Render, Cancel func()
}

// Icons are the pictures that the panels use beside Fyne's own.
type Icons struct {
	Lock, Unlock, Dice, Add fyne.Resource
}
