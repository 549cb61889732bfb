package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"maquette/control"
	"maquette/control/views"
	"maquette/inference"
)

// ViewFill is the share of the picture that the object takes at most in views
// that the sketch is lifted to.
const ViewFill = .92

// viewMaker makes the images that guide each view of a recipe.
type viewMaker struct {
	q        *Queue
	r        Recipe
	size     image.Point
	sketch   image.Image            // nil where the recipe needs none
	drawings map[string]image.Image // the user's own, by camera as in the recipe
	note     func(string)           // tells the user a sentence
	depth    control.PhotoDepth     // of sketches that are photographs; may be nil
	relief   *views.Relief          // nil until it is needed
	frames   []views.Camera         // of all views, when there is a relief
}

// drawingsOf reads the drawings that a job keeps for its views.
func (q *Queue) drawingsOf(ctx context.Context, files map[string]string) (map[string]image.Image, error) {
	list := map[string]image.Image{}
	for view, file := range files {
		img, err := q.p.File(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("the drawing of the view %s: %w", view, err)
		}
		list[view] = img
	}
	return list, nil
}

// addViews completes a request whose controls show the sketch with the views of
// the recipe: words, control images and, where the recipe starts from a picture
// or the sketch's colours, these seen from each side.
func (m *viewMaker) addViews(ctx context.Context, req *inference.Request) error {
	v := m.r.Views
	v.request(req)
	req.Prompt = withoutView(req.Prompt)
	for i, text := range v.Cameras {
		c, err := v.camera(text)
		if err != nil {
			return err
		}
		req.Views[i].Words = ViewWords(c, m.r.Checkpoint)
		for k, rc := range m.r.Controls {
			img, err := m.control(ctx, i, rc, req.Controls[k].Image)
			if err != nil {
				return fmt.Errorf("control image of the view %s: %w", text, err)
			}
			req.Views[i].Controls = append(req.Views[i].Controls, img)
		}
		// Where the first view is rendered alone, the others start from it.
		if req.Init != nil && !m.own(i) && (i == 0 || !m.r.warps()) {
			if req.Views[i].Init, err = m.fromStart(ctx, req.Init, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// own reports whether view i is the sketch's own.
func (m *viewMaker) own(i int) bool {
	return sameView(m.r.Views.Cameras[i], m.r.Views.drawn())
}

func sameView(a, b string) bool {
	ca, errA := views.Parse(a)
	cb, errB := views.Parse(b)
	return errA == nil && errB == nil && ca.Title() == cb.Title()
}

// control makes a control image of view i: of the user's drawing of it, else of
// the sketch for the sketch's own view, else of what the sketch is lifted to.
// sketch is the control image of the sketch. It is nil for kinds that the sketch
// says nothing about from another side.
func (m *viewMaker) control(ctx context.Context, i int, c RecipeControl, sketch image.Image) (image.Image, error) {
	if drawing := m.drawings[m.r.Views.Cameras[i]]; drawing != nil {
		return m.q.extract(ctx, c.Kind, drawing, m.size, c.Params)
	}
	if m.own(i) {
		return sketch, nil
	}
	if !c.Kind.Lines() && c.Kind != control.Depth && c.Kind != control.Normal {
		return nil, nil // what the sketch shows of it says nothing about another side
	}
	made, err := m.seen(ctx, i)
	if err != nil {
		return nil, err
	}
	switch c.Kind {
	case control.Depth:
		return opaque(made.Depth), nil
	case control.Normal:
		return opaque(made.Normal), nil
	}
	return m.q.extract(ctx, c.Kind, made.Lines, m.size, c.Params)
}

func opaque(img image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	return out
}

// seen draws view i of the lifted sketch.
func (m *viewMaker) seen(ctx context.Context, i int) (*views.Images, error) {
	if err := m.lift(ctx); err != nil {
		return nil, err
	}
	return views.Render(ctx, m.relief.Mesh, m.frames[i], m.size, views.Style{})
}

// lift makes the relief and frames all views, once. The object has the size
// that it has in the sketch, unless a view would not hold it then.
func (m *viewMaker) lift(ctx context.Context) error {
	if m.relief != nil {
		return nil
	}
	if m.sketch == nil {
		return errors.New("there is no sketch that it could be lifted from: draw one, or draw this view")
	}
	v := m.r.Views
	relief, err := LiftSketch(ctx, m.sketch, m.size, v, m.depth, m.note)
	if err != nil {
		return fmt.Errorf("the sketch can't be lifted: %w", err)
	}
	for _, text := range v.Cameras {
		c, err := v.camera(text)
		if err != nil {
			return err
		}
		m.frames = append(m.frames, c)
	}
	span := relief.Span(m.frames, ViewFill)
	for i, c := range m.frames {
		c.Span = span
		m.frames[i] = c.Frame(relief.Mesh, m.size, ViewFill)
	}
	m.relief = relief
	return nil
}

// fromStart shows in view i what the sketch's own view starts from: its colours,
// or a picture that lies over it, fitted to the render.
func (m *viewMaker) fromStart(ctx context.Context, start image.Image, i int) (image.Image, error) {
	what := "the sketch's colours"
	if m.r.Init != "" {
		what = "the picture to start from"
	}
	if err := m.lift(ctx); err != nil {
		return nil, fmt.Errorf("%s seen from %s: %w; the view %s alone can be rendered without that", what, m.r.Views.Cameras[i], err, m.r.Views.drawn())
	}
	return views.Warp(ctx, m.relief.Mesh, start, m.relief.Drawn, m.frames[i])
}

// fromFirst shows the finished first view in view i.
func (m *viewMaker) fromFirst(ctx context.Context, first image.Image, i int) (image.Image, error) {
	if i == 0 {
		return first, nil
	}
	if err := m.lift(ctx); err != nil {
		return nil, err
	}
	return views.Warp(ctx, m.relief.Mesh, first, m.frame(0), m.frame(i))
}

// frame is the camera of view i on the relief: the sketch's own for its view.
func (m *viewMaker) frame(i int) views.Camera {
	if m.own(i) {
		return m.relief.Drawn
	}
	return m.frames[i]
}
