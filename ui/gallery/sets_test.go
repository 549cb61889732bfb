package gallery

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/uitest"
)

// useTestApp makes an app with a UI goroutine and a window.
func useTestApp(t *testing.T) (*uitest.Loop, fyne.Window) {
	t.Helper()
	ui := uitest.New(t, test.NewTempApp(t))
	var window fyne.Window
	ui.Do(func() {
		window = test.NewWindow(nil)
		window.Resize(fyne.NewSize(1000, 700))
	})
	return ui, window
}

// plain makes a picture of one colour.
func plain(c color.Color) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

func facadeSet(t *testing.T) projects.Set {
	t.Helper()
	set, err := projects.NewSet("", "", []projects.Axis{
		{Field: "phrase.facade", Values: []projects.AxisValue{{Value: "brick"}, {Value: "glass"}}},
		{Field: projects.ViewField, Values: []projects.AxisValue{{Value: "top"}, {Value: "side-left"}, {Value: "front"}, {Value: "side-right"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestOrbitGoesOnceAround(t *testing.T) {
	view, _ := facadeSet(t).Axis(projects.ViewField)
	var names []string
	for _, i := range around(view) {
		names = append(names, view.Values[i].Value)
	}
	if want := []string{string(views.Front), string(views.SideRight), string(views.SideLeft), string(views.Top)}; !slices.Equal(names, want) {
		t.Errorf("the order is %v, want %v", names, want)
	}
}

func TestNewestOfEachPlace(t *testing.T) {
	set := facadeSet(t)
	at := func(id string, at ...int) projects.Concept {
		return projects.Concept{ID: id, Set: &projects.Place{Set: set, At: at}}
	}
	got := newestOfEach([]projects.Concept{at("0009", 0, 0), at("0001", 0, 0), at("0002", 0, 1), at("0003", 1, 0)})
	var ids []string
	for _, c := range got {
		ids = append(ids, c.ID)
	}
	if want := []string{"0009", "0002", "0003"}; !slices.Equal(ids, want) {
		t.Errorf("kept %v, want %v", ids, want)
	}
	if left := placesOf(got, 0, 1); len(left) != 1 || left[0].ID != "0003" {
		t.Errorf("glass has %v", left)
	}
}

func TestSheetGridPutsEachCellUnderItsTitle(t *testing.T) {
	g := &sheetGrid{columns: 2, side: 100}
	var objects []fyne.CanvasObject
	for range 9 { // titles of the columns, two rows
		objects = append(objects, newWipeHandle(nil))
	}
	g.Layout(objects, fyne.Size{})
	if under, title := objects[5].Position(), objects[2].Position(); under.X != title.X || under.Y <= title.Y {
		t.Errorf("the second cell of the first row is at %v, its title at %v", under, title)
	}
	if size := g.MinSize(objects); size.Width != sheetTitles+2*104 || size.Height != objects[0].MinSize().Height+2*104 {
		t.Errorf("the grid takes %v", size)
	}
}

func TestDifferenceIsBlackWhereEqual(t *testing.T) {
	a, b := plain(color.RGBA{200, 100, 50, 255}), plain(color.RGBA{200, 100, 50, 255})
	b.SetRGBA(3, 4, color.RGBA{190, 130, 50, 255})
	d := difference(a, b)
	if got := d.RGBAAt(3, 4); got != (color.RGBA{10, 30, 0, 255}) {
		t.Errorf("the changed pixel gives %v", got)
	}
	if got := d.RGBAAt(5, 5); got != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("an equal pixel gives %v", got)
	}
	large := image.NewRGBA(image.Rect(0, 0, 128, 128))
	draw.Draw(large, large.Rect, image.NewUniform(color.RGBA{200, 100, 50, 255}), image.Point{}, draw.Src)
	if got := difference(a, large).RGBAAt(32, 32); got != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("the same colour at another size gives %v", got)
	}
}

func TestDifferingFactsSkipWhatIsEqual(t *testing.T) {
	test.NewTempApp(t)
	a := projects.Concept{Recipe: projects.DefaultRecipe(), Seconds: 1}
	b := projects.Concept{Recipe: projects.DefaultRecipe(), Seconds: 2}
	a.Recipe.Prompt, b.Recipe.Prompt = "a red chair", "a blue chair"
	b.Recipe.NegativePrompt = "text"
	want := [][3]string{{"Prompt", "a red chair", "a blue chair"}, {"Negative prompt", "–", "text"}}
	if got := differingFacts(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPairsComeOnceEach(t *testing.T) {
	var among []projects.Concept
	for _, id := range []string{"0001", "0002", "0003", "0004", "0005"} {
		among = append(among, projects.Concept{ID: id})
	}
	seen, swapped := map[[2]string]int{}, 0
	for _, p := range pairsOf(among, rand.New(rand.NewPCG(1, 2))) {
		key := [2]string{p[0].ID, p[1].ID}
		if key[0] > key[1] {
			key[0], key[1] = key[1], key[0]
			swapped++
		}
		seen[key]++
	}
	if len(seen) != 10 || swapped == 0 || swapped == 10 {
		t.Errorf("%d pairs, %d of them swapped: %v", len(seen), swapped, seen)
	}
}

// setProject is a project with a set of two facades from four sides; the last place is not rendered.
func setProject(t *testing.T) (*projects.Project, projects.Set) {
	t.Helper()
	t.Setenv("MAQUETTE_CACHE", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("XDG_DATA_HOME", filepath.Join(t.TempDir(), "data"))
	ctx := context.Background()
	p, err := projects.Create(ctx, filepath.Join(t.TempDir(), "house"), "House")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	set := facadeSet(t)
	places := set.Places()
	for i, at := range places[:len(places)-1] {
		r := projects.DefaultRecipe()
		r.Prompt, r.Count = "a house, "+(projects.Place{Set: set, At: at}).Labels()[0], 1
		if _, err := p.AddConcept(ctx, plain(color.Gray{uint8(20 * i)}), projects.Concept{Recipe: r, Set: &projects.Place{Set: set, At: at}}); err != nil {
			t.Fatal(err)
		}
	}
	return p, set
}

func TestGalleryStacksASetAndOpensItsSheet(t *testing.T) {
	ui, window := useTestApp(t)
	p, set := setProject(t)
	var g *Gallery
	var toasts []func()
	cancelled := ""
	ui.Do(func() {
		g = New(Deps{Window: window, Toast: func(_, _ string, undo func()) { toasts = append(toasts, undo) },
			Error: func(title string, err error) { t.Errorf("%s: %v", title, err) }, ShowGallery: func() {}, CancelSet: func(id string) { cancelled = id }})
		window.SetContent(g.Object())
		g.SetProject(p)
	})
	defer ui.Do(g.Close)
	ui.Wait(t, "one stack", func() bool { return g.list.total == 1 })
	ui.Do(func() {
		st, _ := g.list.at(0)
		if st.Set == nil || st.Members != 7 {
			t.Errorf("the stack is %+v", st)
		}
		g.stackTapped(st)
	})
	ui.Wait(t, "the sheet", func() bool { return g.set.count.Text == "7 of 8 pictures" && g.shown == g.set.object })
	// Its plain pictures have no edges that could have moved.
	ui.Wait(t, "the set's numbers", func() bool { return g.set.scores.label.Text == "Shape moved 0\u00a0%" })
	ui.Do(func() {
		g.set.setTurning(true)
		g.set.handleKey(fyne.KeyRight)
	})
	ui.Wait(t, "the right side", func() bool {
		c, ok := g.set.orbit.current()
		return ok && c.Set.Value(1).Value == "side-right"
	})
	ui.Do(func() {
		g.set.orbit.others[0].SetSelectedIndex(1)
		if c, ok := g.set.orbit.current(); ok {
			t.Errorf("the place that is not rendered shows %s", c.ID)
		}
		first := g.set.members[0]
		g.openConcept(first)
		g.step(1)
		if g.open != g.set.members[1].ID {
			t.Errorf("the next concept is %s, want the set's next", g.open)
		}
		g.HandleKey(fyne.KeyEscape)
		if g.shown != g.set.object {
			t.Error("Escape does not lead back to the sheet")
		}
		g.removeSet(g.set.set)
	})
	ui.Wait(t, "the empty gallery", func() bool { return g.shown == g.browse && g.list.total == 0 && len(toasts) == 1 })
	if cancelled != set.ID {
		t.Errorf("the jobs of %q were cancelled", cancelled)
	}
	ui.Do(toasts[0])
	ui.Wait(t, "the set again", func() bool { return g.list.total == 1 })
	if _, members, err := p.Members(context.Background(), set.ID); err != nil || len(members) != 7 {
		t.Errorf("%d members after undo, %v", len(members), err)
	}
}

func TestBlindVoteIsStoredAndCounted(t *testing.T) {
	ui, window := useTestApp(t)
	p, _ := setProject(t)
	var g *Gallery
	ui.Do(func() {
		g = New(Deps{Window: window, Error: func(title string, err error) { t.Errorf("%s: %v", title, err) }})
		g.SetProject(p)
	})
	defer ui.Do(g.Close)
	list, _, err := p.Concepts(context.Background(), projects.Query{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	var better string
	ui.Do(func() {
		g.chooser.toggle(list[0])
		if !g.chooser.compare.Disabled() || !g.chooser.blind.Disabled() {
			t.Error("one picture can't be compared")
		}
		g.chooser.toggle(list[4])
		if g.chooser.compare.Disabled() || g.chooser.blind.Disabled() {
			t.Error("two pictures can be compared")
		}
		g.openBlind(g.chooser.picked)
		g.HandleKey(fyne.KeyLeft)
		g.HandleKey(fyne.KeyUp) // take it back
		better = g.blind.pairs[0][1].ID
		g.HandleKey(fyne.KeyRight)
	})
	ui.Wait(t, "the one vote", func() bool {
		votes, err := p.Votes(context.Background())
		return err == nil && len(votes) == 1 && votes[0].Better == better
	})
	ui.Wait(t, "the tally", func() bool { return g.blind.tally.object.Visible() && len(g.blind.tally.rows.Objects) > 0 })
	ui.Do(func() {
		g.openCompare(list[0], list[4])
		for _, m := range []compareMode{modeDifference, modeSide, modeWipe} {
			g.compare.setMode(m)
		}
		g.compare.wipe.moveTo(.25)
	})
	ui.Wait(t, "both pictures", func() bool { return g.compare.images[0] != nil && g.compare.images[1] != nil })
}
