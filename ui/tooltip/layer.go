package tooltip

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// NewLayer returns content with a layer above it in which the tooltips of everything in content appear. Give the result
// to the window, on its own or inside containers.
func NewLayer(content fyne.CanvasObject) fyne.CanvasObject {
	l := &layer{
		content: content,
		ground:  canvas.NewRectangle(color.Transparent),
		label:   widget.NewLabel(""),
		wake:    canvas.NewRectangle(color.Transparent),
	}
	l.label.SizeName = theme.SizeNameCaptionText
	l.box = container.NewWithoutLayout(l.ground, l.label)
	l.box.Hide()
	l.ExtendBaseWidget(l)
	return l
}

// layer shows at most one tip above its content.
type layer struct {
	widget.BaseWidget
	content fyne.CanvasObject
	box     *fyne.Container
	ground  *canvas.Rectangle
	label   *widget.Label
	laid    fyne.Size // for which the content was laid out
	// Fyne paints no frame for a container that is shown or hidden, nor for what was hidden so far. This rectangle without
	// a size is always there; to refresh it costs nothing but makes a frame.
	wake *canvas.Rectangle
}

// widest is the width in units at which the text of a tip wraps.
const widest = 300

// leftEdge is how far from the left edge of the layer an object ends that counts as part of a narrow strip there.
const leftEdge = 160

// show lets text appear by an object that lies at a place of the layer: beside it in a strip at the left edge, where it
// would cover the next tool, else below it, or above it where there is no room below.
func (l *layer) show(text string, at fyne.Position, size fyne.Size) {
	const gap = 4
	l.recolour()
	l.label.Wrapping = fyne.TextWrapOff
	l.label.SetText(text)
	want := l.label.MinSize()
	if want.Width > widest {
		l.label.Wrapping = fyne.TextWrapWord
		l.label.Resize(fyne.NewSize(widest, want.Height))
		l.label.Refresh()
		want = fyne.NewSize(widest, l.label.MinSize().Height)
	}
	room := l.Size()
	pos := fyne.NewPos(at.X, at.Y+size.Height+gap)
	if pos.Y+want.Height > room.Height {
		pos.Y = at.Y - want.Height - gap
	}
	if right := at.X + size.Width; right < leftEdge && right+2*gap+want.Width < room.Width {
		pos = fyne.NewPos(right+2*gap, min(at.Y+(size.Height-want.Height)/2, room.Height-want.Height-gap))
	}
	pos.X = min(pos.X, room.Width-want.Width-gap)
	l.box.Move(fyne.NewPos(max(pos.X, gap), max(pos.Y, gap)))
	l.box.Resize(want)
	l.ground.Resize(want)
	l.label.Resize(want)
	l.box.Show()
	l.wake.Refresh()
}

// hide makes the tip disappear.
func (l *layer) hide() {
	if l.box.Visible() {
		l.box.Hide()
		l.wake.Refresh()
	}
}

// recolour takes the colours of the theme.
func (l *layer) recolour() {
	l.ground.FillColor = theme.Color(theme.ColorNameOverlayBackground)
	l.ground.StrokeColor = theme.Color(theme.ColorNameSeparator)
	l.ground.StrokeWidth = 1
	l.ground.CornerRadius = 4
}

// CreateRenderer implements fyne.Widget.
func (l *layer) CreateRenderer() fyne.WidgetRenderer { return &layerRenderer{l} }

// layerRenderer lays the tip over the content.
type layerRenderer struct{ layer *layer }

// Destroy implements fyne.WidgetRenderer.
func (r *layerRenderer) Destroy() {}

// Layout implements fyne.WidgetRenderer.
func (r *layerRenderer) Layout(size fyne.Size) {
	r.layer.content.Resize(size)
	// Fyne also lays out anew for the label of the tip itself; only a window of another size makes its place wrong.
	if size != r.layer.laid {
		r.layer.laid = size
		r.layer.hide()
	}
}

// MinSize implements fyne.WidgetRenderer.
func (r *layerRenderer) MinSize() fyne.Size { return r.layer.content.MinSize() }

// Objects implements fyne.WidgetRenderer.
func (r *layerRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.layer.content, r.layer.box, r.layer.wake}
}

// Refresh implements fyne.WidgetRenderer.
func (r *layerRenderer) Refresh() {
	r.layer.recolour()
	r.layer.content.Refresh()
}

// findLayer returns the layer in obj, looking into containers and pop-ups, or nil.
func findLayer(obj fyne.CanvasObject) *layer {
	switch o := obj.(type) {
	case *layer:
		return o
	case *widget.PopUp:
		return findLayer(o.Content)
	case *fyne.Container:
		for _, inner := range o.Objects {
			if l := findLayer(inner); l != nil {
				return l
			}
		}
	}
	return nil
}
