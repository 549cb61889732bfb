package sheet

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"math"

	"codeberg.org/go-pdf/fpdf"
	xdraw "golang.org/x/image/draw"
)

// Lengths of pages, in points.
const (
	pageText    = 9.0
	pageDots    = 200.0 / 72 // pixels per point that pictures keep
	leastCell   = 96.0       // width to which pictures shrink for all rows to fit on a page
	jpegQuality = 92
)

// PDF writes a sheet on A4 pages. Text is text, in embedded fonts.
func PDF(ctx context.Context, w io.Writer, sh Sheet) error {
	fonts, err := newTypefaces()
	if err != nil {
		return err
	}
	doc := fpdf.New("P", "pt", "A4", "")
	doc.SetTitle(sh.Title, true)
	doc.SetCreator(sh.Footer, true)
	doc.SetAutoPageBreak(false, 0)
	for face, data := range fontData() {
		doc.AddUTF8FontFromBytes(fontName(face), "", data)
	}
	p := &pages{doc: doc, fonts: fonts}
	st := newStyle(pageText)
	st.margin = 36
	parts := p.plan(st, sh)
	for i, part := range parts {
		number := ""
		if len(parts) > 1 {
			number = fmt.Sprintf("%d / %d", i+1, len(parts))
		}
		if err := p.draw(ctx, st, sh.Footer, number, part); err != nil {
			return err
		}
	}
	if err := doc.Output(w); err != nil {
		return fmt.Errorf("PDF: %w", err)
	}
	return nil
}

func fontName(face int) string { return [faces]string{latin: "latin", chinese: "chinese"}[face] }

// pages is a PDF document as a surface; the unit is a point.
type pages struct {
	doc   *fpdf.Fpdf
	fonts *typefaces
	w, h  float64
	count int // of pictures
}

// page is what one page holds: some rows of a block.
type page struct {
	grid       grid
	sheet      Sheet // its title and notes
	landscape  bool
	first, end int
}

// plan puts the blocks on pages.
func (p *pages) plan(st style, sh Sheet) []page {
	if len(sh.Blocks) == 0 {
		sh.Blocks = []Block{{}}
	}
	var parts []page
	for i, b := range sh.Blocks {
		if i > 0 {
			sh.Notes = nil // they are on the first page
		}
		landscape := p.landscape(st, sh, b)
		cell, _ := p.cellWidth(st, sh, b, landscape) // leaves the page's size in p
		g := newGrid(p, st, b, cell)
		for row := 0; row < max(g.rows, 1); {
			free := p.h - 2*st.margin - header(p, st, sh, 0, 0, p.w-2*st.margin, false) - g.above() - st.small*2
			end := row + max(int((free+g.gap)/g.row()), 1)
			parts = append(parts, page{g, sh, landscape, row, min(end, g.rows)})
			row, sh.Notes = end, nil
		}
	}
	return parts
}

// draw adds a page.
func (p *pages) draw(ctx context.Context, st style, footer, number string, part page) error {
	orientation := "P"
	if part.landscape {
		orientation = "L"
	}
	p.doc.AddPageFormat(orientation, p.doc.GetPageSizeStr("A4"))
	p.w, p.h = p.doc.GetPageSize()
	y := st.margin + header(p, st, part.sheet, st.margin, st.margin, p.w-2*st.margin, true)
	bottom := p.h - st.margin*.6
	p.text(st.margin, bottom, footer, st.small, color.Gray{grey})
	p.text(p.w-st.margin-p.width(number, st.small), bottom, number, st.small, color.Gray{grey})
	return part.grid.draw(ctx, p, st.margin, y, part.first, part.end)
}

// landscape chooses the side of the paper: the one that shows larger pictures
// where all fit on a page, else that which takes fewer pages.
func (p *pages) landscape(st style, sh Sheet, b Block) bool {
	wide, wideFits := p.cellWidth(st, sh, b, true)
	tall, tallFits := p.cellWidth(st, sh, b, false)
	if wideFits != tallFits {
		return wideFits
	}
	return wide > tall && (wideFits || tall < leastCell)
}

// cellWidth is the width of pictures with which all columns fit on a page, and
// all rows too where that does not make them small; fits tells whether they do.
func (p *pages) cellWidth(st style, sh Sheet, b Block, landscape bool) (width float64, fits bool) {
	p.w, p.h = 595.28, 841.89 // A4
	if landscape {
		p.w, p.h = p.h, p.w
	}
	label := 0.0
	if b.Rows != nil {
		label = grid{style: st}.labelWidth(p, b)
	}
	free := p.w - 2*st.margin
	wide := max((free-label+st.gap)/float64(max(b.Width, 1))-st.gap, 8)
	g := newGrid(p, st, b, wide)
	high := p.h - 2*st.margin - header(p, st, sh, 0, 0, free, false) - g.above() - st.small*2
	one := high - g.gap - g.caption
	all := high/float64(max(g.rows, 1)) - g.gap - g.caption
	if w := all / b.aspect(); w >= min(leastCell, wide) {
		return min(wide, w), true
	}
	return min(wide, max(one/b.aspect(), 8)), false
}

func (p *pages) width(text string, size float64) float64 {
	w := 0.0
	for _, part := range p.fonts.runs(text) {
		p.doc.SetFont(fontName(part.face), "", size)
		w += p.doc.GetStringWidth(part.text)
	}
	return w
}

func (p *pages) text(x, y float64, text string, size float64, c color.Gray) {
	p.doc.SetTextColor(int(c.Y), int(c.Y), int(c.Y))
	for _, part := range p.fonts.runs(text) {
		p.doc.SetFont(fontName(part.face), "", size)
		p.doc.Text(x, y, part.text)
		x += p.doc.GetStringWidth(part.text)
	}
}

func (p *pages) picture(r rect, img image.Image) error {
	flat := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	if w := int(math.Ceil(r.w * pageDots)); w < flat.Rect.Dx() {
		flat = image.NewRGBA(image.Rect(0, 0, max(w, 1), max(int(math.Ceil(r.h*pageDots)), 1)))
	}
	draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(flat, flat.Rect, img, img.Bounds(), draw.Over, nil)
	var data bytes.Buffer
	if err := jpeg.Encode(&data, flat, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return fmt.Errorf("picture of a sheet: %w", err)
	}
	p.count++
	name := fmt.Sprint("picture ", p.count)
	options := fpdf.ImageOptions{ImageType: "JPG"}
	p.doc.RegisterImageOptionsReader(name, options, &data)
	p.doc.ImageOptions(name, r.x, r.y, r.w, r.h, false, options, 0, "")
	return p.doc.Error()
}

func (p *pages) frame(r rect, c color.Gray) {
	p.doc.SetDrawColor(int(c.Y), int(c.Y), int(c.Y))
	p.doc.SetLineWidth(.5)
	p.doc.Rect(r.x, r.y, r.w, r.h, "D")
}
