package sketchpad

import "image"

// DefaultHistoryBytes is how many bytes of pixel copies the history of a document keeps.
const DefaultHistoryBytes = 128 << 20

// history is what undo and redo go through. Every step keeps the vectors before and after, which costs next to nothing
// because objects never change, so undo has no limit. Beside them a step keeps pixels, so that undo is instant: the
// blocks of ink that a stroke touched (blank ones cost nothing) or, where everything changed, the old plane as it was.
// Undo and redo exchange these with the raster, so one copy serves both. Pixels beyond the byte budget are given up,
// those furthest from the present first; such a step is rasterised again from the vectors in the background.
type history struct {
	done, undone []*record // the last of each is the nearest to the present
	bytes        int
	budget       int
}

// record is one step of the history.
type record struct {
	before, after state
	box           image.Rectangle
	blocks        map[int][]uint8 // pixels of the other side of the step, see live.blocks; nil if given up
	mask          bool            // the blocks are of the mask
	plane         *inkPlane       // … or all of them
	bytes         int
}

// cost sets r.bytes.
func (r *record) cost() int {
	r.bytes = 0
	for _, b := range r.blocks {
		r.bytes += len(b) + 48
	}
	if r.plane != nil {
		r.bytes += len(r.plane.img.Pix)
		if r.plane.veil != nil {
			r.bytes += len(r.plane.veil.Pix)
		}
	}
	return r.bytes
}

// push makes r the latest step and its after the present state. The raster already shows it or has been told.
// The caller holds the lock.
func (d *Document) push(r *record) {
	h := &d.history
	for _, u := range h.undone {
		h.bytes -= u.bytes
	}
	h.undone = nil
	h.done = append(h.done, r)
	h.bytes += r.cost()
	d.state = r.after
	d.revision++
	h.trim()
}

// trim gives up pixels until the budget is kept. The step nearest to the present always keeps its own.
func (h *history) trim() {
	for h.bytes > h.budget {
		list, far := h.done, -1
		for _, l := range [][]*record{h.done, h.undone} {
			for i, r := range l {
				if away := len(l) - i; r.bytes > 0 && away > 1 && away > far {
					list, far = l, away
				}
			}
		}
		if far < 0 {
			return
		}
		r := list[len(list)-far]
		h.bytes -= r.bytes
		r.blocks, r.plane, r.bytes = nil, nil, 0
	}
}

// commit makes next the present state; the raster is brought up to date inside box in the background.
func (d *Document) commit(next state, box image.Rectangle) {
	d.push(&record{before: d.state, after: next, box: box})
	if d.raster != nil {
		d.raster.invalidate(box)
	}
	d.fill()
}

// commitFresh makes next, which has nothing in common with the present pixels, the present state.
func (d *Document) commitFresh(next state) {
	r := &record{before: d.state, after: next, box: image.Rectangle{Max: next.size}}
	if d.raster != nil {
		r.plane = d.raster.ink
		d.replacePlane(next, newInkPlane(next.size))
		if len(next.objects) > 0 {
			d.raster.invalidate(d.raster.bounds())
		}
	}
	d.push(r)
	d.fill()
}

// commitUnderlay makes next, which differs from the present state in its underlay, the present state. Changes of the
// opacity alone that follow each other, as from a slider, are one step.
func (d *Document) commitUnderlay(next state) {
	n := len(d.history.done)
	if n > 0 && len(d.history.undone) == 0 && d.history.done[n-1].fades(d.state, next) {
		d.history.done[n-1].after = next
		d.state = next
		d.revision++
	} else {
		d.push(&record{before: d.state, after: next})
	}
	if d.raster != nil {
		d.raster.invalidateFlat(d.raster.bounds())
	}
	d.fill()
}

// fades reports whether r only changed the opacity of the underlay, as the change from now to next does as well.
func (r *record) fades(now, next state) bool {
	return r.box.Empty() && r.plane == nil && r.before.size == next.size && len(r.before.objects) == len(next.objects) &&
		r.before.underlay == next.underlay && now.underlay == next.underlay
}

// replacePlane shows another plane of ink, which may have another size.
func (d *Document) replacePlane(next state, plane *inkPlane) {
	if d.raster.size != next.size {
		d.raster = newRaster(next.size)
	}
	d.raster.ink = plane
	for i := range d.raster.serial {
		d.raster.serial[i]++
	}
	d.raster.invalidateFlat(d.raster.bounds())
}

// CanUndo reports whether there is a step to take back.
func (d *Document) CanUndo() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.history.done) > 0
}

// CanRedo reports whether there is a step to repeat.
func (d *Document) CanRedo() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.history.undone) > 0
}

// Undo takes back the latest step and reports whether there was one. An object being drawn is dropped.
func (d *Document) Undo() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	return d.step(&d.history.done, &d.history.undone, func(r *record) state { return r.before })
}

// Redo repeats the step that was taken back last and reports whether there was one. An object being drawn is dropped.
func (d *Document) Redo() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	return d.step(&d.history.undone, &d.history.done, func(r *record) state { return r.after })
}

// step moves the nearest record of from to the list to and makes the given side of it the present state.
func (d *Document) step(from, to *[]*record, side func(*record) state) bool {
	n := len(*from)
	if n == 0 {
		return false
	}
	r := (*from)[n-1]
	*from = (*from)[:n-1]
	*to = append(*to, r)
	now := d.state
	d.state = side(r)
	d.revision++
	d.history.bytes -= r.bytes
	if d.raster != nil {
		d.showStep(r, now)
	} else {
		r.blocks, r.plane = nil, nil
	}
	d.history.bytes += r.cost()
	d.history.trim()
	d.fill()
	return true
}

// showStep brings the raster from the state now to the present state, which is the other side of r.
func (d *Document) showStep(r *record, now state) {
	switch {
	case r.plane != nil:
		was := d.raster.ink
		d.replacePlane(d.state, r.plane)
		r.plane = was
	case d.state.size != now.size:
		d.replacePlane(d.state, newInkPlane(d.state.size))
		d.raster.invalidate(d.raster.bounds())
	case r.blocks != nil && !d.anyStale(r):
		d.swapBlocks(r)
	default:
		r.blocks = nil
		d.raster.invalidate(r.box)
	}
	if d.state.underlay != now.underlay || d.state.opacity != now.opacity {
		d.raster.invalidateFlat(d.raster.bounds())
	}
}

// anyStale reports whether a block of r lies on a tile that has yet to be rasterised.
func (d *Document) anyStale(r *record) bool {
	any := false
	for i := range r.blocks {
		d.raster.squares(d.raster.square(i, blockSide), tileSide, func(t int) { any = any || d.raster.ink.stale[t] })
	}
	return any
}

// swapBlocks exchanges the blocks of r with the raster. A few are put on paper at once, many in the background.
func (d *Document) swapBlocks(r *record) {
	const atOnce = 192 // about 3 ms
	for i, kept := range r.blocks {
		box := d.raster.square(i, blockSide)
		r.blocks[i] = d.raster.swapBlock(box, kept, r.mask)
		if len(r.blocks) <= atOnce {
			d.raster.flatten(box, d.state.opacity)
			d.raster.note(box)
		} else {
			d.raster.invalidateFlat(box)
		}
	}
}

// takeDirty returns the rectangles of the display that changed since the last call, other than in the background.
func (d *Document) takeDirty() []image.Rectangle {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.raster == nil {
		return nil
	}
	dirty := d.raster.dirty
	d.raster.dirty = nil
	return dirty
}
