//go:build together

package evaluate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"maquette/assets"
	"maquette/control"
	"maquette/inference"
	"maquette/projects"
	"maquette/projects/measure"
)

// facadeWays are the ways to get a sheet of variants: the app's sets, and plain
// changes of the prompt, each with a seed of its own as other programs draw them,
// with the same control and without.
func facadeWays() []facadeWay {
	return []facadeWay{{"set", false, true}, {"prompts, control", true, true}, {"prompts alone", true, false}}
}

type facadeWay struct {
	name             string
	ownSeed, control bool
}

// facadeScores are the numbers of each image of a way.
type facadeScores struct {
	drift, anywhere, chamfer, f1 []float64
}

// TestFacadeVariants, which needs the build tag together, shows how far the
// geometry of the facade sample moves over four materials and three times of day:
// as a set that keeps the design, and by plain changes of the prompt. It renders
// with the starter into the folder MAQUETTE_FACADE and goes on with what is
// there. The set must drift by half as little as prompts alone, and clearly less
// than prompts with the same control. MAQUETTE_FACADE_ROUNDS is the number of sheets, MAQUETTE_TOGETHER_STEPS
// and MAQUETTE_TOGETHER_STARTER are as for TestViewsTogether. A table and, of the
// first round, a contact sheet of each way come out.
func TestFacadeVariants(t *testing.T) {
	dir := os.Getenv("MAQUETTE_FACADE")
	if dir == "" {
		t.Fatal("set MAQUETTE_FACADE to a folder for the renders")
	}
	t.Setenv("MAQUETTE_CACHE", filepath.Join(dir, "cache"))
	number := func(name string, otherwise int) int {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	rounds, steps := number("MAQUETTE_FACADE_ROUNDS", 1), number("MAQUETTE_TOGETHER_STEPS", 20)
	file, err := assets.Samples().Open("facade.png")
	if err != nil {
		t.Fatal(err)
	}
	sketch, _, err := image.Decode(file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
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
	base := projects.DefaultRecipe()
	base.Prompt, base.Steps, base.Count = "a {facade} building with 4 floors, front view, {time}", steps, 1
	if folder := os.Getenv("MAQUETTE_TOGETHER_STARTER"); folder != "" {
		base.Checkpoint, base.Controls[0].ControlNet = folder, filepath.Join(folder, "controlnet-lines")
	}
	ways := facadeWays()
	scores := make([]facadeScores, len(ways))
	for round := range rounds {
		base.Seed = int64(4000 + 100*round)
		var lines image.Image // what the ControlNet of the set saw
		for w, way := range ways {
			folder := filepath.Join(dir, fmt.Sprintf("%02d", round), strconv.Itoa(w))
			pictures, seen, err := facadeSheet(t.Context(), engine, library, sketch, folder, base, way)
			if err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			if w == 0 {
				lines = seen
			}
			if err := scores[w].add(t.Context(), lines, pictures); err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
		}
	}
	t.Logf("%d sheets of 4 materials × 3 times of day, %d steps, %d×%d", rounds, steps, base.Width, base.Height)
	t.Logf("%-17s %-26s %-26s %-19s %-19s %s", "", "drift near the lines", "drift of all edges", "chamfer, pixels", "sketch F1", "least F1")
	for w, way := range ways {
		s := scores[w]
		t.Logf("%-17s %-26s %-26s %-19s %-19s %.3f", way.name, interval(s.drift), interval(s.anywhere), interval(s.chamfer), interval(s.f1), slices.Min(s.f1))
	}
	for w, way := range ways[1:] {
		ours, theirs := scores[0].drift, scores[w+1].drift
		more, p := signedRank(theirs, ours)
		t.Logf("the set's drift is %.2f times that of %s, less on %d of %d images, p = %.2g", mean(ours)/mean(theirs), way.name, more, len(ours), p)
		switch {
		case !way.control && mean(ours) > mean(theirs)/2:
			t.Errorf("the set's geometry drift isn't below that of %s by half", way.name)
		case mean(ours) >= mean(theirs) || p > .05:
			t.Errorf("the set's geometry drift isn't clearly below that of %s", way.name)
		}
	}
}

func interval(v []float64) string {
	i := measure.Bootstrap(v)
	return fmt.Sprintf("%.3f [%.3f, %.3f]", i.Mean, *i.Low, *i.High)
}

// add measures one sheet.
func (s *facadeScores) add(ctx context.Context, lines image.Image, pictures []image.Image) error {
	picture := func(i int) (image.Image, error) { return pictures[i], nil }
	near, err := control.MeasureDrift(ctx, lines, len(pictures), picture)
	if err != nil {
		return err
	}
	all, err := control.MeasureDrift(ctx, nil, len(pictures), picture)
	if err != nil {
		return err
	}
	for i, img := range pictures {
		f, err := control.MeasureFidelity(ctx, control.Lineart, lines, img)
		if err != nil {
			return err
		}
		s.drift, s.chamfer = append(s.drift, near[i].Share), append(s.chamfer, near[i].Chamfer)
		s.anywhere, s.f1 = append(s.anywhere, all[i].Share), append(s.f1, f.F1)
	}
	return nil
}

// facadeSheet renders a sheet into a project, unless it is there, and returns its
// pictures in the order of their places, and the first one's control image.
func facadeSheet(ctx context.Context, engine *inference.Engine, library *projects.Library, sketch image.Image, dir string, base projects.Recipe, way facadeWay) ([]image.Image, image.Image, error) {
	if !way.control {
		base.Controls = nil
	}
	axis := func(field string, values ...string) projects.Axis {
		a := projects.Axis{Field: "phrase." + field}
		for _, v := range values {
			a.Values = append(a.Values, projects.AxisValue{Value: v})
		}
		return a
	}
	set, jobs, err := projects.Expand(base, way.name, []projects.Axis{
		axis("facade", "red brick", "white plaster", "grey concrete", "wooden"), axis("time", "sunny noon", "evening light", "night with lit windows"),
	})
	if err != nil {
		return nil, nil, err
	}
	if way.ownSeed {
		for i := range jobs {
			jobs[i].Recipe.Seed = base.Seed + int64(7919*(i+1))
		}
	}
	p, err := projects.Open(ctx, dir)
	if errors.Is(err, projects.ErrNotProject) || errors.Is(err, os.ErrNotExist) {
		p, err = projects.Create(ctx, dir, way.name)
	}
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	sets, err := p.Sets(ctx)
	if err != nil {
		return nil, nil, err
	}
	q := projects.NewQueue(p, engine, library, nil)
	defer q.Close()
	switch {
	case len(sets) == 0:
		if _, err = q.EnqueueSet(ctx, "", sketch, set, jobs); err != nil {
			return nil, nil, err
		}
	default:
		set = *sets[0].Set
		if err := q.RetrySet(set.ID); err != nil && !errors.Is(err, projects.ErrNotFound) {
			return nil, nil, err
		}
	}
	for _, j := range q.Jobs() {
		if j, err = q.Wait(ctx, j.ID); err != nil || j.State != projects.JobDone {
			return nil, nil, errors.Join(err, errors.New(j.Error))
		}
	}
	_, members, err := p.Members(ctx, set.ID)
	if err != nil {
		return nil, nil, err
	}
	if len(members) != set.Count() {
		return nil, nil, fmt.Errorf("%s has %d of %d pictures: delete it to begin anew", dir, len(members), set.Count())
	}
	var pictures []image.Image
	for _, c := range members {
		img, err := p.ConceptImage(ctx, c.ID)
		if err != nil {
			return nil, nil, err
		}
		pictures = append(pictures, img)
	}
	var lines image.Image
	if way.control {
		if lines, err = p.File(ctx, members[0].Controls[0]); err != nil {
			return nil, nil, err
		}
	}
	return pictures, lines, p.Sheet(ctx, set.ID, filepath.Join(dir, "sheet.png"), projects.SheetOptions{})
}
