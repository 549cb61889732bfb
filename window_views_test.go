//go:build window

package main

import (
	"path/filepath"
	"testing"
	"time"

	"maquette/ui/windowtest"
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

// check ticks the box with a text in the inspector, wherever it has to be scrolled to.
func check(a *windowtest.App, text string) {
	a.Wait("the tick of "+text, 20*time.Second, func() bool {
		box := a.One("*widget.Check", text)
		if !box.On && box == a.One("*widget.Check", text) { // and nothing scrolls any more
			a.ClickAt(box.X+12, box.Y+box.H/2)
			time.Sleep(300 * time.Millisecond)
		}
		return a.One("*widget.Check", text).On
	})
}

// onePicture asks for one picture in place of the samples' four.
func onePicture(a *windowtest.App) {
	a.Press("*widget.Select", "4")
	a.Wait("the choice of one picture", 10*time.Second, func() bool {
		for _, o := range a.Find("*canvas.Text", "1") {
			if o.Text == "1" {
				a.Click(o)
				return true
			}
		}
		return false
	})
}

func TestWindowViewsAreRenderedTogether(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Resize(1600, 1400) // the whole inspector
	a.Press("", "Vase")
	pad(a)
	a.Press("*widget.Button", "Views")
	for _, name := range []string{"Front", "Left side", "Back"} {
		check(a, name)
	}
	a.One("*widget.Button", "Views: 3")
	onePicture(a)
	a.One("*widget.Button", "Render 3 pictures")
	a.Shot("card")

	a.Key("ctrl+3")
	a.One("*widget.Label", "azimuth 40°")
	a.Press("*widget.Button", "Left side")
	a.One("*widget.Label", "azimuth -90°")
	a.Press("*widget.Button", "Draw this view…")
	a.One("*widget.Label", "Your drawing of this view")
	p := a.Find("*sketchpad.Pad", "")[0]
	at := func(x, y float32) [2]float32 { return [2]float32{p.X + p.W*x, p.Y + p.H*y} }
	a.Stroke(at(.44, .2), at(.56, .2), at(.6, .7), at(.4, .7), at(.44, .2))
	time.Sleep(time.Second)
	a.Shot("draw-view")
	a.Press("*widget.Button", "Done")
	a.Wait("the stored drawing", 10*time.Second, func() bool {
		files, err := filepath.Glob(filepath.Join(h.dir, "Maquette", "*", "sketches", "views", "*", "side-left.png"))
		return err == nil && len(files) == 1
	})
	a.Press("*widget.Button", "Render")
	a.Wait("the set", 240*time.Second, func() bool { return concepts(a) == 1 && len(a.Find("*canvas.Text", "3")) > 0 })
	a.Wait("the end of the render", 240*time.Second, func() bool { return len(a.Find("*widget.Button", "Cancel")) == 0 })
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Label", "3 of 3 pictures")
	a.Shot("sheet")
	a.Press("*widget.Button", "Turntable")
	a.One("*widget.Label", "Front · drag")
	a.Key("Right")
	a.One("*widget.Label", "Back · drag")
	a.Shot("turntable")
}
