package sketchpad

import (
	"image"
	"math/bits"
)

const (
	// tileSide is the side, in canvas pixels, of the squares in which a document is rasterised in the background.
	tileSide = 256
	// blockSide is the side of the squares of which the history keeps copies.
	blockSide = 64
)

// raster is what a document looks like at canvas size: the ink alone, and the ink on paper in several sizes for display.
type raster struct {
	size   image.Point
	ink    *inkPlane
	levels []*image.RGBA // ink over underlay over paper; each level is half as large as the one before
	flat   []bool        // per tile: the levels show the ink
	serial []uint32      // per tile: changes whenever work done on the tile in the background would be out of date
	mask   *coverage     // of the object being drawn: what is settled
	tail   *coverage     // … and what the next motion of the pointer replaces
	under  *image.RGBA   // the underlay at canvas size
	wanted *Picture      // the underlay that under shows, or is going to show
	dirty  []image.Rectangle
}

// inkPlane holds the drawn pixels, premultiplied on a transparent ground, and the mask. Its stale tiles have yet to be
// rasterised.
type inkPlane struct {
	img   *image.RGBA
	veil  *image.RGBA // see layer; nil without a mask
	stale []bool
}

func newInkPlane(size image.Point) *inkPlane {
	return &inkPlane{img: image.NewRGBA(image.Rectangle{Max: size}), stale: make([]bool, tileCount(size))}
}

// grid returns the number of squares of the given side in each direction.
func grid(size image.Point, side int) image.Point {
	return image.Pt((size.X+side-1)/side, (size.Y+side-1)/side)
}

func tileCount(size image.Point) int {
	g := grid(size, tileSide)
	return g.X * g.Y
}

// newRaster returns the raster of an empty document.
func newRaster(size image.Point) *raster {
	r := &raster{
		size:   size,
		ink:    newInkPlane(size),
		flat:   make([]bool, tileCount(size)),
		serial: make([]uint32, tileCount(size)),
		mask:   newCoverage(image.Rectangle{Max: size}),
		tail:   newCoverage(image.Rectangle{Max: size}),
	}
	for s := size; ; s = image.Pt((s.X+1)/2, (s.Y+1)/2) {
		// Left transparent until the background gets to it, which shows the white paper beneath.
		r.levels = append(r.levels, image.NewRGBA(image.Rectangle{Max: s}))
		if max(s.X, s.Y) <= tileSide/2 {
			break
		}
	}
	return r
}

func (r *raster) bounds() image.Rectangle { return image.Rectangle{Max: r.size} }

// square returns the pixels of square i of a grid of the given side.
func (r *raster) square(i, side int) image.Rectangle {
	columns := grid(r.size, side).X
	x, y := i%columns*side, i/columns*side
	return image.Rect(x, y, x+side, y+side).Intersect(r.bounds())
}

// squares calls f with the number of every square of the given side that box touches.
func (r *raster) squares(box image.Rectangle, side int, f func(i int)) {
	box = box.Intersect(r.bounds())
	if box.Empty() {
		return
	}
	columns := grid(r.size, side).X
	for y := box.Min.Y / side; y <= (box.Max.Y-1)/side; y++ {
		for x := box.Min.X / side; x <= (box.Max.X-1)/side; x++ {
			f(y*columns + x)
		}
	}
}

// invalidate marks the tiles that box touches as to be rasterised again.
func (r *raster) invalidate(box image.Rectangle) {
	r.squares(box, tileSide, func(i int) {
		r.ink.stale[i], r.flat[i] = true, false
		r.serial[i]++
	})
}

// invalidateFlat marks the tiles that box touches as to be put on paper again.
func (r *raster) invalidateFlat(box image.Rectangle) {
	r.squares(box, tileSide, func(i int) { r.flat[i] = false })
}

// flatten puts the ink inside box on paper, in every level.
func (r *raster) flatten(box image.Rectangle, opacity float64) {
	box = box.Intersect(r.bounds())
	if box.Empty() {
		return
	}
	o := opacityByte(opacity)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		var under []uint8
		if r.under != nil {
			under = rowOf(r.under, box.Min.X, box.Max.X, y)
		}
		ontoPaper(rowOf(r.levels[0], box.Min.X, box.Max.X, y), rowOf(r.ink.img, box.Min.X, box.Max.X, y), under, o)
		if r.ink.veil != nil {
			tint(rowOf(r.levels[0], box.Min.X, box.Max.X, y), rowOf(r.ink.veil, box.Min.X, box.Max.X, y))
		}
	}
	part := box
	for i := 1; i < len(r.levels); i++ {
		part = image.Rect(part.Min.X/2, part.Min.Y/2, (part.Max.X+1)/2, (part.Max.Y+1)/2)
		halve(r.levels[i], r.levels[i-1], part)
	}
}

// note remembers that the levels changed inside box.
func (r *raster) note(box image.Rectangle) {
	const most = 2048
	if len(r.dirty) >= most {
		r.dirty = append(r.dirty[:0], r.bounds())
		return
	}
	r.dirty = append(r.dirty, box)
}

// level returns the display raster for a magnification of zoom, and the magnification that remains: above 1 the canvas
// itself, else the smallest level that is not smaller than what is shown.
func (r *raster) level(zoom float64) (*image.RGBA, float64) {
	i := 0
	if zoom < 1 {
		i = min(bits.Len(uint(1/zoom))-1, len(r.levels)-1)
	}
	return r.levels[i], zoom * float64(int(1)<<i)
}
