package studio

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math/rand/v2"

	"fyne.io/fyne/v2/lang"

	"maquette/control"
	"maquette/projects"
	"maquette/projects/phrases"
	"maquette/ui/explain"
	"maquette/ui/gallery"
	"maquette/ui/panels"
	"maquette/ui/sketchpad"
)

// workspace is an open project: its drawing, recipe, queue and concepts. Its
// fields belong to the UI goroutine.
type workspace struct {
	s       *studio
	project *projects.Project
	queue   *projects.Queue
	saver   *projects.Autosaver
	stop    func() // ends the subscription to the project
	// measuring ends the search for concepts without a sketch fidelity.
	measuring func()

	state      *State
	sketchID   string
	sketchName string
	job        projects.Job // the newest job of the Render button
	provider   string

	pad       *sketchpad.Pad
	inspector *panels.Inspector
	jobs      *panels.Queue
	gallery   *gallery.Gallery
	control   *controlPane
	views     *viewsPane
	result    *resultPane
	view      *projectView

	fits        fitting // for the recipe of fitsKey
	fitsKey     string
	fitsLoading bool
	fit         latest

	plan      panels.Plan
	planning  latest
	ready     []phrases.Set // phrases that variants can be made of
	preview   latest
	live      latest
	liveRuns  bool // a live render is at work
	liveOwed  bool // … or has to wait until the queue is done
	livePause pauseTimer
	draftWait pauseTimer
}

// newWorkspace shows an opened project.
func newWorkspace(s *studio, o opened) *workspace {
	w := &workspace{s: s, project: o.project, provider: o.provider, sketchID: o.sketch.ID, sketchName: o.sketch.Name}
	if w.sketchID == "" {
		w.sketchID, w.sketchName = projects.NewSketchID(), lang.L("Sketch")
	}
	recipe := projects.DefaultRecipe()
	if o.draft.Recipe != nil {
		recipe = *o.draft.Recipe
	}
	w.state = NewState(recipe)
	w.state.seedLocked = o.draft.SeedLocked
	w.state.variants = o.draft.Variants
	if o.draft.Readings != nil {
		w.state.readings = o.draft.Readings
	}
	if o.draft.Paint != nil {
		w.state.paint = *o.draft.Paint
	}
	if o.draft.Influence != nil {
		w.state.influence = *o.draft.Influence
		w.state.measureShares()
	}
	w.queue = projects.NewQueue(o.project, s.engine, s.models, s.log)
	w.saver = projects.NewAutosaver(o.project, w.saved)
	w.livePause = pauseTimer{after: realClock, post: w.s.post, wait: livePause, fire: w.renderLive}
	w.draftWait = pauseTimer{after: realClock, post: w.s.post, wait: draftPause, fire: func() { w.saveDraft(nil) }}
	w.pad = sketchpad.New(o.doc)
	w.pad.OnChanged = w.drawingChanged
	w.pad.OnStroke = w.stroke
	w.pad.OnError = func(err error) { w.s.fail(lang.L("The drawing could not be changed"), err) }
	w.pad.OnState = func() {
		if w.view != nil {
			w.view.bar.show()
		}
	}
	w.inspector = panels.NewInspector(w.intents(), panelIcons())
	w.jobs = panels.NewQueue(w.queueIntents())
	w.control = newControlPane(w)
	w.views = newViewsPane(w)
	w.result = newResultPane(w)
	w.gallery = gallery.New(w.galleryDeps())
	w.view = newProjectView(w)
	w.gallery.SetProject(w.project)
	events, stop := w.project.Subscribe()
	w.stop = stop
	go w.follow(events)
	w.measuring = inBackground(func(ctx context.Context) {
		err := w.project.MeasureMissing(ctx, measuringRest, nil)
		if err != nil && ctx.Err() == nil && !errors.Is(err, projects.ErrReadOnly) {
			s.log.Warn("not all concepts have a sketch fidelity", "error", err)
		}
	})
	w.loadPhrases()
	w.show()
	w.queueChanged()
	w.offerInterrupted()
	return w
}

// measuringRest is how long measuring the concepts of before rests after each,
// as a multiple of the time that one takes: renders and drawing come first.
const measuringRest = 4

// inBackground starts work on a goroutine and returns what ends it and waits for that.
func inBackground(work func(ctx context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// close saves everything and closes the project; done is called on the UI goroutine.
func (w *workspace) close(done func(error)) {
	w.livePause.Stop()
	w.draftWait.Stop()
	w.live.Cancel()
	w.preview.Cancel()
	w.planning.Cancel()
	w.views.close()
	w.gallery.Close()
	d := w.draft()
	w.s.wait(lang.L("Saving {{.Name}}…", map[string]any{"Name": w.project.Name()}), func(context.Context) error {
		w.measuring()
		w.live.Close()
		w.preview.Close()
		w.fit.Close()
		w.planning.Close()
		w.views.stores.Wait()
		err := errors.Join(w.saver.Close(), writeDraft(w.project.Dir(), d), w.queue.Close())
		if w.stop != nil {
			w.stop()
		}
		return errors.Join(err, w.project.Close())
	}, done)
}

// follow brings the project's events to the UI goroutine.
func (w *workspace) follow(events <-chan projects.Event) {
	for e := range events {
		w.s.post(func() { w.happened(e) })
	}
}

func (w *workspace) happened(e projects.Event) {
	if w.s.work != w {
		return
	}
	switch e := e.(type) {
	case projects.JobChanged:
		w.jobChanged(e.Job)
	case projects.QueueChanged:
		w.queueChanged()
	case projects.ConceptAdded:
		if e.Concept.Provider != "" {
			w.provider = e.Concept.Provider
			w.view.bar.show()
		}
		if e.Concept.JobID != "" {
			w.result.showConcept(e.Concept)
		}
	case projects.SketchSaved:
		w.view.bar.show()
	}
}

// saved is called by the autosaver on its goroutine.
func (w *workspace) saved(id string, err error) {
	if err == nil {
		return
	}
	w.s.post(func() {
		w.s.toasts.show(lang.L("The drawing could not be saved: {{.Error}}", map[string]any{"Error": explain.Error(err)}), "", nil)
	})
}

// drawingChanged follows every committed change of the drawing.
func (w *workspace) drawingChanged() {
	doc := w.pad.Document()
	w.saver.Changed(w.sketchID, w.sketchName, func() (json.RawMessage, image.Image, error) {
		strokes, err := doc.MarshalJSON()
		if err != nil {
			return nil, nil, err
		}
		return strokes, doc.Render(doc.Size()), nil
	})
	w.updatePreview()
	w.views.changed()
	w.result.overlayStale()
	w.liveSoon()
	w.view.bar.show()
	w.showRender()
}

// stroke follows the pointer: while it draws, nothing else should use the machine.
func (w *workspace) stroke(active bool) {
	if active {
		w.cancelLive()
		w.s.releaseFocus()
	} else {
		w.liveSoon()
	}
}

// input returns the drawing as it is read by the controls at a render size: in
// the drawing's own shape, as large as fits. Where nothing is drawn, the
// underlay is what is read.
func input(doc *sketchpad.Document, render image.Point) *image.RGBA {
	size := fit(doc.Size(), render)
	if pic, _ := doc.Underlay(); doc.Empty() && pic != nil {
		return doc.RenderWithUnderlay(size)
	}
	return doc.Render(size)
}

// fit returns the largest size of the shape of a that fits into b.
func fit(a, b image.Point) image.Point {
	if a.X*b.Y >= a.Y*b.X {
		return image.Pt(b.X, max((a.Y*b.X+a.X/2)/a.X, 1))
	}
	return image.Pt(max((a.X*b.Y+a.Y/2)/a.Y, 1), b.Y)
}

// hasDrawing reports whether there is something for the controls to read.
func (w *workspace) hasDrawing() bool {
	doc := w.pad.Document()
	pic, _ := doc.Underlay()
	return !doc.Empty() || pic != nil
}

// show brings the inspector up to date.
func (w *workspace) show() {
	w.findFitting()
	w.inspector.Show(w.panelView())
	w.view.bar.show()
}

// showRender is show after something that only concerns the Render button.
func (w *workspace) showRender() { w.inspector.Show(w.panelView()) }

func (w *workspace) panelView() panels.View {
	v := panels.View{
		Recipe:      w.state.Recipe(),
		Plan:        w.plan,
		Influence:   w.state.Influence(),
		SeedLocked:  w.state.seedLocked,
		Checkpoints: w.s.checkpoints,
		Loading:     w.s.looking,
		StarterOnly: w.s.starterOnly,
		LoRAs:       w.fits.loras, VAEs: w.fits.vaes, ControlNets: w.fits.nets, ModelsLoading: w.fitsLoading,
	}
	v.Masked, v.Paint = w.masked(), w.state.paint
	if v.Masked && v.Recipe.Strength == 0 {
		v.Recipe.Strength = changeStrength
	}
	v.Render, v.Blocked = w.renderState()
	if v.Render == panels.RenderRunning {
		p := w.job.Progress
		v.Stage, v.Fraction, v.Remaining = panels.StageText(p), p.Fraction, p.Remaining
		if set := w.job.Set; set != nil {
			sp := set.Progress(w.queue.Jobs())
			n := float64(max(w.job.Recipe.Count, 1))
			v.Stage = lang.L("{{.Done}} of {{.All}} pictures done", map[string]any{"Done": sp.Done, "All": sp.Images})
			v.Fraction = (float64(sp.Done) + max(0, n*p.Fraction-float64(len(w.job.Images)))) / float64(max(sp.Images, 1))
			v.Remaining = sp.Remaining
		}
	}
	if v.Render == panels.RenderReady && len(w.plan.Rows) > 0 && w.plan.Images == 0 {
		v.Render, v.Blocked = panels.RenderBlocked, lang.L("Say in Variants what changes to what.")
	}
	return v
}

// renderState says what the Render button does, and why it can't where it can't.
func renderState(st *State, job projects.Job, drawing, readOnly bool) (panels.RenderState, string) {
	switch {
	case job.ID != "" && job.ID == st.jobID && job.State == projects.JobRunning:
		return panels.RenderRunning, ""
	case job.ID != "" && job.ID == st.jobID && job.State == projects.JobQueued:
		return panels.RenderWaiting, ""
	case readOnly:
		return panels.RenderBlocked, lang.L("This project is open for reading only.")
	case st.NeedsDrawing() && !drawing:
		return panels.RenderBlocked, lang.L("Draw something first, or open an image.")
	}
	return panels.RenderReady, ""
}

// changed follows an edit of the recipe.
func (w *workspace) changed() {
	w.replan()
	w.show()
	w.draftWait.Touch()
	w.updatePreview()
	w.views.update()
	w.liveSoon()
}

func (w *workspace) intents() panels.Intents {
	return panels.Intents{
		Edit:           func(change func(*projects.Recipe)) { w.state.Edit(change); w.changed() },
		SetInfluence:   func(p int) { w.state.SetInfluence(p); w.changed() },
		SetControl:     func(i int, change func(*projects.RecipeControl)) { w.state.SetControl(i, change); w.changed() },
		AddControl:     func(k control.Kind) { w.state.AddControl(k); w.changed() },
		RemoveControl:  func(i int) { w.state.RemoveControl(i); w.changed() },
		SetViews:       func(cameras []string) { w.state.SetViews(cameras); w.changed() },
		SetPaint:       func(change func(*projects.Inpaint)) { change(&w.state.paint); w.changed() },
		EditVariants:   func(change func([]panels.Variant) []panels.Variant) { w.state.EditVariants(change); w.changed() },
		LockSeed:       func(locked bool) { w.state.seedLocked = locked; w.changed() },
		NewSeed:        func() { w.state.NewSeed(rand.Int64N); w.changed() },
		AddCheckpoints: w.s.addModelFolder,
		Render:         w.render,
		Cancel:         w.cancelRender,
	}
}
