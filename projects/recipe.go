package projects

import "maquette/control"

// StarterCheckpoint is the Checkpoint of a recipe that uses the bundled starter.
const StarterCheckpoint = "starter"

// Recipe is everything that decides an image. It is stored as JSON in the
// sidecar of each concept.
type Recipe struct {
	Prompt         string `json:"prompt"`
	NegativePrompt string `json:"negative_prompt,omitempty"`
	// Checkpoint is StarterCheckpoint or the path of a checkpoint.
	Checkpoint string          `json:"checkpoint"`
	Controls   []RecipeControl `json:"controls,omitempty"`
	Sampler    string          `json:"sampler"`
	Karras     bool            `json:"karras,omitempty"`
	Steps      int             `json:"steps"`
	Guidance   float64         `json:"guidance"`
	Seed       int64           `json:"seed"`
	// Count is the number of images that one render of the recipe makes; image
	// i has seed Seed+i, and a concept's own recipe has Count 1 and its own seed.
	Count  int `json:"count,omitempty"`
	Width  int `json:"width"`  // pixels
	Height int `json:"height"` // pixels
	// Strength 0…1: how much of the sketch's colours img2img replaces; 0 and 1
	// mean that the render starts from noise alone.
	Strength float64 `json:"strength,omitempty"`
	// Views, if not nil, are the sides that the object is shown from. Count is then
	// a multiple of their number: image i shows view i modulo that.
	Views *Views `json:"views,omitempty"`
	// View and Variant are labels of the concept within a set. With Views, View is
	// the one of Views.Cameras that is made, as one of a set that is rendered
	// together; empty means all.
	View    string `json:"view,omitempty"`
	Variant string `json:"variant,omitempty"`
}

// RecipeControl is one control of a recipe.
type RecipeControl struct {
	Kind   control.Kind   `json:"kind"`
	Params control.Params `json:"params,omitempty"`
	// ControlNet is the path of a ControlNet; empty means the one of the model
	// library that fits checkpoint and kind.
	ControlNet string  `json:"controlnet,omitempty"`
	Weight     float64 `json:"weight"` // 0…2
	Start      float64 `json:"start"`  // fraction of the steps, 0…1
	End        float64 `json:"end"`    // fraction of the steps, 0…1
}
