// Package tooltip shows a short text beside a widget while the pointer rests on it.
//
// Fyne has no tooltips. Wrap a widget with New, and the window's content once with NewLayer; tips are drawn in that
// layer, above the content and without catching any input. Without a layer around it a tip is never shown, and the widget
// works as ever.
package tooltip

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// rest is how long the pointer has to stay on a widget before its tip appears.
const rest = 500 * time.Millisecond

// New returns obj with text as its tooltip. The result takes obj's place in the layout; clicks, hovering and scrolling
// reach obj as before.
func New(obj fyne.CanvasObject, text string) fyne.CanvasObject {
	return NewFunc(obj, func() string { return text })
}

// NewFunc is New for a text that changes: it is asked for when the tip is about to appear. While it is empty there is no
// tip.
func NewFunc(obj fyne.CanvasObject, text func() string) fyne.CanvasObject {
	t := &tip{obj: obj, text: text, after: afterRest}
	t.sensor = newSensor(t)
	t.ExtendBaseWidget(t)
	return t
}

// afterRest runs f on Fyne's goroutine once the pointer has rested, unless the returned function is called before.
func afterRest(f func()) (stop func()) {
	timer := time.AfterFunc(rest, func() { fyne.Do(f) })
	return func() { timer.Stop() }
}

// tip is an object with a tooltip.
type tip struct {
	widget.BaseWidget
	obj    fyne.CanvasObject
	text   func() string
	sensor *sensor
	after  func(f func()) (stop func())
}

// CreateRenderer implements fyne.Widget.
func (t *tip) CreateRenderer() fyne.WidgetRenderer { return &tipRenderer{t} }

// tipRenderer lays the sensor over the object.
type tipRenderer struct{ tip *tip }

// Destroy implements fyne.WidgetRenderer.
func (r *tipRenderer) Destroy() { r.tip.sensor.leave() }

// Layout implements fyne.WidgetRenderer.
func (r *tipRenderer) Layout(size fyne.Size) {
	r.tip.obj.Resize(size)
	r.tip.sensor.Resize(size)
}

// MinSize implements fyne.WidgetRenderer.
func (r *tipRenderer) MinSize() fyne.Size { return r.tip.obj.MinSize() }

// Objects implements fyne.WidgetRenderer.
func (r *tipRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.tip.obj, r.tip.sensor}
}

// Refresh implements fyne.WidgetRenderer.
func (r *tipRenderer) Refresh() { r.tip.obj.Refresh() }

// sensor lies over an object and feels the pointer. Fyne looks for the topmost object that takes each kind of event by
// itself, so a sensor that is only Hoverable lets clicks through; hovering it passes on.
type sensor struct {
	widget.BaseWidget
	tip   *tip
	under desktop.Hoverable // the part of the object that is being told of the pointer
	stop  func()            // calls off the tip that is about to appear
	layer *layer            // that shows the tip
}

var _ desktop.Hoverable = (*sensor)(nil)

func newSensor(t *tip) *sensor {
	s := &sensor{tip: t}
	s.ExtendBaseWidget(s)
	return s
}

// CreateRenderer implements fyne.Widget. A sensor shows nothing.
func (s *sensor) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(color.Transparent))
}

// MouseIn implements desktop.Hoverable.
func (s *sensor) MouseIn(ev *desktop.MouseEvent) {
	s.pass(ev)
	if ev.Button == 0 && s.tip.text() != "" && s.stop == nil {
		s.stop = s.tip.after(s.show)
	}
}

// MouseMoved implements desktop.Hoverable.
func (s *sensor) MouseMoved(ev *desktop.MouseEvent) {
	s.pass(ev)
	if ev.Button != 0 {
		s.hide()
	}
}

// MouseOut implements desktop.Hoverable.
func (s *sensor) MouseOut() {
	if s.under != nil {
		s.under.MouseOut()
		s.under = nil
	}
	s.leave()
}

// pass tells the object under the pointer of it.
func (s *sensor) pass(ev *desktop.MouseEvent) {
	found, at := hoverable(s.tip.obj, ev.Position)
	inner := *ev
	inner.Position = at
	switch {
	case found == s.under && found != nil:
		found.MouseMoved(&inner)
		return
	case s.under != nil:
		s.under.MouseOut()
	}
	if s.under = found; found != nil {
		found.MouseIn(&inner)
	}
}

// hoverable returns the topmost object at a place that wants to know of the pointer, looking into containers, and the
// place within it.
func hoverable(obj fyne.CanvasObject, at fyne.Position) (desktop.Hoverable, fyne.Position) {
	if h, ok := obj.(desktop.Hoverable); ok {
		return h, at
	}
	box, ok := obj.(*fyne.Container)
	if !ok {
		return nil, at
	}
	for i := len(box.Objects) - 1; i >= 0; i-- {
		o := box.Objects[i]
		inner, size := at.Subtract(o.Position()), o.Size()
		if !o.Visible() || inner.X < 0 || inner.Y < 0 || inner.X >= size.Width || inner.Y >= size.Height {
			continue
		}
		if h, p := hoverable(o, inner); h != nil {
			return h, p
		}
	}
	return nil, at
}

// show makes the tip appear in the layer of the window.
func (s *sensor) show() {
	driver := fyne.CurrentApp().Driver()
	c := driver.CanvasForObject(s)
	if c == nil || s.stop == nil {
		return
	}
	root := c.Content()
	if top := c.Overlays().Top(); top != nil {
		root = top
	}
	place, corner := driver.AbsolutePositionForObject(s), fyne.Position{}
	if inset, _ := c.InteractiveArea(); place == corner.Subtract(inset) {
		return // what Fyne says of objects that a press has hidden, or what they are in
	}
	if s.layer = findLayer(root); s.layer != nil {
		s.layer.show(s.tip.text(), place.Subtract(driver.AbsolutePositionForObject(s.layer)), s.Size())
	}
}

// hide makes the tip disappear.
func (s *sensor) hide() {
	if s.layer != nil {
		s.layer.hide()
		s.layer = nil
	}
}

// leave calls the tip off or makes it disappear.
func (s *sensor) leave() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.hide()
}
