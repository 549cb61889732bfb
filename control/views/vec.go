package views

import "math"

// Vec is a point or direction. In the world x points to the object's right as
// seen from the front, y up, and z to the front camera.
type Vec [3]float64

func (a Vec) add(b Vec) Vec           { return Vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func (a Vec) sub(b Vec) Vec           { return Vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func (a Vec) mul(s float64) Vec       { return Vec{a[0] * s, a[1] * s, a[2] * s} }
func (a Vec) dot(b Vec) float64       { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func (a Vec) length() float64         { return math.Sqrt(a.dot(a)) }
func (a Vec) to(b Vec, t float64) Vec { return a.add(b.sub(a).mul(t)) }

func (a Vec) cross(b Vec) Vec {
	return Vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// unit is a scaled to length 1; a zero vector stays zero.
func (a Vec) unit() Vec {
	if n := a.length(); n > 0 {
		return a.mul(1 / n)
	}
	return a
}

// point is a place in the picture, in pixels from its upper left corner; the
// centre of the first pixel is at (0.5, 0.5).
type point struct{ x, y float64 }

func (p point) sub(q point) point           { return point{p.x - q.x, p.y - q.y} }
func (p point) add(q point) point           { return point{p.x + q.x, p.y + q.y} }
func (p point) dot(q point) float64         { return p.x*q.x + p.y*q.y }
func (p point) cross(q point) float64       { return p.x*q.y - p.y*q.x }
func (p point) length() float64             { return math.Hypot(p.x, p.y) }
func (p point) mul(s float64) point         { return point{p.x * s, p.y * s} }
func (p point) to(q point, t float64) point { return point{p.x + t*(q.x-p.x), p.y + t*(q.y-p.y)} }
