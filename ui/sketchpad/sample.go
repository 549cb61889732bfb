package sketchpad

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// pixelZoom is the magnification from which canvas pixels are shown as squares.
const pixelZoom = 4

// glimpse is a rectangle of the magnified canvas that is to be shown.
type glimpse struct {
	dst    *image.RGBA
	part   image.Rectangle // of dst, to be filled
	origin image.Point     // of dst, in screen pixels from the canvas' corner
}

// show fills the glimpses with the display of the document magnified by zoom, several at a time.
func (d *Document) show(zoom float64, glimpses ...glimpse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	level, rest := d.needRaster().level(zoom)
	if len(glimpses) == 1 {
		glimpses[0].fill(level, rest)
		return
	}
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, g := range glimpses {
		work.Go(func() error {
			g.fill(level, rest)
			return nil
		})
	}
	_ = work.Wait() // no glimpse returns an error
}

// fill shows src magnified by zoom.
func (g *glimpse) fill(src *image.RGBA, zoom float64) {
	part := g.part.Intersect(g.dst.Rect)
	switch {
	case part.Empty():
	case zoom == 1:
		copyPixels(g.dst, part, src, g.origin)
	case zoom >= pixelZoom:
		nearest(g.dst, part, src, g.origin, zoom)
	default:
		bilinear(g.dst, part, src, g.origin, zoom)
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

// packed is the inverse of lanes.
func packed(v uint64) uint32 {
	return uint32(v&0xff | v>>8&0xff00 | v>>16&0xff0000 | v>>24&0xff000000)
}

// run is how many screen pixels are looked at together: where the source has one colour there, so has the screen.
const run = 32

// bilinear shows src interpolated.
func bilinear(dst *image.RGBA, part image.Rectangle, src *image.RGBA, origin image.Point, zoom float64) {
	columns := taps(part.Min.X+origin.X, part.Dx(), src.Rect.Dx(), zoom)
	rows := taps(part.Min.Y+origin.Y, part.Dy(), src.Rect.Dy(), zoom)
	for y, r := range rows {
		top, low := src.Pix[r.a*src.Stride:], src.Pix[r.b*src.Stride:]
		out := rowOf(dst, part.Min.X, part.Max.X, part.Min.Y+y)
		for x := 0; x < len(columns); x += run {
			c := columns[x:min(x+run, len(columns))]
			o := out[4*x : 4*x+4*len(c)]
			from, to := 4*c[0].a, 4*c[len(c)-1].b+4
			if t, l := top[from:to], low[from:to]; uniform(t) && bytes.Equal(t, l) {
				for i := 0; i < len(o); i += 4 {
					copy(o[i:i+4], t)
				}
				continue
			}
			blend(o, top, low, c, r.weight)
		}
	}
}

// uniform reports whether all pixels of a row are the same.
func uniform(row []uint8) bool { return bytes.Equal(row[4:], row[:len(row)-4]) }

// blend interpolates a run of pixels between two rows of the source, the lower one weighted with weight/256.
func blend(out, top, low []uint8, columns []tap, weight uint64) {
	for x := range columns {
		c := &columns[x]
		t0 := lanes(binary.LittleEndian.Uint32(top[4*c.a:]))
		t1 := lanes(binary.LittleEndian.Uint32(top[4*c.b:]))
		l0 := lanes(binary.LittleEndian.Uint32(low[4*c.a:]))
		l1 := lanes(binary.LittleEndian.Uint32(low[4*c.b:]))
		t := (t0*(256-c.weight) + t1*c.weight) >> 8 & laneMask
		l := (l0*(256-c.weight) + l1*c.weight) >> 8 & laneMask
		v := (t*(256-weight) + l*weight) >> 8 & laneMask
		binary.LittleEndian.PutUint32(out[4*x:], packed(v))
	}
}
