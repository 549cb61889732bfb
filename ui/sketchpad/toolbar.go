package sketchpad

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// Toolbar returns the tool strip of a pad, at most 120 units wide. tr translates its texts.
func Toolbar(pad *Pad, tr func(string) string) fyne.CanvasObject { return container.NewVBox() }
