package sketchpad

import (
	"image"
	"math"

	"fyne.io/fyne/v2"
)

// The limits of the magnification, in screen pixels per canvas pixel.
const (
	MinZoom = 0.05
	MaxZoom = 32
)

// View says how the canvas lies on the pad. Screen pixels are those of the window's frame buffer; Fyne's units are larger
// on dense displays.
type View struct {
	Zoom             float64 // screen pixels per canvas pixel
	OriginX, OriginY float64 // of the canvas' top left corner, in screen pixels from the pad's
	Scale            float64 // screen pixels per Fyne unit
}

// ToCanvas returns the canvas coordinates, in canvas pixels, of a position on the pad.
func (v View) ToCanvas(pos fyne.Position) (x, y float64) {
	return (float64(pos.X)*v.Scale - v.OriginX) / v.Zoom, (float64(pos.Y)*v.Scale - v.OriginY) / v.Zoom
}

// ToPad returns the position on the pad of canvas coordinates.
func (v View) ToPad(x, y float64) fyne.Position {
	return fyne.NewPos(float32((x*v.Zoom+v.OriginX)/v.Scale), float32((y*v.Zoom+v.OriginY)/v.Scale))
}

// zoomed returns the view magnified to zoom with the given position of the pad staying where it is.
func (v View) zoomed(zoom float64, about fyne.Position) View {
	zoom = clamp(zoom, MinZoom, MaxZoom)
	if near := math.Exp2(math.Round(math.Log2(zoom))); math.Abs(zoom/near-1) < 1e-6 {
		zoom = near // so that products of factors reach the crisp magnifications
	}
	x, y := v.ToCanvas(about)
	v.Zoom = zoom
	v.OriginX = float64(about.X)*v.Scale - x*zoom
	v.OriginY = float64(about.Y)*v.Scale - y*zoom
	return v
}

// fitted returns the view that shows the whole canvas, centred with a margin, on a pad of the given size.
func (v View) fitted(canvas image.Point, pad fyne.Size) View {
	const margin = 24 // units
	w, h := float64(pad.Width)*v.Scale, float64(pad.Height)*v.Scale
	free := func(side float64) float64 { return math.Max(side-2*margin*v.Scale, side/2) }
	v.Zoom = clamp(math.Min(free(w)/float64(canvas.X), free(h)/float64(canvas.Y)), MinZoom, MaxZoom)
	return v.centred(canvas, pad)
}

// centred returns the view with the canvas in the middle of the pad.
func (v View) centred(canvas image.Point, pad fyne.Size) View {
	v.OriginX = math.Round((float64(pad.Width)*v.Scale - float64(canvas.X)*v.Zoom) / 2)
	v.OriginY = math.Round((float64(pad.Height)*v.Scale - float64(canvas.Y)*v.Zoom) / 2)
	return v
}

// kept returns the view moved as little as needed for a strip of the canvas to stay on the pad.
func (v View) kept(canvas image.Point, pad fyne.Size) View {
	const strip = 48 // units
	within := func(origin, length, side float64) float64 {
		m := math.Min(strip*v.Scale, length)
		return clamp(origin, m-length, math.Max(side-m, m-length))
	}
	v.OriginX = within(v.OriginX, float64(canvas.X)*v.Zoom, float64(pad.Width)*v.Scale)
	v.OriginY = within(v.OriginY, float64(canvas.Y)*v.Zoom, float64(pad.Height)*v.Scale)
	return v
}

// shown returns the size of the canvas on the screen, in whole screen pixels.
func (v View) shown(canvas image.Point) image.Point {
	return image.Pt(int(math.Ceil(float64(canvas.X)*v.Zoom-1e-6)), int(math.Ceil(float64(canvas.Y)*v.Zoom-1e-6)))
}

// onScreen returns the screen pixels, counted from the canvas' corner, that a rectangle of the canvas influences.
func (v View) onScreen(r image.Rectangle) image.Rectangle {
	// A screen pixel is interpolated between canvas pixels, so each canvas pixel reaches a little further than itself;
	// smaller levels of the display make that up to two of their pixels.
	reach := 1.0
	if v.Zoom < 1 {
		reach = 2 / v.Zoom
	}
	lo := func(c int) int { return int(math.Floor((float64(c) - reach) * v.Zoom)) }
	hi := func(c int) int { return int(math.Ceil((float64(c) + reach) * v.Zoom)) }
	return image.Rect(lo(r.Min.X), lo(r.Min.Y), hi(r.Max.X), hi(r.Max.Y))
}
