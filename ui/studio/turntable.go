package studio

import (
	"image"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// turntable shows a body and lets the pointer walk the camera around it.
type turntable struct {
	widget.BaseWidget
	picture *canvas.Image
	// azimuth and elevation are the camera's angles in radians, as in views.Camera.
	azimuth, elevation float64
	// turned is told of every change; moving is true while the pointer drags.
	turned func(moving bool)
}

func newTurntable(turned func(moving bool)) *turntable {
	t := &turntable{picture: fitted(), turned: turned}
	t.picture.Hide()
	t.ExtendBaseWidget(t)
	return t
}

// show displays img; nil shows nothing.
func (t *turntable) show(img image.Image) {
	t.picture.Image = img
	if img == nil {
		t.picture.Hide()
		return
	}
	t.picture.Show()
	t.picture.Refresh()
}

// turnTo sets the angles in radians, the elevation within ±90°.
func (t *turntable) turnTo(azimuth, elevation float64, moving bool) {
	t.azimuth = math.Remainder(azimuth, 2*math.Pi)
	t.elevation = min(max(elevation, -math.Pi/2), math.Pi/2)
	t.turned(moving)
}

// Dragged implements fyne.Draggable: across the widget is half a turn.
func (t *turntable) Dragged(e *fyne.DragEvent) {
	side := float64(max(min(t.Size().Width, t.Size().Height), 1))
	t.turnTo(t.azimuth-float64(e.Dragged.DX)/side*math.Pi, t.elevation+float64(e.Dragged.DY)/side*math.Pi, true)
}

// DragEnd implements fyne.Draggable.
func (t *turntable) DragEnd() { t.turned(false) }

// Cursor implements desktop.Cursorable.
func (t *turntable) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer implements fyne.Widget.
func (t *turntable) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(t.picture) }
