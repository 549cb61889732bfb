//go:build window

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maquette/projects"
	"maquette/ui/windowtest"
)

// TestWindowMatrix renders a matrix of two things from the inspector, pauses and
// resumes it, votes blind on what was rendered, and exports it.
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
	made := func() int {
		files, err := filepath.Glob(filepath.Join(h.dir, "Maquette", "*", "concepts", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	a.Press("*widget.Button", "Continue")
	a.Press("*widget.Button", "Pause") // while the first one loads the models
	a.Wait("the first picture", 240*time.Second, func() bool { return made() > 0 })
	a.One("*widget.Button", "Queue 3")
	a.Shot("paused")
	time.Sleep(2 * time.Second)
	if n := made(); n != 1 {
		t.Errorf("the paused queue has made %d pictures, want 1", n)
	}
	a.Press("*widget.Button", "Continue")
	a.Wait("the set", 240*time.Second, func() bool {
		return len(a.Find("*gallery.cell", "")) == 1 && len(a.Find("*widget.Button", "Queue ")) == 0 && len(a.Find("*widget.Button", "Queue")) > 0
	})
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Label", "4 of 4 pictures")
	a.One("*widget.Label", "Shape moved")
	a.Shot("sheet")
	cells := a.Find("*gallery.cell", "")
	a.ClickAt(cells[0].X+cells[0].W/2, cells[0].Y+cells[0].H/2)
	a.One("*widget.Button", "Use this recipe")
	a.Key("Escape")
	a.One("*widget.Label", "4 of 4 pictures")

	a.Press("*widget.Button", "Blind vote")
	for i := range 6 { // every pair of four
		a.One("*widget.Label", fmt.Sprintf("%d of 6", i+1))
		if i == 0 {
			time.Sleep(time.Second)
			a.Shot("blind")
		}
		a.Key([]string{"Left", "Right"}[i%2])
	}
	a.One("*widget.Label", "How the votes went")
	votes := stored(t, h)
	if len(votes) != 6 {
		t.Fatalf("%d votes are stored, want 6", len(votes))
	}
	// Four of the pairs differ in their steps, four in their colour.
	won := map[string]int{}
	for _, v := range votes {
		if v[0].Steps != v[1].Steps {
			won[strconv.Itoa(v[0].Steps)]++
		}
		if red := strings.Contains(v[0].Prompt, "red,") || strings.HasSuffix(v[0].Prompt, "red"); v[0].Prompt != v[1].Prompt {
			won[map[bool]string{true: "Red", false: "White"}[red]]++
		}
	}
	for _, field := range []string{"Steps", "Colour"} {
		a.One("*widget.Label", field)
	}
	for _, value := range []string{"2", "4", "White", "Red"} {
		row := value
		a.Wait("the tally of "+row, 10*time.Second, func() bool {
			for _, label := range a.Find("*widget.Label", row) {
				for _, bar := range a.Find("*canvas.Text", fmt.Sprintf("%d of 4", won[row])) {
					if label.Text == row && bar.X > label.X && bar.Y < label.Y+label.H && bar.Y+bar.H > label.Y {
						return true
					}
				}
			}
			return false
		})
	}
	a.Shot("tally")
	a.Press("*widget.Button", "All concepts")
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Label", "4 of 4 pictures")

	checkSheet(t, exported(a, h, "Contact sheet (PDF or PNG)", "sheet.pdf"))
	data := exported(a, h, "Animated GIF", "sheet.gif")
	if moving, err := gif.DecodeAll(bytes.NewReader(data)); err != nil || len(moving.Image) != 4 {
		t.Errorf("the GIF: %v", err)
	}
	data = exported(a, h, "All pictures and recipes (ZIP)", "sheet.zip")
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, f := range archive.File {
		kinds[filepath.Ext(f.Name)]++
	}
	if kinds[".png"] != 4 || kinds[".json"] < 4 {
		t.Errorf("the ZIP file holds %v", kinds)
	}
}

// stored are the votes of the only project: the recipes of the better and the
// worse picture of each.
func stored(t *testing.T, h *home) (list [][2]projects.Recipe) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(h.dir, "Maquette", "*", "votes.json"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v, %v", dirs, err)
	}
	p, err := projects.OpenReadOnly(t.Context(), filepath.Dir(dirs[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	votes, err := p.Votes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range votes {
		var pair [2]projects.Recipe
		for i, id := range []string{v.Better, v.Worse} {
			c, err := p.Concept(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			pair[i] = c.Recipe
		}
		list = append(list, pair)
	}
	return list
}

// exported chooses an export from the menu of the open set and returns the file.
func exported(a *windowtest.App, h *home, item, name string) (data []byte) {
	bar := a.One("*widget.Button", "Blind vote")
	a.ClickAt(bar.X+bar.W+100, bar.Y+bar.H/2)
	a.Press("*canvas.Text", item)
	a.One("*widget.Label", "Export the set")
	a.Key("ctrl+a")
	a.Type(name)
	a.Press("*widget.Button", "Save")
	a.Wait(name, 60*time.Second, func() bool {
		_ = filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && filepath.Base(path) == name {
				data, _ = os.ReadFile(path)
			}
			return nil
		})
		return len(data) > 0
	})
	return data
}

// checkSheet draws a PDF with another program: one page that shows pictures and words.
func checkSheet(t *testing.T, pdf []byte) {
	t.Helper()
	page := filepath.Join(t.TempDir(), "page")
	cmd := exec.Command("pdftoppm", "-png", "-r", "72", "-", page)
	cmd.Stdin = bytes.NewReader(pdf)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v %s", err, out)
	}
	pages, err := filepath.Glob(page + "*.png")
	if err != nil || len(pages) != 1 {
		t.Fatalf("the sheet has %d pages, want 1: %v", len(pages), err)
	}
	data, err := os.ReadFile(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	inked, size := 0, img.Bounds().Size()
	for i := range size.X * size.Y {
		if c := color.GrayModel.Convert(img.At(i%size.X, i/size.X)).(color.Gray); c.Y < 240 {
			inked++
		}
	}
	if share := float64(inked) / float64(size.X*size.Y); share < .1 || share > .9 {
		t.Errorf("%.0f %% of the page of %v is inked", 100*share, size)
	}
	if dir := os.Getenv("MAQUETTE_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, t.Name()+"-sheet-page.png"), data, 0o666); err != nil {
			t.Error(err)
		}
	}
}
