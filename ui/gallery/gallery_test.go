package gallery

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"maquette/projects"
)

// uiLoop stands for the UI goroutine: it runs what do hands over, when asked.
type uiLoop struct{ work chan func() }

func newUILoop() *uiLoop      { return &uiLoop{make(chan func(), 1000)} }
func (u *uiLoop) do(f func()) { u.work <- f }
func (u *uiLoop) run(n int) error {
	for range n {
		select {
		case f := <-u.work:
			f()
		case <-time.After(5 * time.Second):
			return errors.New("nothing came for the UI goroutine")
		}
	}
	return nil
}

type fakeSource struct {
	mu    sync.Mutex
	total int
	asked []projects.Query
	err   error
}

func (s *fakeSource) Stacks(_ context.Context, q projects.Query) ([]projects.Stack, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
	if s.err != nil {
		return nil, 0, s.err
	}
	var page []projects.Stack
	for i := q.Offset; i < min(q.Offset+q.Limit, s.total); i++ {
		page = append(page, projects.Stack{Cover: projects.Concept{ID: fmt.Sprintf("%04d", i)}, Members: 1})
	}
	return page, s.total, nil
}

func (s *fakeSource) Concepts(context.Context, projects.Query) ([]projects.Concept, int, error) {
	return nil, 3 * s.total, nil
}

func TestListReadsOnlyPagesThatAreLookedAt(t *testing.T) {
	src, ui := &fakeSource{total: 10000}, newUILoop()
	changes := 0
	l := newList(src, func() { changes++ }, func(err error) { t.Error(err) })
	l.do = ui.do
	defer l.close()
	l.reload()
	if err := ui.run(1); err != nil {
		t.Fatal(err)
	}
	if l.total != 10000 || l.count != 30000 || changes != 1 {
		t.Fatalf("%d stacks of %d concepts after %d changes", l.total, l.count, changes)
	}
	if _, ok := l.at(9000); ok {
		t.Fatal("concept 9000 was there before its page was read")
	}
	if err := ui.run(1); err != nil {
		t.Fatal(err)
	}
	c, ok := l.at(9000)
	if !ok || c.Cover.ID != "9000" {
		t.Fatalf("at(9000) = %v, %v", c, ok)
	}
	if len(src.asked) != 2 || src.asked[1].Limit != pageSize {
		t.Fatalf("asked %v", src.asked)
	}
	if i, ok := l.find("9001"); !ok || i != 9001 {
		t.Fatalf("find = %d, %v", i, ok)
	}
	if _, ok := l.at(20000); ok {
		t.Fatal("a concept beyond the end")
	}
}

func TestListDropsAnswersToOldQueries(t *testing.T) {
	src, ui := &fakeSource{total: 5}, newUILoop()
	changes := 0
	l := newList(src, func() { changes++ }, func(err error) { t.Error(err) })
	l.do = ui.do
	defer l.close()
	l.setQuery(projects.Query{Text: "old"})
	l.setQuery(projects.Query{Text: "new"})
	if err := ui.run(2); err != nil {
		t.Fatal(err)
	}
	if changes != 1 {
		t.Fatalf("%d changes, want only the newer query's", changes)
	}
}

func TestListReportsErrors(t *testing.T) {
	ui := newUILoop()
	var got error
	l := newList(&fakeSource{err: errors.New("disk gone")}, func() {}, func(err error) { got = err })
	l.do = ui.do
	defer l.close()
	l.reload()
	if err := ui.run(1); err != nil {
		t.Fatal(err)
	}
	if got == nil {
		t.Fatal("the error was lost")
	}
}

func TestThumbsStayWithinTheirBudget(t *testing.T) {
	const one = 10 * 10 * 4
	load := func(_ context.Context, id string, _ int) (*image.RGBA, error) {
		if id == "bad" {
			return nil, errors.New("truncated")
		}
		return image.NewRGBA(image.Rect(0, 0, 10, 10)), nil
	}
	ui := newUILoop()
	th := newThumbs(load, 3*one)
	th.do = ui.do
	defer th.close()
	for i := range 10 {
		th.want(fmt.Sprint(i), func(img *image.RGBA, err error) {
			if err != nil || img == nil {
				t.Errorf("thumbnail: %v", err)
			}
		})
	}
	if err := ui.run(10); err != nil {
		t.Fatal(err)
	}
	if th.bytes > 3*one || th.cache.Len() != 3 {
		t.Fatalf("%d bytes in %d thumbnails", th.bytes, th.cache.Len())
	}
	th.forget(th.cache.Keys()[0])
	if th.bytes != 2*one {
		t.Fatalf("%d bytes after forgetting one", th.bytes)
	}
	failed := false
	th.want("bad", func(_ *image.RGBA, err error) { failed = err != nil })
	if err := ui.run(1); err != nil {
		t.Fatal(err)
	}
	if !failed {
		t.Fatal("the error was lost")
	}
}

func TestCellIgnoresTheThumbnailOfAnotherConcept(t *testing.T) {
	test.NewTempApp(t)
	ui := newUILoop()
	gate := make(chan struct{})
	th := newThumbs(func(_ context.Context, id string, _ int) (*image.RGBA, error) {
		<-gate
		n := map[string]int{"0001": 1, "0002": 2}[id]
		return image.NewRGBA(image.Rect(0, 0, n, n)), nil
	}, thumbBudget)
	th.do = ui.do
	defer th.close()
	c := newCell(cellSize, theme.ConfirmIcon(), nil, nil)
	c.show(projects.Stack{Cover: projects.Concept{ID: "0001"}}, false, false, th)
	c.show(projects.Stack{Cover: projects.Concept{ID: "0002"}}, true, false, th)
	close(gate)
	if err := ui.run(2); err != nil {
		t.Fatal(err)
	}
	if c.pic.Image == nil || c.pic.Image.Bounds().Dx() != 2 {
		t.Fatalf("the cell of 0002 shows %v", c.pic.Image)
	}
	if !c.ring.Visible() {
		t.Fatal("the selected cell has no ring")
	}
}

func TestStripMakesCellsOnlyForWhatIsInSight(t *testing.T) {
	test.NewTempApp(t)
	shown := map[int]bool{}
	s := newStrip(func() int { return 10000 }, func() *cell {
		return newCell(stripCell, theme.ConfirmIcon(), nil, nil)
	}, func(i int, _ *cell) { shown[i] = true }, "empty")
	w := test.NewTempWindow(t, s.object)
	w.Resize(fyne.NewSize(1000, 120))
	s.refresh()
	if len(s.cells) > 15 {
		t.Fatalf("%d cells for 1000 units", len(s.cells))
	}
	s.scroll.ScrollToOffset(fyne.NewPos(5000*(stripCell.Width+stripGap), 0))
	s.place()
	if !shown[5000] || !shown[5005] {
		t.Fatal("the strip did not show what it was scrolled to")
	}
	if s.hint.Visible() {
		t.Fatal("the empty hint is shown over concepts")
	}
}

func TestZoomViewKeepsThePointUnderThePointer(t *testing.T) {
	test.NewTempApp(t)
	v := NewZoomView()
	w := test.NewTempWindow(t, v)
	w.SetPadded(false)
	w.Resize(fyne.NewSize(400, 300))
	v.SetImage(image.NewRGBA(image.Rect(0, 0, 200, 100)))
	if v.Zoom() != 2 {
		t.Fatalf("fitted zoom %v, want 2", v.Zoom())
	}
	p := fyne.NewPos(300, 150)
	before := imagePoint(v, p)
	for range 5 {
		v.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: p}, Scrolled: fyne.NewDelta(0, 10)})
	}
	after := imagePoint(v, p)
	if d := after.Subtract(before); abs(d.X) > .5 || abs(d.Y) > .5 {
		t.Fatalf("zooming moved the point under the pointer from %v to %v", before, after)
	}
	v.Dragged(&fyne.DragEvent{Dragged: fyne.NewDelta(1e5, 1e5)})
	if at := v.img.Position(); at.X > 0 || at.Y > 0 {
		t.Fatalf("the image was dragged out of sight: %v", at)
	}
	for range 20 {
		v.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: p}, Scrolled: fyne.NewDelta(0, -10)})
	}
	if v.Zoom() != 2 {
		t.Fatalf("zoom %v after zooming out, want fitted", v.Zoom())
	}
}

func imagePoint(v *ZoomView, p fyne.Position) fyne.Position {
	at, z := v.img.Position(), v.Zoom()
	return fyne.NewPos((p.X-at.X)/z, (p.Y-at.Y)/z)
}

func abs(x float32) float32 { return max(x, -x) }

func TestRecipeFactsNameWhatDecidedTheImage(t *testing.T) {
	test.NewTempApp(t)
	c := projects.Concept{Recipe: projects.Recipe{
		Checkpoint: projects.StarterCheckpoint, Sampler: "euler", Schedule: "karras", Steps: 20, Guidance: 7.5, Seed: 42,
		Width: 256, Height: 384, Controls: []projects.RecipeControl{{Kind: "canny", Weight: .8, End: .75}},
		LoRAs: []projects.RecipeLoRA{{Path: "/l/ink.safetensors", UNet: 0.5, Text: 1}, {Path: "oak", UNet: 1, Text: 1}}, VAE: "/v/mse.safetensors",
		ClipSkip: 2, GuidanceRescale: 0.7, Noise: "philox",
	}}
	facts := map[string]string{}
	for _, f := range recipeFacts(c) {
		facts[f[0]] = f[1]
	}
	for name, want := range map[string]string{
		"Seed": "42", "Sampler": "euler Karras", "Guidance": "7.5", "Size": "256 × 384",
		"Controls": "canny 0.8, 0–75 %", "Checkpoint": "Starter model",
		"LoRAs": "ink 0.5\noak 1", "VAE": "mse", "Clip skip": "2", "Rescale": "0.7", "Noise": "as in AUTOMATIC1111",
	} {
		if facts[name] != want {
			t.Errorf("%s = %q, want %q", name, facts[name], want)
		}
	}
	if _, ok := facts["Negative prompt"]; ok {
		t.Error("an empty negative prompt is listed")
	}
}
