package gallery

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

const (
	zoomStep = 1.25 // per notch of the wheel
	zoomMax  = 16.0 // window units per image pixel
)

// ZoomView shows an image that the wheel zooms about the pointer and a drag
// pans. It starts fitted to its size and stays so until the user zooms.
type ZoomView struct {
	widget.BaseWidget
	img *canvas.Image
	// zoom is in window units per image pixel; 0 means fitted.
	zoom   float32
	offset fyne.Position // of the image's top left corner
	linked *ZoomView     // shows the same spot, if not nil
}

var (
	_ fyne.Scrollable     = (*ZoomView)(nil)
	_ fyne.Draggable      = (*ZoomView)(nil)
	_ fyne.DoubleTappable = (*ZoomView)(nil)
	_ fyne.WidgetRenderer = (*zoomRenderer)(nil)
	_ fyne.CanvasObject   = (*ZoomView)(nil)
)

// NewZoomView returns an empty view.
func NewZoomView() *ZoomView {
	v := &ZoomView{img: &canvas.Image{FillMode: canvas.ImageFillStretch, ScaleMode: canvas.ImageScaleFastest}}
	v.ExtendBaseWidget(v)
	return v
}

// SetImage shows img; nil empties the view. The zoom is kept when the size of
// the image stays, so that paging through variants compares the same spot.
func (v *ZoomView) SetImage(img image.Image) {
	if img == nil || v.img.Image == nil || img.Bounds().Size() != v.img.Image.Bounds().Size() {
		v.zoom = 0
	}
	v.img.Image = img
	v.place()
	v.img.Refresh()
}

// Fit shows the whole image.
func (v *ZoomView) Fit() {
	v.zoom = 0
	v.place()
	v.lead()
}

// link makes two views show the same spot at the same size.
func link(a, b *ZoomView) { a.linked, b.linked = b, a }

// lead brings the linked view to where this one is.
func (v *ZoomView) lead() {
	o := v.linked
	if o == nil {
		return
	}
	w, _ := v.imageSize()
	other, _ := o.imageSize()
	o.zoom, o.offset = v.zoom, v.offset
	if w > 0 && other > 0 {
		o.zoom *= w / other
	}
	o.place()
}

// Actual shows one image pixel per window unit, centred.
func (v *ZoomView) Actual() {
	v.zoomTo(1, fyne.NewPos(v.Size().Width/2, v.Size().Height/2))
}

// Zoom returns window units per image pixel.
func (v *ZoomView) Zoom() float32 {
	if v.zoom == 0 {
		return v.fitZoom()
	}
	return v.zoom
}

// Scrolled zooms about the pointer.
func (v *ZoomView) Scrolled(e *fyne.ScrollEvent) {
	if v.img.Image == nil || e.Scrolled.DY == 0 {
		return
	}
	z := v.Zoom()
	if e.Scrolled.DY > 0 {
		z *= zoomStep
	} else {
		z /= zoomStep
	}
	if z <= v.fitZoom() {
		v.Fit()
		return
	}
	v.zoomTo(z, e.Position)
}

// DoubleTapped switches between the whole image and its actual pixels.
func (v *ZoomView) DoubleTapped(e *fyne.PointEvent) {
	if v.zoom != 0 {
		v.Fit()
		return
	}
	v.zoomTo(max(1, 2*v.fitZoom()), e.Position)
}

// Dragged pans.
func (v *ZoomView) Dragged(e *fyne.DragEvent) {
	if v.zoom == 0 {
		return
	}
	v.offset = v.offset.AddXY(e.Dragged.DX, e.Dragged.DY)
	v.place()
	v.lead()
}

// DragEnd ends a pan.
func (v *ZoomView) DragEnd() {}

// CreateRenderer implements fyne.Widget.
func (v *ZoomView) CreateRenderer() fyne.WidgetRenderer { return &zoomRenderer{v} }

func (v *ZoomView) imageSize() (w, h float32) {
	if v.img.Image == nil {
		return 0, 0
	}
	b := v.img.Image.Bounds()
	return float32(b.Dx()), float32(b.Dy())
}

func (v *ZoomView) fitZoom() float32 {
	w, h := v.imageSize()
	if w == 0 || h == 0 {
		return 1
	}
	return min(v.Size().Width/w, v.Size().Height/h)
}

// zoomTo keeps the image point under p where it is.
func (v *ZoomView) zoomTo(zoom float32, p fyne.Position) {
	old := v.Zoom()
	zoom = min(zoom, zoomMax)
	at := v.img.Position()
	v.offset = fyne.NewPos(p.X-(p.X-at.X)*zoom/old, p.Y-(p.Y-at.Y)*zoom/old)
	v.zoom = zoom
	v.place()
	v.lead()
}

// place moves the image to where zoom and offset say, never out of sight.
func (v *ZoomView) place() {
	w, h := v.imageSize()
	z := v.Zoom()
	w, h = w*z, h*z
	s := v.Size()
	inside := func(offset, length, room float32) float32 {
		if length <= room {
			return (room - length) / 2
		}
		return min(0, max(room-length, offset))
	}
	v.offset = fyne.NewPos(inside(v.offset.X, w, s.Width), inside(v.offset.Y, h, s.Height))
	v.img.Move(v.offset)
	v.img.Resize(fyne.NewSize(w, h))
	v.img.ScaleMode = canvas.ImageScaleFastest
	if z >= 4 {
		v.img.ScaleMode = canvas.ImageScalePixels
	}
}

type zoomRenderer struct{ v *ZoomView }

func (r *zoomRenderer) Layout(fyne.Size)             { r.v.place() }
func (r *zoomRenderer) MinSize() fyne.Size           { return fyne.NewSize(160, 160) }
func (r *zoomRenderer) Refresh()                     { r.v.img.Refresh() }
func (r *zoomRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.v.img} }
func (r *zoomRenderer) Destroy()                     {}
