// Package sheet lays pictures out in rows and columns with titles, as a PNG
// image or on the pages of a PDF file.
package sheet

import (
	"context"
	"image"
	"image/color"
	"math"
	"strings"
)

// Sheet is what is laid out.
type Sheet struct {
	Title string
	// Notes are lines below the title, such as the recipe. They are broken where
	// they are too long.
	Notes  []string
	Blocks []Block
	// Footer stands at the end of each page.
	Footer string
}

// Block is one grid of cells.
type Block struct {
	// Title names the block; empty where there is only one.
	Title string
	// Corner names what rows and columns are, such as "Facade material / Time of day".
	Corner string
	// Columns are the titles of the columns, Rows those of the rows; nil for none.
	Columns, Rows []string
	// Cells has Width cells for each row.
	Cells []Cell
	Width int
}

// Cell is one picture.
type Cell struct {
	// Size is the picture's size in pixels.
	Size image.Point
	// Open reads the picture; nil where there is none.
	Open func(context.Context) (image.Image, error)
	// Caption stands below the picture.
	Caption string
}

// surface is what a sheet is drawn on. Lengths are in its own unit, y goes down.
type surface interface {
	// width is the length of a text of a size.
	width(text string, size float64) float64
	// text draws a text whose baseline begins at x, y.
	text(x, y float64, text string, size float64, c color.Gray)
	// picture draws an image into a rectangle.
	picture(r rect, img image.Image) error
	// frame draws the outline of a rectangle.
	frame(r rect, c color.Gray)
}

type rect struct{ x, y, w, h float64 }

// style are the lengths of a layout, all in proportion to the size of its text.
type style struct{ text, title, small, line, gap, margin float64 }

func newStyle(text float64) style {
	return style{text: text, title: text * 1.6, small: text * .8, line: 1.35, gap: text * .5, margin: text * 2}
}

const (
	black = 0x14
	grey  = 0x6a
	pale  = 0xd0
)

// grid is the geometry of one block.
type grid struct {
	style
	block   Block
	columns int
	rows    int
	// label is the width of the rows' titles, head the height of the columns'.
	label, head float64
	cell        rect // w and h of a picture
	caption     float64
	titles      [][]string // of the columns, in lines
}

// aspect is height over width of the block's largest pictures.
func (b Block) aspect() float64 {
	a := 0.0
	for _, c := range b.Cells {
		if c.Size.X > 0 {
			a = max(a, float64(c.Size.Y)/float64(c.Size.X))
		}
	}
	if a == 0 {
		return 1
	}
	return a
}

// newGrid lays a block out with pictures of a given width.
func newGrid(s surface, st style, b Block, width float64) grid {
	g := grid{style: st, block: b, columns: max(b.Width, 1), cell: rect{w: width, h: width * b.aspect()}}
	g.rows = (len(b.Cells) + g.columns - 1) / g.columns
	if b.Rows != nil {
		g.label = g.labelWidth(s, b)
	}
	lines := 0
	for _, t := range b.Columns {
		broken := breakLines(s, t, st.text, width, 3)
		g.titles = append(g.titles, broken)
		lines = max(lines, len(broken))
	}
	if lines > 0 {
		g.head = float64(lines)*st.text*st.line + st.gap
	}
	for _, c := range b.Cells {
		if c.Caption != "" {
			n := len(breakLines(s, c.Caption, st.small, width, 2))
			g.caption = max(g.caption, float64(n)*st.small*st.line+st.gap/2)
		}
	}
	return g
}

// labelWidth is the width of the rows' titles, of which long ones are broken.
func (g grid) labelWidth(s surface, b Block) float64 {
	widest := 0.0
	for _, t := range append([]string{b.Corner}, b.Rows...) {
		widest = max(widest, s.width(t, g.text))
	}
	return min(widest, g.text*14) + g.gap
}

// width of the whole block, and height of its rows and what stands above them.
func (g grid) width() float64 { return g.label + float64(g.columns)*(g.cell.w+g.gap) - g.gap }
func (g grid) row() float64   { return g.cell.h + g.caption + g.gap }
func (g grid) above() float64 {
	if g.block.Title != "" {
		return g.head + g.text*g.line + g.gap
	}
	return g.head
}

// draw draws the rows from first to end, and the titles, with the upper left corner at x, y.
func (g grid) draw(ctx context.Context, s surface, x, y float64, first, end int) error {
	if g.block.Title != "" {
		s.text(x, y+g.text, g.block.Title, g.text*1.15, color.Gray{black})
		y += g.text*g.line + g.gap
	}
	for k, lines := range g.titles {
		left := x + g.label + float64(k)*(g.cell.w+g.gap)
		for i, t := range lines {
			// Short titles stand right above the pictures.
			base := y + g.head - g.gap - float64(len(lines)-1-i)*g.text*g.line - g.text*.2
			s.text(left, base, t, g.text, color.Gray{black})
		}
	}
	if g.block.Corner != "" && g.label > 0 {
		lines := breakLines(s, g.block.Corner, g.small, g.label-g.gap, 3)
		for i, t := range lines {
			base := y + g.head - g.gap - float64(len(lines)-1-i)*g.small*g.line - g.small*.2
			s.text(x, base, t, g.small, color.Gray{grey})
		}
	}
	y += g.head
	for row := first; row < end; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if row < len(g.block.Rows) {
			for i, t := range breakLines(s, g.block.Rows[row], g.text, g.label-g.gap, 5) {
				s.text(x, y+g.text+float64(i)*g.text*g.line, t, g.text, color.Gray{black})
			}
		}
		for k := range g.columns {
			if i := row*g.columns + k; i < len(g.block.Cells) {
				left := x + g.label + float64(k)*(g.cell.w+g.gap)
				if err := g.drawCell(ctx, s, left, y, g.block.Cells[i]); err != nil {
					return err
				}
			}
		}
		y += g.row()
	}
	return nil
}

func (g grid) drawCell(ctx context.Context, s surface, x, y float64, c Cell) error {
	r := rect{x, y, g.cell.w, g.cell.h}
	if c.Open == nil {
		s.frame(r, color.Gray{pale})
	} else {
		img, err := c.Open(ctx)
		if err != nil {
			return err
		}
		if err := s.picture(r.fit(img.Bounds().Size()), img); err != nil {
			return err
		}
	}
	for i, t := range breakLines(s, c.Caption, g.small, g.cell.w, 2) {
		s.text(x, y+g.cell.h+g.small*1.15+float64(i)*g.small*g.line, t, g.small, color.Gray{grey})
	}
	return nil
}

// fit is the largest rectangle of a picture's shape in the middle of r.
func (r rect) fit(size image.Point) rect {
	scale := min(r.w/float64(size.X), r.h/float64(size.Y))
	w, h := float64(size.X)*scale, float64(size.Y)*scale
	return rect{r.x + (r.w-w)/2, r.y + (r.h-h)/2, w, h}
}

// header draws the title and the notes and returns their height.
func header(s surface, st style, sh Sheet, x, y, width float64, draw bool) float64 {
	at := y
	put := func(text string, size float64, shade uint8, lines int) {
		for _, t := range breakLines(s, text, size, width, lines) {
			at += size * st.line
			if draw {
				s.text(x, at-size*.3, t, size, color.Gray{shade})
			}
		}
	}
	put(sh.Title, st.title, black, 2)
	at += st.gap / 2
	for _, n := range sh.Notes {
		put(n, st.small, grey, 4)
	}
	return at - y + st.gap
}

// breakLines breaks a text into at most so many lines of a width; what does not
// fit ends in an ellipsis. Lines break at spaces and between Chinese characters.
func breakLines(s surface, text string, size, width float64, lines int) []string {
	var out []string
	rest := breakable(text)
	for len(rest) > 0 && len(out) < lines {
		n := 1
		for n < len(rest) && s.width(strings.TrimRight(strings.Join(rest[:n+1], ""), " "), size) <= width {
			n++
		}
		line := strings.Join(rest[:n], "")
		rest = rest[n:]
		if len(out) == lines-1 && len(rest) > 0 {
			line += strings.Join(rest, "")
		}
		out = append(out, shorten(s, strings.TrimSpace(line), size, width))
	}
	return out
}

// breakable cuts a text where a line may end.
func breakable(text string) []string {
	var parts []string
	var part strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if n := len(parts); n > 0 && part.Len() == 0 && strings.ContainsRune("，。、；：！？）》」』", r) {
			parts[n-1] += string(r) // no line begins with it
			continue
		}
		wide := r >= 0x2E80
		if wide && part.Len() > 0 {
			parts = append(parts, part.String())
			part.Reset()
		}
		part.WriteRune(r)
		if r == ' ' || wide {
			parts = append(parts, part.String())
			part.Reset()
		}
	}
	if part.Len() > 0 {
		parts = append(parts, part.String())
	}
	return parts
}

// shorten cuts a text to a width.
func shorten(s surface, text string, size, width float64) string {
	if s.width(text, size) <= width {
		return text
	}
	runes := []rune(text)
	// The greatest length that fits, by halving.
	low, high := 0, len(runes)
	for low < high {
		mid := (low + high + 1) / 2
		if s.width(string(runes[:mid])+"…", size) <= width {
			low = mid
		} else {
			high = mid - 1
		}
	}
	if low == 0 {
		return ""
	}
	return strings.TrimRight(string(runes[:low]), " ") + "…"
}

// wrapColumns is the number of columns that makes n cells of a shape fill a page
// of the given proportions, width over height.
func wrapColumns(n int, aspect, page float64) int {
	return min(max(int(math.Round(math.Sqrt(float64(n)*aspect*page))), 1), n)
}

// Wrap puts cells that have no columns of their own into rows.
func Wrap(cells []Cell) Block {
	b := Block{Cells: cells}
	b.Width = max(wrapColumns(len(cells), b.aspect(), 1.5), 1)
	return b
}
