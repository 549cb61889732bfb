package control

import (
	"context"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"
)

// resample brings the source to the size of pg.fit as one gray or three colour
// planes over the page's ground.
//
// Drawings shrink so that a line one pixel wide stays a full line, strokes keep
// their width, and specks of dust fade; see cells.draw. Photographs shrink by
// the plain mean.
func (pg *page) resample(ctx context.Context, planes int) ([]*image.Gray, error) {
	to := pg.fit.Size()
	if to == pg.from || to.X > pg.from.X || to.Y > pg.from.Y {
		src, err := pg.readAll(ctx, planes)
		if err != nil || to == pg.from {
			return src, err
		}
		return pg.enlarge(ctx, src)
	}
	return pg.shrink(ctx, planes)
}

// readRow reads row y over the ground, with uneven paper flattened and light
// drawings on dark made dark on light, so that rounding treats both alike.
func (pg *page) readRow(rows *rowReader, y int, planes [][]uint8) {
	over(rows.row(y), pg.ground, planes)
	if pg.negative {
		for _, p := range planes {
			for x, v := range p {
				p[x] = 255 - v
			}
		}
	}
	if pg.uneven != nil {
		pg.uneven.flatten(planes[0], y, pg.from.Y)
	}
}

// readAll reads the source at its own size.
func (pg *page) readAll(ctx context.Context, planes int) ([]*image.Gray, error) {
	out := make([]*image.Gray, planes)
	for c := range out {
		out[c] = image.NewGray(image.Rectangle{Max: pg.from})
	}
	rows := newRowReader(pg.src)
	line := make([][]uint8, planes)
	for y := range pg.from.Y {
		if y%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for c := range out {
			line[c] = out[c].Pix[y*pg.from.X : (y+1)*pg.from.X]
		}
		pg.readRow(rows, y, line)
	}
	return out, nil
}

// span is the source rows or columns that one target row or column covers.
type span struct {
	first, last        int     // source indices, both inside
	headShare, endOnly float32 // share of first and of last
}

// spans cuts n source pixels into m cells of n/m pixels each.
func spans(n, m int) []span {
	out := make([]span, m)
	s := float64(n) / float64(m)
	for i := range out {
		a, b := float64(i)*s, float64(i+1)*s
		first := min(int(a+1e-9), n-1)
		last := min(max(int(math.Ceil(b-1e-9))-1, first), n-1)
		sp := span{first: first, last: last, headShare: 1, endOnly: 1}
		if first == last {
			sp.headShare = float32(b - a)
		} else {
			sp.headShare = float32(float64(first+1) - a)
			sp.endOnly = float32(b - float64(last))
		}
		out[i] = sp
	}
	return out
}

// band collects the source rows of one target row of one plane.
type band struct {
	sum    []float32
	lo, hi []uint8
}

func newBand(n int) *band {
	b := &band{sum: make([]float32, n), lo: make([]uint8, n), hi: make([]uint8, n)}
	b.reset()
	return b
}

func (b *band) reset() {
	clear(b.sum)
	fill(b.lo, 255)
	fill(b.hi, 0)
}

// add takes one source row into the band with the given share.
func (b *band) add(row []uint8, cols []span, share float32) {
	for x, sp := range cols {
		v := row[sp.first]
		sum, lo, hi := float32(v)*sp.headShare, min(b.lo[x], v), max(b.hi[x], v)
		if sp.last > sp.first {
			whole := 0
			for _, v := range row[sp.first+1 : sp.last] {
				whole += int(v)
				lo, hi = min(lo, v), max(hi, v)
			}
			v = row[sp.last]
			sum += float32(whole) + float32(v)*sp.endOnly
			lo, hi = min(lo, v), max(hi, v)
		}
		b.sum[x] += sum * share
		b.lo[x], b.hi[x] = lo, hi
	}
}

// cells are the target pixels of one plane while they are made: the mean of
// the source pixels in each, and the darkest and lightest of them.
type cells struct {
	mean   []float32
	lo, hi []uint8
}

// shrink reads the source once, row by row, into cells.
func (pg *page) shrink(ctx context.Context, planes int) ([]*image.Gray, error) {
	to := pg.fit.Size()
	cols, lines := spans(pg.from.X, to.X), spans(pg.from.Y, to.Y)
	sx, sy := float32(pg.from.X)/float32(to.X), float32(pg.from.Y)/float32(to.Y)
	all := make([]cells, planes)
	bands := make([]*band, planes)
	row := make([][]uint8, planes)
	for c := range all {
		all[c] = cells{make([]float32, to.X*to.Y), make([]uint8, to.X*to.Y), make([]uint8, to.X*to.Y)}
		bands[c] = newBand(to.X)
		row[c] = make([]uint8, pg.from.X)
	}
	rows := newRowReader(pg.src)
	have := -1
	for ty, sp := range lines {
		if ty%32 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for y := sp.first; y <= sp.last; y++ {
			if y != have { // two target rows may share a source row
				pg.readRow(rows, y, row)
				have = y
			}
			share := float32(1)
			switch {
			case y == sp.first:
				share = sp.headShare
			case y == sp.last:
				share = sp.endOnly
			}
			for c := range bands {
				bands[c].add(row[c], cols, share)
			}
		}
		for c, b := range bands {
			at := ty * to.X
			for x, sum := range b.sum {
				all[c].mean[at+x] = sum / (sx * sy)
			}
			copy(all[c].lo[at:], b.lo)
			copy(all[c].hi[at:], b.hi)
			b.reset()
		}
	}
	out := make([]*image.Gray, planes)
	for c := range out {
		most := max(sx, sy)
		if pg.photo {
			most = 1
		}
		out[c] = all[c].draw(to, most, float32(pg.paper(c)))
	}
	return out, nil
}

// draw turns cells into pixels. Where the strongest cell around still falls
// short of the strongest source pixel, thin lines were washed out: the cells are
// raised by the ratio of the two, up to most, the factor by which a line one
// pixel wide fades. Wide strokes keep their width.
func (k *cells) draw(size image.Point, most, ground float32) *image.Gray {
	out := image.NewGray(image.Rectangle{Max: size})
	peak := func(x, y int) (cell, pixel float32) {
		for j := max(y-1, 0); j <= min(y+1, size.Y-1); j++ {
			for i := max(x-1, 0); i <= min(x+1, size.X-1); i++ {
				n := j*size.X + i
				d := k.mean[n] - ground
				cell = max(cell, d, -d)
				pixel = max(pixel, ground-float32(k.lo[n]), float32(k.hi[n])-ground)
			}
		}
		return cell, pixel
	}
	for i, mean := range k.mean {
		v := mean
		if d := mean - ground; most > 1 && (d > .01 || d < -.01) {
			cell, pixel := peak(i%size.X, i/size.X)
			// A little gain stays beside wide strokes, so that thin lines reach
			// them.
			gain := min(max(pixel/cell, leastGain), most)
			v = min(max(ground+gain*d, float32(k.lo[i])), float32(k.hi[i]))
		}
		out.Pix[i] = uint8(min(max(v, 0), 255) + .5)
	}
	return out
}

// leastGain is the gain of partly covered cells of drawings.
const leastGain = 1.5

// enlarge scales planes up by cubic interpolation and, for drawings, makes the
// strokes' edges steep again.
func (pg *page) enlarge(ctx context.Context, src []*image.Gray) ([]*image.Gray, error) {
	to := pg.fit.Size()
	factor := max(float64(to.X)/float64(pg.from.X), float64(to.Y)/float64(pg.from.Y))
	out := make([]*image.Gray, len(src))
	for c := range src {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		big := image.NewGray(image.Rectangle{Max: to})
		if err := convert(grayPixels(src[c]), grayPixels(big), scale(to, gocv.InterpolationCubic)); err != nil {
			return nil, err
		}
		if !pg.photo {
			if err := crispen(big, factor, pg.paper(c)); err != nil {
				return nil, err
			}
		}
		out[c] = big
	}
	return out, nil
}

// crispen steepens the ramps that enlarging by factor made, without making
// faint strokes fainter: each difference from the ground is compared with half
// of the largest one within reach, so a stroke keeps its own strength.
func crispen(m *image.Gray, factor float64, ground uint8) error {
	if factor <= 1.05 {
		return nil
	}
	diff := image.NewGray(m.Rect)
	for i, v := range m.Pix {
		d := int(v) - int(ground)
		diff.Pix[i] = uint8(max(d, -d))
	}
	reach := 2*int(math.Ceil(1.5*factor)) + 1
	kernel := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(reach, reach))
	defer kernel.Close()
	peak, err := grayOp(diff, func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.Dilate(in, out, kernel)
	})
	if err != nil {
		return fmt.Errorf("sharpen the enlarged strokes: %w", err)
	}
	for i, v := range m.Pix {
		top := float64(peak.Pix[i])
		if top == 0 {
			continue
		}
		d := top * min(max((float64(diff.Pix[i])/top-.5)*factor+.5, 0), 1)
		if v < ground {
			d = -d
		}
		m.Pix[i] = uint8(min(max(float64(ground)+d, 0), 255) + .5)
	}
	return nil
}
