package projects

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/control"
)

// paintedSet stores the members of the facade set but one, each in a colour of its own.
func paintedSet(t *testing.T, p *Project) Set {
	t.Helper()
	s := facadeSet(t)
	for i, at := range s.Places()[:5] {
		r := recipe("a house")
		r.Checkpoint, r.Width, r.Height = "/home/me/models/photo.safetensors", 64, 48
		r.LoRAs = []RecipeLoRA{{Path: "/home/me/loras/ink.safetensors", UNet: 1, Text: 1}}
		r.Controls = []RecipeControl{{Kind: control.Canny, ControlNet: "/home/me/nets/canny.safetensors", Weight: 1, End: 1}}
		c := Concept{Recipe: r, Set: &Place{Set: s, At: at}, Hashes: map[string]string{r.Checkpoint: strings.Repeat("c", 64)}}
		if _, err := p.AddConcept(context.Background(), paint(64, 48, int64(40*i)), c); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestSheetImage(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	s := paintedSet(t, p)
	file := filepath.Join(t.TempDir(), "sheet.PNG")
	if err := p.Sheet(ctx, s.ID, file, SheetOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	// The pictures stand in rows and columns: each colour's middle is where its place says.
	var centre [5]image.Point
	var n [5]int
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			for i := range centre {
				if r>>8 == uint32(40*i) && g == 0 && b>>8 == 100 {
					centre[i] = centre[i].Add(image.Pt(x, y))
					n[i]++
				}
			}
		}
	}
	for i := range centre {
		if n[i] != 64*48 {
			t.Fatalf("picture %d has %d pixels, want %d", i, n[i], 64*48)
		}
		centre[i] = centre[i].Div(n[i])
	}
	if !(centre[0].Y == centre[1].Y && centre[1].Y == centre[2].Y && centre[3].Y == centre[4].Y && centre[3].Y > centre[0].Y+48) ||
		!(centre[0].X == centre[3].X && centre[1].X == centre[4].X && centre[1].X > centre[0].X+64 && centre[2].X > centre[1].X+64) {
		t.Errorf("the pictures are at %v", centre)
	}
	for path, want := range map[string]string{"sheet.txt": "use .png or .pdf", "no/such/folder/sheet.png": "cannot write"} {
		if err := p.Sheet(ctx, s.ID, filepath.Join(t.TempDir(), path), SheetOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := p.Sheet(ctx, "nothing", file, SheetOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a set that is not there: %v", err)
	}
}

// TestSheetAxes lays out sets in which some axes have a single value.
func TestSheetAxes(t *testing.T) {
	values := func(list ...string) (out []AxisValue) {
		for _, v := range list {
			out = append(out, AxisValue{Value: v})
		}
		return out
	}
	for name, c := range map[string]struct {
		axes []Axis
		want string
	}{
		"one":    {[]Axis{{Field: "seed", Values: values("1", "2", "3", "4")}}, "[] [] 2 columns, 4 cells"},
		"single": {[]Axis{{Field: "seed", Values: values("1")}, {Field: "steps", Values: values("9")}}, "[] [] 1 columns, 1 cells"},
		"two":    {[]Axis{{Field: "seed", Values: values("1", "2")}, {Field: "steps", Values: values("3")}, {Field: "guidance", Values: values("4", "5", "6")}}, "[1 2] [4 5 6] 3 columns, 6 cells"},
		"blocks": {[]Axis{{Field: "seed", Values: values("1", "2")}, {Field: "steps", Values: values("3", "4")}, {Field: "guidance", Values: values("5", "6")}}, "guidance: 5 [1 2] [3 4] 2 columns, 4 cells; guidance: 6 [1 2] [3 4] 2 columns, 4 cells"},
	} {
		s, err := NewSet("", "", c.axes)
		if err != nil {
			t.Fatal(err)
		}
		members := []Concept{{ID: "0001", Recipe: DefaultRecipe(), Set: &Place{Set: s, At: s.Places()[0]}}}
		sh := (&Project{}).sheet(s, members, SheetOptions{})
		var got []string
		filled := 0
		for _, b := range sh.Blocks {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %v %v %d columns, %d cells", b.Title, b.Rows, b.Columns, b.Width, len(b.Cells))))
			for _, cell := range b.Cells {
				if cell.Open != nil {
					filled++
				}
			}
		}
		if text := strings.Join(got, "; "); text != c.want || filled != 1 {
			t.Errorf("%s: %s, %d pictures, want %s", name, text, filled, c.want)
		}
	}
}

func TestSheetNotes(t *testing.T) {
	s, err := NewSet("", "a house", []Axis{{Field: "seed", Values: []AxisValue{{Value: "1"}}}, {Field: "control.weight", Values: []AxisValue{{Value: "1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := DefaultRecipe()
	r.NegativePrompt = "blurry"
	notes := strings.Join(s.recipeNotes(r, strings.ToUpper), "\n")
	if want := "PROMPT: a house\nNEGATIVE PROMPT: blurry\nstarter · DPM++ 2M · STEPS 20 · GUIDANCE 2 · 256 × 256 · lineart"; notes != want {
		t.Errorf("notes\n%s\nwant\n%s", notes, want)
	}
}

func TestAnimation(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	s := paintedSet(t, p)
	file := filepath.Join(t.TempDir(), "set.gif")
	if err := p.Animation(ctx, s.ID, file, AnimationOptions{Side: 32, Plain: true}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := gif.DecodeAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Image) != 5 || g.LoopCount != 0 || g.Delay[0] != 70 || g.Config.Width != 32 || g.Config.Height != 24 {
		t.Fatalf("%d frames, loops %d, delay %v, %d×%d", len(g.Image), g.LoopCount, g.Delay, g.Config.Width, g.Config.Height)
	}
	for i, frame := range g.Image {
		r, _, b, _ := frame.At(16, 12).RGBA()
		if r>>8 != uint32(40*i) || b>>8 != 100 {
			t.Errorf("frame %d is red %d, blue %d", i, r>>8, b>>8)
		}
	}
	if err := p.Animation(ctx, s.ID, file, AnimationOptions{}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if g, err = gif.DecodeAll(bytes.NewReader(data)); err != nil || g.Config.Height <= 48 {
		t.Errorf("no room for the captions: %+v, %v", g.Config, err)
	}
}

func TestArchive(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	s := paintedSet(t, p)
	file := filepath.Join(t.TempDir(), "set.zip")
	if err := p.Archive(ctx, s.ID, file); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	names := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names[f.Name] = data
		if bytes.Contains(data, []byte("/home/me")) {
			t.Errorf("%s names a path", f.Name)
		}
	}
	if len(names) != 11 {
		t.Errorf("%d files", len(names))
	}
	folder := "facade × Time of day/"
	if _, err := png.Decode(bytes.NewReader(names[folder+"0002 brick, noon.png"])); err != nil {
		t.Errorf("the second picture: %v", err)
	}
	var info struct {
		Recipe Recipe
		Image  string
		Hashes map[string]string `json:"model_sha256"`
		Hash   string            `json:"image_sha256"`
	}
	if err := json.Unmarshal(names[folder+"0002 brick, noon.json"], &info); err != nil {
		t.Fatal(err)
	}
	if info.Recipe.Checkpoint != "photo" || info.Image != "0002 brick, noon.png" || info.Hashes["photo"] == "" ||
		info.Recipe.LoRAs[0].Path != "ink" || info.Recipe.Controls[0].ControlNet != "canny" || info.Hash != hexHash(names[folder+info.Image]) {
		t.Errorf("%+v", info)
	}
	var set Set
	if err := json.Unmarshal(names[folder+"set.json"], &set); err != nil || set.Count() != 6 {
		t.Errorf("%+v, %v", set, err)
	}
	// The project itself keeps its paths.
	if c, err := p.Concept(ctx, "0002"); err != nil || c.Recipe.LoRAs[0].Path != "/home/me/loras/ink.safetensors" {
		t.Errorf("%+v, %v", c.Recipe, err)
	}
}
