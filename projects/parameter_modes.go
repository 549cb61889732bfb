package projects

import (
	"strconv"

	"maquette/inference"
)

// addModes adds what AUTOMATIC1111 writes of a start, a mask and a second pass.
func addModes(r Recipe, add func(key, value string)) {
	switch pass := r.SecondPass; {
	case r.Strength > 0 && r.Strength < 1:
		add("Denoising strength", number(r.Strength))
	case pass != nil:
		add("Denoising strength", number(pass.Strength))
	}
	if pass := r.SecondPass; pass != nil {
		add("Hires upscale", number(pass.Scale))
		if pass.Steps > 0 {
			add("Hires steps", strconv.Itoa(pass.Steps))
		}
		add("Hires upscaler", "Lanczos")
	}
	if p := r.Inpaint; p != nil {
		add("Mask blur", strconv.Itoa(p.Feather))
		if p.Only {
			add("Inpaint area", "Only masked")
			add("Masked area padding", strconv.Itoa(p.Padding))
		}
	}
}

// modeName pairs a control mode with the extension's name of it.
type modeName struct {
	ours   inference.ControlMode
	theirs string
}

func modeNames() []modeName {
	return []modeName{{inference.ControlPromptFirst, "My prompt is more important"}, {inference.ControlControlFirst, "ControlNet is more important"}}
}

// second is the recipe's second pass, which it gets if it has none.
func second(r *Recipe) *SecondPass {
	if r.SecondPass == nil {
		r.SecondPass = &SecondPass{}
	}
	return r.SecondPass
}

// finishSecondPass completes a second pass that was read setting by setting.
func finishSecondPass(r *Recipe) {
	p := r.SecondPass
	if p == nil {
		return
	}
	// AUTOMATIC1111 has one strength, which is the second pass's where there is one.
	if p.Strength, r.Strength = r.Strength, 0; p.Strength == 0 {
		p.Strength = DefaultSecondPass(p.Scale).Strength
	}
	if final := r.FinalSize(); p.Scale == 0 || !validSide(final.X) || !validSide(final.Y) {
		r.SecondPass = nil
	}
}
