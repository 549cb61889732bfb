//go:build window

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWindowMatrix renders a matrix of two things from the inspector, pauses and
// resumes it, and exports the sheet.
func TestWindowMatrix(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Resize(1600, 1400)
	a.Press("", "Facade")
	pad(a)
	onePicture(a)
	a.Press("*widget.Button", "Variants")
	a.Press("*widget.Button", "Vary something")
	a.Press("*canvas.Text", "Steps")
	title := a.One("*widget.Label", "Steps")
	a.ClickAt(title.X+100, title.Y+title.H*1.6) // the field below
	a.Type("2 | 4")
	end := func() { a.Scroll(a.One("*widget.Label", "LoRAs"), 40) } // of the inspector
	end()
	a.Press("*widget.Button", "Vary something")
	a.Press("*canvas.Text", "Colour")
	a.One("*widget.Check", "White")
	end()
	for _, c := range []string{"White", "Red"} {
		check(a, c)
	}
	a.One("*widget.Button", "Variants: 4")
	a.One("*widget.Button", "Render 4 pictures")
	a.Shot("card")
	a.Key("ctrl+j")
	a.Press("*widget.Button", "Pause")
	a.Key("ctrl+j")
	a.Press("*widget.Button", "Render 4 pictures")
	a.One("*widget.Button", "Queue 4")
	a.Key("ctrl+j")
	a.Shot("queue")
	a.Press("*widget.Button", "Continue")
	a.Wait("the set", 240*time.Second, func() bool {
		return len(a.Find("*gallery.cell", "")) == 1 && len(a.Find("*widget.Button", "Queue ")) == 0 && len(a.Find("*widget.Button", "Queue")) > 0
	})
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Label", "4 of 4 pictures")
	a.Shot("sheet")
	cells := a.Find("*gallery.cell", "")
	a.ClickAt(cells[0].X+cells[0].W/2, cells[0].Y+cells[0].H/2)
	a.One("*widget.Button", "Use this recipe")
	a.Key("Escape")
	a.One("*widget.Label", "4 of 4 pictures")

	bar := a.One("*widget.Button", "Blind vote")
	a.ClickAt(bar.X+bar.W+100, bar.Y+bar.H/2) // the menu of the set
	a.Press("*canvas.Text", "Contact sheet (PDF or PNG)")
	a.One("*widget.Label", "Export the set")
	a.Key("ctrl+a")
	a.Type("sheet.pdf")
	a.Press("*widget.Button", "Save")
	a.Wait("the contact sheet", 30*time.Second, func() bool {
		var found []byte
		_ = filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "sheet.pdf") {
				found, _ = os.ReadFile(path)
			}
			return nil
		})
		return bytes.HasPrefix(found, []byte("%PDF"))
	})
}
