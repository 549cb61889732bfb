package control

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
)

// maxSourcePixels bounds the sources that extractors read. DecodeImage refuses
// larger ones already; this guards against images made in other ways.
const maxSourcePixels = 128 << 20

// page is one source laid out for one render size: what is paper, what is ink,
// and the pixels at render size. It belongs to a single Extract call.
type page struct {
	src      image.Image
	size     image.Point     // the render size
	fit      image.Rectangle // where in size the source lies
	from     image.Point     // the source's size
	surveyed bool
	survey
	pixels *raster // at render size; set by load
}

// raster holds a page's pixels at render size, either gray (when the source
// has no colour worth keeping) or opaque colour. Exactly one of the two is set.
type raster struct {
	gray   *image.Gray
	colour *image.RGBA
}

// newPage checks the source and finds its place in the render size.
func newPage(ctx context.Context, src image.Image, size image.Point) (*page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if src == nil {
		return nil, errors.New("there is no source image")
	}
	from := src.Bounds().Size()
	if from.X <= 0 || from.Y <= 0 {
		return nil, errors.New("the source image is empty; choose an image with at least one pixel")
	}
	if int64(from.X)*int64(from.Y) > maxSourcePixels {
		return nil, fmt.Errorf("the source image has %dx%d pixels, more than %d million; save a smaller copy",
			from.X, from.Y, maxSourcePixels>>20)
	}
	return &page{src: src, size: size, from: from, fit: fitInto(from, size)}, nil
}

// fitInto places a source in the middle of a frame, as large as it goes. It
// fills the frame when the shapes agree to less than a pixel.
func fitInto(from, size image.Point) image.Rectangle {
	scale := math.Min(float64(size.X)/float64(from.X), float64(size.Y)/float64(from.Y))
	w, h := float64(from.X)*scale, float64(from.Y)*scale
	if float64(size.X)-w < 1 && float64(size.Y)-h < 1 {
		return image.Rectangle{Max: size}
	}
	fw := min(max(int(math.Round(w)), 1), size.X)
	fh := min(max(int(math.Round(h)), 1), size.Y)
	at := image.Pt((size.X-fw)/2, (size.Y-fh)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(fw, fh))}
}

// padded reports whether the source leaves part of the frame free.
func (pg *page) padded() bool { return pg.fit.Size() != pg.size }

// look surveys the source once.
func (pg *page) look(ctx context.Context) error {
	if pg.surveyed {
		return nil
	}
	s, err := surveySource(ctx, pg.src)
	if err != nil {
		return err
	}
	pg.survey, pg.surveyed = s, true
	return nil
}

// paper is the ground of the loaded pixels in one channel: always light for
// drawings, as load turns negatives around.
func (pg *page) paper(channel int) uint8 {
	if pg.negative {
		return 255 - pg.ground[channel]
	}
	return pg.ground[channel]
}

// load brings the source to render size: composited over its ground, uneven
// paper flattened, thin lines kept, drawings on a dark ground turned into their
// negative. Around a source of another shape lies its own ground.
func (pg *page) load(ctx context.Context) (*raster, error) {
	if pg.pixels != nil {
		return pg.pixels, nil
	}
	if err := pg.look(ctx); err != nil {
		return nil, err
	}
	planes := 3
	if !pg.coloured {
		planes = 1
	}
	fitted, err := pg.resample(ctx, planes)
	if err != nil {
		return nil, err
	}
	pg.pixels = pg.frame(fitted)
	return pg.pixels, nil
}

// frame lays resampled planes into the render size. Drawings lie on their own
// ground; photographs continue their border pixels, so that no edge appears
// where they end.
func (pg *page) frame(planes []*image.Gray) *raster {
	if !pg.padded() && len(planes) == 1 {
		return &raster{gray: planes[0]}
	}
	wide := make([]*image.Gray, len(planes))
	for c, p := range planes {
		wide[c] = pg.frameGray(p, pg.paper(c))
	}
	if len(wide) == 1 {
		return &raster{gray: wide[0]}
	}
	m := image.NewRGBA(image.Rectangle{Max: pg.size})
	r, g, b := wide[0].Pix, wide[1].Pix, wide[2].Pix
	for i := range r {
		p := m.Pix[4*i : 4*i+4 : 4*i+4]
		p[0], p[1], p[2], p[3] = r[i], g[i], b[i], 255
	}
	return &raster{colour: m}
}

// frameGray lays one plane into the render size.
func (pg *page) frameGray(src *image.Gray, ground uint8) *image.Gray {
	if !pg.padded() {
		return src
	}
	dst := image.NewGray(image.Rectangle{Max: pg.size})
	w, h := pg.fit.Dx(), pg.fit.Dy()
	for y := range pg.size.Y {
		line := dst.Pix[y*pg.size.X : (y+1)*pg.size.X]
		sy := y - pg.fit.Min.Y
		if !pg.photo && (sy < 0 || sy >= h) {
			fill(line, ground)
			continue
		}
		row := src.Pix[min(max(sy, 0), h-1)*w:][:w]
		before, after := row[0], row[w-1]
		if !pg.photo {
			before, after = ground, ground
		}
		fill(line[:pg.fit.Min.X], before)
		copy(line[pg.fit.Min.X:], row)
		fill(line[pg.fit.Max.X:], after)
	}
	return dst
}

// ink is how much each pixel differs from the paper, 255 at the most; 0 is
// clean paper. Colour counts: yellow on white is full ink, as its blue is gone.
// Dark-on-light, light-on-dark and transparent drawings have the same ink.
func (pg *page) ink(ctx context.Context) (*image.Gray, error) {
	r, err := pg.load(ctx)
	if err != nil {
		return nil, err
	}
	var lut [3][256]uint8
	for c := range lut {
		for v := range lut[c] {
			d := v - int(pg.paper(c))
			d = max(d, -d)
			if d <= pg.noise {
				continue
			}
			// Stretched, so that cutting the noise off leaves full ink full.
			lut[c][v] = uint8(255 * (d - pg.noise) / (255 - pg.noise))
		}
	}
	out := image.NewGray(image.Rectangle{Max: pg.size})
	if r.gray != nil {
		for i, v := range r.gray.Pix {
			out.Pix[i] = lut[0][v]
		}
		return out, ctx.Err()
	}
	for i := range out.Pix {
		p := r.colour.Pix[4*i : 4*i+3 : 4*i+3]
		out.Pix[i] = max(lut[0][p[0]], lut[1][p[1]], lut[2][p[2]])
	}
	return out, ctx.Err()
}

// strokes is ink with faint drawings brought to full strength: the strong
// strokes (95th percentile of all that is ink) become 255. A blank page stays
// blank.
func (pg *page) strokes(ctx context.Context) (*image.Gray, error) {
	ink, err := pg.ink(ctx)
	if err != nil {
		return nil, err
	}
	var hist [256]int
	total := 0
	for _, v := range ink.Pix {
		hist[v]++
	}
	for _, n := range hist[faintest:] {
		total += n
	}
	strong, seen := 255, 0
	for v := 255; v >= faintest; v-- {
		seen += hist[v]
		if 20*seen >= total {
			strong = v
			break
		}
	}
	if total == 0 || strong >= 250 {
		return ink, nil
	}
	var lut [256]uint8
	for v := range lut {
		lut[v] = uint8(min(255, 255*v/strong))
	}
	for i, v := range ink.Pix {
		ink.Pix[i] = lut[v]
	}
	return ink, nil
}

// faintest is the weakest ink that counts as drawn when strengths are measured.
const faintest = 24

// blankOutside sets everything that is not source to one value, so that a
// padded photograph gets no frame of edges.
func (pg *page) blankOutside(m *image.RGBA, r, g, b uint8) {
	if !pg.padded() {
		return
	}
	for y := range pg.size.Y {
		for x := range pg.size.X {
			if !(image.Point{X: x, Y: y}).In(pg.fit) {
				i := m.PixOffset(x, y)
				m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = r, g, b, 255
			}
		}
	}
}

// fill sets every byte of b to v.
func fill(b []uint8, v uint8) {
	for i := range b {
		b[i] = v
	}
}
