package sketchpad

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// buttonHeight is the height in units of a row of the tool strip, which has to fit beside the drawing on a screen of 768.
const buttonHeight = 29

// stripButton is a row of the tool strip: an icon and its label. A chosen tool is filled with the accent colour, a
// switch that is on is tinted with it.
type stripButton struct {
	widget.BaseWidget
	icon     icon
	text     string
	chosen   bool // the tool in use
	on       bool // a switch that is on
	disabled bool
	hovered  bool
	tapped   func()
}

var (
	_ fyne.Tappable     = (*stripButton)(nil)
	_ desktop.Hoverable = (*stripButton)(nil)
)

func newStripButton(i icon, text string, tapped func()) *stripButton {
	b := &stripButton{icon: i, text: text, tapped: tapped}
	b.ExtendBaseWidget(b)
	return b
}

// set changes how the button looks.
func (b *stripButton) set(chosen, on, disabled bool) {
	if chosen == b.chosen && on == b.on && disabled == b.disabled {
		return
	}
	b.chosen, b.on, b.disabled = chosen, on, disabled
	b.Refresh()
}

// Tapped implements fyne.Tappable.
func (b *stripButton) Tapped(*fyne.PointEvent) {
	if !b.disabled {
		b.tapped()
	}
}

// MouseIn implements desktop.Hoverable.
func (b *stripButton) MouseIn(*desktop.MouseEvent) {
	b.hovered = true
	b.Refresh()
}

// MouseMoved implements desktop.Hoverable.
func (b *stripButton) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *stripButton) MouseOut() {
	b.hovered = false
	b.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (b *stripButton) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{
		button: b,
		ground: canvas.NewRectangle(color.Transparent),
		image:  canvas.NewImageFromResource(nil),
		label:  canvas.NewText(b.text, color.Black),
	}
	r.image.FillMode = canvas.ImageFillContain
	r.ground.CornerRadius = 6
	r.Refresh()
	return r
}

// buttonRenderer draws a stripButton.
type buttonRenderer struct {
	button *stripButton
	ground *canvas.Rectangle
	image  *canvas.Image
	label  *canvas.Text
}

// Destroy implements fyne.WidgetRenderer.
func (r *buttonRenderer) Destroy() {}

const (
	iconSide   = 18
	buttonEdge = 8 // left of the icon, and between icon and label
)

// Layout implements fyne.WidgetRenderer.
func (r *buttonRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	r.image.Move(fyne.NewPos(buttonEdge, (size.Height-iconSide)/2))
	r.image.Resize(fyne.NewSquareSize(iconSide))
	text := r.label.MinSize()
	r.label.Move(fyne.NewPos(2*buttonEdge+iconSide, (size.Height-text.Height)/2))
	r.label.Resize(text)
}

// MinSize implements fyne.WidgetRenderer.
func (r *buttonRenderer) MinSize() fyne.Size {
	width := float32(2*buttonEdge + iconSide)
	if r.label.Text != "" {
		width += r.label.MinSize().Width + buttonEdge/2
	}
	return fyne.NewSize(width, buttonHeight)
}

// Objects implements fyne.WidgetRenderer.
func (r *buttonRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.image, r.label}
}

// Refresh implements fyne.WidgetRenderer.
func (r *buttonRenderer) Refresh() {
	b := r.button
	ink, fill := theme.Color(theme.ColorNameForeground), color.Color(color.Transparent)
	switch {
	case b.chosen:
		ink, fill = theme.Color(theme.ColorNameForegroundOnPrimary), theme.Color(theme.ColorNamePrimary)
	case b.on:
		ink, fill = theme.Color(theme.ColorNamePrimary), theme.Color(theme.ColorNameSelection)
	case b.disabled:
		ink = theme.Color(theme.ColorNameDisabled)
	case b.hovered:
		fill = theme.Color(theme.ColorNameHover)
	}
	r.ground.FillColor = fill
	r.image.Resource = b.icon.resource(ink)
	r.label.Text = b.text
	r.label.Color = ink
	if b.on {
		r.label.Color = theme.Color(theme.ColorNameForeground)
	}
	r.label.TextSize = theme.Size(theme.SizeNameCaptionText)
	r.ground.Refresh()
	r.image.Refresh()
	r.label.Refresh()
	r.Layout(b.Size())
}

// dial is a row of the tool strip with a name, a value in words and a slider.
type dial struct {
	widget.BaseWidget
	name, value string
	slider      *widget.Slider
	setting     bool // the slider is being set to what it shows already
}

// newDial returns a dial whose slider runs from 0 to 1 in steps; moved hears of every change by the user.
func newDial(name string, step float64, moved func(float64)) *dial {
	d := &dial{name: name, slider: widget.NewSlider(0, 1)}
	d.slider.Step = step
	d.slider.OnChanged = func(v float64) {
		if !d.setting {
			moved(v)
		}
	}
	d.ExtendBaseWidget(d)
	return d
}

// set shows a place of the slider, 0 to 1, and the value in words, without calling moved.
func (d *dial) set(at float64, value string) {
	d.setting = true
	d.slider.SetValue(at)
	d.setting = false
	if value != d.value {
		d.value = value
		d.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (d *dial) CreateRenderer() fyne.WidgetRenderer {
	r := &dialRenderer{dial: d, name: canvas.NewText(d.name, color.Black), value: canvas.NewText(d.value, color.Black)}
	r.Refresh()
	return r
}

// dialRenderer draws a dial.
type dialRenderer struct {
	dial        *dial
	name, value *canvas.Text
}

// Destroy implements fyne.WidgetRenderer.
func (r *dialRenderer) Destroy() {}

const (
	dialHeight   = 40
	sliderTop    = 14
	sliderHeight = dialHeight - sliderTop
)

// Layout implements fyne.WidgetRenderer.
func (r *dialRenderer) Layout(size fyne.Size) {
	r.name.Move(fyne.NewPos(buttonEdge, 0))
	r.name.Resize(r.name.MinSize())
	value := r.value.MinSize()
	r.value.Move(fyne.NewPos(size.Width-value.Width-buttonEdge, 0))
	r.value.Resize(value)
	r.dial.slider.Move(fyne.NewPos(0, sliderTop))
	r.dial.slider.Resize(fyne.NewSize(size.Width, sliderHeight))
}

// MinSize implements fyne.WidgetRenderer.
func (r *dialRenderer) MinSize() fyne.Size { return fyne.NewSize(88, dialHeight) }

// Objects implements fyne.WidgetRenderer.
func (r *dialRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.name, r.value, r.dial.slider}
}

// Refresh implements fyne.WidgetRenderer.
func (r *dialRenderer) Refresh() {
	r.value.Text = r.dial.value
	r.name.Color = theme.Color(theme.ColorNamePlaceHolder)
	r.value.Color = theme.Color(theme.ColorNameForeground)
	for _, t := range []*canvas.Text{r.name, r.value} {
		t.TextSize = theme.Size(theme.SizeNameCaptionText)
		t.Refresh()
	}
	r.Layout(r.dial.Size())
}
