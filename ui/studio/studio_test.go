package studio

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"maquette/control"
	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
	"maquette/ui/sketchpad"
	"maquette/ui/uitest"
)

// fakeEngine renders grey squares.
type fakeEngine struct {
	mu       sync.Mutex
	requests []inference.Request
	hold     chan struct{} // if not nil, renders wait for it or their end
	fail     error
	closed   int
}

func (e *fakeEngine) Render(ctx context.Context, req inference.Request, report func(inference.Progress)) (*inference.Result, error) {
	e.mu.Lock()
	e.requests = append(e.requests, req)
	e.mu.Unlock()
	report(inference.Progress{Stage: inference.StageDenoise, Step: 1, Steps: req.Steps, Fraction: 0.1})
	if e.hold != nil {
		select {
		case <-e.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if e.fail != nil {
		return nil, e.fail
	}
	r := &inference.Result{Provider: "CPU"}
	for i := range req.Count {
		img := image.NewRGBA(image.Rect(0, 0, req.Width, req.Height))
		for p := range img.Pix {
			img.Pix[p] = 0xff
		}
		report(inference.Progress{Stage: inference.StageDecode, Fraction: 1, Done: img, Image: i})
		r.Images, r.Seeds = append(r.Images, img), append(r.Seeds, req.Seed+int64(i))
	}
	return r, nil
}

func (e *fakeEngine) Providers(context.Context) []inference.ProviderStatus { return nil }
func (e *fakeEngine) Close() error                                         { e.closed++; return nil }

// fakeLibrary has one checkpoint beside the starter.
type fakeLibrary struct{}

func (fakeLibrary) Resolve(_ context.Context, r projects.Recipe) (projects.ModelFiles, error) {
	return projects.ModelFiles{Checkpoint: "/models/starter", ControlNets: make([]string, len(r.Controls)), Prompt: r.Prompt, NegativePrompt: r.NegativePrompt}, nil
}

func (fakeLibrary) Checkpoints(context.Context) ([]checkpoint.Entry, error) {
	return []checkpoint.Entry{{Path: projects.StarterCheckpoint, Name: "starter"}, {Path: "/models/big", Name: "big"}, {Path: "/models/odd", Name: "odd", Reason: "SDXL is not supported"}}, nil
}

func (fakeLibrary) Fitting(_ context.Context, base string, kind checkpoint.Kind) ([]checkpoint.Entry, error) {
	if base != "/models/big" || kind != checkpoint.KindLoRA {
		return nil, nil
	}
	return []checkpoint.Entry{{Path: "/models/ink.safetensors", Name: "ink", Kind: checkpoint.KindLoRA}}, nil
}

func (fakeLibrary) ControlNets(_ context.Context, _ string, kind control.Kind) ([]checkpoint.Entry, error) {
	return []checkpoint.Entry{{Path: "/models/net-" + string(kind), Name: "net for " + string(kind)}}, nil
}

// PhotoDepth says that the left side is nearest.
func (fakeLibrary) PhotoDepth(_ context.Context, photo image.Image) (*image.Gray16, error) {
	b := photo.Bounds()
	out := image.NewGray16(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.SetGray16(x, y, color.Gray16{Y: uint16(0xffff * (b.Dx() - 1 - x) / b.Dx())})
		}
	}
	return out, nil
}

// Relocate finds whatever was in the folder old in the folder new.
func (fakeLibrary) Relocate(_ context.Context, r projects.Recipe, hashes map[string]string, _ func(projects.HashProgress)) (projects.Recipe, []projects.Moved, error) {
	if rest, ok := strings.CutPrefix(r.Checkpoint, "/old/"); ok && hashes[r.Checkpoint] != "" {
		old := r.Checkpoint
		r.Checkpoint = "/models/" + rest
		return r, []projects.Moved{{From: old, To: r.Checkpoint}}, nil
	}
	return r, nil, nil
}

// testStudio is a studio on the test driver, whose UI goroutine is the test's.
type testStudio struct {
	*studio
	t      *testing.T
	engine *fakeEngine
	ui     *uitest.Loop
}

func newTestStudio(t *testing.T) *testStudio {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("MAQUETTE_CONFIG", filepath.Join(home, "settings.json"))
	t.Setenv("LANG", "en_US.UTF-8")
	useLanguage("en")
	a := test.NewTempApp(t)
	ui := uitest.New(t, a)
	ts := &testStudio{t: t, engine: &fakeEngine{}, ui: ui}
	ts.do(func() {
		ts.studio = newStudio(context.Background(), fyne.CurrentApp(), Options{
			NewEngine:  func(settings.Settings) (Engine, error) { return ts.engine, nil },
			NewLibrary: func(settings.Settings) (Library, error) { return fakeLibrary{}, nil },
		}, settings.Default())
		ts.window.Resize(fyne.NewSize(1366, 768))
	})
	s := ts.studio
	t.Cleanup(func() {
		left := make(chan error, 1)
		ts.do(func() { s.leaveProject(func(err error) { left <- err }) })
		if err := <-left; err != nil {
			t.Error(err)
		}
		s.cancel()
	})
	return ts
}

// waitFor polls on the UI goroutine.
func (s *testStudio) waitFor(what string, ok func() bool) {
	s.t.Helper()
	s.ui.Wait(s.t, what, ok)
}

// do runs f on the UI goroutine and waits for it.
func (s *testStudio) do(f func()) { s.ui.Do(f) }

// newDrawingWith opens a new project with one line in its drawing.
func (s *testStudio) newDrawingWith(line bool) *workspace {
	s.t.Helper()
	s.do(s.newDrawing)
	s.waitFor("the project", func() bool { return s.work != nil })
	if line {
		s.do(func() { s.drawLine(100, 100, 800, 700) })
	}
	return s.work
}

func (s *testStudio) drawLine(x1, y1, x2, y2 float32) {
	err := s.work.pad.Document().Add(&sketchpad.Object{Kind: sketchpad.KindLine, Width: 6,
		Points: []sketchpad.Point{{X: x1, Y: y1, Pressure: 1}, {X: x2, Y: y2, Pressure: 1}}})
	if err != nil {
		s.t.Error(err)
	}
	s.work.drawingChanged()
}

func TestRenderFromTheWindow(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt, r.Count = "a chair", 2 })
		w.render()
	})
	s.waitFor("two concepts", func() bool {
		_, n, err := w.project.Concepts(context.Background(), projects.Query{})
		return err == nil && n == 2
	})
	s.waitFor("the concept in the result pane", func() bool { return w.result.concept.ID != "" && w.result.picture.image.Image != nil })
	s.waitFor("the provider", func() bool { return w.provider == "CPU" })
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	req := s.engine.requests[0]
	if req.Prompt != "a chair" || req.Count != 2 || len(req.Controls) != 1 || req.Controls[0].Image == nil {
		t.Errorf("the engine was asked for %+v", req)
	}
	if got := req.Controls[0].Image.Bounds().Size(); got != image.Pt(256, 256) {
		t.Errorf("the control image is %v, want the render's size", got)
	}
}

func TestRenderButtonCancels(t *testing.T) {
	s := newTestStudio(t)
	s.engine.hold = make(chan struct{})
	w := s.newDrawingWith(true)
	s.do(w.render)
	s.waitFor("the render to run", func() bool { return w.job.State == projects.JobRunning })
	s.do(w.cancelRender)
	s.waitFor("the render to end", func() bool { return w.job.State == projects.JobCancelled })
}

// asked is how many renders have reached the engine.
func (e *fakeEngine) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.requests)
}

func TestStrokeCancelsTheLiveRender(t *testing.T) {
	s := newTestStudio(t)
	s.engine.hold = make(chan struct{})
	w := s.newDrawingWith(true)
	s.do(func() { w.setLive(true) })
	s.waitFor("the live render", func() bool { return s.engine.asked() == 1 })
	s.do(func() { w.stroke(true) })
	s.do(func() { s.drawLine(200, 100, 800, 300); w.stroke(false) })
	s.waitFor("a live render of the new stroke", func() bool { return s.engine.asked() == 2 })
	close(s.engine.hold)
	s.waitFor("the live picture", func() bool { return w.result.live != nil && !w.liveRuns })
	if n := s.engine.asked(); n != 2 {
		t.Errorf("%d renders, want the one that was cancelled and the newest", n)
	}
}

func TestQueueGoesBeforeLive(t *testing.T) {
	s := newTestStudio(t)
	s.engine.hold = make(chan struct{})
	w := s.newDrawingWith(true)
	s.do(func() { w.setLive(true) })
	s.waitFor("the live render", func() bool { return s.engine.asked() == 1 })
	s.do(func() { w.state.Edit(func(r *projects.Recipe) { r.Steps = 20 }); w.render() })
	s.waitFor("the render to run", func() bool { return w.job.State == projects.JobRunning && s.engine.asked() == 2 })
	s.engine.mu.Lock()
	if steps := s.engine.requests[1].Steps; steps != 20 {
		t.Errorf("the second render has %d steps, want those of the queued one", steps)
	}
	s.engine.mu.Unlock()
	s.do(func() { s.drawLine(200, 100, 800, 300) })
	s.waitFor("the live render to wait", func() bool { return w.liveOwed })
	if n := s.engine.asked(); n != 2 {
		t.Errorf("%d renders while the queue is busy, want 2", n)
	}
	close(s.engine.hold)
	s.waitFor("the live picture after the queue", func() bool { return w.result.live != nil })
	if w.job.State != projects.JobDone {
		t.Errorf("the queued render is %s", w.job.State)
	}
}

func TestFailedRenderIsExplained(t *testing.T) {
	s := newTestStudio(t)
	useLanguage("zh-Hans")
	t.Cleanup(func() { useLanguage("en") })
	s.engine.fail = &checkpoint.FormatError{Path: "/models/big.safetensors", Problem: "the header is cut short"}
	w := s.newDrawingWith(true)
	s.do(w.render)
	s.waitFor("the render to fail", func() bool { return w.job.State == projects.JobFailed })
	s.waitFor("the caption", func() bool { return w.result.caption.Text != "" })
	if text := w.result.caption.Text; !strings.Contains(text, "safetensors 文件") || !strings.Contains(text, "/models/big.safetensors") {
		t.Errorf("the caption says %q", text)
	}
}

func TestAutomaticProvider(t *testing.T) {
	list := []inference.ProviderStatus{{Name: "CPU", OK: true}, {Name: "WebGPU", OK: true}, {Name: "CUDA", OK: true}, {Name: "CoreML", OK: true}}
	if got := automatic(list); !slices.Equal(got, []string{"CUDA"}) {
		t.Errorf("with CUDA: %v", got)
	}
	list[2].OK = false
	if got := automatic(list); !slices.Equal(got, []string{"WebGPU"}) {
		t.Errorf("without CUDA: %v", got)
	}
	if got := automatic(list[:1]); got != nil {
		t.Errorf("with the CPU alone: %v", got)
	}
}

func TestDroppedFiles(t *testing.T) {
	s := newTestStudio(t)
	dir := t.TempDir()
	drop := func(name string) {
		s.do(func() { s.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI(filepath.Join(dir, name))}) })
	}
	f, err := os.Create(filepath.Join(dir, "chair.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, image.NewGray(image.Rect(0, 0, 300, 200))), f.Close()); err != nil {
		t.Fatal(err)
	}
	drop("chair.png")
	s.waitFor("a project of the picture", func() bool { return s.work != nil })
	if name, n := s.work.project.Name(), len(s.work.pad.Document().Objects()); name != "chair" || n != 1 {
		t.Errorf("the project %q has %d objects", name, n)
	}
	drop("chair.png")
	s.waitFor("the question how to use it", s.covered)
	s.do(s.closeTop)
	drop("notes.txt")
	s.waitFor("what is wrong with the file", s.covered)
	s.do(s.closeTop)
	drop("gone.png")
	s.waitFor("that the file is gone", s.covered)
}

func TestNothingToRender(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(false)
	s.do(w.render)
	if !s.toasts.card.Visible() || !strings.Contains(s.toasts.label.Text, "Draw something") {
		t.Errorf("the toast says %q", s.toasts.label.Text)
	}
	if n := len(w.queue.Jobs()); n != 0 {
		t.Errorf("%d jobs in the queue", n)
	}
}

func TestWorkIsThereAfterReopening(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	dir := w.project.Dir()
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt = "never rendered" })
		w.state.SetInfluence(55)
		w.changed()
		s.closeProject()
	})
	s.waitFor("the home page", func() bool { return s.home != nil && s.body.Objects[0] == s.home.object })
	s.do(func() { s.openProject(dir) })
	s.waitFor("the project", func() bool { return s.work != nil })
	if r := s.work.state.Recipe(); r.Prompt != "never rendered" || s.work.state.Influence() != 55 {
		t.Errorf("recipe %+v, influence %d", r, s.work.state.Influence())
	}
	if n := len(s.work.pad.Document().Objects()); n != 1 {
		t.Errorf("%d objects in the drawing, want the line", n)
	}
	if len(s.settings.Recent) != 1 || s.settings.Recent[0] != dir {
		t.Errorf("recent projects: %v", s.settings.Recent)
	}
}

func TestControlPreviewIsWhatTheControlNetSees(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() { w.showPane(paneControl); w.updatePreview() })
	s.waitFor("the control image", func() bool { return w.control.picture.image.Image != nil })
	got, ok := w.control.picture.image.Image.(*image.RGBA)
	if !ok {
		t.Fatal("no RGBA image")
	}
	r := w.state.Recipe()
	size := image.Pt(r.Width, r.Height)
	want, err := controlImage(context.Background(), r.Controls[0].Kind, input(w.pad.Document(), size), size, r.Controls[0].Params)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Pix, want.Pix) {
		t.Error("the pane shows another image than a render would use")
	}
	s.do(func() { w.state.AddControl(control.Canny); w.control.index = 1; w.changed() })
	s.waitFor("the second control", func() bool {
		return w.control.pick.SelectedIndex() == 1 && w.control.picture.image.Image != image.Image(got)
	})
}

func TestControlPreviewOfPhotoUsesTheDepthModel(t *testing.T) {
	s := newTestStudio(t)
	photo := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for i := range photo.Pix {
		x, y := i/4%256, i/4/256
		photo.Pix[i] = uint8(128 + 60*math.Sin(float64(x)/23+float64(i%4)) + 50*math.Cos(float64(y)/31))
		if i%4 == 3 {
			photo.Pix[i] = 255
		}
	}
	size := image.Pt(128, 128)
	if _, err := controlImage(t.Context(), control.Depth, photo, size, nil); !errors.Is(err, control.ErrNeedsDepthModel) {
		t.Fatalf("without a model: %v", err)
	}
	got, err := controlImage(t.Context(), control.Depth, photo, size, nil, projects.ControlOptions(s.models)...)
	if err != nil {
		t.Fatal(err)
	}
	if left, right := got.RGBAAt(8, 64).R, got.RGBAAt(120, 64).R; left < right+100 {
		t.Errorf("the depth image is %d at the left and %d at the right; the model says that the left is nearest", left, right)
	}
}

func TestTextFieldsKeepTheirKeys(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	entry := widget.NewEntry()
	undo := commandNamed(t, s, "Undo")
	s.do(func() {
		s.body.Objects = append(s.body.Objects, entry)
		s.body.Refresh()
		s.window.Canvas().Focus(entry)
		test.Type(entry, "bel")
		tool := w.pad.Tool()
		if entry.Text != "bel" || w.pad.Tool() != tool {
			t.Errorf("the field has %q, the tool is %s", entry.Text, w.pad.Tool())
		}
		perform(undo, s.window.Canvas())
		if n := len(w.pad.Document().Objects()); n != 1 {
			t.Error("Ctrl+Z in a text field undid a stroke")
		}
		if entry.Text == "bel" {
			t.Error("Ctrl+Z in a text field undid nothing there")
		}
		s.window.Canvas().Unfocus()
		perform(undo, s.window.Canvas())
		if n := len(w.pad.Document().Objects()); n != 0 {
			t.Error("Ctrl+Z on the drawing did not undo the stroke")
		}
	})
}

func commandNamed(t *testing.T, s *testStudio, title string) command {
	t.Helper()
	for _, c := range s.commands() {
		if c.title == title {
			return c
		}
	}
	t.Errorf("no command %q", title)
	return command{}
}

func TestShortcutsAreUnique(t *testing.T) {
	s := newTestStudio(t)
	seen := map[string]string{}
	for _, c := range append(s.commands(), drawingKeys()...) {
		k := c.keyText()
		if k == "" || k == "Esc" || k == "Shift" {
			continue
		}
		if other, ok := seen[k]; ok {
			t.Errorf("%s is both %q and %q", k, other, c.title)
		}
		seen[k] = c.title
	}
}

func TestNoCommandWorksBelowADialog(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() {
		s.showShortcuts()
		perform(commandNamed(t, s, "Clear drawing"), s.window.Canvas())
		if w.pad.Document().Empty() {
			t.Error("the drawing was cleared below a dialog")
		}
		s.typedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		if s.covered() {
			t.Error("Escape did not close the dialog")
		}
		perform(commandNamed(t, s, "Clear drawing"), s.window.Canvas())
		if !w.pad.Document().Empty() {
			t.Error("the drawing was not cleared")
		}
	})
}

func TestPaletteFindsCommands(t *testing.T) {
	s := newTestStudio(t)
	for query, want := range map[string]string{"split": "Split view", "RENDER canc": "Cancel the render", "keyboard": "Keyboard shortcuts"} {
		found := matching(s.commands(), query)
		if len(found) != 1 || found[0].title != want {
			t.Errorf("%q finds %d commands", query, len(found))
		}
	}
	if found := matching(s.commands(), "qqq"); len(found) != 0 {
		t.Errorf("nonsense finds %d commands", len(found))
	}
}

func TestCheckpointChoices(t *testing.T) {
	s := newTestStudio(t)
	s.do(s.findCheckpoints)
	s.waitFor("the checkpoints", func() bool { return !s.looking })
	if len(s.checkpoints) != 3 || s.starterOnly || s.checkpoints[0].Path != projects.StarterCheckpoint || s.checkpoints[2].Note == "" {
		t.Errorf("choices %+v, starter only: %v", s.checkpoints, s.starterOnly)
	}
}

func TestPanesAndTabs(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(false)
	s.do(func() {
		for _, want := range []pane{paneControl, paneViews, paneResult, paneGallery, paneSketch} {
			s.nextPane()
			if !w.view.visible(want) {
				t.Errorf("Tab did not lead to pane %d", want)
			}
		}
		w.view.arrange(true)
		if !w.view.visible(paneSketch) || !w.view.visible(paneResult) {
			t.Error("split shows sketch and result")
		}
		w.view.arrange(false)
		w.view.right.setFolded(true)
		if w.view.right.sideExtent(1000) != 0 {
			t.Error("a folded inspector takes no room")
		}
		w.view.right.setFolded(false)
	})
	if min := w.view.object.MinSize(); min.Width > 1100 || min.Height > 700 {
		t.Errorf("the window can't be smaller than %v", min)
	}
}

func TestInkOver(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.White)
	img.Set(1, 0, color.Black)
	over := inkOver(img, color.NRGBA{R: 200, G: 10, B: 20, A: 255})
	if over.NRGBAAt(0, 0).A != 0 || over.NRGBAAt(1, 0) != (color.NRGBA{200, 10, 20, 255}) {
		t.Errorf("paper %v, ink %v", over.NRGBAAt(0, 0), over.NRGBAAt(1, 0))
	}
}

func TestFit(t *testing.T) {
	for _, c := range [][3]image.Point{
		{{1024, 1024}, {256, 256}, {256, 256}},
		{{2000, 1000}, {512, 512}, {512, 256}},
		{{1000, 2000}, {512, 256}, {128, 256}},
		{{4096, 1}, {64, 64}, {64, 1}},
	} {
		if got := fit(c[0], c[1]); got != c[2] {
			t.Errorf("%v into %v is %v, want %v", c[0], c[1], got, c[2])
		}
	}
}

func TestLanguages(t *testing.T) {
	for tag, want := range map[string]string{"zh-Hans": "zh-Hans", "zh_CN": "zh-Hans", "en-GB": "en", "fr": "en", "ZH": "zh-Hans"} {
		if got := languageOf(tag).tag; got != want {
			t.Errorf("%q gives %q, want %q", tag, got, want)
		}
	}
}
