package sketchpad

import "image"

// Whatever takes long (opening a document, another canvas size, undo beyond the kept copies, an underlay) marks tiles as
// stale. One goroutine per document then rasterises them from the vectors, one tile at a time, and reports each; it
// holds the document's lock only to copy a finished tile. A stroke that starts on a stale tile rasterises that tile at
// once.

// watch makes f hear of rectangles of the display that changed in the background. f is called without the lock held,
// on the background goroutine.
func (d *Document) watch(f func(image.Rectangle)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onStale = f
	d.needRaster()
	d.fill()
}

// Settle waits until no rasterisation is going on in the background.
func (d *Document) Settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.needRaster()
	d.fill()
	for d.filling {
		d.idle.Wait()
	}
}

// needRaster makes the raster, which a document that is only rendered or saved never has. The caller holds the lock.
func (d *Document) needRaster() *raster {
	if d.raster == nil {
		d.raster = newRaster(d.state.size)
		if len(d.state.objects) > 0 {
			d.raster.invalidate(d.raster.bounds())
		}
	}
	return d.raster
}

// fill starts the background goroutine if there is work for it. The caller holds the lock.
func (d *Document) fill() {
	if d.raster == nil || d.filling || !d.stale() {
		return
	}
	d.filling = true
	go func() {
		for d.fillTile() {
		}
	}()
}

// stale reports whether any tile has work to do. The caller holds the lock.
func (d *Document) stale() bool {
	if d.raster.wanted != d.state.underlay {
		return true
	}
	_, any := d.raster.next()
	return any
}

// next returns the first tile that is not up to date.
func (r *raster) next() (int, bool) {
	for i, flat := range r.flat {
		if !flat || r.ink.stale[i] {
			return i, true
		}
	}
	return 0, false
}

// fillTile does the next piece of background work and reports whether there may be more.
func (d *Document) fillTile() bool {
	d.mu.Lock()
	r, s, report := d.raster, d.state, d.onStale
	if r.wanted != s.underlay {
		d.mu.Unlock()
		d.fillUnderlay(r, s)
		return true
	}
	i, any := r.next()
	if !any {
		d.filling = false
		d.idle.Broadcast()
		d.mu.Unlock()
		return false
	}
	box := r.square(i, tileSide)
	if r.ink.stale[i] {
		serial := r.serial[i]
		d.mu.Unlock()
		tile := s.rasterised(box)
		d.mu.Lock()
		if d.raster != r || r.serial[i] != serial {
			d.mu.Unlock()
			return true
		}
		r.store(i, tile)
	}
	r.flatten(box, d.state.opacity)
	r.flat[i] = true
	d.mu.Unlock()
	if report != nil {
		report(box)
	}
	return true
}

// store puts freshly rasterised pixels into tile i.
func (r *raster) store(i int, tile drawnTile) {
	box := tile.ink.Rect
	for y := box.Min.Y; y < box.Max.Y; y++ {
		copy(rowOf(r.ink.img, box.Min.X, box.Max.X, y), rowOf(tile.ink, box.Min.X, box.Max.X, y))
		switch {
		case tile.veil != nil:
			copy(rowOf(r.ink.layer(true), box.Min.X, box.Max.X, y), rowOf(tile.veil, box.Min.X, box.Max.X, y))
		case r.ink.veil != nil:
			clear(rowOf(r.ink.veil, box.Min.X, box.Max.X, y))
		}
	}
	r.ink.stale[i] = false
	r.serial[i]++
}

// freshen rasterises tile i at once if it is stale. The caller holds the lock.
func (d *Document) freshen(i int) {
	if r := d.raster; r.ink.stale[i] {
		r.store(i, d.state.rasterised(r.square(i, tileSide)))
	}
}

// fillUnderlay scales the underlay of s to the canvas and puts it under the drawing.
func (d *Document) fillUnderlay(r *raster, s state) {
	var under *image.RGBA
	if s.underlay != nil {
		under = placeUnderlay(s.underlay, s.size, identity(), s.size)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.raster == r && d.state.underlay == s.underlay {
		r.under, r.wanted = under, s.underlay
		r.invalidateFlat(r.bounds())
	}
}
