package control

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
)

// rowReader reads an image row by row as alpha-premultiplied RGBA bytes, so
// that a large source never needs a second copy in memory.
type rowReader struct {
	src    image.Image
	bounds image.Rectangle
	line   *image.RGBA
	lut    [][4]uint8
}

func newRowReader(src image.Image) *rowReader {
	b := src.Bounds()
	r := &rowReader{src: src, bounds: b}
	if _, ok := src.(*image.RGBA); !ok {
		r.line = image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	}
	if p, ok := src.(*image.Paletted); ok {
		r.lut = make([][4]uint8, 256) // an index beyond the palette reads as clear
		for i, c := range p.Palette {
			q := color.RGBAModel.Convert(c).(color.RGBA)
			r.lut[i] = [4]uint8{q.R, q.G, q.B, q.A}
		}
	}
	return r
}

// row returns 4·width bytes of row y, counted from 0. They stay valid until the
// next call and must not be written to.
func (r *rowReader) row(y int) []uint8 {
	w := r.bounds.Dx()
	switch src := r.src.(type) {
	case *image.RGBA:
		at := src.PixOffset(r.bounds.Min.X, r.bounds.Min.Y+y)
		return src.Pix[at : at+4*w]
	case *image.Gray:
		at := src.PixOffset(r.bounds.Min.X, r.bounds.Min.Y+y)
		for x, v := range src.Pix[at : at+w] {
			binary.LittleEndian.PutUint32(r.line.Pix[4*x:], 0xff000000|uint32(v)*0x010101)
		}
	case *image.Paletted:
		at := src.PixOffset(r.bounds.Min.X, r.bounds.Min.Y+y)
		for x, v := range src.Pix[at : at+w] {
			copy(r.line.Pix[4*x:4*x+4], r.lut[v][:])
		}
	default:
		draw.Draw(r.line, r.line.Rect, src, image.Pt(r.bounds.Min.X, r.bounds.Min.Y+y), draw.Src)
	}
	return r.line.Pix
}

// rowIsPlain reports whether every pixel is opaque and gray. It reads
// eight pixels at a time: this is what keeps the fast path of canny fast.
func rowIsPlain(row []uint8) bool {
	const (
		chroma = 0x0000ffff_0000ffff // where r^g and g^b end up
		alpha  = 0xff000000_ff000000
	)
	diff, opaque := uint64(0), uint64(alpha)
	for len(row) >= 32 {
		p := (*[32]uint8)(row)
		a, b := binary.LittleEndian.Uint64(p[0:]), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		diff |= (a ^ a>>8) | (b ^ b>>8) | (c ^ c>>8) | (d ^ d>>8)
		opaque &= a & b & c & d
		row = row[32:]
	}
	for len(row) >= 4 {
		a := uint64(binary.LittleEndian.Uint32(row))
		diff |= a ^ a>>8
		opaque &= a | 0xff000000_00000000
		row = row[4:]
	}
	return diff&chroma == 0 && opaque&alpha == alpha
}

// chroma is the largest difference between two channels in a row of pixels.
func rowChroma(row []uint8, enough int) int {
	most := 0
	for i := 0; i+3 < len(row); i += 4 {
		r, g, b := int(row[i]), int(row[i+1]), int(row[i+2])
		if r == g && g == b {
			continue
		}
		most = max(most, max(r, g, b)-min(r, g, b))
		if most > enough {
			break
		}
	}
	return most
}

// over lays premultiplied row pixels over an opaque ground and writes one or
// three planes. One plane takes OpenCV's luma weights.
func over(row []uint8, ground [3]uint8, planes [][]uint8) {
	if len(planes) == 1 {
		dst, g0 := planes[0], uint32(ground[0])
		for x := range dst {
			p := row[4*x : 4*x+4 : 4*x+4]
			r, g, b, a := uint32(p[0]), uint32(p[1]), uint32(p[2]), uint32(p[3])
			v := r
			if r != g || g != b {
				v = (r*4899 + g*9617 + b*1868 + 8192) >> 14
			}
			if a != 255 {
				v = min(255, v+((255-a)*g0+127)/255)
			}
			dst[x] = uint8(v)
		}
		return
	}
	for c, dst := range planes {
		g0 := uint32(ground[c])
		for x := range dst {
			v, a := uint32(row[4*x+c]), uint32(row[4*x+3])
			if a != 255 {
				v = min(255, v+((255-a)*g0+127)/255)
			}
			dst[x] = uint8(v)
		}
	}
}
