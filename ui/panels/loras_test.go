package panels

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

func TestLoRACards(t *testing.T) {
	m := newModel(t)
	in := m.in
	if !in.loras.folder.Visible() || !strings.Contains(in.loras.hint.Text, "no LoRA for this checkpoint") || !in.loras.add.Disabled() {
		t.Errorf("without LoRAs: %q", in.loras.hint.Text)
	}
	m.view.ModelsLoading = true
	in.Show(m.view)
	if in.loras.folder.Visible() || !strings.Contains(in.loras.hint.Text, "Looking") {
		t.Errorf("while looking: %q", in.loras.hint.Text)
	}
	m.view.ModelsLoading = false
	m.view.LoRAs = []LoRAChoice{{Choice{Path: "/l/ink.safetensors", Name: "ink"}, []string{"ink wash", "paper"}}, {Choice{Path: "/l/oak.safetensors", Name: "oak"}, []string{"oak grain"}}}
	in.Show(m.view)
	if in.loras.folder.Visible() || in.loras.add.Disabled() || !strings.Contains(in.loras.hint.Text, "Add a style") {
		t.Errorf("with LoRAs: %q", in.loras.hint.Text)
	}

	// The chooser finds a LoRA by a trigger word.
	test.Tap(in.loras.add)
	canvas := fyne.CurrentApp().Driver().CanvasForObject(in.loras.add)
	pop, ok := canvas.Overlays().Top().(*widget.PopUp)
	if !ok {
		t.Fatal("no chooser")
	}
	search := canvas.Focused().(*widget.Entry)
	search.SetText("grain")
	search.OnSubmitted(search.Text)
	if pop.Visible() {
		t.Error("the chooser stays open")
	}
	if want := []projects.RecipeLoRA{{Path: "/l/oak.safetensors", UNet: 1, Text: 1}}; !reflect.DeepEqual(m.view.Recipe.LoRAs, want) || len(in.loras.cards) != 1 || in.loras.cards[0].name.Text != "oak" {
		t.Fatalf("chosen: %v", m.view.Recipe.LoRAs)
	}
	in.loras.use(m.view.LoRAs[0].Choice)
	if !in.loras.add.Disabled() || in.loras.hint.Visible() {
		t.Error("all are used, and one can be added")
	}

	// The strengths move together until they are set apart.
	card := in.loras.cards[1]
	card.unet.slider.SetValue(0.6)
	card.text.entry.SetText("-0.5")
	card.unet.entry.SetText("0,75")
	if want := (projects.RecipeLoRA{Path: "/l/ink.safetensors", UNet: 0.75, Text: -0.5}); m.view.Recipe.LoRAs[1] != want {
		t.Errorf("strengths: %v", m.view.Recipe.LoRAs[1])
	}

	// Trigger words.
	if !strings.Contains(card.words.Text, "ink wash, paper") {
		t.Errorf("trigger words %q", card.words.Text)
	}
	m.view.Recipe.Prompt = "a vase, "
	test.Tap(card.insert)
	menu := canvas.Overlays().Top()
	if menu == nil {
		t.Fatal("no menu of trigger words")
	}
	canvas.Overlays().Remove(menu)
	card.insertWord("ink wash")
	card.insertWord("Ink wash")
	test.Tap(in.loras.cards[0].insert) // the only word goes in at once
	if m.view.Recipe.Prompt != "a vase, ink wash, oak grain" {
		t.Errorf("prompt %q", m.view.Recipe.Prompt)
	}

	// A LoRA that isn't in the folders any more is named by its file; removing works.
	m.view.LoRAs = nil
	in.Show(m.view)
	if in.loras.cards[0].name.Text != "oak" || in.loras.cards[0].row.Visible() {
		t.Errorf("gone: %q", in.loras.cards[0].name.Text)
	}
	before := m.view.Recipe.LoRAs
	remove := removeButton(t, in.loras.cards[0].object)
	test.Tap(remove)
	if len(m.view.Recipe.LoRAs) != 1 || m.view.Recipe.LoRAs[0].Path != "/l/ink.safetensors" || before[0].Path != "/l/oak.safetensors" {
		t.Errorf("removed: %v of %v", m.view.Recipe.LoRAs, before)
	}
}

// removeButton is the first button with an icon and no text.
func removeButton(t *testing.T, o fyne.CanvasObject) *widget.Button {
	t.Helper()
	for _, o := range test.LaidOutObjects(o) {
		if b, ok := o.(*widget.Button); ok && b.Text == "" {
			return b
		}
	}
	t.Fatal("no button")
	return nil
}

func TestAdvancedModels(t *testing.T) {
	m := newModel(t)
	a := m.in.advanced
	m.view.VAEs = []Choice{{Path: "/v/mse.safetensors", Name: "mse"}}
	m.view.ControlNets = [][]Choice{{{Path: "/n/a", Name: "a"}, {Path: "/n/b", Name: "b"}}}
	m.in.Show(m.view)
	before := m.view.Recipe
	m.in.Show(m.view)
	if !reflect.DeepEqual(before, m.view.Recipe) {
		t.Errorf("showing changed the recipe to %+v", m.view.Recipe)
	}
	a.sampler.SetSelected("Euler")
	a.schedule.SetSelected("Beta")
	a.vae.SetSelected("mse")
	a.noise.SetSelectedIndex(1)
	a.rescale.entry.SetText("0.7")
	a.skip.slider.SetValue(2)
	m.in.controls.cards[0].net.SetSelected("b")
	r := m.view.Recipe
	if r.Sampler != "euler" || r.Schedule != "beta" || r.VAE != "/v/mse.safetensors" || r.Noise != "philox" || r.GuidanceRescale != 0.7 || r.ClipSkip != 2 ||
		r.Controls[0].ControlNet != "/n/b" {
		t.Errorf("got %+v", r)
	}
	// A sampler that can't use the schedule goes back to its own.
	a.sampler.SetSelected("DDIM")
	if m.view.Recipe.Schedule != "" || !slices.Equal(a.schedule.Options, []string{"Normal", "Trailing"}) {
		t.Errorf("schedule %q of %q", m.view.Recipe.Schedule, a.schedule.Options)
	}
	// What isn't in the folders stays, and is named.
	m.view.Recipe.VAE, m.view.Recipe.Controls[0].ControlNet = "/gone/old.safetensors", "/gone/net"
	m.in.Show(m.view)
	if a.vae.Selected != "old" || m.in.controls.cards[0].net.Selected != "net" || m.view.Recipe.VAE != "/gone/old.safetensors" {
		t.Errorf("%q, %q, %+v", a.vae.Selected, m.in.controls.cards[0].net.Selected, m.view.Recipe)
	}
	a.vae.SetSelectedIndex(0)
	m.in.controls.cards[0].net.SetSelectedIndex(0)
	if m.view.Recipe.VAE != "" || m.view.Recipe.Controls[0].ControlNet != "" {
		t.Errorf("got %+v", m.view.Recipe)
	}
}
