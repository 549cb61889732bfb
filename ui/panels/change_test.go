package panels

import (
	"reflect"
	"slices"
	"testing"

	"maquette/inference"
	"maquette/projects"
)

func TestSecondPassInputs(t *testing.T) {
	m := newModel(t)
	f := m.in.finer
	if f.choice.SelectedIndex() != 0 || f.strength.object.Visible() {
		t.Errorf("without a second pass %q is chosen", f.choice.Selected)
	}
	f.choice.SetSelectedIndex(2)
	pass := m.view.Recipe.SecondPass
	if pass == nil || *pass != projects.DefaultSecondPass(2) || !f.strength.object.Visible() {
		t.Fatalf("2× gives %+v", pass)
	}
	f.strength.entry.SetText("0.55")
	f.choice.SetSelectedIndex(1)
	if got := *m.view.Recipe.SecondPass; got != (projects.SecondPass{Scale: 1.5, Strength: 0.55}) {
		t.Errorf("1.5× gives %+v", got)
	}
	if *pass != projects.DefaultSecondPass(2) {
		t.Error("a second pass that a recipe had was changed in place")
	}
	// What another program chose is kept and shown, what is too large not offered.
	m.view.Recipe.Width, m.view.Recipe.Height = 1024, 1024
	m.view.Recipe.SecondPass = &projects.SecondPass{Scale: 1.25, Strength: 0.3}
	want := m.view.Recipe
	m.in.Show(m.view)
	if f.choice.Selected != "1.25× · 1280 × 1280" || !reflect.DeepEqual(m.view.Recipe, want) {
		t.Errorf("%q is chosen of %q", f.choice.Selected, f.choice.Options)
	}
	m.view.Recipe.Width = 1536
	m.in.Show(m.view)
	if slices.Contains(f.scales, 2) {
		t.Errorf("offered are %q", f.choice.Options)
	}
	f.choice.SetSelectedIndex(0)
	if m.view.Recipe.SecondPass != nil {
		t.Error("off leaves a second pass")
	}
}

func TestControlModeInput(t *testing.T) {
	m := newModel(t)
	card := m.in.controls.cards[0]
	for i, mode := range inference.ControlModes() {
		card.mode.choice.SetSelectedIndex(i)
		if got := m.view.Recipe.Controls[0].Mode; got != mode {
			t.Errorf("choice %q gives %q", card.mode.choice.Selected, got)
		}
	}
	m.view.Recipe.Controls[0].Mode = inference.ControlPromptFirst
	m.in.Show(m.view)
	if card.mode.choice.SelectedIndex() != 1 || m.view.Recipe.Controls[0].Mode != inference.ControlPromptFirst {
		t.Errorf("shown is %q", card.mode.choice.Selected)
	}
}

func TestChangeInputs(t *testing.T) {
	m := newModel(t)
	c := m.in.change
	if c.object.Visible() {
		t.Error("the section shows without a mask")
	}
	m.view.Masked, m.view.Paint, m.view.Recipe.Strength = true, projects.DefaultInpaint(""), 0.75
	m.in.Show(m.view)
	if !c.object.Visible() || c.padding.object.Visible() || c.feather.value != 8 || c.strength.value != 0.75 {
		t.Error("the section does not show the mask's values")
	}
	c.only.SetChecked(true)
	if !m.view.Paint.Only || !c.padding.object.Visible() {
		t.Error("the masked part alone is not chosen, or has no padding")
	}
	c.padding.entry.SetText("64")
	c.feather.entry.SetText("3")
	c.strength.entry.SetText("0.9")
	if p := m.view.Paint; p.Padding != 64 || p.Feather != 3 || m.view.Recipe.Strength != 0.9 {
		t.Errorf("paint %+v, strength %g", p, m.view.Recipe.Strength)
	}
}
