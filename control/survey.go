package control

import (
	"context"
	"image"
	"math"
)

// survey is what a source is taken for.
type survey struct {
	photo    bool     // a photograph or shaded render, not line work
	coloured bool     // some pixel has colour worth keeping
	ground   [3]uint8 // the paper: what transparent parts and the padding show
	negative bool     // a drawing on a dark ground
	noise    int      // differences from the paper up to this are grain
	uneven   *paper   // the paper's brightness where it varies, else nil
}

// Limits of the survey. They were set on drawings, scans, phone photographs of
// paper and shaded renders; the tests hold an example of each.
const (
	proxySide   = 256 // the survey looks at a grid of at most this many points a side
	paperSpread = 20  // how far paper strays from its colour
	chromaFloor = 16  // channel differences up to this are noise of a gray scan

	solidShare  = .08 // photographs have areas without paper in them …
	solidLevels = 3.2 // … that hold many levels: bits of entropy over 64 bins
	cleanLevels = 4   // paper that varies more than this is a backdrop or a scan, …
	someLevels  = 2.4 // … and fewer levels beside it make a photograph
)

// surveySource finds out what a source is. Transparent drawings are laid over
// the paper that shows them best.
func surveySource(ctx context.Context, src image.Image) (survey, error) {
	var s survey
	rows := newRowReader(src)
	var err error
	if s.coloured, err = hasColour(ctx, rows); err != nil {
		return s, err
	}
	px := sample(rows)
	if px.seeThrough() {
		if s.ground, err = clearGround(ctx, rows, px); err != nil {
			return s, err
		}
		px.lay(s.ground)
	} else {
		px.lay([3]uint8{255, 255, 255})
		s.ground = px.commonest()
	}
	if !s.coloured {
		// A gray scan's ground must be gray too, as only one plane is kept.
		v := luma(s.ground[0], s.ground[1], s.ground[2])
		s.ground = [3]uint8{v, v, v}
	}
	if px.share(s.ground) < .75 {
		if p := findPaper(px); p != nil {
			// Gray differences are all that unevenly lit paper lets us trust.
			s.uneven, s.coloured, s.ground = p, false, [3]uint8{255, 255, 255}
			s.noise = paperSpread
			return s, ctx.Err()
		}
	}
	s.photo = px.looksShaded(s.ground)
	if !s.photo {
		s.noise = px.grain(s.ground)
		s.negative = luma(s.ground[0], s.ground[1], s.ground[2]) < 128
	}
	return s, ctx.Err()
}

// hasColour scans the whole source, as a thin coloured line hides from samples.
func hasColour(ctx context.Context, rows *rowReader) (bool, error) {
	for y := range rows.bounds.Dy() {
		if y%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		row := rows.row(y)
		if !rowIsPlain(row) && rowChroma(row, chromaFloor) > chromaFloor {
			return true, nil
		}
	}
	return false, nil
}

// proxy is a grid of sampled source pixels.
type proxy struct {
	w, h int
	raw  [][4]uint8 // premultiplied RGBA
	rgb  [][3]uint8 // laid over a ground
	lum  []uint8
}

// sample takes the middle of each cell of a grid over the source.
func sample(rows *rowReader) *proxy {
	b := rows.bounds
	px := &proxy{w: min(b.Dx(), proxySide), h: min(b.Dy(), proxySide)}
	px.raw = make([][4]uint8, px.w*px.h)
	for y := range px.h {
		row := rows.row((2*y + 1) * b.Dy() / (2 * px.h))
		for x := range px.w {
			i := (2*x + 1) * b.Dx() / (2 * px.w)
			px.raw[y*px.w+x] = [4]uint8(row[4*i : 4*i+4])
		}
	}
	return px
}

// seeThrough reports whether a fair part of the source is transparent.
func (px *proxy) seeThrough() bool {
	clear := 0
	for _, p := range px.raw {
		if p[3] < 128 {
			clear++
		}
	}
	return 50*clear >= len(px.raw)
}

// lay composites the samples over a ground.
func (px *proxy) lay(ground [3]uint8) {
	px.rgb = make([][3]uint8, len(px.raw))
	px.lum = make([]uint8, len(px.raw))
	for i, p := range px.raw {
		for c := range 3 {
			px.rgb[i][c] = uint8(min(255, int(p[c])+(255-int(p[3]))*int(ground[c])/255))
		}
		px.lum[i] = luma(px.rgb[i][0], px.rgb[i][1], px.rgb[i][2])
	}
}

func luma(r, g, b uint8) uint8 {
	return uint8((uint32(r)*4899 + uint32(g)*9617 + uint32(b)*1868 + 8192) >> 14)
}

// clearGround chooses white or black paper for a transparent source: the one
// that its ink stands out from.
func clearGround(ctx context.Context, rows *rowReader, px *proxy) ([3]uint8, error) {
	white, black := [3]uint8{255, 255, 255}, [3]uint8{}
	var alpha, light, square float64
	add := func(p []uint8) {
		a := float64(p[3])
		if a == 0 {
			return
		}
		// Un-premultiplied brightness, weighted by how visible the pixel is.
		v := float64(luma(p[0], p[1], p[2])) * 255 / a
		alpha, light, square = alpha+a, light+a*v, square+a*v*v
	}
	for i := range px.raw {
		add(px.raw[i][:])
	}
	cover := alpha / 255 / float64(len(px.raw))
	if cover < .02 {
		// Thin lines slip between the samples: look at all of it.
		alpha, light, square = 0, 0, 0
		for y := range rows.bounds.Dy() {
			if y%64 == 0 && ctx.Err() != nil {
				return white, ctx.Err()
			}
			row := rows.row(y)
			for i := 0; i < len(row); i += 4 {
				add(row[i : i+4])
			}
		}
	}
	if alpha == 0 {
		return white, nil
	}
	mean := light / alpha
	spread := math.Sqrt(max(0, square/alpha-mean*mean))
	dark := mean < 128
	// A cut-out with a picture inside sits on paper like its own body; lines
	// and silhouettes sit on the opposite.
	if cover > .35 && spread > 40 {
		dark = !dark
	}
	if dark {
		return white, nil
	}
	return black, nil
}

// commonest is the colour that most samples have. Those near the border count
// four times, since a drawing rarely reaches the edge of its paper.
func (px *proxy) commonest() [3]uint8 {
	hist := make(map[[3]uint8]int)
	weight := func(i int) int {
		x, y := i%px.w, i/px.w
		edge := min(x, y, px.w-1-x, px.h-1-y)
		if 25*edge < min(px.w, px.h) {
			return 4
		}
		return 1
	}
	for i, p := range px.rgb {
		hist[[3]uint8{p[0] >> 4, p[1] >> 4, p[2] >> 4}] += weight(i)
	}
	var best [3]uint8
	most := -1
	for bin, n := range hist {
		// Ties go to the lighter bin, so that the choice doesn't hang on map order.
		if n > most || n == most && luma(bin[0], bin[1], bin[2]) > luma(best[0], best[1], best[2]) {
			best, most = bin, n
		}
	}
	// The median of what lies around the bin: exact for clean paper.
	var at [3][256]int
	total := 0
	for i, p := range px.rgb {
		near := true
		for c := range 3 {
			d := int(p[c]) - (int(best[c])<<4 + 8)
			near = near && max(d, -d) <= 16
		}
		if near {
			n := weight(i)
			total += n
			for c := range 3 {
				at[c][p[c]] += n
			}
		}
	}
	var ground [3]uint8
	for c := range 3 {
		seen := 0
		for v, n := range at[c] {
			seen += n
			if 2*seen >= total {
				ground[c] = uint8(v)
				break
			}
		}
	}
	return ground
}

// away is how far a sample is from the ground, in its most different channel.
func away(p, ground [3]uint8) int {
	most := 0
	for c := range 3 {
		d := int(p[c]) - int(ground[c])
		most = max(most, d, -d)
	}
	return most
}

// share is the part of the samples that is paper.
func (px *proxy) share(ground [3]uint8) float64 {
	n := 0
	for _, p := range px.rgb {
		if away(p, ground) <= paperSpread {
			n++
		}
	}
	return float64(n) / float64(len(px.rgb))
}

// grain is the level that 95 % of the paper's noise stays below; 0 for clean
// digital paper.
func (px *proxy) grain(ground [3]uint8) int {
	var hist [paperSpread + 1]int
	total := 0
	for _, p := range px.rgb {
		if d := away(p, ground); d <= paperSpread {
			hist[d]++
			total++
		}
	}
	seen := 0
	for d, n := range hist {
		seen += n
		if 20*seen >= 19*total {
			return d
		}
	}
	return 0
}

// looksShaded tells photographs and renders from drawings: they have wide areas
// that are not paper and hold many levels. Strokes are thin; flat fills hold few.
func (px *proxy) looksShaded(ground [3]uint8) bool {
	off := func(x, y int) bool { return away(px.rgb[y*px.w+x], ground) > 24 }
	var hist [64]int
	solid := 0
	for y := 1; y+1 < px.h; y++ {
		for x := 1; x+1 < px.w; x++ {
			if off(x, y) && off(x-1, y) && off(x+1, y) && off(x, y-1) && off(x, y+1) {
				hist[px.lum[y*px.w+x]>>2]++
				solid++
			}
		}
	}
	if float64(solid) < solidShare*float64(px.w*px.h) {
		return false
	}
	bits := 0.0
	for _, n := range hist {
		if n > 0 {
			p := float64(n) / float64(solid)
			bits -= p * math.Log2(p)
		}
	}
	if px.grain(ground) > cleanLevels {
		return bits >= someLevels
	}
	return bits >= solidLevels
}
