package panels

import (
	"fyne.io/fyne/v2/lang"

	"maquette/control/views"
)

// ViewName is what the user sees for a named view.
func ViewName(n views.Name) string {
	switch n {
	case views.Front:
		return lang.L("Front")
	case views.ThreeQuarterLeft:
		return lang.L("Three-quarter left")
	case views.ThreeQuarterRight:
		return lang.L("Three-quarter right")
	case views.SideLeft:
		return lang.L("Left side")
	case views.SideRight:
		return lang.L("Right side")
	case views.Back:
		return lang.L("Back")
	case views.Top:
		return lang.L("From above")
	}
	return string(n)
}

// ReadingName is what the user sees for a reading of a part.
func ReadingName(r views.Reading) string {
	switch r {
	case views.Auto:
		return lang.L("Find out")
	case views.Round:
		return lang.L("Round, like a cushion")
	case views.Flat:
		return lang.L("Flat, like a board")
	case views.Box:
		return lang.L("A box")
	case views.Revolved:
		return lang.L("Turned, like a vase")
	case views.Depth:
		return lang.L("From the photograph's depth")
	}
	return string(r)
}
