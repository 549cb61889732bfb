package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"path"
	"strings"

	"maquette/control/views"
)

// viewsDir holds the user's own drawings of views: ID/VIEW.png.
const viewsDir = "sketches/views"

func viewDrawing(sketchID, view string) string { return path.Join(viewsDir, sketchID, view+".png") }

// SaveViewDrawing stores the user's own drawing of another view of a sketch: it
// takes the place of what the sketch is lifted to. A nil image takes it away.
// view is a camera as views.Parse reads it.
func (p *Project) SaveViewDrawing(ctx context.Context, sketchID, view string, img image.Image) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("save drawing of the view %s: %w", view, err) }
	if err := validID(sketchID); err != nil {
		return fail(err)
	}
	c, err := views.Parse(view)
	if err != nil {
		return fail(err)
	}
	name := viewDrawing(sketchID, c.Title())
	p.writing.Lock()
	defer p.writing.Unlock()
	if img == nil {
		if err := p.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail(err)
		}
		return nil
	}
	data, err := encodePNG(img, png.BestSpeed)
	if err != nil {
		return fail(err)
	}
	if err := p.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return fail(err)
	}
	if err := p.files.Replace(p.root, name, data); err != nil {
		return fail(err)
	}
	return nil
}

// ViewDrawings returns the files in the project with the user's own drawings of
// views of a sketch, by views.Camera.Title.
func (p *Project) ViewDrawings(ctx context.Context, sketchID string) (map[string]string, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	if err := validID(sketchID); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(p.root.FS(), path.Join(viewsDir, sketchID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("drawings of views: %w", err)
	}
	files := map[string]string{}
	for _, e := range entries {
		view, ok := strings.CutSuffix(e.Name(), ".png")
		if c, err := views.Parse(view); ok && err == nil && c.Title() == view && e.Type().IsRegular() {
			files[view] = path.Join(viewsDir, sketchID, e.Name())
		}
	}
	return files, nil
}

// keepDrawings stores the drawings of a recipe's views as they are now, for a
// job to use, and returns their files by view.
func (p *Project) keepDrawings(ctx context.Context, sketchID string, r Recipe) (map[string]string, error) {
	if r.Views == nil || sketchID == "" {
		return nil, nil
	}
	drawn, err := p.ViewDrawings(ctx, sketchID)
	if err != nil {
		return nil, err
	}
	var kept map[string]string
	for _, text := range r.Views.Cameras {
		c, err := views.Parse(text)
		if err != nil || drawn[c.Title()] == "" {
			continue
		}
		img, err := p.File(ctx, drawn[c.Title()])
		if err != nil {
			return nil, fmt.Errorf("the drawing of the view %s: %w", text, err)
		}
		name, err := p.saveInput(img)
		if err != nil {
			return nil, fmt.Errorf("the drawing of the view %s: %w", text, err)
		}
		if kept == nil {
			kept = map[string]string{}
		}
		kept[text] = name
	}
	return kept, nil
}
