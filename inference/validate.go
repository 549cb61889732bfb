package inference

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"

	"maquette/inference/prompt"
	"maquette/inference/sampler"
)

const (
	minSide, maxSide = 64, 2048
	sideStep         = 8 // pixels per latent
	inpaintChannels  = 9 // latents, mask, latents of the masked image
	maxSteps         = 150
	maxCount         = 64
	maxViews         = 32
	maxGuidance      = 50
	maxControls      = 8
	maxWeight        = 2
	maxPromptBytes   = 64 << 10
	maxLoRAs         = 64
	maxEmbeddings    = 256
	maxStrength      = 20
	maxClipSkip      = 24
)

// MaxInitPixels bounds the image of a render with MaskOnly: 64 megapixels.
const MaxInitPixels = 64 << 20

// RequestError reports a value of a Request that can't be rendered.
type RequestError struct {
	// Field is the Go name of the field, such as "Width" or "Controls[0].Weight".
	Field string
	// Problem says what is wrong and what is allowed, without a full stop.
	Problem string
}

func (e *RequestError) Error() string { return e.Field + ": " + e.Problem }

// Validate reports everything that is wrong with the request itself, as
// *RequestError values joined; files are not looked at.
func (r Request) Validate() error {
	var problems []error
	refuse := func(field, format string, args ...any) {
		problems = append(problems, &RequestError{field, fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(r.Checkpoint) == "" {
		refuse("Checkpoint", "no checkpoint is chosen")
	}
	for _, p := range []struct{ field, text string }{{"Prompt", r.Prompt}, {"NegativePrompt", r.NegativePrompt}} {
		if len(p.text) > maxPromptBytes {
			refuse(p.field, "%d bytes are more than the %d allowed", len(p.text), maxPromptBytes)
		}
	}
	for _, s := range []struct {
		field string
		side  int
	}{{"Width", r.Width}, {"Height", r.Height}} {
		if s.side < minSide || s.side > maxSide || s.side%sideStep != 0 {
			refuse(s.field, "%d pixels is not a multiple of %d from %d to %d", s.side, sideStep, minSide, maxSide)
		}
	}
	if r.Steps < 1 || r.Steps > maxSteps {
		refuse("Steps", "%d is outside 1…%d", r.Steps, maxSteps)
	}
	if !within(r.Guidance, 1, maxGuidance) {
		refuse("Guidance", "%v is outside 1…%d; 1 turns guidance off", r.Guidance, maxGuidance)
	}
	if !sampler.Known(r.Sampler) {
		refuse("Sampler", "%q is unknown; known are %s", r.Sampler, strings.Join(sampler.Names(), ", "))
	}
	r.validateNoise(refuse)
	r.validateText(refuse)
	if _, err := ParsePrecision(string(r.Precision)); err != nil {
		refuse("Precision", "%v", err)
	}
	if r.Prediction != "" && r.Prediction != sampler.Epsilon && r.Prediction != sampler.VPrediction {
		refuse("Prediction", "%q is unknown; known are %s and %s", r.Prediction, sampler.Epsilon, sampler.VPrediction)
	}
	if r.Count < 1 || r.Count > maxCount {
		refuse("Count", "%d is outside 1…%d", r.Count, maxCount)
	}
	if r.PreviewEvery < 0 {
		refuse("PreviewEvery", "%d is negative; 0 means no previews", r.PreviewEvery)
	}
	if len(r.Controls) > maxControls {
		refuse("Controls", "%d are more than the %d allowed", len(r.Controls), maxControls)
	}
	size := image.Pt(r.Width, r.Height)
	r.SecondPass.validate(r, refuse)
	for i, c := range r.Controls {
		c.validate(size, r.SecondPass, len(r.Views) > 0, func(field, format string, args ...any) {
			refuse(fmt.Sprintf("Controls[%d].%s", i, field), format, args...)
		})
	}
	if r.Init != nil {
		got := r.Init.Bounds().Size()
		if anySize := r.MaskOnly && r.Mask != nil; anySize && (got.X < 1 || got.Y < 1 || got.X*got.Y > MaxInitPixels) {
			refuse("Init", "the image has %d×%d pixels; allowed are up to %d in all", got.X, got.Y, MaxInitPixels)
		} else if !anySize && got != size {
			refuse("Init", "the image has %d×%d pixels, the render %d×%d", got.X, got.Y, size.X, size.Y)
		}
	}
	if len(r.inits()) > 0 && (!within(r.Strength, 0, 1) || r.Strength == 0) {
		refuse("Strength", "%v is not above 0 and at most 1", r.Strength)
	}
	r.validateViews(refuse)
	if r.Mask != nil {
		if r.Init == nil {
			refuse("Mask", "there is no image (Init) that it belongs to")
		} else if got, want := r.Mask.Bounds().Size(), r.Init.Bounds().Size(); got != want {
			refuse("Mask", "the mask has %d×%d pixels, the image that it belongs to %d×%d", got.X, got.Y, want.X, want.Y)
		} else if maskBounds(r.Mask).Empty() {
			refuse("Mask", "the mask is black all over, so there is nothing to make new")
		}
	}
	for _, p := range []struct {
		field string
		v     int
	}{{"MaskPadding", r.MaskPadding}, {"MaskFeather", r.MaskFeather}} {
		if p.v < 0 || p.v > maxSide {
			refuse(p.field, "%d pixels are outside 0…%d", p.v, maxSide)
		}
	}
	return errors.Join(problems...)
}

// validateNoise checks how the noise is made and taken away.
func (r Request) validateNoise(refuse func(field, format string, args ...any)) {
	if known := sampler.Schedules(r.Sampler); r.Schedule != "" && sampler.Known(r.Sampler) && !slices.Contains(known, r.Schedule) {
		refuse("Schedule", "%q does not go with %s, which takes %s", r.Schedule, r.Sampler, strings.Join(known, ", "))
	}
	if _, err := sampler.NewNoise(r.Noise, 0); err != nil {
		refuse("Noise", "%v", err)
	}
	if !within(r.GuidanceRescale, 0, 1) {
		refuse("GuidanceRescale", "%v is outside 0…1; 0 turns it off", r.GuidanceRescale)
	}
}

// validateText checks what the text encoders are to do.
func (r Request) validateText(refuse func(field, format string, args ...any)) {
	if known := prompt.Emphases(); r.Emphasis != "" && !slices.Contains(known, r.Emphasis) {
		refuse("Emphasis", "%q is unknown; known are %s", r.Emphasis, strings.Join(known, ", "))
	}
	if r.ClipSkip < 0 || r.ClipSkip > maxClipSkip {
		refuse("ClipSkip", "%d is outside 0…%d; 0 is the usual layer", r.ClipSkip, maxClipSkip)
	}
	if len(r.LoRAs) > maxLoRAs {
		refuse("LoRAs", "%d are more than the %d allowed", len(r.LoRAs), maxLoRAs)
	}
	for i, l := range r.LoRAs {
		if strings.TrimSpace(l.Path) == "" {
			refuse(fmt.Sprintf("LoRAs[%d].Path", i), "no LoRA is chosen")
		}
		if !within(l.UNet, -maxStrength, maxStrength) || !within(l.Text, -maxStrength, maxStrength) {
			refuse(fmt.Sprintf("LoRAs[%d].UNet", i), "the strengths %v and %v must be from -%d to %d", l.UNet, l.Text, maxStrength, maxStrength)
		}
	}
	if len(r.Embeddings) > maxEmbeddings {
		refuse("Embeddings", "%d are more than the %d allowed", len(r.Embeddings), maxEmbeddings)
	}
	for i, e := range r.Embeddings {
		if strings.TrimSpace(e.Path) == "" {
			refuse(fmt.Sprintf("Embeddings[%d].Path", i), "no textual inversion is chosen")
		}
	}
}

// validate checks a control; in a render of views they may have the images.
func (c Control) validate(size image.Point, second *SecondPass, views bool, refuse func(field, format string, args ...any)) {
	if strings.TrimSpace(c.ControlNet) == "" {
		refuse("ControlNet", "no ControlNet is chosen")
	}
	if c.Image == nil {
		if !views {
			refuse("Image", "there is no control image")
		}
	} else if got := c.Image.Bounds().Size(); got != size {
		refuse("Image", "the control image has %d×%d pixels, the render %d×%d", got.X, got.Y, size.X, size.Y)
	}
	if second != nil {
		if c.Fine == nil {
			if !views {
				refuse("Fine", "there is no control image for the second pass")
			}
		} else if got := c.Fine.Bounds().Size(); got != image.Pt(second.Width, second.Height) {
			refuse("Fine", "the control image has %d×%d pixels, the second pass %d×%d", got.X, got.Y, second.Width, second.Height)
		}
	}
	if !slices.Contains(ControlModes(), c.Mode) {
		refuse("Mode", "%q is unknown; known are %q", c.Mode, ControlModes())
	}
	if !within(c.Weight, 0, maxWeight) {
		refuse("Weight", "%v is outside 0…%d", c.Weight, maxWeight)
	}
	if !within(c.Start, 0, 1) || !within(c.End, 0, 1) || c.Start > c.End {
		refuse("Start", "%v…%v is not a range within 0…1", c.Start, c.End)
	}
}

// within is false for NaN too.
func within(v, lo, hi float32) bool { return v >= lo && v <= hi }

// decimal is the float64 that v's shortest spelling means: 0.35 as a float32
// becomes 0.35, so that fractions of steps come out as they do in Python.
func decimal(v float32) float64 {
	d, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil || math.IsNaN(d) {
		return float64(v)
	}
	return d
}
