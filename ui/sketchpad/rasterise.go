package sketchpad

import (
	"image"
	"runtime"

	"golang.org/x/image/draw"
	"golang.org/x/sync/errgroup"
)

// rasterise draws objects, placed by t, into dst, an RGBA raster that may be any rectangle of the whole picture. Every
// pixel comes out the same however the picture is cut into rectangles. The mask is left out.
func rasterise(dst *image.RGBA, objects []*Object, t transform) {
	rasteriseLayer(dst, objects, t, false)
}

// rasteriseMask is rasterise for the mask alone.
func rasteriseMask(dst *image.RGBA, objects []*Object, t transform) {
	rasteriseLayer(dst, objects, t, true)
}

func rasteriseLayer(dst *image.RGBA, objects []*Object, t transform, masks bool) {
	var mask *coverage
	var parts parts
	none := make([]uint8, blockSide) // no second plane
	for _, o := range objects {
		if o.Kind.masks() != masks || o.boxOn(t).Intersect(dst.Rect).Empty() {
			continue
		}
		if o.Kind == KindImage {
			o.drawImage(dst, t)
			continue
		}
		if mask == nil {
			mask = newCoverage(dst.Rect)
			parts.reset(dst.Rect)
		}
		o.outline(t, dst.Rect, func(a, b node) { mask.line(a, b, o.Softness, parts.add) })
		lay := layInk
		if o.Kind.erases() {
			lay = takeInk
		}
		parts.drain(func(r image.Rectangle) {
			for y := r.Min.Y; y < r.Max.Y; y++ {
				row := rowOf(dst, r.Min.X, r.Max.X, y)
				lay(row, row, mask.row(r.Min.X, r.Max.X, y), none[:r.Dx()])
			}
			mask.clear(r)
		})
	}
}

// parts collects rectangles as at most one per square block, so that a long thin line does not count as its bounding box.
type parts struct {
	rect    image.Rectangle
	columns int
	blocks  []image.Rectangle
	used    []int // blocks that are not empty
}

// reset empties the collection for rectangles within rect.
func (p *parts) reset(rect image.Rectangle) {
	g := grid(rect.Size(), blockSide)
	*p = parts{rect: rect, columns: g.X, blocks: make([]image.Rectangle, g.X*g.Y)}
}

// add notes r, which lies within the collection's rectangle.
func (p *parts) add(r image.Rectangle) {
	from := r.Min.Sub(p.rect.Min).Div(blockSide)
	to := r.Max.Sub(p.rect.Min).Add(image.Pt(blockSide-1, blockSide-1)).Div(blockSide)
	for y := from.Y; y < to.Y; y++ {
		for x := from.X; x < to.X; x++ {
			corner := p.rect.Min.Add(image.Pt(x, y).Mul(blockSide))
			i := y*p.columns + x
			if p.blocks[i].Empty() {
				p.used = append(p.used, i)
			}
			p.blocks[i] = p.blocks[i].Union(r.Intersect(image.Rectangle{corner, corner.Add(image.Pt(blockSide, blockSide))}))
		}
	}
}

// drain calls f with what was noted and empties the collection.
func (p *parts) drain(f func(image.Rectangle)) {
	for _, i := range p.used {
		f(p.blocks[i])
		p.blocks[i] = image.Rectangle{}
	}
	p.used = p.used[:0]
}

// rowOf returns the bytes of the pixels x0 ≤ x < x1 of row y.
func rowOf(m *image.RGBA, x0, x1, y int) []uint8 {
	i := m.PixOffset(x0, y)
	return m.Pix[i : i+4*(x1-x0) : i+4*(x1-x0)]
}

// boxOn returns the pixels that the object can touch on a raster placed by t.
func (o *Object) boxOn(t transform) image.Rectangle {
	if t == identity() {
		return o.box
	}
	var b bounds
	// A line keeps a width of one pixel however small the raster is.
	b.add(float64(o.box.Min.X)*t.scale+t.dx, float64(o.box.Min.Y)*t.scale+t.dy, 1)
	b.add(float64(o.box.Max.X)*t.scale+t.dx, float64(o.box.Max.Y)*t.scale+t.dy, 1)
	return b.rect()
}

// drawImage draws a pasted image and its mirror copies.
func (o *Object) drawImage(dst *image.RGBA, t transform) {
	for c := 0; c <= o.Mirror.copies(); c++ {
		pen := pen{o: o, t: t, copy: c}
		a, b := pen.node(o.Points[0]), pen.node(o.Points[1])
		var box bounds
		box.add(a.x, a.y, 0)
		box.add(b.x, b.y, 0)
		r := box.rect()
		if r.Intersect(dst.Rect).Empty() {
			continue
		}
		o.Image.draw(dst, r, draw.Over, a.x > b.x, a.y > b.y)
	}
}

// flipped returns src with its columns, its rows or both in reverse order.
func flipped(src *image.RGBA, columns, rows bool) *image.RGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	out := image.NewRGBA(src.Rect)
	for y := range h {
		from := y
		if rows {
			from = h - 1 - y
		}
		in, to := rowOf(src, 0, w, from), rowOf(out, 0, w, y)
		if !columns {
			copy(to, in)
			continue
		}
		for x := range w {
			copy(to[4*x:4*x+4], in[4*(w-1-x):])
		}
	}
	return out
}

// Render rasterises the drawing from its vectors at size pixels: dark ink on white, without the underlay. A size with
// another aspect than the canvas shows the canvas as large as fits, centred. Lines are at least one pixel wide.
func (d *Document) Render(size image.Point) *image.RGBA { return d.render(size, false) }

// RenderWithUnderlay is Render with the underlay beneath the ink, at its opacity.
func (d *Document) RenderWithUnderlay(size image.Point) *image.RGBA { return d.render(size, true) }

func (d *Document) render(size image.Point, underlay bool) *image.RGBA {
	d.mu.Lock()
	s := d.state
	d.mu.Unlock()
	out := image.NewRGBA(image.Rectangle{Max: image.Pt(max(size.X, 0), max(size.Y, 0))})
	if out.Rect.Empty() {
		return out
	}
	t := fitTransform(s.size, out.Rect.Max)
	var under *image.RGBA
	if underlay && s.underlay != nil {
		under = placeUnderlay(s.underlay, out.Rect.Max, t, s.size)
	}
	var bands errgroup.Group
	bands.SetLimit(runtime.GOMAXPROCS(0))
	for y := 0; y < out.Rect.Max.Y; y += tileSide {
		band := out.SubImage(image.Rect(0, y, out.Rect.Max.X, y+tileSide)).(*image.RGBA)
		bands.Go(func() error {
			rasterise(band, s.objects, t)
			for y := band.Rect.Min.Y; y < band.Rect.Max.Y; y++ {
				row := rowOf(band, 0, band.Rect.Max.X, y)
				var below []uint8
				if under != nil {
					below = rowOf(under, 0, band.Rect.Max.X, y)
				}
				ontoPaper(row, row, below, opacityByte(s.opacity))
			}
			return nil
		})
	}
	_ = bands.Wait() // the bands return no errors
	return out
}

// placeUnderlay scales p into a raster of the given size on which the canvas lies by t; the rest stays transparent.
func placeUnderlay(p *Picture, size image.Point, t transform, canvas image.Point) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: size})
	fit := fitBox(p.Size(), canvas)
	var box bounds
	box.add(float64(fit.Min.X)*t.scale+t.dx, float64(fit.Min.Y)*t.scale+t.dy, 0)
	box.add(float64(fit.Max.X)*t.scale+t.dx, float64(fit.Max.Y)*t.scale+t.dy, 0)
	p.draw(out, box.rect(), draw.Src, false, false)
	return out
}

func opacityByte(opacity float64) uint32 { return uint32(clamp(opacity, 0, 1)*255 + 0.5) }
