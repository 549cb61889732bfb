package evaluate

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/control"
	"maquette/control/views"
	"maquette/inference/graph"
	"maquette/projects"
)

// box paints a box at a place in a colour.
func box(at int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		x, y := i%96, i/96
		img.SetRGBA(x, y, color.RGBA{235, 235, 230, 255})
		if x >= at && x < at+50 && y >= 20 && y < 76 {
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// outline draws the box at 20 as a control image.
func outline() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		x, y := i%96, i/96
		img.SetRGBA(x, y, color.RGBA{0, 0, 0, 255})
		if x >= 20 && x < 70 && y >= 20 && y < 76 && (x == 20 || x == 69 || y == 20 || y == 75) {
			img.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
		}
	}
	return img
}

func store(t *testing.T, path string, img image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
}

var (
	red   = color.RGBA{190, 40, 40, 255}
	green = color.RGBA{30, 120, 50, 255}
	blue  = color.RGBA{40, 50, 170, 255}
)

// newProject has a set of three variants, the last of which moved by 12 pixels
// to the side, and a concept without a sketch.
func newProject(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	t.Setenv("MAQUETTE_CACHE", filepath.Join(t.TempDir(), "cache"))
	dir := filepath.Join(t.TempDir(), "boxes")
	p, err := projects.Create(ctx, dir, "Boxes")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const lines = "controls/lines.png"
	store(t, filepath.Join(dir, lines), outline())
	set, err := projects.NewSet("Colours", "", []projects.Axis{{Field: "phrase.colour", Values: []projects.AxisValue{{Value: "red"}, {Value: "green"}, {Value: "blue"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := projects.DefaultRecipe()
	r.Prompt, r.Width, r.Height, r.Controls = "a box", 96, 96, []projects.RecipeControl{{Kind: control.Lineart, Weight: 1, End: 1}}
	for i, img := range []image.Image{box(20, red), box(20, green), box(32, blue)} {
		c := projects.Concept{Recipe: r, Controls: []string{lines}, Set: &projects.Place{Set: set, At: []int{i}}}
		if _, err := p.AddConcept(ctx, img, c); err != nil {
			t.Fatal(err)
		}
	}
	r.Controls = nil
	if _, err := p.AddConcept(ctx, box(5, red), projects.Concept{Recipe: r}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestProjectIsMeasured(t *testing.T) {
	ctx := context.Background()
	dir := newProject(t)
	var stages []Stage
	report, err := Run(ctx, []string{dir}, Options{Progress: func(p Progress) {
		if n := len(stages); n == 0 || stages[n-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
		if p.Done >= p.Total || p.Path != dir {
			t.Errorf("progress %+v", p)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 || len(report.Sources) != 1 || len(report.Warnings)+len(report.Missing) != 0 {
		t.Errorf("stages %v, report %+v", stages, report)
	}
	s := report.Sources[0]
	if s.Name != "Boxes" || s.Pictures != 4 || s.Scores.F1.N != 3 || len(s.Sets) != 1 || s.Sets[0].Name != "Colours" || s.Sets[0].Note != "" {
		t.Fatalf("%+v", s)
	}
	set := s.Sets[0].Scores
	if set.F1 != s.Scores.F1 && (set.F1.Mean != s.Scores.F1.Mean || set.F1.N != 3) {
		t.Errorf("the set has %+v, the project %+v", set.F1, s.Scores.F1)
	}
	if f := set.F1; f.Mean < .6 || f.Mean > .95 || f.Low == nil || *f.Low > f.Mean || *f.High < f.Mean {
		t.Errorf("F1 %+v", f)
	}
	// Two agree, so that each pair with the third drifts by the same d: the means
	// of the three are d/2, d/2 and d.
	if d := set.Drift; d.N != 3 || d.Mean < .15 || d.Mean > .6 || math.Abs(*d.High-1.5*d.Mean) > .35*d.Mean {
		t.Errorf("drift %+v", d)
	}
	if report.All.Drift.Mean != set.Drift.Mean || report.All.Agreement.N != 0 {
		t.Errorf("over all %+v", report.All)
	}

	// The numbers were kept, and are not measured again.
	p, err := projects.OpenReadOnly(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := p.Concepts(ctx, projects.Query{By: projects.ByFidelity})
	if err != nil || list[0].Fidelity == nil || list[3].Fidelity != nil {
		t.Errorf("%+v, %v", list, err)
	}
	_, members, err := p.Members(ctx, s.Sets[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for _, c := range members {
		if c.Drift == nil {
			t.Fatalf("concept %s has no drift", c.ID)
		}
		sum += c.Drift.Share
	}
	if math.Abs(sum/3-set.Drift.Mean) > 1e-9 {
		t.Errorf("the sidecars say %g, the report %g", sum/3, set.Drift.Mean)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A project that is open elsewhere is measured without being changed.
func TestLockedProjectIsMeasured(t *testing.T) {
	ctx := context.Background()
	dir := newProject(t)
	p, err := projects.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	report, err := Run(ctx, []string{dir}, Options{})
	if err != nil || report.All.F1.N != 3 {
		t.Fatalf("%+v, %v", report.All, err)
	}
	c, err := p.Concept(ctx, "0001")
	if err != nil || c.Fidelity != nil {
		t.Errorf("%+v, %v", c.Fidelity, err)
	}
}

// vision is a model library with an Inception network that averages colours and
// a small CLIP without a text encoder.
func vision(t *testing.T) func(context.Context) (*projects.Vision, error) {
	t.Helper()
	dir := t.TempDir()
	const side, features = 299, 2048
	b := graph.New("inception")
	x := b.Input("x", graph.Float32, 1, 3, side, side).Reshape(3, side*side)
	values := func(n int, f func(i int) float32) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	mean := x.MatMul(b.Floats([]int64{side * side, 1}, values(side*side, func(int) float32 { return 1. / (side * side) })...)).Reshape(1, 3)
	y := mean.MatMul(b.Floats([]int64{3, features}, values(3*features, func(i int) float32 { return float32(i%11) - 5 })...))
	b.Output("features", y)
	b.Output("logits", y.MatMul(b.Floats([]int64{features, 1008}, values(features*1008, func(i int) float32 { return float32(i%13) / 500 })...)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "inception.onnx"), m.Proto, 0o666); err != nil {
		t.Fatal(err)
	}
	clip, err := os.ReadFile(filepath.Join("..", "..", "inference", "vision", "testdata", "clip.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clip.safetensors"), clip, 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := projects.NewLibrary([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l.OpenVision
}

func TestPicturesAreCompared(t *testing.T) {
	ctx := context.Background()
	dir, near, far := newProject(t), filepath.Join(t.TempDir(), "near"), filepath.Join(t.TempDir(), "far")
	for i := range 6 {
		c := []color.RGBA{red, green, blue}[i%3]
		c.R += uint8(i)
		store(t, filepath.Join(near, string(rune('a'+i))+".png"), box(18+i, c))
		c.R, c.G = c.R/3, 250
		store(t, filepath.Join(far, "deeper", string(rune('a'+i))+".png"), box(10*i, c))
	}
	open := vision(t)
	get := func(against string) Report {
		t.Helper()
		report, err := Run(ctx, []string{dir}, Options{Against: against, Vision: open})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	a, b := get(near), get(far)
	for name, s := range map[string]Scores{"near": a.All, "far": b.All} {
		if s.KID == nil || s.FID == nil || s.InceptionScore == nil || s.Reference == nil || s.Prompt != nil {
			t.Fatalf("%s: %+v", name, s)
		}
		if s.InceptionScore.Mean < 1 || s.InceptionScore.Mean > 4 || s.Reference.Mean > 1 || s.KID.N != 4 {
			t.Errorf("%s: Inception Score %+v, CLIP %+v, KID %+v", name, s.InceptionScore, s.Reference, s.KID)
		}
	}
	if !(*a.All.FID < *b.All.FID/2) || !(a.All.KID.Mean < b.All.KID.Mean) {
		t.Errorf("FID %g against near ones, %g against far ones; KID %g, %g", *a.All.FID, *b.All.FID, a.All.KID.Mean, b.All.KID.Mean)
	}
	text := strings.Join(a.Warnings, "\n")
	for _, want := range []string{"Inception Score of 4", "KID of 4 pictures against 6", "FID of 4 pictures against 6"} {
		if !strings.Contains(text, want) {
			t.Errorf("no warning of the %s in %q", want, text)
		}
	}
	if len(a.Missing) != 1 || !strings.Contains(a.Missing[0].File, "text encoder") {
		t.Errorf("missing %+v", a.Missing)
	}
	// Two sources, one of them the reference itself: a folder has no fidelity.
	two, err := Run(ctx, []string{near, far}, Options{Against: near, Vision: open})
	if err != nil {
		t.Fatal(err)
	}
	if two.Sources[0].Scores.F1.N != 0 || *two.Sources[0].Scores.FID > 1e-3 || two.All.KID.N != 12 {
		t.Errorf("%+v", two)
	}
}

func TestNothingToMeasure(t *testing.T) {
	ctx := context.Background()
	empty := t.TempDir()
	if _, err := Run(ctx, []string{empty}, Options{}); err == nil || !strings.Contains(err.Error(), "neither a project nor a folder") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Run(ctx, []string{filepath.Join(empty, "none")}, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	dir := newProject(t)
	if _, err := Run(ctx, []string{dir}, Options{Against: filepath.Join(empty, "none"), Vision: vision(t)}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing to compare with: %v", err)
	}
	done, stop := context.WithCancel(ctx)
	stop()
	if _, err := Run(done, []string{dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// Without models everything else is measured, and what is missing is said.
	l, err := projects.NewLibrary(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(ctx, []string{dir}, Options{Vision: l.OpenVision})
	if err != nil || report.All.F1.N != 3 || len(report.Missing) != 2 || !strings.Contains(report.Missing[0].Where, "maquette models add") {
		t.Errorf("%+v, %v", report.Missing, err)
	}
}

// Views that show one object agree, and those that don't, don't.
func TestViewsAreMeasured(t *testing.T) {
	ctx := context.Background()
	t.Setenv("MAQUETTE_CACHE", filepath.Join(t.TempDir(), "cache"))
	dir := filepath.Join(t.TempDir(), "balls")
	p, err := projects.Create(ctx, dir, "Balls")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sketch := image.NewGray(image.Rect(0, 0, 192, 192))
	for i := range sketch.Pix {
		sketch.Pix[i] = 255
		if math.Abs(math.Hypot(float64(i%192)-96, float64(i/192)-96)-60) < 1.2 {
			sketch.Pix[i] = 0
		}
	}
	const file = "sketches/history/ball.png"
	store(t, filepath.Join(dir, file), sketch)
	r := projects.DefaultRecipe()
	r.Width, r.Height, r.Controls = 192, 192, nil
	r.Views = projects.DefaultViews(projects.StarterCheckpoint, "front", "az30el10", "az60el10")
	axis := projects.Axis{Field: projects.ViewField}
	for _, name := range r.Views.Cameras {
		axis.Values = append(axis.Values, projects.AxisValue{Value: name})
	}
	seeds := projects.Axis{Field: "seed", Values: []projects.AxisValue{{Value: "1"}, {Value: "4"}}}
	shape, err := p.ViewShape(ctx, projects.Concept{Recipe: r, Sketch: file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ViewShape(ctx, projects.Concept{Recipe: projects.DefaultRecipe(), Sketch: file}, nil); !errors.Is(err, projects.ErrNoViews) {
		t.Errorf("a concept without views has a shape: %v", err)
	}
	paint := func(camera views.Camera, twist float64) image.Image {
		s, err := views.See(ctx, shape.Mesh, camera, image.Pt(192, 192))
		if err != nil {
			t.Fatal(err)
		}
		img := image.NewRGBA(image.Rect(0, 0, 192, 192))
		for i := range 192 * 192 {
			v := uint8(245)
			if at, ok := s.At(i%192, i/192); ok {
				v = uint8(128 + 90*math.Sin(14*at.Point[0]+twist)*math.Cos(11*at.Point[1]-twist))
			}
			img.SetRGBA(i%192, i/192, color.RGBA{v, v, v / 2, 255})
		}
		return img
	}
	for name, twist := range map[string]float64{"one object": 0, "three objects": 2} {
		set, err := projects.NewSet(name, "", []projects.Axis{seeds, axis})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range set.Places() {
			c := projects.Concept{Recipe: r, Sketch: file, Set: &projects.Place{Set: set, At: at}}
			c.Recipe.View = r.Views.Cameras[at[1]]
			if _, err := p.AddConcept(ctx, paint(shape.Cameras[c.Recipe.View], twist*float64(at[1])), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	report, err := Run(ctx, []string{dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Scores{}
	for _, s := range report.Sources[0].Sets {
		if s.Note != "" {
			t.Errorf("%s: %s", s.Name, s.Note)
		}
		got[s.Name] = s.Scores
	}
	one, three := got["one object"].Agreement, got["three objects"].Agreement
	if one.N != 6 || three.N != 6 || one.Mean < .95 || three.Mean > .6 || got["one object"].Colour.Mean > 1 {
		t.Errorf("one object %+v, colour %+v; three objects %+v", one, got["one object"].Colour, three)
	}
	if report.All.Agreement.N != 12 {
		t.Errorf("over all %+v", report.All.Agreement)
	}
}
