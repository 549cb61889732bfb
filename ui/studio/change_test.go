package studio

import (
	"context"
	"image"
	"image/color"
	"strings"
	"testing"

	"maquette/projects"
	"maquette/ui/panels"
	"maquette/ui/sketchpad"
)

// mask paints a stroke of the mask.
func (s *testStudio) mask(x1, y1, x2, y2 float32) {
	err := s.work.pad.Document().Add(&sketchpad.Object{Kind: sketchpad.KindMask, Width: 80,
		Points: []sketchpad.Point{{X: x1, Y: y1, Pressure: 1}, {X: x2, Y: y2, Pressure: 1}}})
	if err != nil {
		s.t.Error(err)
	}
	s.work.drawingChanged()
}

// A concept is rendered, a part of it is masked, and the next render makes that part new.
func TestChangeAPartOfAConcept(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt, r.Count = "a chair", 1 })
		w.render()
	})
	s.waitFor("the concept in the result pane", func() bool { return w.result.concept.ID != "" && w.result.picture.image.Image != nil })
	if !w.result.change.Visible() {
		t.Error("nothing offers to change a part")
	}
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt = "typed meanwhile" })
		w.changePart(w.result.concept, w.result.picture.image.Image)
	})
	s.waitFor("the picture under the drawing", func() bool { pic, _ := w.pad.Document().Underlay(); return pic != nil })
	if w.pad.Tool() != sketchpad.ToolMask || w.state.Recipe().Prompt != "a chair" {
		t.Errorf("tool %s, prompt %q", w.pad.Tool(), w.state.Recipe().Prompt)
	}
	s.do(func() {
		s.mask(400, 400, 600, 400)
		w.state.Edit(func(r *projects.Recipe) { r.Prompt = "a chair with a red seat" })
		w.intents().SetPaint(func(p *projects.Inpaint) { p.Only, p.Padding = true, 40 })
		if v := w.panelView(); !v.Masked || !v.Paint.Only || v.Recipe.Strength != changeStrength {
			t.Errorf("the inspector shows %+v", v)
		}
		w.setLive(true)
		w.renderLive()
		w.render()
	})
	s.waitFor("the second concept", func() bool {
		_, n, err := w.project.Concepts(context.Background(), projects.Query{})
		return err == nil && n == 2
	})
	if n := s.engine.asked(); n != 2 {
		t.Fatalf("%d renders: a live one does not know the mask", n)
	}
	req := s.engine.requests[1]
	if req.Init == nil || req.Init.Bounds().Size() != image.Pt(256, 256) || !req.MaskOnly || req.MaskPadding != 40 || req.Strength != changeStrength {
		t.Fatalf("the engine was asked for %+v", req)
	}
	// 1024 pixels of the canvas are 256 of the picture.
	gray := func(x, y int) uint8 { return color.GrayModel.Convert(req.Mask.At(x, y)).(color.Gray).Y }
	if gray(125, 100) != 255 || gray(125, 130) != 0 || gray(30, 30) != 0 {
		t.Errorf("the mask is %d within, %d and %d outside", gray(125, 100), gray(125, 130), gray(30, 30))
	}
	list, _, err := w.project.Concepts(context.Background(), projects.Query{Limit: 1})
	if err != nil || list[0].Recipe.Inpaint == nil || !strings.HasPrefix(list[0].Recipe.Init, "sketches/") {
		t.Errorf("the concept's recipe is %+v, %v", list[0].Recipe, err)
	}
	// It can be rendered again as it was, and used without its start.
	s.do(func() { w.galleryDeps().UseRecipe(list[0]) })
	s.waitFor("the recipe without its start", func() bool {
		r := w.state.Recipe()
		return r.Init == "" && r.Inpaint == nil && r.Prompt == "a chair with a red seat"
	})
}

// A mask over nothing can't be rendered, and the window says what to do.
func TestMaskNeedsAPicture(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.do(func() { s.mask(400, 400, 600, 400) })
	if v := w.panelView(); v.Render != panels.RenderBlocked || !strings.Contains(v.Blocked, "needs a picture") {
		t.Errorf("Render is %v: %s", v.Render, v.Blocked)
	}
	s.do(w.render)
	if n := len(w.queue.Jobs()); n != 0 {
		t.Errorf("%d jobs", n)
	}
	s.do(func() { w.pad.ClearMask() })
	if v := w.panelView(); v.Render != panels.RenderReady || v.Masked {
		t.Errorf("without the mask Render is %v: %s", v.Render, v.Blocked)
	}
}

// The mask is part of the saved drawing, and how it is rendered of the draft.
func TestMaskIsThereAfterReopening(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	dir := w.project.Dir()
	s.do(func() {
		s.mask(400, 400, 600, 400)
		w.intents().SetPaint(func(p *projects.Inpaint) { p.Feather = 21 })
		s.closeProject()
	})
	s.waitFor("the home page", func() bool { return s.home != nil && s.body.Objects[0] == s.home.object })
	s.do(func() { s.openProject(dir) })
	s.waitFor("the project", func() bool { return s.work != nil })
	if !s.work.pad.Document().Masked() || s.work.state.paint.Feather != 21 {
		t.Errorf("masked %v, feather %d", s.work.pad.Document().Masked(), s.work.state.paint.Feather)
	}
}

func TestShapedLike(t *testing.T) {
	for _, c := range []struct{ canvas, picture, want image.Point }{
		{image.Pt(1024, 1024), image.Pt(256, 256), image.Pt(1024, 1024)},
		{image.Pt(1024, 1024), image.Pt(512, 768), image.Pt(683, 1024)},
		{image.Pt(1024, 768), image.Pt(512, 384), image.Pt(1024, 768)},
		{image.Pt(683, 1024), image.Pt(512, 768), image.Pt(683, 1024)},
	} {
		if got := shapedLike(c.canvas, c.picture); got != c.want {
			t.Errorf("a canvas of %v for a picture of %v: %v, want %v", c.canvas, c.picture, got, c.want)
		}
	}
}
