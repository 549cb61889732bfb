package panels

import (
	"reflect"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

// model is a recipe that an inspector edits, as the studio's state does.
type model struct {
	view      View
	in        *Inspector
	influence []int
	rendered  int
	cancelled int
	locked    bool
}

func newModel(t *testing.T) *model {
	t.Helper()
	test.NewTempApp(t)
	m := &model{view: View{Recipe: projects.DefaultRecipe(), Influence: 90, Checkpoints: []Choice{{Path: projects.StarterCheckpoint, Name: "Starter model"}, {Path: "/models/other", Name: "other"}}}}
	m.view.Recipe.Controls = []projects.RecipeControl{{Kind: control.Canny, Weight: 1, End: 1}}
	refresh := func() { m.in.Show(m.view) }
	m.in = NewInspector(Intents{
		Edit:         func(change func(*projects.Recipe)) { change(&m.view.Recipe); refresh() },
		SetInfluence: func(p int) { m.influence = append(m.influence, p) },
		SetControl: func(i int, change func(*projects.RecipeControl)) {
			change(&m.view.Recipe.Controls[i])
			refresh()
		},
		AddControl: func(k control.Kind) {
			m.view.Recipe.Controls = append(m.view.Recipe.Controls, projects.RecipeControl{Kind: k, Weight: 1, End: 1})
			refresh()
		},
		RemoveControl: func(i int) {
			m.view.Recipe.Controls = append(m.view.Recipe.Controls[:i:i], m.view.Recipe.Controls[i+1:]...)
			refresh()
		},
		SetPaint: func(change func(*projects.Inpaint)) {
			change(&m.view.Paint)
			m.in.Show(m.view)
		},
		LockSeed: func(locked bool) { m.locked = locked },
		NewSeed:  func() {},
		Render:   func() { m.rendered++ },
		Cancel:   func() { m.cancelled++ },
	}, Icons{Lock: theme.InfoIcon(), Unlock: theme.InfoIcon(), Dice: theme.InfoIcon(), Add: theme.ContentAddIcon()})
	refresh()
	w := test.NewTempWindow(t, m.in.Object())
	w.Resize(fyne.NewSize(340, 700))
	return m
}

func TestShowingARecipeChangesNothing(t *testing.T) {
	m := newModel(t)
	r := m.view.Recipe
	r.Prompt, r.NegativePrompt, r.Checkpoint = "a red chair", "people", "/models/other"
	r.Steps, r.Guidance, r.Sampler, r.Schedule, r.Seed = 33, 4.5, "euler_a", "", 12345678901
	r.Width, r.Height, r.Count, r.Strength = 640, 384, 3, 0.35
	r.Controls = []projects.RecipeControl{
		{Kind: control.Lineart, Weight: 0.85, Start: 0.1, End: 0.75},
		{Kind: control.Canny, Weight: 1.3, Start: 0, End: 0.5, Params: control.Params{"low": 31, "high": 87}},
	}
	m.view.Recipe = r
	m.in.Show(m.view)
	m.in.Show(m.view)
	if !reflect.DeepEqual(m.view.Recipe, r) {
		t.Errorf("showing changed the recipe\nfrom %+v\nto   %+v", r, m.view.Recipe)
	}
	if len(m.influence) != 0 {
		t.Errorf("showing moved the slider: %v", m.influence)
	}
	if m.in.prompt.Text != r.Prompt || m.in.negative.Text != r.NegativePrompt || m.in.checkpoint.Selected != "other" {
		t.Error("the texts or the checkpoint are not shown")
	}
	if got := len(m.in.controls.cards); got != 2 {
		t.Fatalf("%d cards", got)
	}
	if c := m.in.controls.cards[1]; c.weight.value != 1.3 || c.span.end != 0.5 {
		t.Errorf("the second card shows weight %g and end %g", c.weight.value, c.span.end)
	}
}

func TestInputsReachTheRecipe(t *testing.T) {
	m := newModel(t)
	in := m.in
	in.prompt.SetText("a glass tower")
	in.negative.SetText("fog")
	in.checkpoint.SetSelected("other")
	in.size.preset.SetSelected("768 × 512")
	in.count.SetSelected("8")
	in.advanced.steps.entry.SetText("42")
	in.advanced.guidance.slider.SetValue(7.5)
	in.advanced.sampler.SetSelected("DDIM")
	in.advanced.seed.SetText("99")
	in.advanced.strength.entry.SetText("0,5") // a decimal comma
	in.controls.cards[0].weight.entry.SetText("0.55")
	in.controls.cards[0].span.onChange(0.2, 0.8)
	r := m.view.Recipe
	want := projects.RecipeControl{Kind: control.Canny, Weight: 0.55, Start: 0.2, End: 0.8}
	if r.Prompt != "a glass tower" || r.NegativePrompt != "fog" || r.Checkpoint != "/models/other" ||
		r.Width != 768 || r.Height != 512 || r.Count != 8 || r.Steps != 42 || r.Guidance != 7.5 ||
		r.Sampler != "ddim" || r.Seed != 99 || r.Strength != 0.5 || !reflect.DeepEqual(r.Controls[0], want) {
		t.Errorf("got %+v", r)
	}
	in.influence.SetValue(40)
	if len(m.influence) != 1 || m.influence[0] != 40 {
		t.Errorf("influence intents: %v", m.influence)
	}
}

func TestBadNumbersAreRefused(t *testing.T) {
	m := newModel(t)
	before := m.view.Recipe
	for _, text := range []string{"", "abc", "-1", "NaN", "1e9", "100000"} {
		m.in.advanced.steps.entry.SetText(text)
		if text != "100000" {
			m.in.advanced.seed.SetText("-5")
			m.in.advanced.seed.SetText("x")
		}
	}
	m.in.size.preset.SetSelectedIndex(len(m.in.size.preset.Options) - 1)
	for _, text := range []string{"63", "100", "4096", "", "12a"} {
		m.in.size.w.SetText(text)
	}
	if !reflect.DeepEqual(before, m.view.Recipe) {
		t.Errorf("bad input changed the recipe to %+v", m.view.Recipe)
	}
	m.in.advanced.steps.entry.OnSubmitted("100000")
	if m.view.Recipe.Steps != 100 {
		t.Errorf("steps %d, want the largest", m.view.Recipe.Steps)
	}
	m.in.size.w.SetText("320")
	if m.view.Recipe.Width != 320 {
		t.Errorf("width %d, want the custom one", m.view.Recipe.Width)
	}
}

func TestEveryParameterHasAnInput(t *testing.T) {
	m := newModel(t)
	for _, e := range control.Extractors() {
		m.view.Recipe.Controls = []projects.RecipeControl{{Kind: e.Kind(), Weight: 1, End: 1}}
		m.in.Show(m.view)
		card := m.in.controls.cards[0]
		if len(card.params) != len(e.Params()) {
			t.Errorf("%s: %d inputs for %d parameters", e.Kind(), len(card.params), len(e.Params()))
		}
	}
}

func TestAddAndRemoveControls(t *testing.T) {
	m := newModel(t)
	m.in.intents.AddControl(control.Depth)
	if n := len(m.in.controls.cards); n != 2 {
		t.Fatalf("%d cards after adding", n)
	}
	m.in.intents.RemoveControl(0)
	if n := len(m.in.controls.cards); n != 1 || m.in.controls.kinds[0] != control.Depth {
		t.Errorf("%d cards after removing", n)
	}
}

func TestRenderButtonBecomesCancel(t *testing.T) {
	m := newModel(t)
	press := func() { test.Tap(m.in.render) }
	press()
	m.view.Render = RenderRunning
	m.view.Fraction, m.view.Stage, m.view.Remaining = 0.25, "Step 5 of 20", 9*time.Second
	m.in.Show(m.view)
	if m.in.render.Text != "Cancel" || !m.in.bar.Visible() || m.in.bar.Value != 0.25 || m.in.status.Text != "Step 5 of 20 · 25 % · 9 s left" {
		t.Errorf("while running: button %q, bar %g, status %q", m.in.render.Text, m.in.bar.Value, m.in.status.Text)
	}
	press()
	m.view.Render, m.view.Blocked = RenderBlocked, "Draw something first, or open an image."
	m.in.Show(m.view)
	press()
	if m.in.status.Text != m.view.Blocked || !m.in.render.Disabled() {
		t.Errorf("blocked: status %q", m.in.status.Text)
	}
	if m.rendered != 1 || m.cancelled != 1 {
		t.Errorf("rendered %d and cancelled %d times, want once each", m.rendered, m.cancelled)
	}
}

func TestRangeSlider(t *testing.T) {
	test.NewTempApp(t)
	var start, end float64
	r := newRangeSlider(func(s, e float64) { start, end = s, e })
	w := test.NewTempWindow(t, r)
	w.Resize(fyne.NewSize(240, 40))
	width := r.Size().Width
	r.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(width, 10)}})
	r.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(width/2, 10)}})
	r.DragEnd()
	if start != 0 || end < 0.45 || end > 0.55 {
		t.Errorf("the end was dragged to %g…%g", start, end)
	}
	r.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(0, 10)}})
	r.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(width, 10)}})
	r.DragEnd()
	if start >= end || end-start < rangeStep-1e-9 {
		t.Errorf("the start passed the end: %g…%g", start, end)
	}
}

func TestQueueShowsJobs(t *testing.T) {
	test.NewTempApp(t)
	var moved, cancelled, retried []string
	q := NewQueue(QueueIntents{
		Cancel: func(id string) { cancelled = append(cancelled, id) },
		Retry:  func(id string) { retried = append(retried, id) },
		Remove: func(string) {}, Pause: func(bool) {}, Show: func(string) {}, ClearFinished: func() {},
		Move: func(id string, to int) { moved = append(moved, id) },
	})
	w := test.NewTempWindow(t, q.Object())
	w.Resize(fyne.NewSize(340, 600))
	jobs := []projects.Job{
		{ID: "a", State: projects.JobRunning, Recipe: projects.Recipe{Prompt: "chair"},
			Progress: inference.Progress{Stage: inference.StageDenoise, Step: 3, Steps: 20, Fraction: 0.15}},
		{ID: "b", State: projects.JobQueued},
		{ID: "c", State: projects.JobQueued},
		{ID: "d", State: projects.JobFailed, Error: "no memory left"},
	}
	q.Show(jobs, false)
	row := func(id string) *queueRow { return q.rows[id] }
	if row("a").bar.Value != 0.15 || row("a").detail.Text != "Step 3 of 20 · 15 %" || row("a").title.Text != "chair" {
		t.Errorf("running: %q %q", row("a").title.Text, row("a").detail.Text)
	}
	if row("b").up.Visible() || !row("b").down.Visible() || !row("c").up.Visible() || row("c").down.Visible() || row("d").up.Visible() {
		t.Error("waiting jobs must be movable among themselves, and only there")
	}
	if row("d").detail.Text != "no memory left" || !row("d").retry.Visible() || row("a").retry.Visible() {
		t.Error("a failed job says why and can be tried again")
	}
	before := row("b")
	jobs[0].State, jobs[0].Finished = projects.JobDone, time.Now()
	q.Update(jobs[0])
	q.Show([]projects.Job{jobs[0], jobs[2], jobs[1], jobs[3]}, true)
	if row("b") != before || q.pause.Text != "Continue" {
		t.Error("rows are kept when jobs move, and a paused queue offers to continue")
	}
}
