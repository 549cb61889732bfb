package studio

import (
	"context"
	"image"

	"fyne.io/fyne/v2/lang"

	"maquette/projects"
	"maquette/ui/panels"
	"maquette/ui/sketchpad"
)

// changeStrength is how much of a masked part is replaced where the recipe says
// nothing: less would keep its colours.
const changeStrength = 0.9

// finestSketch is the longest side, in pixels, at which the drawing is read where
// a small part of it is rendered large.
const finestSketch = 2048

// changePart puts a concept's picture under the drawing, ready for a mask: what
// is painted over changes with the next render.
func (w *workspace) changePart(c projects.Concept, img image.Image) {
	before, locked := w.state.Recipe(), w.state.seedLocked
	r := c.Recipe
	r.Count, r.Init, r.Inpaint, r.Views, r.View = withoutViews(before).Count, "", nil, nil, ""
	w.state.UseRecipe(r)
	if c.Recipe.Inpaint != nil {
		w.state.paint = *c.Recipe.Inpaint
	}
	w.state.seedLocked = false
	w.pad.ClearMask()
	// In a canvas of the picture's shape the drawing lies over it as it did when it was rendered.
	if size := shapedLike(w.pad.Document().Size(), img.Bounds().Size()); size != w.pad.Document().Size() {
		w.pad.SetCanvasSize(size)
	}
	w.pad.SetUnderlay(img, 1)
	w.pad.SetTool(sketchpad.ToolMask)
	w.showPane(paneSketch)
	w.changed()
	w.s.toasts.show(lang.L("Paint over what is to change, then press Render. The recipe is the concept's."), lang.L("Undo"), func() {
		w.state.UseRecipe(before)
		w.state.seedLocked = locked
		w.pad.SetUnderlay(nil, 1)
		w.changed()
	})
}

// shapedLike is the canvas size of the shape of a picture, as long as the canvas
// is; it is the canvas's own where that has the shape.
func shapedLike(canvas, picture image.Point) image.Point {
	if d := canvas.X*picture.Y - canvas.Y*picture.X; max(d, -d) <= max(picture.X, picture.Y) {
		return canvas
	}
	long := max(canvas.X, canvas.Y)
	return fit(picture, image.Pt(long, long))
}

// withoutViews is a recipe of the drawing's own view alone.
func withoutViews(r projects.Recipe) projects.Recipe {
	if r.Views != nil && r.View == "" {
		r.Count = max(r.Count/max(len(r.Views.Cameras), 1), 1)
	}
	r.Views = nil
	return r
}

// masked reports whether the drawing has a mask.
func (w *workspace) masked() bool { return w.pad.Document().Masked() }

// renderState is what the Render button does and why it can't where it can't.
func (w *workspace) renderState() (panels.RenderState, string) {
	state, why := renderState(w.state, w.job, w.hasDrawing(), w.project.ReadOnly())
	if state == panels.RenderReady && w.masked() {
		if pic, _ := w.pad.Document().Underlay(); pic == nil {
			return panels.RenderBlocked, lang.L("The mask needs a picture under it: choose “Change a part” at a concept, or clear the mask.")
		}
	}
	return state, why
}

// startFrom completes a recipe with the picture under the drawing and the mask
// over it, which it stores, and returns the drawing as the controls read it.
// Without a mask that lets something change, the recipe stays as it is.
func (w *workspace) startFrom(ctx context.Context, doc *sketchpad.Document, r projects.Recipe, paint projects.Inpaint) (projects.Recipe, image.Image, error) {
	size := image.Pt(r.Width, r.Height)
	picture, mask := doc.Change()
	if picture != nil {
		r = withoutViews(r) // other sides have other pixels under the mask
		var err error
		if r.Init, err = w.project.AddInput(ctx, picture); err != nil {
			return r, nil, err
		}
		if paint.Mask, err = w.project.AddInput(ctx, mask); err != nil {
			return r, nil, err
		}
		r.Inpaint = &paint
		if r.Strength == 0 {
			r.Strength = changeStrength
		}
		if paint.Only {
			size = image.Pt(finestSketch, finestSketch)
		}
	}
	if pic, _ := doc.Underlay(); doc.Empty() && pic == nil {
		return r, nil, nil
	}
	return r, input(doc, size), nil
}
