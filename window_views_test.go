//go:build window

package main

import (
	"testing"
	"time"
)

func TestWindowTurntable(t *testing.T) {
	a := newHome(t).start("")
	a.Press("", "Vase")
	pad(a)
	a.Key("ctrl+3")
	angle := func(text string) func() bool { return func() bool { return len(a.Find("*widget.Label", text)) > 0 } }
	a.Wait("the body", 20*time.Second, angle("azimuth 40°, elevation 20°"))
	a.Shot("three-quarter")
	table := a.One("*studio.turntable", "")
	middle := [2]float32{table.X + table.W/2, table.Y + table.H/2}
	a.Stroke(middle, [2]float32{middle[0] - table.H/4, middle[1]})
	a.Wait("a turn by the pointer", 10*time.Second, func() bool { return !angle("azimuth 40°")() })
	a.Shot("turned")
	a.Press("*widget.Button", "Left side")
	a.Wait("the left side", 10*time.Second, angle("azimuth -90°, elevation 12°"))
	a.Key("Right")
	a.Wait("a turn by the key", 10*time.Second, angle("azimuth -75°"))

	parts := a.One("*studio.partsMap", "")
	a.ClickAt(parts.X+parts.W/2, parts.Y+parts.W/2)
	a.One("*canvas.Text", "A box")
	a.Shot("readings")
	a.Press("*canvas.Text", "Flat, like a board")
	time.Sleep(time.Second)
	a.Shot("flat")
}
