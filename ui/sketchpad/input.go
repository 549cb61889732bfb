package sketchpad

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// action is what the pressed pointer does.
type action int

const (
	idle     action = iota
	stroking        // a freehand stroke
	shaping         // a line, rectangle, ellipse or straight stroke
	panning
)

// gesture is one press of the pointer until its release.
type gesture struct {
	action action
	button desktop.MouseButton
	last   fyne.Position // of the pointer, on the pad

	kind     Kind
	from     Point // where a shape begins
	moved    bool  // far enough for a shape
	filter   oneEuro
	pressure float64
	newest   Point // of the stroke, before smoothing
	points   int   // of the stroke so far
	first    smoother
	second   smoother // smooths what the first has smoothed
}

// MouseDown implements desktop.Mouseable. The primary button draws; the others, or Space held, pan.
func (p *Pad) MouseDown(ev *desktop.MouseEvent) {
	p.moved(ev.AbsolutePosition, ev.Position)
	if p.gesture.action != idle {
		return
	}
	p.shift = ev.Modifier&fyne.KeyModifierShift != 0
	p.gesture = gesture{button: ev.Button, last: ev.Position}
	switch {
	case ev.Button != desktop.MouseButtonPrimary || p.space:
		p.gesture = gesture{action: panning, button: ev.Button, last: ev.Position}
	case p.tool == ToolPolygon:
		p.clickPolygon(ev.Position)
	default:
		p.startDrawing(ev.Position)
	}
	p.scene.placeCursor()
}

// MouseUp implements desktop.Mouseable.
func (p *Pad) MouseUp(ev *desktop.MouseEvent) {
	if p.gesture.action != idle && ev.Button == p.gesture.button {
		p.drag(ev.Position)
		p.release()
	}
}

// Dragged implements fyne.Draggable. Once the pointer has gone two units, motions come here instead of to MouseMoved.
func (p *Pad) Dragged(ev *fyne.DragEvent) {
	p.moved(ev.AbsolutePosition, ev.Position)
	p.drag(ev.Position)
}

// DragEnd implements fyne.Draggable. A release outside the pad brings only this, a release on it MouseUp as well.
func (p *Pad) DragEnd() {
	if p.gesture.action != idle {
		p.release()
	}
}

// MouseIn implements desktop.Hoverable.
func (p *Pad) MouseIn(ev *desktop.MouseEvent) { p.MouseMoved(ev) }

// MouseMoved implements desktop.Hoverable.
func (p *Pad) MouseMoved(ev *desktop.MouseEvent) {
	p.hovering = true
	p.moved(ev.AbsolutePosition, ev.Position)
	switch {
	case p.gesture.action != idle && ev.Button == 0:
		p.release() // the release happened where nobody told the pad
	case p.gesture.action != idle:
		p.drag(ev.Position)
	case len(p.poly) > 0:
		p.showPolygon()
	}
	p.scene.placeCursor()
}

// MouseOut implements desktop.Hoverable.
func (p *Pad) MouseOut() {
	p.hovering = false
	p.scene.placeCursor()
}

// moved notes where the pointer is, and whether the pad itself has moved in the window.
func (p *Pad) moved(absolute, pos fyne.Position) {
	p.hover = pos
	if origin := absolute.Subtract(pos); !absolute.IsZero() && far(origin, p.origin) > 0.01 {
		p.layout(false)
	}
}

// far returns the distance between two positions in units.
func far(a, b fyne.Position) float64 {
	return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y))
}

// Cursor implements desktop.Cursorable.
func (p *Pad) Cursor() desktop.Cursor {
	if p.panReady() {
		return desktop.PointerCursor
	}
	return desktop.CrosshairCursor
}

// panReady reports whether the pointer pans, or would if pressed.
func (p *Pad) panReady() bool {
	return p.gesture.action == panning || p.space && p.gesture.action == idle
}

// Scrolled implements fyne.Scrollable: the wheel zooms about the pointer, sideways scrolling pans.
func (p *Pad) Scrolled(ev *fyne.ScrollEvent) {
	const notch = 25 // what one step of a wheel brings; a touchpad brings many smaller ones
	if ev.Scrolled.DX != 0 {
		p.pan(ev.Scrolled.DX, 0)
	}
	if ev.Scrolled.DY != 0 {
		factor := math.Pow(1.15, float64(ev.Scrolled.DY)/notch)
		// The magnifications that show the canvas crisply are not skipped.
		for _, crisp := range []float64{0.25, 0.5, 1, 2} {
			if z := p.exact.Zoom; (z < crisp && z*factor > crisp) || (z > crisp && z*factor < crisp) {
				factor = crisp / z
			}
		}
		p.zoomAbout(factor, ev.Position)
	}
}

// drag follows the pressed pointer.
func (p *Pad) drag(pos fyne.Position) {
	g := &p.gesture
	switch g.action {
	case panning:
		p.pan(pos.X-g.last.X, pos.Y-g.last.Y)
	case stroking:
		p.extendStroke(pos)
	case shaping:
		p.shapeTo(pos)
	}
	g.last = pos
	p.hover = pos
	p.scene.placeCursor()
}

// release ends the gesture; what was drawn becomes part of the document.
func (p *Pad) release() {
	was := p.gesture.action
	switch was {
	case stroking:
		p.endStroke()
	case shaping:
		p.endShape()
	}
	p.gesture = gesture{}
	p.scene.placeCursor()
	if was == stroking || was == shaping {
		p.drawing(false)
	}
}

// drawing tells the studio that drawing starts or stops.
func (p *Pad) drawing(active bool) {
	if p.OnStroke != nil {
		p.OnStroke(active)
	}
}

// pan moves the canvas by so many units.
func (p *Pad) pan(dx, dy float32) {
	if dx == 0 && dy == 0 {
		return
	}
	p.auto = false
	p.exact.OriginX += float64(dx) * p.exact.Scale
	p.exact.OriginY += float64(dy) * p.exact.Scale
	p.layout(false)
}

// zoomAbout magnifies by factor with a position of the pad staying where it is.
func (p *Pad) zoomAbout(factor float64, about fyne.Position) {
	p.auto = false
	p.exact = p.exact.zoomed(p.exact.Zoom*factor, about)
	p.layout(false)
	p.stateChanged()
}

// centre returns the middle of the pad.
func (p *Pad) centre() fyne.Position {
	return fyne.NewPos(p.Size().Width/2, p.Size().Height/2)
}

// ZoomFit shows the whole canvas, and keeps it whole when the pad's size changes.
func (p *Pad) ZoomFit() {
	p.auto = true
	p.layout(false)
	p.stateChanged()
}

// Zoom100 shows one canvas pixel per screen pixel, about the middle of the pad.
func (p *Pad) Zoom100() {
	p.auto = false
	p.exact = p.exact.zoomed(1, p.centre())
	p.layout(false)
	p.stateChanged()
}

// ZoomBy magnifies by factor about the middle of the pad.
func (p *Pad) ZoomBy(factor float64) { p.zoomAbout(factor, p.centre()) }

// Zoom returns the magnification in screen pixels per canvas pixel.
func (p *Pad) Zoom() float64 { return p.view.Zoom }
