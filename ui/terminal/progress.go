package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"maquette/inference"
)

// meter shows how far a render is.
type meter interface {
	// show displays the newest progress.
	show(inference.Progress)
	// pause removes what would be in the way of other output.
	pause()
	// finish ends the display.
	finish()
}

// meter makes the display that fits standard error.
func (s *session) meter() meter {
	switch {
	case s.json:
		return &eventMeter{s: s}
	case s.Interactive:
		return newBarMeter(s.Err)
	default:
		return &lineMeter{w: s.Err}
	}
}

// barMeter is a progress bar on a terminal.
type barMeter struct{ bar *progressbar.ProgressBar }

// barTicks is the resolution of a render's progress bar.
const barTicks = 1000

func newBarMeter(w io.Writer) *barMeter {
	return &barMeter{progressbar.NewOptions(barTicks,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), // the engine knows better
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(65*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// The errors of the three below are those of writing to the terminal; there is
// nowhere left to report them.

func (m *barMeter) show(p inference.Progress) {
	m.bar.Describe(describe(p))
	_ = m.bar.Set(int(p.Fraction * barTicks))
}

func (m *barMeter) pause()  { _ = m.bar.Clear() }
func (m *barMeter) finish() { _ = m.bar.Clear() }

// lineMeter writes a line when a stage begins and at each quarter of the render.
type lineMeter struct {
	w     io.Writer
	stage inference.Stage
	part  int
}

func (m *lineMeter) show(p inference.Progress) {
	part := int(p.Fraction * 4)
	if p.Stage == m.stage && part <= m.part {
		return
	}
	m.stage, m.part = p.Stage, max(part, m.part)
	fmt.Fprintf(m.w, "%3.0f %%  %s\n", p.Fraction*100, describe(p))
}

func (m *lineMeter) pause()  {}
func (m *lineMeter) finish() {}

// progressEvent is the line of --json that says how far a render is.
type progressEvent struct {
	Event    string          `json:"event"` // "progress"
	Stage    inference.Stage `json:"stage"`
	Step     int             `json:"step"`
	Steps    int             `json:"steps"`
	Fraction float64         `json:"fraction"`
	// Remaining is the estimated time to the end in seconds; absent while unknown.
	Remaining float64 `json:"remaining_seconds,omitempty"`
}

// eventMeter writes a line of JSON for every progress that differs from the last.
type eventMeter struct {
	s    *session
	last progressEvent
}

func (m *eventMeter) show(p inference.Progress) {
	e := progressEvent{
		Event: "progress", Stage: p.Stage, Step: p.Step, Steps: p.Steps,
		Fraction: p.Fraction, Remaining: p.Remaining.Seconds(),
	}
	if e == m.last {
		return
	}
	m.last = e
	m.s.emit(e)
}

func (m *eventMeter) pause()  {}
func (m *eventMeter) finish() {}

// describe says in a few words what a render is doing.
func describe(p inference.Progress) string {
	var text string
	switch p.Stage {
	case inference.StageLoad:
		text = "loading the models"
	case inference.StageEncode:
		text = "reading prompt and controls"
	case inference.StageDenoise:
		text = fmt.Sprintf("step %d of %d", p.Step, p.Steps)
	case inference.StageDecode:
		text = "decoding"
	default:
		text = "waiting"
	}
	if p.Remaining >= time.Second {
		text += ", about " + p.Remaining.Round(time.Second).String() + " left"
	}
	return text
}
