package control

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"
)

// region is one area that the drawing's lines close off.
type region struct {
	id       int32
	area     int
	parent   int32 // the region that surrounds it; 0 is the background
	depth    int   // how many regions surround it, counting itself; background 0
	group    int32 // touching regions with the same parent form an object
	box      image.Rectangle
	next     []int32 // regions that it touches
	children []int32
}

// drawing is the regions of a page: a map from pixels to regions and the
// regions by number, with the background as number 0.
type drawing struct {
	w, h    int
	label   []int32
	regions []region
}

// findRegions closes small gaps between strokes and takes what the strokes
// enclose. Gaps up to reach pixels are closed; wider ones, up to three times
// that, only when it gains a good deal of area, as for an outline that was not
// drawn to its end. Stroke pixels go to the nearest region, so that regions meet
// in the middle of the strokes. A drawing without closed lines has its strokes
// themselves as regions.
func findRegions(ctx context.Context, ink *image.Gray, reach int) (*drawing, error) {
	d := &drawing{w: ink.Rect.Dx(), h: ink.Rect.Dy()}
	strokes := inked(ink, 48) // light strokes close regions too
	thin := strokes.thinned()
	loose := thin.ends(6*reach + 4)
	least := max(12, d.w*d.h/20000)
	most := 0
	for _, wider := range []float64{1, 5. / 3, 3} {
		barrier := &mask{w: d.w, h: d.h, on: slices.Clone(strokes.on)}
		if err := thin.closeGaps(ctx, barrier, loose, int(math.Round(wider*float64(reach)))); err != nil {
			return nil, err
		}
		label, n, err := components(barrier, 0)
		if err != nil {
			return nil, err
		}
		if area := enclose(label, n, d.w, d.h, least); float64(area) > 1.08*float64(most) {
			d.label, most = label, area
		}
		if len(loose) == 0 || reach == 0 {
			break // nothing to join
		}
	}
	if d.label == nil {
		label, n, err := components(strokes, 1)
		if err != nil {
			return nil, err
		}
		dropSmall(label, n, least/2)
		d.label = label
	}
	d.absorb()
	d.build()
	return d, ctx.Err()
}

// dropSmall renumbers labels without areas below least.
func dropSmall(label []int32, n, least int) {
	areas := make([]int, n)
	for _, l := range label {
		areas[l]++
	}
	keep := make([]int32, n)
	next := int32(1)
	for l := 1; l < n; l++ {
		if areas[l] >= least {
			keep[l] = next
			next++
		}
	}
	for i, l := range label {
		label[i] = keep[l]
	}
}

// components numbers the connected areas of m that have the given value from 1;
// the rest is 0. Areas connect over sides only for gaps between strokes, over
// corners too for strokes. n is one more than the highest number.
func components(m *mask, value uint8) (label []int32, n int, err error) {
	pix := make([]byte, len(m.on))
	for i, v := range m.on {
		if v == value {
			pix[i] = 255
		}
	}
	conn := 4
	if value != 0 {
		conn = 8
	}
	label = make([]int32, len(pix))
	err = convert(bytePixels(pix, m.w, m.h), intPixels(label, m.w, m.h), func(in gocv.Mat, out *gocv.Mat) error {
		n = gocv.ConnectedComponentsWithParams(in, out, conn, gocv.MatTypeCV32S, gocv.CCL_DEFAULT)
		if n == 0 {
			return gocv.LastExceptionError()
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("find closed regions: %w", err)
	}
	return label, n, nil
}

// unassigned marks pixels that belong to no region yet.
const unassigned = -1

// enclose renumbers labels: areas that reach the frame are background (0), tiny
// ones and strokes are unassigned, the others count from 1. It returns the area
// of those.
func enclose(label []int32, n, w, h, least int) (enclosed int) {
	areas, open := make([]int, n), make([]bool, n)
	for i, l := range label {
		areas[l]++
		if x, y := i%w, i/w; x == 0 || y == 0 || x == w-1 || y == h-1 {
			open[l] = true
		}
	}
	renumber := make([]int32, n)
	next := int32(1)
	for l := range renumber {
		switch {
		case l == 0:
			renumber[l] = unassigned
		case open[l]:
			renumber[l] = 0
		case areas[l] < least:
			renumber[l] = unassigned
		default:
			renumber[l] = next
			next++
			enclosed += areas[l]
		}
	}
	for i, l := range label {
		label[i] = renumber[l]
	}
	return enclosed
}

// absorb gives unassigned pixels to the nearest region, ring by ring.
func (d *drawing) absorb() {
	var ring []int32
	for i, l := range d.label {
		if l == unassigned {
			continue
		}
		if d.anyNext(i, func(j int) bool { return d.label[j] == unassigned }) {
			ring = append(ring, int32(i))
		}
	}
	for len(ring) > 0 {
		var next []int32
		for _, i := range ring {
			l := d.label[i]
			d.anyNext(int(i), func(j int) bool {
				if d.label[j] == unassigned {
					d.label[j] = l
					next = append(next, int32(j))
				}
				return false
			})
		}
		ring = next
	}
	for i, l := range d.label { // a page that is ink all over
		if l == unassigned {
			d.label[i] = 0
		}
	}
}

// anyNext reports whether f holds for one of the four neighbours of pixel i.
func (d *drawing) anyNext(i int, f func(j int) bool) bool {
	x, y := i%d.w, i/d.w
	return x > 0 && f(i-1) || x < d.w-1 && f(i+1) || y > 0 && f(i-d.w) || y < d.h-1 && f(i+d.w)
}

// build collects the regions, who touches whom, and who surrounds whom.
func (d *drawing) build() {
	top := int32(0)
	for _, l := range d.label {
		top = max(top, l)
	}
	d.regions = make([]region, top+1)
	touch := make(map[[2]int32]bool)
	note := func(a, b int32) {
		if a != b {
			touch[[2]int32{min(a, b), max(a, b)}] = true
		}
	}
	for i, l := range d.label {
		r := &d.regions[l]
		r.area++
		if p := image.Pt(i%d.w, i/d.w); !p.In(r.box) {
			r.box = r.box.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))})
		}
		if i%d.w > 0 {
			note(l, d.label[i-1])
		} else {
			note(l, 0) // beyond the frame lies background
		}
		if i >= d.w {
			note(l, d.label[i-d.w])
		} else {
			note(l, 0)
		}
		if i%d.w == d.w-1 || i/d.w == d.h-1 {
			note(l, 0)
		}
	}
	for pair := range touch {
		a, b := pair[0], pair[1]
		d.regions[a].next = append(d.regions[a].next, b)
		d.regions[b].next = append(d.regions[b].next, a)
	}
	for i := range d.regions {
		d.regions[i].id = int32(i)
		slices.Sort(d.regions[i].next)
	}
	d.surround()
	d.groupUp()
}

// surround finds each region's parent: the nearest region through which every
// way from it to the background leads. That is the immediate dominator in the
// graph of touching regions (Cooper, Harvey and Kennedy, "A simple, fast
// dominance algorithm", 2001).
func (d *drawing) surround() {
	order := make([]int32, 0, len(d.regions)) // depth first, children before parents
	seen := make([]bool, len(d.regions))
	type visit struct {
		at   int32
		next int
	}
	stack := []visit{{}}
	seen[0] = true
	for len(stack) > 0 {
		v := &stack[len(stack)-1]
		if v.next < len(d.regions[v.at].next) {
			r := d.regions[v.at].next[v.next]
			v.next++
			if !seen[r] {
				seen[r] = true
				stack = append(stack, visit{at: r})
			}
			continue
		}
		order = append(order, v.at)
		stack = stack[:len(stack)-1]
	}
	rank := make([]int, len(d.regions))
	for i, r := range order {
		rank[r] = i
	}
	const none = -1
	dom := make([]int32, len(d.regions))
	for i := range dom {
		dom[i] = none
	}
	dom[0] = 0
	meet := func(a, b int32) int32 {
		for a != b {
			for rank[a] < rank[b] {
				a = dom[a]
			}
			for rank[b] < rank[a] {
				b = dom[b]
			}
		}
		return a
	}
	for changed := true; changed; {
		changed = false
		for _, r := range slices.Backward(order) {
			if r == 0 {
				continue
			}
			best := int32(none)
			for _, p := range d.regions[r].next {
				switch {
				case dom[p] == none:
				case best == none:
					best = p
				default:
					best = meet(p, best)
				}
			}
			if dom[r] != best {
				dom[r], changed = best, true
			}
		}
	}
	for _, r := range slices.Backward(order) { // parents first
		if r == 0 {
			continue
		}
		p := max(dom[r], 0)
		d.regions[r].parent = p
		d.regions[r].depth = d.regions[p].depth + 1
		d.regions[p].children = append(d.regions[p].children, r)
	}
}

// groupUp numbers the objects: sets of touching regions with one parent.
func (d *drawing) groupUp() {
	next := int32(1)
	for i := range d.regions[1:] {
		if d.regions[i+1].group != 0 {
			continue
		}
		todo := []int32{int32(i + 1)}
		for len(todo) > 0 {
			r := &d.regions[todo[len(todo)-1]]
			todo = todo[:len(todo)-1]
			if r.group != 0 {
				continue
			}
			r.group = next
			for _, o := range r.next {
				if o != 0 && d.regions[o].parent == r.parent && d.regions[o].group == 0 {
					todo = append(todo, o)
				}
			}
		}
		next++
	}
}

// ancestor is the region at the given depth that holds region r, or 0 when r
// lies less deep.
func (d *drawing) ancestor(r int32, depth int) int32 {
	for d.regions[r].depth > depth {
		r = d.regions[r].parent
	}
	if d.regions[r].depth < depth {
		return 0
	}
	return r
}
