package studio

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"maquette/projects"
	"maquette/projects/phrases"
	"maquette/ui/panels"
)

func TestVariantAxes(t *testing.T) {
	ready, err := phrases.Default()
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(_, name string) (string, error) { return "", errors.New("no " + name) }
	sources := variantSources(ready, "zh-Hans")
	if i := slices.IndexFunc(sources, func(s panels.VariantSource) bool { return s.ID == "ready:material" }); i < 0 || sources[i].Title != "材质" || len(sources[i].Phrases) < 5 {
		t.Errorf("the materials are %d of %+v", i, sources)
	}
	for _, c := range []struct {
		v       panels.Variant
		field   string
		values  string
		problem string
	}{
		{panels.Variant{Source: "ready:colour", Picked: []string{"red", "blue"}}, "phrase.colour", "red blue", ""},
		{panels.Variant{Source: "own", Text: "brick | glass"}, "phrase.phrase", "brick glass", ""},
		{panels.Variant{Source: "own", Text: "{2::old|new} brick"}, "phrase.phrase", "old brick new brick", ""},
		{panels.Variant{Source: "field:seed", Text: "3..5"}, "seed", "3 4 5", ""},
		{panels.Variant{Source: "field:control.weight", Text: "0.6..1:0.2"}, "control.weight", "0.6 0.8 1", ""},
		{panels.Variant{Source: "ready:colour"}, "", "", "Choose what it changes to."},
		{panels.Variant{Source: "field:steps", Text: "many"}, "", "", "steps=many"},
		{panels.Variant{Source: "field:checkpoint", Text: "flux"}, "", "", "no flux"},
	} {
		axes, problems := variantAxes([]panels.Variant{c.v}, ready, "en", resolve)
		if !strings.Contains(problems[0], c.problem) || (c.problem == "") != (problems[0] == "") {
			t.Errorf("%+v: problem %q, want %q", c.v, problems[0], c.problem)
			continue
		}
		if c.problem != "" {
			continue
		}
		var values []string
		for _, v := range axes[0].Values {
			values = append(values, v.Value)
		}
		if got := strings.Join(values, " "); axes[0].Field != c.field || got != c.values {
			t.Errorf("%+v: %s has %q, want %s %q", c.v, axes[0].Field, got, c.field, c.values)
		}
	}
}

func TestVariantsAreRenderedAsASet(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt, r.Count = "a chair, {colour}", 1 })
		w.state.EditVariants(func([]panels.Variant) []panels.Variant { return []panels.Variant{{Source: "ready:colour"}} })
		w.changed()
	})
	s.waitFor("the problem", func() bool {
		v := w.panelView()
		return len(w.plan.Problems) == 1 && w.plan.Problems[0] != "" && v.Render == panels.RenderBlocked
	})
	s.do(func() {
		w.state.EditVariants(func(rows []panels.Variant) []panels.Variant {
			rows[0].Picked = []string{"red", "blue"}
			return append(rows, panels.Variant{Source: "field:guidance", Text: "2|4"})
		})
		w.changed()
	})
	s.waitFor("the plan", func() bool { return w.plan.Images == 4 && w.panelView().Render == panels.RenderReady })
	s.do(w.render)
	var set []projects.Stack
	s.waitFor("the set", func() bool {
		var err error
		set, err = w.project.Sets(context.Background())
		return err == nil && len(set) == 1 && set[0].Members == 4
	})
	s.waitFor("the Render button", func() bool { return w.panelView().Render == panels.RenderReady })
	_, members, err := w.project.Members(context.Background(), set[0].Set.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if want := "a chair, " + m.Set.Value(0).Value; m.Recipe.Prompt != want || m.Recipe.Seed != members[0].Recipe.Seed {
			t.Errorf("place %v has prompt %q and seed %d", m.Set.At, m.Recipe.Prompt, m.Recipe.Seed)
		}
	}
	if est, err := w.project.Estimate(context.Background(), []projects.Recipe{members[0].Recipe}); err != nil || est < 0 {
		t.Errorf("estimate %v, %v", est, err)
	}
}

func TestCancelEndsTheWholeSet(t *testing.T) {
	s := newTestStudio(t)
	s.engine.hold = make(chan struct{})
	w := s.newDrawingWith(true)
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Count = 1 })
		w.state.EditVariants(func([]panels.Variant) []panels.Variant { return []panels.Variant{{Source: "field:seed", Text: "1..3"}} })
		w.render()
	})
	s.waitFor("the first render", func() bool { return w.job.State == projects.JobRunning && len(w.queue.Jobs()) == 3 })
	s.do(w.cancelRender)
	s.waitFor("the end of all", func() bool {
		return !slices.ContainsFunc(w.queue.Jobs(), func(j projects.Job) bool { return j.State != projects.JobCancelled })
	})
}

func TestSeedsOfASet(t *testing.T) {
	r := projects.DefaultRecipe()
	r.Seed, r.Count = 7, 1
	if _, ok := projects.SeedAxis(r); ok {
		t.Error("one picture needs no axis of seeds")
	}
	r.Count = 2
	r.Views = nil
	set, jobs, err := expanded(r, []projects.Axis{{Field: "steps", Values: []projects.AxisValue{{Value: "4"}, {Value: "8"}}}})
	if err != nil || set.Count() != 4 || len(jobs) != 4 || set.Axes[1].Values[1].Value != "8" {
		t.Errorf("set %+v of %d jobs, %v", set, len(jobs), err)
	}
}
