//go:build together

package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	xdraw "golang.org/x/image/draw"

	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

// togetherWay is a way to render the views of an object.
type togetherWay struct {
	name   string
	change func(*projects.Views)
}

// togetherWays are the app's own way, the same noise for all views and nothing
// else shared, and a seed for each view. MAQUETTE_TOGETHER_MORE adds others, for
// tuning.
func togetherWays() []togetherWay {
	apart := func(noise float64) func(*projects.Views) {
		return func(v *projects.Views) { v.Share, v.Noise, v.Warp = inference.ShareOff, noise, 0 }
	}
	ways := []togetherWay{{"joint", func(*projects.Views) {}}, {"seed", apart(1)}, {"apart", apart(0)}}
	if os.Getenv("MAQUETTE_TOGETHER_MORE") != "" {
		ways = append(ways,
			togetherWay{"no-warp", func(v *projects.Views) { v.Warp = 0 }},
			togetherWay{"first", func(v *projects.Views) { v.Share, v.Unconditional, v.Warp = inference.ShareFirst, .5, 0 }},
		)
	}
	return ways
}

// TestViewsTogether, which needs the build tag together, shows whether views that are rendered together agree better
// than others, with no loss of sketch fidelity. It renders the drawings of
// assets/starter/recipe/sketches.py in the folder MAQUETTE_TOGETHER with the
// starter, which takes long; it goes on with what is there. MAQUETTE_TOGETHER_STEPS
// is the number of steps, MAQUETTE_TOGETHER_STARTER the folder of a starter in
// place of the bundled one. A table and, in that folder, sheet.png come out.
func TestViewsTogether(t *testing.T) {
	dir := os.Getenv("MAQUETTE_TOGETHER")
	if dir == "" {
		t.Fatal("set MAQUETTE_TOGETHER to the folder that sketches.py wrote")
	}
	t.Setenv("MAQUETTE_CACHE", filepath.Join(dir, "cache"))
	var list []struct{ File, Prompt, Kind string }
	data, err := os.ReadFile(filepath.Join(dir, "sketches.json"))
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	steps := 20
	if text := os.Getenv("MAQUETTE_TOGETHER_STEPS"); text != "" {
		if steps, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	library, err := projects.NewLibrary(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := inference.New(inference.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	ways := togetherWays()
	scores := map[string][3][]float64{} // agreement, colour, fidelity of each object
	var measured []int                  // objects that can be lifted
	for i, o := range list {
		r := projects.DefaultRecipe()
		r.Prompt, r.Steps, r.Seed = o.Prompt, steps, int64(1000+10*i)
		if folder := os.Getenv("MAQUETTE_TOGETHER_STARTER"); folder != "" {
			r.Checkpoint, r.Controls[0].ControlNet = folder, filepath.Join(folder, "controlnet-lines")
		}
		var row []Scores
		for _, way := range ways {
			r.Views = projects.DefaultViews(projects.StarterCheckpoint, "front", "three-quarter-left", "side-left", "top")
			way.change(r.Views)
			r.Count = len(r.Views.Cameras)
			s, err := together(t.Context(), engine, library, filepath.Join(dir, o.File), filepath.Join(dir, way.name, fmt.Sprintf("%02d", i)), r)
			if err != nil {
				t.Logf("%2d %s: %s: %v", i, o.Prompt, way.name, err)
				break
			}
			row = append(row, s)
		}
		if len(row) < len(ways) {
			continue
		}
		measured = append(measured, i)
		line := ""
		for k, way := range ways {
			v := scores[way.name]
			for n, value := range []float64{row[k].Agreement.Mean, row[k].Colour.Mean, row[k].F1.Mean} {
				v[n] = append(v[n], value)
			}
			scores[way.name] = v
			line += fmt.Sprintf(" %s %.3f %.2f %.3f", way.name, row[k].Agreement.Mean, row[k].Colour.Mean, row[k].F1.Mean)
		}
		t.Logf("%2d %-14s%s", i, o.Kind, line)
	}
	t.Logf("%d of %d objects, %d steps", len(measured), len(list), steps)
	for n, name := range []string{"view agreement", "colour distance", "sketch fidelity"} {
		for _, way := range ways {
			line := fmt.Sprintf("%-15s %-8s mean %.4f", name, way.name, mean(scores[way.name][n]))
			if way.name != "joint" {
				wins, p := signedRank(scores["joint"][n], scores[way.name][n])
				line += fmt.Sprintf(", joint greater on %d of %d, p = %.2g", wins, len(measured), p)
				worse := mean(scores["joint"][n]) <= mean(scores[way.name][n])
				if n == 0 && (way.name == "seed" || way.name == "apart") && (worse || p > .05) {
					t.Errorf("the agreement of views rendered together isn't clearly above %s", way.name)
				}
			}
			t.Log(line)
		}
	}
	if err := togetherSheet(dir, ways, measured); err != nil {
		t.Error(err)
	}
}

// together renders the views of one drawing into a project, unless they are
// there, and measures them.
func together(ctx context.Context, engine *inference.Engine, library *projects.Library, drawing, dir string, r projects.Recipe) (Scores, error) {
	if _, err := os.Stat(filepath.Join(dir, "concepts", fmt.Sprintf("%04d.json", r.Count))); errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(dir); err != nil {
			return Scores{}, err
		}
		sketch, err := control.OpenImage(drawing)
		if err != nil {
			return Scores{}, err
		}
		p, err := projects.Create(ctx, dir, "")
		if err != nil {
			return Scores{}, err
		}
		q := projects.NewQueue(p, engine, library, nil)
		job, err := q.Enqueue(ctx, "", sketch, r)
		if err == nil {
			job, err = q.Wait(ctx, job.ID)
		}
		if err == nil && job.State != projects.JobDone {
			err = errors.New(job.Error)
		}
		if err := errors.Join(err, q.Close(), p.Close()); err != nil {
			return Scores{}, err
		}
	}
	report, err := Run(ctx, []string{dir}, Options{})
	if err == nil && report.All.Agreement.N == 0 {
		err = errors.New("no view agreement was measured")
	}
	return report.All, err
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}

// signedRank is Wilcoxon's signed-rank test of pairs: how often a is greater, and
// the two-sided probability by the normal approximation.
func signedRank(a, b []float64) (greater int, p float64) {
	var d []float64
	for i := range a {
		if a[i] > b[i] {
			greater++
		}
		if a[i] != b[i] {
			d = append(d, a[i]-b[i])
		}
	}
	slices.SortFunc(d, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	w := 0.
	for i, x := range d {
		if x > 0 {
			w += float64(i + 1)
		}
	}
	n := float64(len(d))
	if n == 0 {
		return greater, 1
	}
	z := (math.Abs(w-n*(n+1)/4) - .5) / math.Sqrt(n*(n+1)*(2*n+1)/24)
	return greater, math.Erfc(max(z, 0) / math.Sqrt2)
}

// By scipy.stats.wilcoxon(a, b, correction=True, method="approx").
func TestSignedRank(t *testing.T) {
	a := []float64{1.83, .5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3}
	b := []float64{.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	if greater, p := signedRank(a, b); greater != 7 || math.Abs(p-.04401) > 1e-4 {
		t.Errorf("%d, %v", greater, p)
	}
	if greater, p := signedRank(a, a); greater != 0 || p != 1 {
		t.Errorf("equal values: %d, %v", greater, p)
	}
}

// togetherSheet draws twelve of the objects: a row of control images and one for
// each way.
func togetherSheet(dir string, ways []togetherWay, measured []int) error {
	const side, columns = 128, 4
	count := min(12, len(measured))
	rows := 1 + len(ways)
	sheet := image.NewRGBA(image.Rect(0, 0, 2*columns*side+side/4, (count+1)/2*(rows*side+side/8)))
	draw.Draw(sheet, sheet.Rect, image.White, image.Point{}, draw.Src)
	put := func(file string, x, y int) error {
		img, err := control.OpenImage(file)
		if err != nil {
			return err
		}
		xdraw.ApproxBiLinear.Scale(sheet, image.Rect(x, y, x+side, y+side), img, img.Bounds(), draw.Src, nil)
		return nil
	}
	for k := range count {
		i := measured[k*len(measured)/count]
		x, y := k%2*(columns*side+side/4), k/2*(rows*side+side/8)
		for w, way := range ways {
			project := filepath.Join(dir, way.name, fmt.Sprintf("%02d", i))
			for c := range columns {
				file := filepath.Join(project, "concepts", fmt.Sprintf("%04d", c+1))
				if err := put(file+".png", x+c*side, y+(w+1)*side); err != nil {
					return err
				}
				var sidecar struct{ Controls []string }
				data, err := os.ReadFile(file + ".json")
				if err == nil {
					err = json.Unmarshal(data, &sidecar)
				}
				if err == nil && w == 0 {
					err = put(filepath.Join(project, sidecar.Controls[0]), x+c*side, y)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	f, err := os.Create(filepath.Join(dir, "sheet.png"))
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, sheet), f.Close())
}
