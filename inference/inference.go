// Package inference renders images with Stable Diffusion checkpoints and
// ControlNets on ONNX Runtime.
package inference

import (
	"image"
	"time"
)

// Control is one ControlNet applied to a render.
type Control struct {
	// ControlNet is the path of a ControlNet: a diffusers folder or a .safetensors file.
	ControlNet string
	// Image is the control image at the size of the render; nil if every view has
	// its own. With Request.MaskOnly it shows the part of the picture that MaskCrop gives.
	Image image.Image
	// Fine is the control image of the second pass, at its size.
	Fine image.Image
	// Mode says how the control shares the say with the prompt.
	Mode ControlMode
	// Weight scales the residuals, 0…2; 1 is what the ControlNet was trained for.
	Weight float32
	// Start and End bound the steps in which the control acts, as fractions of all steps, 0…1.
	Start, End float32
}

// LoRA is a LoRA applied to a render.
type LoRA struct {
	// Path is the path of a .safetensors file: LoRA, LoCon or LoHa, see package lora.
	Path string
	// UNet and Text are its strengths in the UNet and in the text encoders, -20…20;
	// 1 is what it was trained for. Another strength needs no loading.
	UNet, Text float32
}

// Embedding is a textual inversion that the prompts may call by its name.
type Embedding struct {
	// Path is the path of a .safetensors file.
	Path string
	// Name calls it, besides the file's name without its ending and the token
	// that the file itself may give. It may be empty.
	Name string
}

// Request says what to render. Recipes compile to it.
type Request struct {
	// Checkpoint is the path of a diffusers folder or a single .safetensors file.
	Checkpoint string
	// VAE, if not empty, is the path of a VAE to use in place of the checkpoint's:
	// a diffusers folder or a .safetensors file, TAESD included.
	VAE string
	// PreviewVAE, if not empty, is the path of a small VAE (TAESD, or TAESDXL for
	// Stable Diffusion XL) that draws the previews.
	PreviewVAE string
	// Prediction overrides what the checkpoint's UNet predicts: "epsilon" or
	// "v_prediction". Empty means what the checkpoint says, which for single files
	// of Stable Diffusion 2 is a guess from their weights.
	Prediction string
	// Prompt and NegativePrompt may have weights, breaks and the names of
	// Embeddings, see prompt.Parse and prompt.Tokenizer.Chunks; what is longer than
	// 16 chunks of 75 tokens is cut with a note. Stable Diffusion XL reads an empty
	// negative prompt as zeros, as in diffusers and AUTOMATIC1111.
	Prompt, NegativePrompt string
	// Emphasis says how weights act, such as prompt.EmphasisNoNorm; empty means
	// prompt.EmphasisOriginal, AUTOMATIC1111's default.
	Emphasis string
	// ClipSkip counts the layer of the text encoder that is read from the end, as
	// AUTOMATIC1111 does: 1 is the last, 0 the family's usual one. That is the last
	// but one in Stable Diffusion 2 and XL, where 1 means the same as 2.
	ClipSkip   int
	LoRAs      []LoRA
	Embeddings []Embedding
	Controls   []Control
	// Width and Height are in pixels, multiples of 8, 64…2048.
	Width, Height int
	// Steps is the number of sampling steps, 1…150.
	Steps int
	// Guidance is the classifier-free guidance scale; 1 turns guidance off.
	Guidance float32
	// GuidanceRescale 0…1 takes back the contrast that guidance adds, by that share:
	// sampler.RescaleGuidance.
	GuidanceRescale float32
	// Sampler is one of sampler.Names, such as "euler" or "dpmpp_2m".
	Sampler string
	// Schedule is one of sampler.Schedules(Sampler); empty means sampler.Normal.
	Schedule string
	// Seed decides the initial noise; image i of Count uses Seed+i.
	Seed int64
	// Noise is the generator that the seed is for: sampler.NoiseTorch, as ComfyUI
	// and diffusers have it, or sampler.NoisePhilox, AUTOMATIC1111's; empty means
	// NoiseTorch.
	Noise string
	// Count is the number of images, 1…64; with Views of sets of them.
	Count int
	// Views, if not empty, are the cameras that each of Count sets shows the object
	// from, and Share says how they keep to one object. Image i has seed Seed+i and
	// shows view i modulo the number of views.
	Views []View
	Share Share
	// Init, if not nil, is the image that img2img and inpainting start from, at
	// the render's size; Strength 0…1 says how much of it is replaced.
	Init     image.Image
	Strength float32
	// Mask, if not nil, says where Init is made new (inpainting), with any
	// checkpoint; it has Init's size. Where it is black or transparent, the
	// result has Init's pixels; white is made new, grey so much of Strength.
	Mask image.Image
	// MaskOnly renders no more of Init than MaskCrop gives, at the render's size,
	// and lays it back. Init then has any size up to MaxInitPixels, which is the
	// result's. MaskPadding is how many pixels of Init around the mask the render sees.
	MaskOnly    bool
	MaskPadding int
	// MaskFeather is over how many pixels of Init, inwards from the edge of the
	// mask, what is new fades into what is there.
	MaskFeather int
	// SecondPass, if not nil, renders the images again at a higher resolution.
	SecondPass *SecondPass
	// Precision is what the UNet and the ControlNets compute in; empty means what
	// the engine's Config says.
	Precision Precision
	// Draft says that the images have to be there soon rather than be fine, as in
	// live mode; see PrecisionAuto.
	Draft bool
	// PreviewEvery asks for a preview image every so many steps; 0 means none.
	PreviewEvery int
}

// Stage names a part of a render.
type Stage string

// The stages of a render, in order. A second pass goes through them again.
const (
	StageLoad    Stage = "load"
	StageEncode  Stage = "encode"
	StageDenoise Stage = "denoise"
	StageDecode  Stage = "decode"
)

// Progress reports how far a render is.
type Progress struct {
	Stage Stage
	// Step of Steps within StageDenoise, over all batches and passes of the render.
	Step, Steps int
	// Fraction of the whole render that is done, 0…1.
	Fraction float64
	// Remaining is the estimated time to the end; 0 while unknown.
	Remaining time.Duration
	// Preview is the image taking shape, or nil. It is not written to after it was handed over.
	Preview *image.RGBA
	// Image is the index in 0…Images()-1 that Preview shows.
	Image int
	// Done is a finished image (index Image), handed over as soon as it is decoded, or nil.
	Done *image.RGBA
	// Note is a sentence for the user, such as a fallback to another provider.
	Note string
}

// Result is a finished render.
type Result struct {
	// Images has Request.Images opaque images of the render's size, or the second
	// pass's, or with MaskOnly Init's.
	Images []*image.RGBA
	Seeds  []int64
	// Provider is the execution provider that ran the UNet, such as "CPU" or "WebGPU".
	Provider string
	// Hashes maps each model path of the request to the hex SHA-256 of its weights.
	Hashes map[string]string
	// Load, Encode, Denoise and Decode are the times of the stages.
	Load, Encode, Denoise, Decode time.Duration
}
