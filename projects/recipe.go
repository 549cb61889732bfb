package projects

import (
	"encoding/json"
	"slices"

	"maquette/control"
	"maquette/inference"
	"maquette/inference/sampler"
)

// StarterCheckpoint is the Checkpoint of a recipe that uses the bundled starter.
const StarterCheckpoint = "starter"

// Recipe is everything that decides an image. It is stored as JSON in the
// sidecar of each concept.
type Recipe struct {
	Prompt         string `json:"prompt"`
	NegativePrompt string `json:"negative_prompt,omitempty"`
	// Checkpoint is StarterCheckpoint or the path of a checkpoint.
	Checkpoint string `json:"checkpoint"`
	// VAE is the path of a VAE in place of the checkpoint's own, or its name in the
	// model library; empty means the checkpoint's.
	VAE string `json:"vae,omitempty"`
	// Prediction is what the checkpoint's UNet predicts, "epsilon" or
	// "v_prediction"; empty means what the checkpoint says.
	Prediction string          `json:"prediction,omitempty"`
	LoRAs      []RecipeLoRA    `json:"loras,omitempty"`
	Controls   []RecipeControl `json:"controls,omitempty"`
	Sampler    string          `json:"sampler"`
	// Schedule is one of sampler.Schedules(Sampler); empty means sampler.Normal.
	Schedule string  `json:"schedule,omitempty"`
	Steps    int     `json:"steps"`
	Guidance float64 `json:"guidance"`
	// GuidanceRescale 0…1 takes back the contrast that guidance adds.
	GuidanceRescale float64 `json:"guidance_rescale,omitempty"`
	// ClipSkip is the layer of the text encoder that is read, from the end; 0 means
	// the checkpoint's usual one.
	ClipSkip int `json:"clip_skip,omitempty"`
	// Emphasis is one of prompt.Emphases; empty means the first.
	Emphasis string `json:"emphasis,omitempty"`
	Seed     int64  `json:"seed"`
	// Noise is the generator that the seed is for, sampler.NoiseTorch or
	// sampler.NoisePhilox; empty means the first.
	Noise string `json:"noise,omitempty"`
	// Count is the number of images that one render of the recipe makes; image
	// i has seed Seed+i, and a concept's own recipe has Count 1 and its own seed.
	Count  int `json:"count,omitempty"`
	Width  int `json:"width"`  // pixels
	Height int `json:"height"` // pixels
	// Strength 0…1: how much img2img replaces of Init or, without one, of the
	// sketch's colours; 0 and 1 mean that the render starts from noise alone.
	Strength float64 `json:"strength,omitempty"`
	// Init, if not empty, is the file in the project of the picture that the
	// render starts from, as AddInput named it. With Views it shows the sketch's own
	// view; the others start from how it looks from their side, see Views.Warp.
	Init string `json:"init,omitempty"`
	// Inpaint, if not nil, makes only a part of Init new.
	Inpaint *Inpaint `json:"inpaint,omitempty"`
	// SecondPass, if not nil, renders the picture again, larger.
	SecondPass *SecondPass `json:"second_pass,omitempty"`
	// Views, if not nil, are the sides that the object is shown from. Count is then
	// a multiple of their number: image i shows view i modulo that.
	Views *Views `json:"views,omitempty"`
	// View and Variant are labels of the concept within a set. With Views, View is
	// the one of Views.Cameras that is made, as one of a set that is rendered
	// together; empty means all.
	View    string `json:"view,omitempty"`
	Variant string `json:"variant,omitempty"`
}

// RecipeLoRA is one LoRA of a recipe. Prompts may call more, as <lora:name:0.8>.
type RecipeLoRA struct {
	// Path is the path of a LoRA, or its name in the model library.
	Path string `json:"path"`
	// UNet and Text are the strengths in the UNet and in the text encoders, -20…20.
	UNet float64 `json:"unet"`
	Text float64 `json:"text"`
}

// UnmarshalJSON reads a recipe. Those of earlier versions have "karras" in place
// of a schedule.
func (r *Recipe) UnmarshalJSON(data []byte) error {
	type plain Recipe
	old := struct {
		*plain
		Karras bool `json:"karras"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &old); err != nil {
		return err
	}
	if old.Karras && r.Schedule == "" && sampler.AllowsKarras(r.Sampler) {
		r.Schedule = sampler.Karras
	}
	return nil
}

// clone is a copy that shares no list with r.
func (r Recipe) clone() Recipe {
	r.Controls, r.LoRAs = slices.Clone(r.Controls), slices.Clone(r.LoRAs)
	r.Views = r.Views.clone()
	return r
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
	// Mode says how the control shares the say with the prompt; empty is balanced.
	Mode inference.ControlMode `json:"mode,omitempty"`
}
