package sheet

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	xdraw "golang.org/x/image/draw"
)

// Bounds of a sheet as an image, in pixels.
const (
	maxCell   = 512
	minCell   = 64
	maxPixels = 48 << 20
	// textSize is the height of the text.
	textSize = 18
)

// Image draws a sheet as an image on white. Pictures have up to 512 pixels, and
// fewer where there are many.
func Image(ctx context.Context, sh Sheet) (*image.RGBA, error) {
	fonts, err := newTypefaces()
	if err != nil {
		return nil, err
	}
	measure := &raster{fonts: fonts, faces: map[faceSize]font.Face{}}
	st := newStyle(textSize)
	cell := 0
	for _, b := range sh.Blocks {
		for _, c := range b.Cells {
			cell = max(cell, c.Size.X)
		}
	}
	cell = min(max(cell, minCell), maxCell)
	var grids []grid
	var width, height, top float64
	for {
		grids, width, height = nil, 0, 0
		for _, b := range sh.Blocks {
			g := newGrid(measure, st, b, float64(cell))
			grids = append(grids, g)
			width = max(width, g.width())
			height += g.above() + float64(g.rows)*g.row() + st.gap
		}
		width = max(width, 480) + 2*st.margin
		top = st.margin + header(measure, st, sh, 0, 0, width-2*st.margin, false)
		height += top + st.small*st.line + st.margin
		if width*height <= maxPixels || cell <= minCell {
			break
		}
		cell = max(min(int(float64(cell)*math.Sqrt(maxPixels/(width*height))), cell-1), minCell)
	}
	if width*height > 2*maxPixels {
		return nil, fmt.Errorf("a sheet of %.0f×%.0f pixels is too large", width, height)
	}
	s := measure
	s.img = image.NewRGBA(image.Rect(0, 0, int(math.Ceil(width)), int(math.Ceil(height))))
	draw.Draw(s.img, s.img.Rect, image.White, image.Point{}, draw.Src)
	header(s, st, sh, st.margin, st.margin, width-2*st.margin, true)
	y := top
	for _, g := range grids {
		if err := g.draw(ctx, s, st.margin, y, 0, g.rows); err != nil {
			return nil, err
		}
		y += g.above() + float64(g.rows)*g.row() + st.gap
	}
	s.text(st.margin, height-st.margin, sh.Footer, st.small, color.Gray{grey})
	return s.img, nil
}

// raster is an image as a surface; the unit is a pixel.
type raster struct {
	img   *image.RGBA
	fonts *typefaces
	faces map[faceSize]font.Face
}

type faceSize struct {
	face int
	size float64
}

func (r *raster) face(face int, size float64) font.Face {
	key := faceSize{face, size}
	if f := r.faces[key]; f != nil {
		return f
	}
	f := newFace(r.fonts.fonts[face], size)
	r.faces[key] = f
	return f
}

func newFace(f *sfnt.Font, size float64) font.Face {
	// It fails for no options that there are.
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(err)
	}
	return face
}

func (r *raster) width(text string, size float64) float64 {
	var w fixed.Int26_6
	for _, part := range r.fonts.runs(text) {
		w += font.MeasureString(r.face(part.face, size), part.text)
	}
	return float64(w) / 64
}

func (r *raster) text(x, y float64, text string, size float64, c color.Gray) {
	d := font.Drawer{Dst: r.img, Src: image.NewUniform(c), Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)}}
	for _, part := range r.fonts.runs(text) {
		d.Face = r.face(part.face, size)
		d.DrawString(part.text)
	}
}

func (r *raster) picture(at rect, img image.Image) error {
	to := at.pixels()
	if to.Size() == img.Bounds().Size() {
		draw.Draw(r.img, to, img, img.Bounds().Min, draw.Over)
		return nil
	}
	xdraw.CatmullRom.Scale(r.img, to, img, img.Bounds(), draw.Over, nil)
	return nil
}

func (r *raster) frame(at rect, c color.Gray) {
	to := at.pixels()
	for _, edge := range []image.Rectangle{
		{to.Min, image.Pt(to.Max.X, to.Min.Y+1)}, {image.Pt(to.Min.X, to.Max.Y-1), to.Max},
		{to.Min, image.Pt(to.Min.X+1, to.Max.Y)}, {image.Pt(to.Max.X-1, to.Min.Y), to.Max},
	} {
		draw.Draw(r.img, edge, image.NewUniform(c), image.Point{}, draw.Src)
	}
}

func (at rect) pixels() image.Rectangle {
	x, y := int(math.Round(at.x)), int(math.Round(at.y))
	return image.Rect(x, y, x+max(int(math.Round(at.w)), 1), y+max(int(math.Round(at.h)), 1))
}
