package inference

import (
	"image"
	"time"
)

// Work is counted in units of one sampling step of one image. What the other
// stages take, in those units, is a rough guess until it was measured: it only
// shapes the progress bar.
const (
	loadUnits   = 3.0
	encodeUnits = 0.5
	decodeUnits = 1.5
	// smoothing is the weight of the newest measurement of a unit's time.
	smoothing = 0.3
)

// meter turns finished work into Progress.
type meter struct {
	report      func(Progress)
	total, done float64
	perBatch    int // steps of one batch
	steps, step int
	perUnit     float64 // seconds, of steps
	perDecode   float64 // seconds, of one image
	images      int     // images not yet decoded
	stage       Stage
	index       int // index of the first image of the running batch
}

// newMeter plans a render of count images in steps each; warm says that the
// models are loaded.
func newMeter(report func(Progress), steps, count int, warm bool) *meter {
	m := &meter{report: report, perBatch: steps, steps: steps, images: count, stage: StageLoad}
	m.total = encodeUnits + float64(count)*(float64(steps)+decodeUnits)
	if !warm {
		m.total += loadUnits
	}
	return m
}

// batches says in which batches the images are made; some may be in several.
func (m *meter) batches(list [][]int) {
	m.steps = len(list) * m.perBatch
	again := -m.images
	for _, images := range list {
		again += len(images)
	}
	m.total += float64(max(again, 0) * m.perBatch)
}

// enter begins a stage.
func (m *meter) enter(s Stage) {
	m.stage = s
	m.send(Progress{})
}

// finishedStep counts a step of n images that took d.
func (m *meter) finishedStep(n int, d time.Duration) {
	m.step++
	m.done += float64(n)
	unit := d.Seconds() / float64(n)
	switch {
	case m.step <= 2: // the first step also warms up memory
		m.perUnit = unit
	default:
		m.perUnit += smoothing * (unit - m.perUnit)
	}
}

// finishedDecode counts a decoded image that took d, and hands it over.
func (m *meter) finishedDecode(index int, d time.Duration, img *image.RGBA) {
	m.images--
	m.done += decodeUnits
	m.perDecode = d.Seconds()
	m.send(Progress{Image: index, Done: img})
}

// send completes p and reports it.
func (m *meter) send(p Progress) {
	if m.report == nil {
		return
	}
	p.Stage, p.Step, p.Steps = m.stage, m.step, m.steps
	p.Fraction = min(m.done/m.total, 1)
	p.Remaining = m.remaining()
	if p.Preview != nil {
		p.Image = m.index
	}
	m.report(p)
}

// remaining is 0 until a step was measured.
func (m *meter) remaining() time.Duration {
	if m.perUnit == 0 {
		return 0
	}
	decode := m.perDecode
	if decode == 0 {
		decode = decodeUnits * m.perUnit
	}
	steps := max(m.total-m.done-float64(m.images)*decodeUnits, 0)
	seconds := steps*m.perUnit + float64(m.images)*decode
	return time.Duration(seconds * float64(time.Second))
}
