package control

import (
	"cmp"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"
)

// silhouette is the outline of an object, filled, without what lies around it.
type silhouette struct {
	area     float64
	straight bool // few straight edges: a plane rather than a cushion
	upright  bool // straight, and its edges follow the image axes
}

// radius is that of the disc with the same area.
func (s *silhouette) radius() float64 { return math.Sqrt(s.area / math.Pi) }

// measure judges the shape of the pixels where in is true, within box. unit is
// the size of one pixel of a 512-pixel drawing: hands wobble by about two.
func measure(box image.Rectangle, unit float64, in func(x, y int) bool) (*silhouette, error) {
	// One free pixel around, so that the outline never runs on the border.
	w, h := box.Dx()+2, box.Dy()+2
	m := image.NewGray(image.Rect(0, 0, w, h))
	var n, sx, sy, sxx, syy, sxy float64
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if in(x, y) {
				m.Pix[(y-box.Min.Y+1)*w+x-box.Min.X+1] = 255
				fx, fy := float64(x-box.Min.X+1), float64(y-box.Min.Y+1)
				n, sx, sy = n+1, sx+fx, sy+fy
				sxx, syy, sxy = sxx+fx*fx, syy+fy*fy, sxy+fx*fy
			}
		}
	}
	s := &silhouette{area: n}
	if n < 9 {
		return s, nil
	}
	outline, err := longestOutline(m)
	if err != nil || len(outline) < 8 {
		return s, err
	}
	cx, cy := sx/n, sy/n
	if ellipseError(outline, cx, cy, sxx/n-cx*cx, syy/n-cy*cy, sxy/n-cx*cy) < .045 {
		return s, nil
	}
	s.straight, s.upright = straightEdged(outline, unit)
	return s, nil
}

// longestOutline traces the outer contour of a filled shape, pixel by pixel.
func longestOutline(m *image.Gray) ([]image.Point, error) {
	v, err := grayPixels(m).view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	all := gocv.FindContours(v.Mat, gocv.RetrievalExternal, gocv.ChainApproxNone)
	defer all.Close()
	best := -1
	for i := range all.Size() {
		if best < 0 || all.At(i).Size() > all.At(best).Size() {
			best = i
		}
	}
	if best < 0 {
		return nil, nil
	}
	return all.At(best).ToPoints(), nil
}

// ellipseError is how far an outline is from the ellipse with the shape's
// second moments: the relative deviation of its radius, 0 for an ellipse, about
// 0.1 for a square.
func ellipseError(outline []image.Point, cx, cy, vxx, vyy, vxy float64) float64 {
	det := vxx*vyy - vxy*vxy
	if det < 1e-6 {
		return 1
	}
	var sum, square float64
	for _, p := range outline {
		dx, dy := float64(p.X)-cx, float64(p.Y)-cy
		r := math.Sqrt((vyy*dx*dx - 2*vxy*dx*dy + vxx*dy*dy) / det)
		sum, square = sum+r, square+r*r
	}
	n := float64(len(outline))
	mean := sum / n
	return math.Sqrt(max(0, square/n-mean*mean)) / mean
}

// straightEdged reports whether nearly all of an outline runs straight between
// corners, and whether those edges are horizontal and vertical.
func straightEdged(outline []image.Point, unit float64) (straight, upright bool) {
	n := len(outline)
	vec := gocv.NewPointVectorFromPoints(outline)
	defer vec.Close()
	approx := gocv.ApproxPolyDP(vec, max(1.5, min(3*unit, .015*float64(n))), true)
	defer approx.Close()
	corners := approx.ToPoints()
	if len(corners) < 3 || len(corners) > 24 {
		return false, false
	}
	index := make(map[image.Point]int, n)
	for i, p := range outline {
		index[p] = i
	}
	corners = sharpCorners(corners)
	if len(corners) < 3 || mostlySoft(corners) {
		return false, false
	}
	var good, level float64
	for i, a := range corners {
		from, to := index[a], index[corners[(i+1)%len(corners)]]
		arc := make([]image.Point, (to-from+n)%n)
		for k := range arc {
			arc[k] = outline[(from+k)%n]
		}
		length := float64(len(arc))
		bend, bow, tilt := arcBend(arc)
		// A hand strays to both sides of a straight edge; a curve bows to one.
		if bend <= max(1.6, min(3.5*unit, .06*length), .03*length) && bow <= max(1.8*unit, .023*length) {
			good += length
		}
		if min(tilt, math.Pi/2-tilt) < 5*math.Pi/180 {
			level += float64(len(arc))
		}
	}
	return good >= .9*float64(n), level >= .9*float64(n)
}

// arcBend fits a line to a piece of outline and returns how far the piece
// strays from it, how far its middle bows to one side, and the line's angle to
// the horizontal, 0…π/2. The ends don't count, as hands round corners off.
func arcBend(arc []image.Point) (bend, bow, tilt float64) {
	if cut := len(arc) / 8; len(arc) > 16 {
		arc = arc[cut : len(arc)-cut]
	}
	if len(arc) < 2 {
		return 0, 0, 0
	}
	line := axis(arc)
	pts := make([]support, len(arc))
	for i, p := range arc {
		pts[i].along, pts[i].across = line.offset(float64(p.X), float64(p.Y))
		bend = max(bend, math.Abs(pts[i].across))
	}
	slices.SortFunc(pts, func(a, b support) int { return cmp.Compare(a.along, b.along) })
	_, _, sag := fitCurve(pts)
	ux, uy := line.direction()
	return bend, math.Abs(sag), math.Atan2(math.Abs(uy), math.Abs(ux))
}

// sharpCorners leaves out corners where the outline hardly turns: they come
// from wobbles within one edge.
func sharpCorners(c []image.Point) []image.Point {
	for {
		flattest, turn := -1, 8*math.Pi/180
		for i := range c {
			a, b, d := c[(i+len(c)-1)%len(c)], c[i], c[(i+1)%len(c)]
			t := math.Abs(angleBetween(b.Sub(a), d.Sub(b)))
			if t < turn {
				flattest, turn = i, t
			}
		}
		if flattest < 0 || len(c) <= 3 {
			return c
		}
		c = append(c[:flattest:flattest], c[flattest+1:]...)
	}
}

// mostlySoft reports whether the outline turns gently at many corners, as the
// polygon along a curve does. A box in perspective or a hipped roof has one or
// two such corners.
func mostlySoft(c []image.Point) bool {
	soft := 0
	for i := range c {
		a, b, d := c[(i+len(c)-1)%len(c)], c[i], c[(i+1)%len(c)]
		if math.Abs(angleBetween(b.Sub(a), d.Sub(b))) < 40*math.Pi/180 {
			soft++
		}
	}
	return soft > max(2, len(c)/3)
}

// angleBetween is the turn from direction a to direction b, in radians.
func angleBetween(a, b image.Point) float64 {
	return math.Atan2(float64(a.X*b.Y-a.Y*b.X), float64(a.X*b.X+a.Y*b.Y))
}
