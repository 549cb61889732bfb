package sketchpad

import (
	"fmt"
	"image"
)

// live is an object while it is being drawn. Its settled part lies in the raster's mask, the part that the next motion
// replaces in the tail; ink under them is always made anew from the kept blocks, so a preview leaves nothing behind.
type live struct {
	obj     Object
	settled int // freehand: segments that are in the mask

	blocks map[int][]uint8         // block → ink before, nil where there was none; what undo needs
	drawn  map[int]bool            // blocks that the mask touches
	tail   map[int]image.Rectangle // block → part that the tail touches
	dirty  map[int]image.Rectangle // block → part to compose again
}

// begin starts drawing an object with the kind, width, softness and mirror of o. What was being drawn is dropped.
func (d *Document) begin(o Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	d.needRaster()
	o.Points = nil
	d.live = &live{
		obj:    o,
		blocks: make(map[int][]uint8),
		drawn:  make(map[int]bool),
		tail:   make(map[int]image.Rectangle),
		dirty:  make(map[int]image.Rectangle),
	}
}

// extend adds points to the freehand stroke being drawn. The stroke is shown as far as the points of lead, by a
// provisional end that the next call replaces.
func (d *Document) extend(points []Point, lead ...Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.live
	if l == nil {
		return
	}
	l.obj.Points = append(l.obj.Points, points...)
	d.clearTail()
	d.settle(len(l.obj.Points) - 2)
	// The last known segment and the way to the pointer may still change.
	known := l.obj.Points[max(0, len(l.obj.Points)-3):]
	end := l.obj
	end.Points = append(append(make([]Point, 0, 6), known...), lead...)
	for i := max(0, len(known)-2); i < max(1, len(end.Points)-1); i++ {
		for c := 0; c <= end.Mirror.copies(); c++ {
			pen{o: &end, t: identity(), copy: c}.segment(i, d.tailLine)
		}
	}
	d.composeLive()
}

// preview shows a shape of the given kind as the object being drawn, in place of the one shown before.
func (d *Document) preview(kind Kind, points []Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live == nil {
		return
	}
	d.live.obj.Kind, d.live.obj.Points = kind, points
	d.clearTail()
	d.live.obj.outline(identity(), d.raster.bounds(), d.tailLine)
	d.composeLive()
}

// finish makes what is being drawn part of the document, and reports whether there was anything. It fails if the drawing
// is full.
func (d *Document) finish() (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.live
	if l == nil {
		return false, nil
	}
	if l.obj.validate() != nil { // a polygon without corners, say
		d.cancelLive()
		return false, nil
	}
	size := d.state.weight.with(&l.obj)
	if err := size.check(); err != nil {
		d.cancelLive()
		return false, fmt.Errorf("sketchpad: %w", err)
	}
	o := l.obj
	o.Points = append([]Point(nil), l.obj.Points...)
	o.computeBox()
	d.clearTail()
	if o.Kind.freehand() {
		d.settle(max(1, len(o.Points)-1))
	} else {
		o.outline(identity(), d.raster.bounds(), d.settledLine)
	}
	d.composeLive()
	for i := range l.blocks {
		if !l.drawn[i] {
			delete(l.blocks, i)
		}
	}
	d.clearMask()
	d.live = nil
	next := d.state
	next.objects = append(next.objects[:len(next.objects):len(next.objects)], &o)
	next.weight = size
	d.push(&record{before: d.state, after: next, box: o.box, blocks: l.blocks, mask: o.Kind.masks()})
	return true, nil
}

// cancel drops what is being drawn and reports whether there was anything.
func (d *Document) cancel() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cancelLive()
}

// cancelLive is cancel for a caller that holds the lock.
func (d *Document) cancelLive() bool {
	l := d.live
	if l == nil {
		return false
	}
	d.clearTail()
	d.clearMask()
	d.composeLive()
	d.live = nil
	return true
}

// settle puts the segments before number end of the freehand stroke into the mask for good.
func (d *Document) settle(end int) {
	l := d.live
	for ; l.settled < end; l.settled++ {
		for c := 0; c <= l.obj.Mirror.copies(); c++ {
			pen{o: &l.obj, t: identity(), copy: c}.segment(l.settled, d.settledLine)
		}
	}
}

// settledLine puts a straight piece into the mask.
func (d *Document) settledLine(a, b node) {
	d.raster.mask.line(a, b, d.live.obj.Softness, func(r image.Rectangle) {
		d.raster.squares(r, blockSide, func(i int) {
			d.live.drawn[i] = true
			d.touch(i, r)
		})
	})
}

// tailLine puts a straight piece into the tail.
func (d *Document) tailLine(a, b node) {
	d.raster.tail.line(a, b, d.live.obj.Softness, func(r image.Rectangle) {
		d.raster.squares(r, blockSide, func(i int) {
			d.touch(i, r)
			d.live.tail[i] = d.live.tail[i].Union(r.Intersect(d.raster.square(i, blockSide)))
		})
	})
}

// clearTail empties the tail.
func (d *Document) clearTail() {
	for i, r := range d.live.tail {
		d.raster.tail.clear(r)
		d.touch(i, r)
	}
	clear(d.live.tail)
}

// clearMask empties the mask.
func (d *Document) clearMask() {
	for i := range d.live.drawn {
		box := d.raster.square(i, blockSide)
		d.raster.mask.clear(box)
		d.touch(i, box)
	}
}

// touch marks the part r of block i as to be composed, keeping a copy of the block's ink the first time.
func (d *Document) touch(i int, r image.Rectangle) {
	l := d.live
	box := d.raster.square(i, blockSide)
	if _, kept := l.blocks[i]; !kept {
		d.raster.squares(box, tileSide, d.freshen)
		l.blocks[i] = d.raster.copyBlock(box, l.obj.Kind.masks())
	}
	l.dirty[i] = l.dirty[i].Union(r.Intersect(box))
}

// composeLive brings ink and display up to date with mask and tail.
func (d *Document) composeLive() {
	r, l := d.raster, d.live
	plane := r.ink.layer(l.obj.Kind.masks())
	lay := layInk
	if l.obj.Kind.erases() {
		lay = takeInk
	}
	for i, part := range l.dirty {
		box, before := r.square(i, blockSide), l.blocks[i]
		for y := part.Min.Y; y < part.Max.Y; y++ {
			var kept []uint8
			if before != nil {
				at := 4 * ((y-box.Min.Y)*box.Dx() + part.Min.X - box.Min.X)
				kept = before[at : at+4*part.Dx()]
			}
			lay(rowOf(plane, part.Min.X, part.Max.X, y), kept,
				r.mask.row(part.Min.X, part.Max.X, y), r.tail.row(part.Min.X, part.Max.X, y))
		}
		r.flatten(part, d.state.opacity)
		r.note(part)
	}
	clear(l.dirty)
}

// copyBlock returns the ink or the mask inside box, row after row, or nil where there is none.
func (r *raster) copyBlock(box image.Rectangle, mask bool) []uint8 {
	plane, blank := r.ink.layer(mask), true
	for y := box.Min.Y; y < box.Max.Y && blank; y++ {
		for _, v := range rowOf(plane, box.Min.X, box.Max.X, y) {
			if v != 0 {
				blank = false
				break
			}
		}
	}
	if blank {
		return nil
	}
	out := make([]uint8, 0, 4*box.Dx()*box.Dy())
	for y := box.Min.Y; y < box.Max.Y; y++ {
		out = append(out, rowOf(plane, box.Min.X, box.Max.X, y)...)
	}
	return out
}

// swapBlock puts kept, as copyBlock returned it, into box and returns what was there.
func (r *raster) swapBlock(box image.Rectangle, kept []uint8, mask bool) []uint8 {
	was, plane := r.copyBlock(box, mask), r.ink.layer(mask)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := rowOf(plane, box.Min.X, box.Max.X, y)
		if kept == nil {
			clear(row)
		} else {
			copy(row, kept[4*(y-box.Min.Y)*box.Dx():])
		}
	}
	return was
}
