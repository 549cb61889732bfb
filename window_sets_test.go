//go:build window

package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maquette/projects"
)

// projectWithSet makes a project with a set of three facades at two times of day.
func (h *home) projectWithSet() string {
	h.t.Helper()
	ctx := context.Background()
	dir := filepath.Join(h.dir, "Maquette", "House")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		h.t.Fatal(err)
	}
	p, err := projects.Create(ctx, dir, "House")
	if err != nil {
		h.t.Fatal(err)
	}
	set, err := projects.NewSet("", "", []projects.Axis{
		{Field: "phrase.facade", Values: []projects.AxisValue{{Value: "brick"}, {Value: "glass"}, {Value: "timber"}}},
		{Field: projects.ViewField, Values: []projects.AxisValue{{Value: "front"}, {Value: "three-quarter-left"}, {Value: "side-left"}}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for i, at := range set.Places() {
		img := image.NewRGBA(image.Rect(0, 0, 256, 256))
		draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{R: uint8(70 * at[0]), G: 120, B: uint8(80 * at[1]), A: 255}), image.Point{}, draw.Src)
		draw.Draw(img, image.Rect(60+20*at[1], 60, 190, 200), image.NewUniform(color.NRGBA{R: 230, G: uint8(60 * at[0]), B: 90, A: 255}), image.Point{}, draw.Src)
		r := projects.DefaultRecipe()
		r.Prompt, r.Seed, r.Count = "a house, "+set.Axes[0].Values[at[0]].Value, int64(i), 1
		if _, err := p.AddConcept(ctx, img, projects.Concept{Recipe: r, Provider: "CPU", Set: &projects.Place{Set: set, At: at}}); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		h.t.Fatal(err)
	}
	return dir
}

func TestWindowSets(t *testing.T) {
	h := newHome(t)
	dir := h.projectWithSet()
	a := h.start(dir)
	a.Wait("one stack", 30*time.Second, func() bool { return concepts(a) == 1 })
	a.Shot("stack")
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Label", "9 of 9 pictures")
	a.Shot("sheet")
	a.Press("*widget.Button", "Turntable")
	a.One("*widget.Label", "Front · drag")
	o := a.One("*gallery.orbitPicture", "")
	middle := [2]float32{o.X + o.W/2, o.Y + o.H/2}
	a.Stroke(middle, [2]float32{middle[0] - 80, middle[1]})
	a.One("*widget.Label", "Left side · drag")
	a.Shot("turntable")

	a.Press("*widget.Button", "Blind vote")
	a.One("*widget.Label", "1 of 36")
	a.Shot("blind")
	for range 6 {
		a.Key("Left")
	}
	a.One("*widget.Label", "7 of 36")
	a.Press("*widget.Button", "Show the tally")
	a.One("*widget.Label", "How the votes went")
	time.Sleep(500 * time.Millisecond)
	a.Shot("tally")
	a.Wait("the stored votes", 10*time.Second, func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "votes.json"))
		return err == nil && strings.Count(string(data), `"better"`) == 6
	})
}

func TestWindowCompare(t *testing.T) {
	h := newHome(t)
	a := h.start(h.projectWith(3))
	a.Wait("three concepts", 30*time.Second, func() bool { return concepts(a) == 3 })
	a.Key("ctrl+5")
	a.Press("*widget.Button", "Choose")
	var grid []float32
	for _, c := range a.Find("*gallery.cell", "") {
		if c.W > 100 {
			a.Click(c)
			grid = append(grid, c.X)
		}
		if len(grid) == 2 {
			break
		}
	}
	a.One("*widget.Label", "2 pictures chosen")
	a.Shot("chosen")
	a.Press("*widget.Button", "Compare")
	a.One("*widget.Label", fmt.Sprintf("chair number %d", 3))
	handle := a.One("*gallery.wipeHandle", "")
	from := [2]float32{handle.X + handle.W/2, handle.Y + handle.H/2}
	a.Stroke(from, [2]float32{from[0] - 150, from[1]})
	a.Wait("the line to move", 5*time.Second, func() bool { return a.One("*gallery.wipeHandle", "").X < handle.X-100 })
	a.Shot("wipe")
	a.Press("*widget.Button", "Side by side")
	a.Shot("side")
	a.Press("*widget.Button", "Difference")
	a.Shot("difference")
	a.Key("Escape")
	a.One("*widget.Label", "2 pictures chosen")
}
