package studio

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"maquette/control"
	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/panels"
)

func oneControl() projects.Recipe {
	r := projects.DefaultRecipe()
	r.Controls = []projects.RecipeControl{{Kind: control.Lineart, Weight: 1, End: 1}}
	return r
}

func TestInfluenceGrowsAndKeepsItsPromises(t *testing.T) {
	lastW, lastE := -1.0, -1.0
	for p := 0; p <= 100; p++ {
		w, e := influenceAt(p)
		if w < lastW || e < lastE {
			t.Errorf("at %d %% weight %g and end %g are less than before (%g, %g)", p, w, e, lastW, lastE)
		}
		if w < 0 || w > 2 || e < 0 || e > 1 {
			t.Errorf("at %d %% weight %g and end %g are out of range", p, w, e)
		}
		lastW, lastE = w, e
	}
	if w, _ := influenceAt(0); w != 0 {
		t.Errorf("at 0 %% the weight is %g", w)
	}
	if w, e := influenceAt(90); w != 1 || e != 1 {
		t.Errorf("at 90 %% weight and end are %g and %g, want what the ControlNet was trained for", w, e)
	}
	if w, e := influenceAt(80); w < 0.85 || e < 0.85 {
		t.Errorf("80 %% must keep the geometry; weight %g, end %g", w, e)
	}
	if w, e := influenceAt(59); w > 0.7 || e > 0.7 {
		t.Errorf("below 60 %% the drawing only inspires; weight %g, end %g", w, e)
	}
}

func TestInfluenceRoundTrip(t *testing.T) {
	for p := 0; p <= 100; p++ {
		w, e := influenceAt(p)
		got := influenceOf(w, e)
		gw, ge := influenceAt(got)
		if math.Abs(gw-w) > 0.011 || math.Abs(ge-e) > 0.011 {
			t.Errorf("%d %% comes back as %d %%", p, got)
		}
	}
}

func TestInfluenceMovesAllControlsAndKeepsTheirBalance(t *testing.T) {
	r := oneControl()
	r.Controls = append(r.Controls, projects.RecipeControl{Kind: control.Depth, Weight: 0.5, End: 0.5})
	s := NewState(r)
	if s.Influence() != 90 {
		t.Fatalf("weight 1 over all steps is %d %%, want 90", s.Influence())
	}
	s.SetInfluence(60)
	got := s.Recipe().Controls
	if got[0].Weight != 0.7 || got[0].End != 0.7 || got[1].Weight != 0.35 || got[1].End != 0.35 {
		t.Errorf("at 60 %%: %+v", got)
	}
	s.SetInfluence(0)
	if c := s.Recipe().Controls; c[0].Weight != 0 || c[1].Weight != 0 {
		t.Errorf("at 0 %%: %+v", c)
	}
	s.SetInfluence(90)
	if c := s.Recipe().Controls; c[0].Weight != 1 || c[1].Weight != 0.5 || c[1].End != 0.5 {
		t.Errorf("back at 90 %%: %+v", c)
	}
}

func TestControlEditedByHand(t *testing.T) {
	s := NewState(oneControl())
	s.SetControl(0, func(c *projects.RecipeControl) { c.Weight = 1.5 })
	if s.Influence() != 90 {
		t.Errorf("the slider moved to %d", s.Influence())
	}
	s.SetInfluence(60)
	if w := s.Recipe().Controls[0].Weight; w != 1.05 {
		t.Errorf("weight is %g, want the hand-made share of 1.5 kept", w)
	}
	s.SetInfluence(0)
	s.SetControl(0, func(c *projects.RecipeControl) { c.Weight, c.End = 0.7, 0.7 })
	if s.Influence() != 60 {
		t.Errorf("from 0 %% a weight of 0.7 leads to %d %%", s.Influence())
	}
	s.SetControl(7, func(*projects.RecipeControl) { t.Error("there is no control 7") })
	s.RemoveControl(7)
	s.AddControl(control.Canny)
	s.RemoveControl(0)
	if c := s.Recipe().Controls; len(c) != 1 || c[0].Kind != control.Canny || c[0].Weight != 0.7 {
		t.Errorf("after adding and removing: %+v", c)
	}
}

func TestStateSharesNothing(t *testing.T) {
	r := oneControl()
	r.Controls[0].Params = control.Params{"low": 1}
	s := NewState(r)
	r.Controls[0].Params["low"] = 2
	got := s.Recipe()
	got.Controls[0].Weight = 0.1
	got.Controls[0].Params["low"] = 3
	if now := s.Recipe(); now.Controls[0].Weight != 1 || now.Controls[0].Params["low"] != 1 {
		t.Errorf("the state changed behind its back: %+v", now.Controls[0])
	}
}

func TestSeed(t *testing.T) {
	s := NewState(oneControl())
	n := int64(41)
	rnd := func(limit int64) int64 {
		if limit != 1<<32 {
			t.Errorf("seeds are drawn below %d", limit)
		}
		n++
		return n
	}
	if r := s.Next(rnd); r.Seed != 42 {
		t.Errorf("seed %d, want a new one", r.Seed)
	}
	s.seedLocked = true
	if r := s.Next(rnd); r.Seed != 42 {
		t.Errorf("seed %d, want the locked one", r.Seed)
	}
}

func TestLiveIsQuickAndSteady(t *testing.T) {
	r := oneControl()
	r.Steps, r.Count, r.Width, r.Height, r.Seed = 30, 8, 1024, 768, 5
	s := NewState(r)
	got := s.Live()
	if got.Steps != liveSteps || got.Count != 1 || got.Width != 512 || got.Height != 384 || got.Seed != 5 {
		t.Errorf("live recipe: %+v", got)
	}
	r.Steps, r.Width, r.Height = 4, 256, 256
	s.UseRecipe(r)
	if got := s.Live(); got.Steps != 4 || got.Width != 256 {
		t.Errorf("a quick recipe changed: %+v", got)
	}
}

func TestRenderState(t *testing.T) {
	s := NewState(oneControl())
	job := projects.Job{ID: "a", State: projects.JobRunning}
	for _, c := range []struct {
		name     string
		jobID    string
		job      projects.Job
		drawing  bool
		readOnly bool
		want     panels.RenderState
	}{
		{"nothing drawn", "", projects.Job{}, false, false, panels.RenderBlocked},
		{"drawn", "", projects.Job{}, true, false, panels.RenderReady},
		{"its job runs", "a", job, true, false, panels.RenderRunning},
		{"its job waits", "a", projects.Job{ID: "a", State: projects.JobQueued}, true, false, panels.RenderWaiting},
		{"another job runs", "b", job, true, false, panels.RenderReady},
		{"its job is done", "a", projects.Job{ID: "a", State: projects.JobDone}, true, false, panels.RenderReady},
		{"read only", "", projects.Job{}, true, true, panels.RenderBlocked},
	} {
		s.jobID = c.jobID
		got, why := renderState(s, c.job, c.drawing, c.readOnly)
		if got != c.want || (got == panels.RenderBlocked) != (why != "") {
			t.Errorf("%s: got %v (%q), want %v", c.name, got, why, c.want)
		}
	}
	s.RemoveControl(0)
	s.jobID = ""
	if got, _ := renderState(s, projects.Job{}, false, false); got != panels.RenderReady {
		t.Errorf("without controls no drawing is needed; got %v", got)
	}
}

func TestDraftRoundTrip(t *testing.T) {
	dir := t.TempDir()
	r, influence := oneControl(), 73
	r.Prompt = "ein Stuhl · 椅子"
	want := draft{Sketch: "s1", Recipe: &r, Influence: &influence, SeedLocked: true}
	if err := writeDraft(dir, want); err != nil {
		t.Fatal(err)
	}
	got := readDraft(dir)
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if string(a) != string(b) || !reflect.DeepEqual(*got.Recipe, r) {
		t.Errorf("wrote %s, read %s", a, b)
	}
	if empty := readDraft(t.TempDir()); empty.Recipe != nil {
		t.Errorf("an empty folder has the draft %+v", empty)
	}
}

func TestViewsKeepTheNumberOfSets(t *testing.T) {
	st := NewState(oneControl())
	st.Edit(func(r *projects.Recipe) { r.Count = 2 })
	st.SetReading(views.RegionID{X: 500, Y: 400}, views.Flat)
	if st.Recipe().Views != nil {
		t.Error("a reading alone asks for no views")
	}
	st.SetViews([]string{"front", "side-left", "top"})
	r := st.Recipe()
	if r.Count != 6 || r.Views == nil || r.Views.Drawn != "front" || r.Views.Readings["500,400"] != views.Flat {
		t.Errorf("two sets of three views are %d pictures, %+v", r.Count, r.Views)
	}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	if live := st.Live(); live.Views != nil || live.Count != 1 {
		t.Errorf("a live render has views %+v and %d pictures", live.Views, live.Count)
	}
	st.SetViews([]string{"front"})
	if n := st.Recipe().Count; n != 2 {
		t.Errorf("two sets of one view are %d pictures", n)
	}
	st.SetViews(nil)
	st.SetReading(views.RegionID{X: 500, Y: 400}, views.Auto)
	if r := st.Recipe(); r.Views != nil || r.Count != 2 || len(st.readings) != 0 {
		t.Errorf("without views: %+v, readings %v", r, st.readings)
	}
}

func TestRecipeOfOneViewBringsTheWholeSet(t *testing.T) {
	r := oneControl()
	r.Views = projects.DefaultViews(r.Checkpoint, "front", "back")
	r.View, r.Count, r.Seed = "back", 1, 8
	st := NewState(r)
	if got := st.Recipe(); got.View != "" || got.Count != 2 || got.Seed != 7 {
		t.Errorf("got view %q, %d pictures, seed %d", got.View, got.Count, got.Seed)
	}
}
