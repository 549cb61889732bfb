package views

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"maquette/control"
)

const heldoutSide = 512

// heldoutObject is one object of heldout.zip or mugs.zip in testdata; see make_fixtures.py.
type heldoutObject struct {
	Kind, Class string
	Depth       float64
	Views       []struct {
		Name                            string
		Azimuth, Elevation, Field, Span float64
		Target                          Vec
	}
	lines *image.Gray
	front image.Image
}

func (o *heldoutObject) camera(k int) Camera {
	v := o.Views[k]
	const degree = math.Pi / 180
	return Camera{Azimuth: v.Azimuth * degree, Elevation: v.Elevation * degree, Field: v.Field * degree, Span: v.Span, Target: v.Target}
}

// view is the line drawing of one view, white on black.
func (o *heldoutObject) view(k int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, heldoutSide, heldoutSide))
	draw.Draw(g, g.Rect, o.lines, image.Pt(0, k*heldoutSide), draw.Src)
	return g
}

func heldout(t testing.TB, file string) []*heldoutObject {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var list []*heldoutObject
	f, err := archive.Open("index.json")
	if err == nil {
		err = json.NewDecoder(f).Decode(&list)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) image.Image {
		f, err := archive.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for i, o := range list {
		m := read(fmt.Sprintf("%02d.png", i))
		o.lines = image.NewGray(m.Bounds())
		draw.Draw(o.lines, m.Bounds(), m, image.Point{}, draw.Src)
		o.front = read(fmt.Sprintf("%02d-depth.png", i))
	}
	return list
}

func rgba(g *image.Gray) *image.RGBA {
	m := image.NewRGBA(g.Rect)
	draw.Draw(m, g.Rect, g, g.Rect.Min, draw.Src)
	return m
}

// measure lifts the front drawing and compares with the truth. One drawing
// doesn't tell how far away its object is, so the mesh is scaled about the front
// camera's eye first, by the median ratio of true to found depth. depth is the
// mean error over what both see, as a share of the object's depth; covered how
// much of the true surface the mesh covers; f1 agreement of the other views'
// lines within 3 pixels.
func (o *heldoutObject) measure(t *testing.T, number int) (depth, covered, f1 float64, reading Reading) {
	size := image.Pt(heldoutSide, heldoutSide)
	cam := o.camera(0)
	r, err := Lift(t.Context(), o.view(0), size, Options{Drawn: &cam})
	if err != nil {
		t.Fatalf("%s: %v", o.Kind, err)
	}
	b, err := drawMesh(t.Context(), r.Mesh, cam, size)
	if err != nil {
		t.Fatal(err)
	}
	distance := b.lens.distance
	var want, got []float64
	all := 0
	for y := range 64 {
		for x := range 64 {
			v := o.front.At(x, y).(color.Gray16).Y
			if v == 0 {
				continue
			}
			all++
			if i := (8*y+4)*heldoutSide + 8*x + 4; b.tri[i] >= 0 {
				want = append(want, float64(v)/65535*2*distance)
				got = append(got, b.depth(float64(b.near[i])))
			}
		}
	}
	ratios := make([]float64, len(want))
	for i := range want {
		ratios[i] = want[i] / got[i]
	}
	slices.Sort(ratios)
	scale := ratios[len(ratios)/2]
	for i := range want {
		depth += math.Abs(scale*got[i]-want[i]) / float64(len(want)) / o.Depth
	}
	eye := b.lens.eye
	r.Mesh.transform(func(p Vec) Vec { return eye.add(p.sub(eye).mul(scale)) }, func(n Vec) Vec { return n })
	for k := 1; k < len(o.Views); k++ {
		made, err := Render(t.Context(), r.Mesh, o.camera(k), size, Style{LineWidth: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, _, f := control.EdgeF1(rgba(made.Lines), rgba(o.view(k)), 3)
		f1 += f / float64(len(o.Views)-1)
		if dir := os.Getenv("MAQUETTE_VIEWS_OUT"); dir != "" {
			both := image.NewRGBA(made.Lines.Rect)
			truth := o.view(k)
			for i := range truth.Pix {
				both.Pix[4*i], both.Pix[4*i+1], both.Pix[4*i+3] = truth.Pix[i], made.Lines.Pix[i], 255
			}
			save(t, filepath.Join(dir, fmt.Sprintf("%02d-%s-%d.png", number, o.Kind, k)), both)
		}
	}
	return depth, float64(len(want)) / float64(max(all, 1)), f1, r.Parts[0].Reading
}

func save(t *testing.T, path string, m image.Image) {
	f, err := os.Create(path)
	if err == nil {
		err = png.Encode(f, m)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Bodies of revolution and boxes are lifted from their front drawing alone, with
// the camera known. Set MAQUETTE_VIEWS_OUT to a folder to see the other views'
// lines: truth red, found green.
func TestHeldOutObjects(t *testing.T) {
	type tally struct{ depth, covered, f1, n float64 }
	classes := map[string]*tally{}
	kinds := map[string]*tally{}
	for i, o := range heldout(t, "heldout.zip") {
		depth, covered, f1, reading := o.measure(t, i)
		t.Logf("%2d %-8s %-12s read as %-8s depth error %5.1f %% covered %3.0f %% lines F1 %.2f", i, o.Class, o.Kind, reading, 100*depth, 100*covered, f1)
		for m, key := range map[*map[string]*tally]string{&classes: o.Class, &kinds: o.Kind} {
			if (*m)[key] == nil {
				(*m)[key] = &tally{}
			}
			c := (*m)[key]
			c.depth, c.covered, c.f1, c.n = c.depth+depth, c.covered+covered, c.f1+f1, c.n+1
		}
	}
	for _, name := range []string{"revolved", "box", "other"} {
		c := classes[name]
		depth, covered, f1 := c.depth/c.n, c.covered/c.n, c.f1/c.n
		t.Logf("%s: %.0f objects, depth error %.2f %% of the object's depth, %.1f %% covered, F1 %.3f", name, c.n, 100*depth, 100*covered, f1)
		if name == "other" {
			continue
		}
		if depth > .03 || covered < .97 {
			t.Errorf("%s: mean depth error %.2f %% (want 3 %% at most), covered %.1f %%", name, 100*depth, 100*covered)
		}
		if f1 < .7 {
			t.Errorf("%s: lines of other views agree by F1 %.3f, want .7", name, f1)
		}
	}
}
