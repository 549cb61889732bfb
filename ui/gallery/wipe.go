package gallery

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const handleWidth = 24 // units around the line of a wipe that take the pointer

// wipe shows one picture to the left of a line that the user drags, and another
// to the right of it.
type wipe struct {
	widget.BaseWidget
	left, right *ZoomView
	window      *container.Clip // what is seen of left
	under       *container.Clip
	line        *canvas.Rectangle
	handle      *wipeHandle
	share       float32 // of the width that is left of the line, 0…1
}

func newWipe(left, right *ZoomView) *wipe {
	w := &wipe{left: left, right: right, share: .5, line: canvas.NewRectangle(theme.Color(theme.ColorNamePrimary))}
	w.handle = newWipeHandle(func(dx float32) { w.moveTo(w.share + dx/max(w.Size().Width, 1)) })
	w.take()
	w.ExtendBaseWidget(w)
	return w
}

// take puts the pictures into this widget; give lets another container have them.
func (w *wipe) take() {
	w.window = container.NewClip(container.New(asLargeAs{w}, w.left))
	w.under = container.NewClip(w.right)
	w.Refresh()
}

func (w *wipe) give() {
	w.window, w.under = container.NewClip(layout.NewSpacer()), container.NewClip(layout.NewSpacer())
	w.Refresh()
}

// moveTo puts the line at a share of the width.
func (w *wipe) moveTo(share float32) {
	w.share = min(max(share, 0), 1)
	w.Refresh()
}

// asLargeAs lays its object out in the size of the whole wipe, whatever part
// of it can be seen.
type asLargeAs struct{ w *wipe }

// Layout implements fyne.Layout.
func (l asLargeAs) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	for _, o := range objects {
		o.Resize(l.w.Size())
	}
}

// MinSize implements fyne.Layout.
func (l asLargeAs) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// CreateRenderer implements fyne.Widget.
func (w *wipe) CreateRenderer() fyne.WidgetRenderer { return &wipeRenderer{w} }

type wipeRenderer struct{ w *wipe }

// Layout implements fyne.WidgetRenderer.
func (r *wipeRenderer) Layout(s fyne.Size) {
	w := r.w
	x := s.Width * w.share
	w.under.Resize(s)
	w.window.Resize(fyne.NewSize(x, s.Height))
	w.left.Resize(s)
	w.line.Move(fyne.NewPos(x-1, 0))
	w.line.Resize(fyne.NewSize(2, s.Height))
	w.handle.Move(fyne.NewPos(x-handleWidth/2, 0))
	w.handle.Resize(fyne.NewSize(handleWidth, s.Height))
}

// MinSize implements fyne.WidgetRenderer.
func (r *wipeRenderer) MinSize() fyne.Size { return fyne.NewSize(320, 160) }

// Refresh implements fyne.WidgetRenderer.
func (r *wipeRenderer) Refresh() {
	r.w.line.FillColor = theme.Color(theme.ColorNamePrimary)
	r.Layout(r.w.Size())
	canvas.Refresh(r.w)
}

// Objects implements fyne.WidgetRenderer.
func (r *wipeRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.w.under, r.w.window, r.w.line, r.w.handle}
}

// Destroy implements fyne.WidgetRenderer.
func (r *wipeRenderer) Destroy() {}

// wipeHandle is the part of a wipe that the user drags.
type wipeHandle struct {
	widget.BaseWidget
	moved func(dx float32)
}

func newWipeHandle(moved func(dx float32)) *wipeHandle {
	h := &wipeHandle{moved: moved}
	h.ExtendBaseWidget(h)
	return h
}

// Dragged implements fyne.Draggable.
func (h *wipeHandle) Dragged(e *fyne.DragEvent) { h.moved(e.Dragged.DX) }

// DragEnd implements fyne.Draggable.
func (h *wipeHandle) DragEnd() {}

// Cursor implements desktop.Cursorable.
func (h *wipeHandle) Cursor() desktop.Cursor { return desktop.HResizeCursor }

// CreateRenderer implements fyne.Widget.
func (h *wipeHandle) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(color.Transparent))
}
