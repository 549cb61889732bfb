package panels

import (
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// rangeSlider chooses an interval within 0…1 with two thumbs. The interval is
// at least one step wide.
type rangeSlider struct {
	widget.BaseWidget
	start, end float64
	onChange   func(start, end float64)
	dragging   int // 0 none, 1 start, 2 end
	hovered    bool
}

const (
	rangeStep  = 0.05
	rangeInset = 4 // units left and right of the track, as a slider has
)

func newRangeSlider(onChange func(start, end float64)) *rangeSlider {
	r := &rangeSlider{end: 1, onChange: onChange}
	r.ExtendBaseWidget(r)
	return r
}

// show takes an interval from the state.
func (r *rangeSlider) show(start, end float64) {
	if r.start != start || r.end != end {
		r.start, r.end = start, end
		r.Refresh()
	}
}

func (r *rangeSlider) thumb() float32 { return theme.IconInlineSize() * 0.75 }

func (r *rangeSlider) fraction(x float32) float64 {
	t := r.thumb()
	f := float64((x - t/2 - rangeInset) / max(r.Size().Width-t-2*rangeInset, 1))
	return min(max(math.Round(f/rangeStep)*rangeStep, 0), 1)
}

// Dragged moves the thumb that is nearer to where the drag began.
func (r *rangeSlider) Dragged(e *fyne.DragEvent) {
	if r.dragging == 0 {
		r.pick(e.Position.X - e.Dragged.DX)
	}
	r.moveTo(e.Position.X)
}

// DragEnd implements fyne.Draggable.
func (r *rangeSlider) DragEnd() { r.dragging = 0; r.Refresh() }

// Tapped moves the nearer thumb to the pointer.
func (r *rangeSlider) Tapped(e *fyne.PointEvent) {
	r.pick(e.Position.X)
	r.moveTo(e.Position.X)
	r.dragging = 0
}

// pick chooses the thumb nearer to x.
func (r *rangeSlider) pick(x float32) {
	f := r.fraction(x)
	toStart, toEnd := math.Abs(f-r.start), math.Abs(f-r.end)
	switch {
	case toStart < toEnd, toStart == toEnd && f < r.start:
		r.dragging = 1
	default:
		r.dragging = 2
	}
}

func (r *rangeSlider) moveTo(x float32) {
	f := r.fraction(x)
	start, end := r.start, r.end
	if r.dragging == 1 {
		start = min(f, end-rangeStep)
	} else {
		end = max(f, start+rangeStep)
	}
	start, end = max(start, 0), min(end, 1)
	if start == r.start && end == r.end {
		return
	}
	r.start, r.end = start, end
	r.Refresh()
	r.onChange(start, end)
}

// MouseIn implements desktop.Hoverable.
func (r *rangeSlider) MouseIn(*desktop.MouseEvent) { r.hovered = true; r.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (r *rangeSlider) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (r *rangeSlider) MouseOut() { r.hovered = false; r.Refresh() }

// CreateRenderer implements fyne.Widget.
func (r *rangeSlider) CreateRenderer() fyne.WidgetRenderer {
	v := &rangeRenderer{
		r:     r,
		track: canvas.NewRectangle(color.Transparent), active: canvas.NewRectangle(color.Transparent),
		halo: canvas.NewCircle(color.Transparent),
		from: canvas.NewCircle(color.Transparent), to: canvas.NewCircle(color.Transparent),
	}
	v.Refresh()
	return v
}

type rangeRenderer struct {
	r              *rangeSlider
	track, active  *canvas.Rectangle
	halo, from, to *canvas.Circle
}

// Layout implements fyne.WidgetRenderer.
func (v *rangeRenderer) Layout(size fyne.Size) {
	t := v.r.thumb()
	line := theme.InputBorderSize() * 2
	y := (size.Height - line) / 2
	x := func(f float64) float32 { return rangeInset + t/2 + float32(f)*(size.Width-t-2*rangeInset) }
	v.track.Move(fyne.NewPos(x(0), y))
	v.track.Resize(fyne.NewSize(max(x(1)-x(0), 0), line))
	v.active.Move(fyne.NewPos(x(v.r.start), y))
	v.active.Resize(fyne.NewSize(max(x(v.r.end)-x(v.r.start), 0), line))
	for thumb, f := range map[*canvas.Circle]float64{v.from: v.r.start, v.to: v.r.end} {
		thumb.Move(fyne.NewPos(x(f)-t/2, (size.Height-t)/2))
		thumb.Resize(fyne.NewSquareSize(t))
	}
	at := v.r.start
	if v.r.dragging == 2 {
		at = v.r.end
	}
	v.halo.Move(fyne.NewPos(x(at)-t, size.Height/2-t))
	v.halo.Resize(fyne.NewSquareSize(2 * t))
}

// MinSize implements fyne.WidgetRenderer.
func (v *rangeRenderer) MinSize() fyne.Size {
	return fyne.NewSize(80, theme.IconInlineSize()+2*theme.Padding())
}

// Refresh implements fyne.WidgetRenderer.
func (v *rangeRenderer) Refresh() {
	th, variant := theme.Current(), fyne.CurrentApp().Settings().ThemeVariant()
	v.track.FillColor = th.Color(theme.ColorNameInputBorder, variant)
	v.track.CornerRadius, v.active.CornerRadius = 2, 2
	v.active.FillColor = th.Color(theme.ColorNameForeground, variant)
	v.from.FillColor = th.Color(theme.ColorNameForeground, variant)
	v.to.FillColor = v.from.FillColor
	v.halo.FillColor = color.Transparent
	if v.r.dragging != 0 {
		v.halo.FillColor = th.Color(theme.ColorNameFocus, variant)
	}
	v.Layout(v.r.Size())
	for _, o := range v.Objects() {
		o.Refresh()
	}
}

// Objects implements fyne.WidgetRenderer.
func (v *rangeRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{v.track, v.active, v.halo, v.from, v.to}
}

// Destroy implements fyne.WidgetRenderer.
func (v *rangeRenderer) Destroy() {}
