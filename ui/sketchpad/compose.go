package sketchpad

import (
	"encoding/binary"
	"image"
)

// Ink is the grey of drawn lines; paper is white (255).
const inkGrey = 0x11

// div255 divides by 255 with rounding; exact for 0 ≤ v ≤ 255·255.
func div255(v uint32) uint32 { return (v + 128 + (v+128)>>8) >> 8 }

// layInk writes to dst the RGBA pixels before (nil: all transparent) with ink on them where mask or tail cover them.
// All slices belong to the same pixels; dst may be before.
func layInk(dst, before []uint8, mask, tail []uint8) {
	if before == nil {
		clear(dst)
	} else if &dst[0] != &before[0] {
		copy(dst, before)
	}
	for i, m := range mask {
		if tail[i] > m {
			m = tail[i]
		}
		if m == 0 {
			continue
		}
		d := dst[4*i : 4*i+4 : 4*i+4]
		k, u := uint32(255-m), uint32(m)
		d[0] = uint8(div255(uint32(d[0])*k + inkGrey*u))
		d[1] = uint8(div255(uint32(d[1])*k + inkGrey*u))
		d[2] = uint8(div255(uint32(d[2])*k + inkGrey*u))
		d[3] = uint8(div255(uint32(d[3])*k + 255*u))
	}
}

// takeInk is layInk for the eraser: it makes the pixels transparent where they are covered.
func takeInk(dst, before []uint8, mask, tail []uint8) {
	if before == nil {
		clear(dst)
		return
	}
	if &dst[0] != &before[0] {
		copy(dst, before)
	}
	for i, m := range mask {
		if tail[i] > m {
			m = tail[i]
		}
		if m == 0 {
			continue
		}
		d := dst[4*i : 4*i+4 : 4*i+4]
		k := uint32(255 - m)
		d[0] = uint8(div255(uint32(d[0]) * k))
		d[1] = uint8(div255(uint32(d[1]) * k))
		d[2] = uint8(div255(uint32(d[2]) * k))
		d[3] = uint8(div255(uint32(d[3]) * k))
	}
}

// ontoPaper writes to dst the opaque result of the ink over the underlay over white paper. under is nil without an
// underlay; opacity is 0 to 255.
func ontoPaper(dst, ink, under []uint8, opacity uint32) {
	for i := 0; i+4 <= len(ink); i += 4 {
		s := ink[i : i+4 : i+4]
		d := dst[i : i+4 : i+4]
		if under == nil || s[3] == 255 {
			// Over white every channel gains what the ink lets through; most pixels are bare paper.
			k := uint32(255 - s[3])
			binary.LittleEndian.PutUint32(d, binary.LittleEndian.Uint32(s)+k*0x01010101)
			continue
		}
		u := under[i : i+4 : i+4]
		white := 255 - div255(uint32(u[3])*opacity)
		k := uint32(255 - s[3])
		d[0] = s[0] + uint8(div255((white+div255(uint32(u[0])*opacity))*k))
		d[1] = s[1] + uint8(div255((white+div255(uint32(u[1])*opacity))*k))
		d[2] = s[2] + uint8(div255((white+div255(uint32(u[2])*opacity))*k))
		d[3] = 255
	}
}

// halve fills r, a rectangle of dst, with the averages of 2×2 pixels of src, which is twice as large; the last row or
// column of an odd src is repeated.
func halve(dst, src *image.RGBA, r image.Rectangle) {
	r = r.Intersect(dst.Rect)
	w, h := src.Rect.Dx(), src.Rect.Dy()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		top := src.Pix[2*y*src.Stride:]
		low := src.Pix[min(2*y+1, h-1)*src.Stride:]
		out := dst.Pix[y*dst.Stride:]
		for x := r.Min.X; x < r.Max.X; x++ {
			a, b := 8*x, 4*min(2*x+1, w-1)
			t0, t1 := binary.LittleEndian.Uint32(top[a:]), binary.LittleEndian.Uint32(top[b:])
			l0, l1 := binary.LittleEndian.Uint32(low[a:]), binary.LittleEndian.Uint32(low[b:])
			v := t0
			if t0 != t1 || t0 != l0 || t0 != l1 {
				v = packed((lanes(t0) + lanes(t1) + lanes(l0) + lanes(l1) + 0x0002000200020002) >> 2 & laneMask)
			}
			binary.LittleEndian.PutUint32(out[4*x:], v)
		}
	}
}
