package sketchpad

import (
	"errors"
	"fmt"
	"math"
)

// What a document may hold. The limits lie far above what a hand can draw, and bound the time and memory that a broken
// or hostile file can take.
const (
	maxObjects       = 50_000
	maxPoints        = 2_000_000 // in all objects together
	maxStrokePoints  = 100_000   // in one object
	maxCoordinate    = 1 << 14   // canvas pixels away from the top left corner
	maxLineWidth     = 2 * MaxBrushSize * MaxCanvasSide / MinCanvasSide
	maxPicturePixels = 4 * MaxPictureSide * MaxPictureSide // in all pasted images together
	maxPictureBytes  = 24 << 20                            // of their PNG encodings together
	maxInk           = 20e9                                // pixels that the pieces of all lines cover, overlaps counted
	maxDocumentBytes = 80 << 20                            // of JSON text
)

// ErrFull reports that a drawing would hold more than it may.
var ErrFull = errors.New("the drawing is full")

// validate reports why the object cannot be part of a document.
func (o *Object) validate() error {
	least, most := 2, 2
	switch o.Kind {
	case KindBrush, KindEraser, KindMask, KindUnmask:
		least, most = 1, maxStrokePoints
	case KindPolygon:
		most = maxStrokePoints
	case KindImage:
		if o.Image == nil {
			return errors.New("it has no picture")
		}
	case KindLine, KindRectangle, KindEllipse:
	default:
		return fmt.Errorf("%q is not a kind of object", o.Kind)
	}
	if n := len(o.Points); n < least || n > most {
		return fmt.Errorf("it has %d points, %d to %d are allowed", n, least, most)
	}
	if !(o.Width >= 0 && o.Width <= maxLineWidth) {
		return fmt.Errorf("its width of %g pixels is not within 0 to %d", o.Width, maxLineWidth)
	}
	if !(o.Softness >= 0 && o.Softness <= 1) {
		return fmt.Errorf("its softness of %g is not within 0 to 1", o.Softness)
	}
	for _, v := range []float32{o.Mirror.X, o.Mirror.Y} {
		if !(math.Abs(float64(v)) <= maxCoordinate) {
			return fmt.Errorf("its mirror axis at %g is off the canvas", v)
		}
	}
	for i, p := range o.Points {
		if !(math.Abs(float64(p.X)) <= maxCoordinate && math.Abs(float64(p.Y)) <= maxCoordinate) {
			return fmt.Errorf("point %d at (%g, %g) is too far off the canvas", i, p.X, p.Y)
		}
		if !(p.Pressure >= 0 && p.Pressure <= 1) {
			return fmt.Errorf("point %d has a pressure of %g, not within 0 to 1", i, p.Pressure)
		}
	}
	return nil
}

// weight is how much of its limits a drawing takes up.
type weight struct {
	objects, points int
	pixels, encoded int     // of the pasted images and their PNG encodings
	ink             float64 // see Object.ink
}

// with returns the weight with objects added.
func (w weight) with(objects ...*Object) weight {
	w.objects += len(objects)
	for _, o := range objects {
		w.points += len(o.Points)
		w.ink += o.ink()
		if o.Image != nil {
			w.pixels += o.Image.Size().X * o.Image.Size().Y
			w.encoded += len(o.Image.encoded)
		}
	}
	return w
}

// check reports what is too much, as ErrFull. A drawing that passes can be saved and read back.
func (w weight) check() error {
	switch {
	case w.objects > maxObjects:
		return fmt.Errorf("%w: it holds at most %d objects", ErrFull, maxObjects)
	case w.points > maxPoints:
		return fmt.Errorf("%w: it holds at most %d points, not %d", ErrFull, maxPoints, w.points)
	case w.pixels > maxPicturePixels:
		return fmt.Errorf("%w: the pasted images have %d megapixels together, at most %d are allowed", ErrFull,
			w.pixels>>20, maxPicturePixels>>20)
	case w.encoded > maxPictureBytes:
		return fmt.Errorf("%w: the pasted images take %d MB together, at most %d are allowed", ErrFull, w.encoded>>20, maxPictureBytes>>20)
	case w.ink > maxInk:
		return fmt.Errorf("%w: the strokes are too many and too wide to be drawn in reasonable time", ErrFull)
	}
	return nil
}

// ink estimates how many pixels have to be looked at to draw the object.
func (o *Object) ink() float64 {
	if o.Kind == KindImage {
		return 0
	}
	total := 0.0
	for i, p := range o.Points {
		length := 0.0
		if i > 0 {
			q := o.Points[i-1]
			// Only what lies near the canvas is drawn.
			length = math.Min(math.Hypot(float64(p.X-q.X), float64(p.Y-q.Y)), 2*MaxCanvasSide)
		}
		total += (length + o.Width + 1) * math.Min(o.Width+1, MaxCanvasSide)
	}
	return total * float64(1+o.Mirror.copies())
}
