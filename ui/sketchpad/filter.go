package sketchpad

import (
	"math"
	"time"
)

// oneEuro smooths the pointer's path: strongly while it is slow, where the whole-unit steps of the window show, and
// hardly while it is fast, where lag would show. Casiez, Roussel, Vogel: "1€ Filter: a simple speed-based low-pass filter
// for noisy input in interactive systems", CHI 2012. Positions are in Fyne units, so that the feel is the same at every
// zoom.
type oneEuro struct {
	x, y   float64 // the smoothed position
	vx, vy float64 // the smoothed velocity, units per second
	last   time.Time
	begun  bool
}

const (
	filterCutoff   = 4.0   // Hz at rest
	filterSpeedup  = 0.015 // Hz of cutoff per unit per second
	velocityCutoff = 4.0   // Hz
	// Motions that waited for a frame arrive together; they count as if they had come one by one.
	shortestStep = 8 * time.Millisecond
	longestStep  = 100 * time.Millisecond
)

// next takes the pointer's position at the time now and returns the smoothed one and the speed in units per second.
func (f *oneEuro) next(x, y float64, now time.Time) (sx, sy, speed float64) {
	if !f.begun {
		*f = oneEuro{x: x, y: y, last: now, begun: true}
		return x, y, 0
	}
	step := min(max(now.Sub(f.last), shortestStep), longestStep).Seconds()
	f.last = now
	k := smoothing(velocityCutoff, step)
	f.vx += k * ((x-f.x)/step - f.vx)
	f.vy += k * ((y-f.y)/step - f.vy)
	speed = math.Hypot(f.vx, f.vy)
	k = smoothing(filterCutoff+filterSpeedup*speed, step)
	f.x += k * (x - f.x)
	f.y += k * (y - f.y)
	return f.x, f.y, speed
}

// smoothing returns the share of the new value that a first-order low-pass filter takes in a step of so many seconds.
func smoothing(cutoff, step float64) float64 {
	r := 2 * math.Pi * cutoff * step
	return r / (r + 1)
}

// smoother evens out the points of a stroke: each moves towards the middle of its neighbours, which takes the steps out
// that a pointer on whole units makes. The first and the last point stay, and so do corners.
type smoother struct {
	settled Point // the last point given out
	pending Point // the newest point, which waits for its neighbour
	count   int
}

// push takes the next point and returns the one that is settled by it, if any.
func (s *smoother) push(p Point) (settled []Point) {
	s.count++
	switch s.count {
	case 1:
		s.settled = p
		return []Point{p}
	case 2:
		s.pending = p
		return nil
	}
	s.settled = between(s.settled, s.pending, p)
	s.pending = p
	return []Point{s.settled}
}

// rest returns the point that still waits, if any.
func (s *smoother) rest() []Point {
	if s.count < 2 {
		return nil
	}
	return []Point{s.pending}
}

// between moves b half the way to the middle of a and c, or less where the stroke turns.
func between(a, b, c Point) Point {
	ux, uy := float64(b.X-a.X), float64(b.Y-a.Y)
	vx, vy := float64(c.X-b.X), float64(c.Y-b.Y)
	both := math.Hypot(ux, uy) * math.Hypot(vx, vy)
	if both == 0 {
		return b
	}
	// By the cosine of the turn: nothing is moved from 70° on, all of it below 35°.
	w := clamp(((ux*vx+uy*vy)/both-0.34)/(0.82-0.34), 0, 1) / 2
	return bounded(
		float64(b.X)+w*(float64(a.X+c.X)/2-float64(b.X)),
		float64(b.Y)+w*(float64(a.Y+c.Y)/2-float64(b.Y)),
		float64(b.Pressure))
}
