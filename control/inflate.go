package control

import "context"

// inflate raises every labelled region to a rounded surface (Baran and
// Lehtinen, "Notes on inflating curves", 2009): ∇²h = −4 inside, h = 0 on the
// border, so that a disc of radius R gives h = R² − r², the square of a
// hemisphere. label holds w × h region numbers, 0 for none; regions don't
// influence each other. The result is h in square pixels, 0 outside.
//
// It is solved from coarse to fine: each grid starts from the solution on the
// next coarser one, which leaves only short waves to the relaxation.
func inflate(ctx context.Context, label []int32, w, h int) ([]float32, error) {
	type grid struct {
		label []int32
		w, h  int
	}
	grids := []grid{{label, w, h}}
	for g := grids[0]; g.w > 12 && g.h > 12; g = grids[len(grids)-1] {
		l, cw, ch := coarsen(g.label, g.w, g.h)
		grids = append(grids, grid{l, cw, ch})
	}
	var field []float32
	for i := len(grids) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g := grids[i]
		fine := make([]float32, g.w*g.h)
		rounds := 24
		if field == nil {
			rounds = 60
		} else {
			c := grids[i+1]
			prolong(fine, g.label, g.w, g.h, field, c.label, c.w, c.h)
		}
		if g.w*g.h > 1<<19 {
			rounds = 14 // errors left here are below a hundredth of a large region
		}
		relax(fine, g.label, g.w, g.h, float32(int(1)<<i), rounds)
		field = fine
	}
	return field, nil
}

// coarsen halves a label map. A cell belongs to the region that holds at least
// half of it.
func coarsen(label []int32, w, h int) (out []int32, cw, ch int) {
	cw, ch = (w+1)/2, (h+1)/2
	out = make([]int32, cw*ch)
	for y := range ch {
		for x := range cw {
			var four [4]int32
			for k := range four {
				if fx, fy := 2*x+k&1, 2*y+k>>1; fx < w && fy < h {
					four[k] = label[fy*w+fx]
				}
			}
			for i, l := range four {
				n := 0
				for _, o := range four[i:] {
					if o == l {
						n++
					}
				}
				if l != 0 && n >= 2 {
					out[y*cw+x] = l
					break
				}
			}
		}
	}
	return out, cw, ch
}

// prolong interpolates a coarse solution bilinearly; cells of other regions
// count as 0, as they lie beyond the border.
func prolong(fine []float32, label []int32, w, h int, coarse []float32, coarseLabel []int32, cw, ch int) {
	for y := range h {
		// The nearer coarse row has weight 3/4, the other one 1/4.
		y0 := y / 2
		y1 := min(max(y0+2*(y&1)-1, 0), ch-1)
		for x := range w {
			l := label[y*w+x]
			if l == 0 {
				continue
			}
			x0 := x / 2
			x1 := min(max(x0+2*(x&1)-1, 0), cw-1)
			var sum float32
			for _, c := range [4]struct {
				i int
				k float32
			}{{y0*cw + x0, 9}, {y0*cw + x1, 3}, {y1*cw + x0, 3}, {y1*cw + x1, 1}} {
				if coarseLabel[c.i] == l {
					sum += c.k * coarse[c.i]
				}
			}
			fine[y*w+x] = sum / 16
		}
	}
}

// relax runs red-black successive over-relaxation on cells of side d pixels.
// The border lies on the faces between cells, so a neighbour beyond it mirrors
// the cell with the opposite sign; this keeps a region's size the same on every
// grid.
func relax(f []float32, label []int32, w, h int, d float32, rounds int) {
	type cell struct {
		i      int32
		beyond uint8 // neighbours that belong to another region, as bits
	}
	var colours [2][]cell
	for y := range h {
		for x := range w {
			i := y*w + x
			l := label[i]
			if l == 0 {
				continue
			}
			var b uint8
			if x == 0 || label[i-1] != l {
				b |= 1
			}
			if x == w-1 || label[i+1] != l {
				b |= 2
			}
			if y == 0 || label[i-w] != l {
				b |= 4
			}
			if y == h-1 || label[i+w] != l {
				b |= 8
			}
			colours[(x+y)&1] = append(colours[(x+y)&1], cell{int32(i), b})
		}
	}
	const omega = 1.75
	source := 4 * d * d
	for range rounds {
		for _, cells := range colours {
			for _, c := range cells {
				i := int(c.i)
				if c.beyond == 0 {
					next := (f[i-1] + f[i+1] + f[i-w] + f[i+w] + source) / 4
					f[i] += omega * (next - f[i])
					continue
				}
				sum, weight := source, float32(4)
				if c.beyond&1 == 0 {
					sum += f[i-1]
				} else {
					weight++
				}
				if c.beyond&2 == 0 {
					sum += f[i+1]
				} else {
					weight++
				}
				if c.beyond&4 == 0 {
					sum += f[i-w]
				} else {
					weight++
				}
				if c.beyond&8 == 0 {
					sum += f[i+w]
				} else {
					weight++
				}
				f[i] += omega * (sum/weight - f[i])
			}
		}
	}
}
