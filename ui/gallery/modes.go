package gallery

import (
	"fmt"
	"strconv"

	"fyne.io/fyne/v2/lang"

	"maquette/inference"
	"maquette/projects"
)

// addModes adds what a recipe started from and how often it was rendered.
func addModes(add func(name, value string), r projects.Recipe) {
	switch p := r.Inpaint; {
	case p != nil && p.Only:
		add(lang.L("Start"), lang.L("Another concept; the masked part alone was rendered"))
	case p != nil:
		add(lang.L("Start"), lang.L("Another concept; its masked part is new"))
	case r.Init != "":
		add(lang.L("Start"), lang.L("Another picture"))
	}
	if p := r.SecondPass; p != nil {
		size := r.FinalSize()
		add(lang.L("Finer"), fmt.Sprintf("%s× · %d × %d · %s", strconv.FormatFloat(p.Scale, 'f', -1, 64), size.X, size.Y,
			strconv.FormatFloat(p.Strength, 'f', -1, 64)))
	}
}

// modeText continues the line of a control.
func modeText(mode inference.ControlMode) string {
	switch mode {
	case inference.ControlPromptFirst:
		return ", " + lang.L("the prompt decides")
	case inference.ControlControlFirst:
		return ", " + lang.L("the drawing decides")
	}
	return ""
}
