// Package sketchpad is the drawing surface of the studio: a vector document, its rasterisation, its undo history, and
// the widget and tool strip with which a person draws on it.
//
// The files of the document (document.go, object.go, picture.go, path.go, coverage.go, compose.go, raster.go, live.go,
// history.go, encode.go, parse.go) know nothing of the window; a Document may be used from any goroutine.
package sketchpad

import (
	"fmt"
	"image"
	"sync"
)

// The limits of a document.
const (
	MinCanvasSide = 64
	MaxCanvasSide = 2048
)

// DefaultCanvas is the canvas size of a new document in pixels.
func DefaultCanvas() image.Point { return image.Pt(1024, 1024) }

// Presets returns the canvas sizes offered to users, in pixels.
func Presets() []image.Point {
	return []image.Point{
		{X: 512, Y: 512}, {X: 768, Y: 768}, {X: 1024, Y: 1024}, {X: 1536, Y: 1024}, {X: 1024, Y: 1536}, {X: 2048, Y: 2048},
	}
}

// Document is a drawing: vector objects in the order they were drawn, on a white canvas, over an optional underlay.
// The objects are the truth; the raster that the window shows is made from them and kept up to date tile by tile.
//
// All methods may be called from any goroutine. Render, RenderWithUnderlay and MarshalJSON work on a snapshot and hold
// up nobody while they run.
type Document struct {
	mu       sync.Mutex
	state    state
	revision uint64 // counts committed changes

	raster  *raster // nil until somebody looks
	live    *live
	history history

	onStale func(image.Rectangle) // see watch
	filling bool                  // a goroutine is filling stale tiles
	idle    *sync.Cond            // signalled when filling ends
}

// state is everything that undo and redo can change. Its slices are never modified in place.
type state struct {
	size     image.Point
	objects  []*Object
	weight   weight // of the objects
	underlay *Picture
	opacity  float64
}

// NewDocument returns an empty document with a canvas of the given size in pixels, brought into the range MinCanvasSide
// to MaxCanvasSide.
func NewDocument(size image.Point) *Document {
	return newDocument(state{size: clampSize(size), opacity: 1})
}

func newDocument(s state) *Document {
	d := &Document{state: s}
	d.idle = sync.NewCond(&d.mu)
	d.history.budget = DefaultHistoryBytes
	return d
}

func clampSize(size image.Point) image.Point {
	c := func(v int) int { return min(max(v, MinCanvasSide), MaxCanvasSide) }
	return image.Pt(c(size.X), c(size.Y))
}

// Size returns the canvas size in pixels.
func (d *Document) Size() image.Point {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.size
}

// Objects returns the objects in drawing order. Neither the slice nor the objects may be changed.
func (d *Document) Objects() []*Object {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.objects
}

// Empty reports whether nothing has been drawn or pasted. The underlay and the mask do not count.
func (d *Document) Empty() bool {
	for _, o := range d.Objects() {
		if o.Kind != KindEraser && !o.Kind.masks() {
			return false
		}
	}
	return true
}

// Underlay returns the picture that lies under the drawing and its opacity from 0 to 1; the picture is nil without one.
func (d *Document) Underlay() (*Picture, float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.underlay, d.state.opacity
}

// Revision returns a number that grows with every committed change, undo and redo included. Equal numbers mean that
// nothing needs saving.
func (d *Document) Revision() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.revision
}

// Add draws objects on top of the drawing, as one step of undo. It fails without changing anything if an object is out
// of the limits or the drawing is full.
func (d *Document) Add(objects ...*Object) error {
	kept := make([]*Object, 0, len(objects))
	for _, o := range objects {
		if err := o.validate(); err != nil {
			return fmt.Errorf("sketchpad: adding a %s: %w", o.Kind, err)
		}
		n := *o
		n.computeBox()
		kept = append(kept, &n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	size := d.state.weight.with(kept...)
	if err := size.check(); err != nil {
		return fmt.Errorf("sketchpad: %w", err)
	}
	d.cancelLive()
	next := d.state
	next.objects = append(next.objects[:len(next.objects):len(next.objects)], kept...)
	next.weight = size
	box := image.Rectangle{}
	for _, o := range kept {
		box = box.Union(o.box)
	}
	d.commit(next, box)
	return nil
}

// Clear removes everything that is drawn; the underlay and the mask stay.
func (d *Document) Clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	if d.state.drawn() == 0 {
		return
	}
	next := d.state
	next.objects, next.weight = nil, weight{}
	for _, o := range d.state.objects {
		if o.Kind.masks() {
			next.objects = append(next.objects, o)
		}
	}
	next.weight = next.weight.with(next.objects...)
	d.commitFresh(next)
}

// SetSize changes the canvas to size pixels. What is drawn is scaled with it, so that it fits centred in the new
// canvas; being vectors it stays crisp.
func (d *Document) SetSize(size image.Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	size = clampSize(size)
	if size == d.state.size {
		return
	}
	next := d.state
	t := fitTransform(d.state.size, size)
	next.size = size
	next.objects = make([]*Object, len(d.state.objects))
	for i, o := range d.state.objects {
		next.objects[i] = o.scaled(t)
	}
	next.weight = weight{}.with(next.objects...)
	d.commitFresh(next)
}

// SetUnderlay puts p, or nothing for nil, under the drawing with an opacity from 0 to 1.
func (d *Document) SetUnderlay(p *Picture, opacity float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	opacity = clamp(opacity, 0, 1)
	if p == d.state.underlay && opacity == d.state.opacity {
		return
	}
	d.cancelLive()
	next := d.state
	next.underlay, next.opacity = p, opacity
	d.commitUnderlay(next)
}

// fitTransform maps a canvas of size from onto one of size to: scaled evenly and centred.
func fitTransform(from, to image.Point) transform {
	s := min(float64(to.X)/float64(from.X), float64(to.Y)/float64(from.Y))
	return transform{
		scale: s,
		dx:    (float64(to.X) - s*float64(from.X)) / 2,
		dy:    (float64(to.Y) - s*float64(from.Y)) / 2,
	}
}
