package control

import "image"

// EdgeF1 compares two edge images, white lines on black, pixel by pixel.
// precision is the part of got's edge pixels with an edge of want within
// tolerance pixels, recall the part of want's with one of got, f1 their harmonic
// mean; a pixel is an edge when its brightest channel is above 127. Distances
// are measured as squares (Chebyshev): tolerance 0 asks for the same pixel.
//
// Two images without edges agree fully (1, 1, 1). When just one has edges, or
// their sizes differ, all three are 0.
//
// ControlNet++ (arXiv 2404.07987) reports Canny F1 with tolerance 0; Maquette
// reports tolerance 2 as sketch fidelity.
func EdgeF1(got, want *image.RGBA, tolerance int) (precision, recall, f1 float64) {
	if got == nil || want == nil || got.Rect.Size() != want.Rect.Size() || tolerance < 0 {
		return 0, 0, 0
	}
	g, w := edgeMask(got), edgeMask(want)
	return agreement(g, w, g.grown(tolerance), w.grown(tolerance))
}

// agreement is EdgeF1 of two masks of one size; nearG and nearW are the same
// masks, grown by the tolerance.
func agreement(g, w, nearG, nearW *mask) (precision, recall, f1 float64) {
	hitG, allG := covered(g, nearW)
	hitW, allW := covered(w, nearG)
	if allG == 0 && allW == 0 {
		return 1, 1, 1
	}
	if allG == 0 || allW == 0 {
		return 0, 0, 0
	}
	precision = float64(hitG) / float64(allG)
	recall = float64(hitW) / float64(allW)
	if precision+recall > 0 {
		f1 = 2 * precision * recall / (precision + recall)
	}
	return precision, recall, f1
}

// edgeMask is where an image's brightest channel is above 127.
func edgeMask(m *image.RGBA) *mask {
	out := newMask(m.Rect.Dx(), m.Rect.Dy())
	for y := range out.h {
		row := m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):]
		for x := range out.w {
			if max(row[4*x], row[4*x+1], row[4*x+2]) > 127 {
				out.on[y*out.w+x] = 1
			}
		}
	}
	return out
}

// covered counts the pixels of m, and those that lie in area.
func covered(m, area *mask) (hit, all int) {
	for i, v := range m.on {
		all += int(v)
		hit += int(v & area.on[i])
	}
	return hit, all
}

// grown widens a mask by r pixels in all directions.
func (m *mask) grown(r int) *mask {
	across, out := newMask(m.w, m.h), newMask(m.w, m.h)
	for y := range m.h {
		spread(m.on[y*m.w:(y+1)*m.w], across.on[y*m.w:(y+1)*m.w], 1, m.w, r)
	}
	for x := range m.w {
		spread(across.on[x:], out.on[x:], m.w, m.h, r)
	}
	return out
}

// spread widens runs of n pixels, step apart, by r to both sides.
func spread(src, dst []uint8, step, n, r int) {
	last := -r - 1 // the last pixel seen
	for i := range n {
		if src[i*step] != 0 {
			for j := max(i-r, last+1, 0); j < i; j++ {
				dst[j*step] = 1
			}
			last = i
		}
		if i-last <= r {
			dst[i*step] = 1
		}
	}
}
