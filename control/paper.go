package control

import (
	"math"
	"slices"
)

// paper is the brightness of unevenly lit paper, as in a phone photograph of a
// drawing: a smooth map over the source.
type paper struct {
	w, h  int
	level []uint8
}

const (
	paperReach   = 6   // strokes up to twice this many proxy points wide are not paper
	paperSlope   = 12  // levels that light may fall over 4 proxy points; objects fall faster
	paperDarkest = 90  // darker surfaces are not taken for paper
	paperCover   = .75 // the part of the source that must be paper
)

// findPaper returns the paper under a photographed drawing, or nil when the
// source doesn't look like light paper under smooth light.
func findPaper(px *proxy) *paper {
	if px.w < 4*paperReach || px.h < 4*paperReach {
		return nil
	}
	// Grey closing removes dark strokes and keeps the light around them.
	closed := slide(slide(px.lum, px.w, px.h, paperReach, true), px.w, px.h, paperReach, false)
	level := smooth(closed, px.w, px.h, paperReach/2)
	at := func(x, y int) int { return int(level[y*px.w+x]) }
	var slopes []int
	paperPoints := 0
	for y := range px.h {
		for x := range px.w {
			v := at(x, y)
			if v < paperDarkest {
				return nil
			}
			if d := v - int(px.lum[y*px.w+x]); max(d, -d) <= paperSpread {
				paperPoints++
			}
			dx := at(min(x+4, px.w-1), y) - v
			dy := at(x, min(y+4, px.h-1)) - v
			slopes = append(slopes, max(dx, -dx, dy, -dy))
		}
	}
	slices.Sort(slopes)
	if slopes[len(slopes)*995/1000] > paperSlope {
		return nil
	}
	if float64(paperPoints) < paperCover*float64(px.w*px.h) {
		return nil
	}
	return &paper{w: px.w, h: px.h, level: level}
}

// flatten lightens row y of h so that the paper in it becomes white.
func (p *paper) flatten(row []uint8, y, h int) {
	fy := (float64(y)+.5)*float64(p.h)/float64(h) - .5
	y0 := min(max(int(math.Floor(fy)), 0), p.h-1)
	y1 := min(y0+1, p.h-1)
	ty := min(max(fy-float64(y0), 0), 1)
	step := float64(p.w) / float64(len(row))
	for x, v := range row {
		fx := (float64(x)+.5)*step - .5
		x0 := min(max(int(fx), 0), p.w-1)
		x1 := min(x0+1, p.w-1)
		tx := min(max(fx-float64(x0), 0), 1)
		top := float64(p.level[y0*p.w+x0])*(1-tx) + float64(p.level[y0*p.w+x1])*tx
		low := float64(p.level[y1*p.w+x0])*(1-tx) + float64(p.level[y1*p.w+x1])*tx
		row[x] = uint8(min(255, float64(v)*255/(top*(1-ty)+low*ty)))
	}
}

// slide is a maximum (or minimum) filter over a square of side 2r+1.
func slide(src []uint8, w, h, r int, most bool) []uint8 {
	across := make([]uint8, len(src))
	for y := range h {
		slideLine(across[y*w:], src[y*w:], w, 1, r, most)
	}
	out := make([]uint8, len(src))
	for x := range w {
		slideLine(out[x:], across[x:], h, w, r, most)
	}
	return out
}

// slideLine filters n values that lie step apart.
func slideLine(dst, src []uint8, n, step, r int, most bool) {
	for i := range n {
		v := src[i*step]
		for j := max(0, i-r); j <= min(n-1, i+r); j++ {
			if u := src[j*step]; most {
				v = max(v, u)
			} else {
				v = min(v, u)
			}
		}
		dst[i*step] = v
	}
}

// smooth is a mean filter over a square of side 2r+1.
func smooth(src []uint8, w, h, r int) []uint8 {
	out := make([]uint8, len(src))
	for y := range h {
		for x := range w {
			sum, n := 0, 0
			for j := max(0, y-r); j <= min(h-1, y+r); j++ {
				for i := max(0, x-r); i <= min(w-1, x+r); i++ {
					sum, n = sum+int(src[j*w+i]), n+1
				}
			}
			out[y*w+x] = uint8(sum / n)
		}
	}
	return out
}
