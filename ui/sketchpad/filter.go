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
	filterCutoff   = 5.0  // Hz at rest
	filterSpeedup  = 0.06 // Hz of cutoff per unit per second
	velocityCutoff = 4.0  // Hz
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
