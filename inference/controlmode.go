package inference

import (
	"math"
	"slices"

	"maquette/inference/runtime"
)

// ControlMode says how a control shares the say with the prompt.
type ControlMode string

// The control modes. Both that aren't balanced weaken the residuals towards the
// fine levels of the UNet: residual i of n, from the finest to the middle one,
// counts 0.1^((n-1-i)/(n-1)), which is 0.825^(12-i) for the 13 residuals of
// Stable Diffusion 1 and 2. That is what lllyasviel's ControlNet and AUTOMATIC1111's
// sd-webui-controlnet call soft weights, and diffusers guess mode.
const (
	// ControlBalanced, the zero value, is how ControlNets were trained: every
	// residual counts in full, with the prompt and with the negative one.
	ControlBalanced ControlMode = ""
	// ControlPromptFirst has the prompt decide where they disagree: soft weights
	// ("My prompt is more important" in sd-webui-controlnet).
	ControlPromptFirst ControlMode = "prompt"
	// ControlControlFirst has guidance strengthen the control: soft weights, and
	// only with the prompt, not with the negative one ("ControlNet is more
	// important", and diffusers' guess_mode). Without guidance it is ControlPromptFirst.
	ControlControlFirst ControlMode = "control"
)

// ControlModes lists the control modes.
func ControlModes() []ControlMode {
	return []ControlMode{ControlBalanced, ControlPromptFirst, ControlControlFirst}
}

// weights are what the residuals of a control are multiplied with, for as many
// images as acts has elements: [residuals, 1] if it is the same for all, else
// [residuals, images], twice as many with guidance. acts says which images have
// the control; the half without the prompt may have none.
func (c Control) weights(residuals int, acts []bool, guided bool) (*runtime.Tensor, error) {
	n, copies := len(acts), 1
	bare := guided && c.Mode == ControlControlFirst
	if bare || slices.Contains(acts, false) {
		if copies = n; guided {
			copies = 2 * n
		}
	}
	values := make([]float32, residuals*copies)
	for i := range residuals {
		scale := 1.0
		if c.Mode != ControlBalanced && residuals > 1 {
			scale = math.Pow(0.1, float64(residuals-1-i)/float64(residuals-1))
		}
		for k := range copies {
			if acts[k%n] && (!bare || k >= n) {
				values[i*copies+k] = float32(scale) * c.Weight
			}
		}
	}
	return runtime.NewFloat32([]int64{int64(residuals), int64(copies)}, values)
}
