package sketchpad

import (
	"encoding/binary"
	"image"
	"math"
)

// pixelZoom is the magnification from which canvas pixels are shown as squares.
const pixelZoom = 4

// show fills part, a rectangle of dst, with the display of the document magnified by zoom. dst is the rectangle of the
// magnified canvas that begins at origin (screen pixels from the canvas' corner).
func (d *Document) show(dst *image.RGBA, part image.Rectangle, origin image.Point, zoom float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	level, rest := d.needRaster().level(zoom)
	part = part.Intersect(dst.Rect)
	if part.Empty() {
		return
	}
	switch {
	case rest == 1:
		copyPixels(dst, part, level, origin)
	case rest >= pixelZoom:
		nearest(dst, part, level, origin, rest)
	default:
		bilinear(dst, part, level, origin, rest)
	}
}

// copyPixels shows src as it is.
func copyPixels(dst *image.RGBA, part image.Rectangle, src *image.RGBA, origin image.Point) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		sy := min(y+origin.Y, src.Rect.Max.Y-1)
		x0, x1 := min(part.Min.X+origin.X, src.Rect.Max.X), min(part.Max.X+origin.X, src.Rect.Max.X)
		copy(rowOf(dst, part.Min.X, part.Max.X, y), rowOf(src, x0, x1, sy))
	}
}

// nearest shows the pixels of src as squares.
func nearest(dst *image.RGBA, part image.Rectangle, src *image.RGBA, origin image.Point, zoom float64) {
	columns := make([]int, part.Dx())
	for i := range columns {
		columns[i] = 4 * min(int((float64(part.Min.X+i+origin.X)+0.5)/zoom), src.Rect.Max.X-1)
	}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		sy := min(int((float64(y+origin.Y)+0.5)/zoom), src.Rect.Max.Y-1)
		in, out := src.Pix[sy*src.Stride:], rowOf(dst, part.Min.X, part.Max.X, y)
		for i, c := range columns {
			copy(out[4*i:4*i+4], in[c:c+4])
		}
	}
}

// tap is the place of a screen pixel between two pixels of the source, with the weight of the second from 0 to 256.
type tap struct {
	a, b   int
	weight uint64
}

// taps returns the taps of n screen pixels from first on, for a source with the given number of pixels.
func taps(first, n, limit int, zoom float64) []tap {
	out := make([]tap, n)
	for i := range out {
		at := (float64(first+i)+0.5)/zoom - 0.5
		floor := math.Floor(at)
		a := int(floor)
		out[i] = tap{
			a:      min(max(a, 0), limit-1),
			b:      min(max(a+1, 0), limit-1),
			weight: uint64((at-floor)*256 + 0.5),
		}
	}
	return out
}

// lanes spreads the four bytes of a pixel over 16-bit lanes, so that one multiplication scales all of them.
func lanes(p uint32) uint64 {
	v := uint64(p)
	return v&0xff | v&0xff00<<8 | v&0xff0000<<16 | v&0xff000000<<24
}

// laneMask keeps the lower byte of every lane.
const laneMask = 0x00ff00ff00ff00ff

// bilinear shows src interpolated.
func bilinear(dst *image.RGBA, part image.Rectangle, src *image.RGBA, origin image.Point, zoom float64) {
	columns := taps(part.Min.X+origin.X, part.Dx(), src.Rect.Dx(), zoom)
	rows := taps(part.Min.Y+origin.Y, part.Dy(), src.Rect.Dy(), zoom)
	for y, r := range rows {
		top, low := src.Pix[r.a*src.Stride:], src.Pix[r.b*src.Stride:]
		out := rowOf(dst, part.Min.X, part.Max.X, part.Min.Y+y)
		wy := r.weight
		for x := range columns {
			c := &columns[x]
			t0 := binary.LittleEndian.Uint32(top[4*c.a:])
			t1 := binary.LittleEndian.Uint32(top[4*c.b:])
			l0 := binary.LittleEndian.Uint32(low[4*c.a:])
			l1 := binary.LittleEndian.Uint32(low[4*c.b:])
			if t0 == t1 && l0 == l1 && t0 == l0 { // bare paper, most of the time
				binary.LittleEndian.PutUint32(out[4*x:], t0)
				continue
			}
			wx := c.weight
			t := (lanes(t0)*(256-wx) + lanes(t1)*wx) >> 8 & laneMask
			l := (lanes(l0)*(256-wx) + lanes(l1)*wx) >> 8 & laneMask
			v := (t*(256-wy) + l*wy) >> 8 & laneMask
			binary.LittleEndian.PutUint32(out[4*x:], uint32(v&0xff|v>>8&0xff00|v>>16&0xff0000|v>>24&0xff000000))
		}
	}
}
