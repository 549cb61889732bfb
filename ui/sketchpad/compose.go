package sketchpad

import "image"

// Ink is the grey of drawn lines; paper is white (255).
const inkGrey = 0x11

// div255 divides by 255 with rounding; exact for 0 ≤ v ≤ 255·255.
func div255(v uint32) uint32 { return (v + 128 + (v+128)>>8) >> 8 }

// layInk writes to dst the RGBA pixels before (nil: all transparent) with ink on them where mask or tail cover them.
// All slices belong to the same pixels; dst may be before.
func layInk(dst, before []uint8, mask, tail []uint8) {
	for i, m := range mask {
		if tail[i] > m {
			m = tail[i]
		}
		d := dst[4*i : 4*i+4 : 4*i+4]
		switch {
		case m == 255:
			d[0], d[1], d[2], d[3] = inkGrey, inkGrey, inkGrey, 255
		case before == nil:
			g := uint8(div255(uint32(m) * inkGrey))
			d[0], d[1], d[2], d[3] = g, g, g, m
		default:
			b := before[4*i : 4*i+4 : 4*i+4]
			k, u := uint32(255-m), uint32(m)
			d[0] = uint8(div255(uint32(b[0])*k + inkGrey*u))
			d[1] = uint8(div255(uint32(b[1])*k + inkGrey*u))
			d[2] = uint8(div255(uint32(b[2])*k + inkGrey*u))
			d[3] = uint8(div255(uint32(b[3])*k + 255*u))
		}
	}
}

// takeInk is layInk for the eraser: it makes the pixels transparent where they are covered.
func takeInk(dst, before []uint8, mask, tail []uint8) {
	if before == nil {
		clear(dst)
		return
	}
	for i, m := range mask {
		if tail[i] > m {
			m = tail[i]
		}
		b := before[4*i : 4*i+4 : 4*i+4]
		d := dst[4*i : 4*i+4 : 4*i+4]
		k := uint32(255 - m)
		d[0] = uint8(div255(uint32(b[0]) * k))
		d[1] = uint8(div255(uint32(b[1]) * k))
		d[2] = uint8(div255(uint32(b[2]) * k))
		d[3] = uint8(div255(uint32(b[3]) * k))
	}
}

// ontoPaper writes to dst the opaque result of the ink over the underlay over white paper. under is nil without an
// underlay; opacity is 0 to 255.
func ontoPaper(dst, ink, under []uint8, opacity uint32) {
	for i := 0; i+4 <= len(ink); i += 4 {
		s := ink[i : i+4 : i+4]
		d := dst[i : i+4 : i+4]
		if under == nil || s[3] == 255 {
			k := 255 - s[3]
			d[0], d[1], d[2], d[3] = s[0]+k, s[1]+k, s[2]+k, 255
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
			t0, t1 := top[a:a+4:a+4], top[b:b+4:b+4]
			l0, l1 := low[a:a+4:a+4], low[b:b+4:b+4]
			d := out[4*x : 4*x+4 : 4*x+4]
			d[0] = uint8((uint32(t0[0]) + uint32(t1[0]) + uint32(l0[0]) + uint32(l1[0]) + 2) >> 2)
			d[1] = uint8((uint32(t0[1]) + uint32(t1[1]) + uint32(l0[1]) + uint32(l1[1]) + 2) >> 2)
			d[2] = uint8((uint32(t0[2]) + uint32(t1[2]) + uint32(l0[2]) + uint32(l1[2]) + 2) >> 2)
			d[3] = 255
		}
	}
}
