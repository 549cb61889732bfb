package studio

import (
	"context"
	"fmt"
	"image"

	"maquette/projects"
	"maquette/ui/sketchpad"
)

// opened is what is read from disk before a project is shown.
type opened struct {
	project  *projects.Project
	sketch   projects.SketchInfo
	doc      *sketchpad.Document
	draft    draft
	provider string
}

// openedProject reads what the project view shows first.
func openedProject(ctx context.Context, p *projects.Project) (opened, error) {
	o := opened{project: p, draft: readDraft(p.Dir())}
	sketches, err := p.Sketches(ctx)
	if err != nil {
		return o, fmt.Errorf("read the sketches of %s: %w", p.Dir(), err)
	}
	for i, info := range sketches {
		newer := info.Modified.After(o.sketch.Modified)
		if i == 0 || info.ID == o.draft.Sketch || newer && o.sketch.ID != o.draft.Sketch {
			o.sketch = info
		}
	}
	if o.sketch.ID != "" {
		if o.doc, err = loadDocument(ctx, p, o.sketch.ID); err != nil {
			return o, err
		}
	}
	newest, _, err := p.Concepts(ctx, projects.Query{Limit: 8})
	if err != nil {
		return o, fmt.Errorf("read the concepts of %s: %w", p.Dir(), err)
	}
	if len(newest) > 0 {
		for i := len(newest) - 1; i >= 0; i-- {
			if name := newest[i].Provider; name != "" { // a render that was cut off has none
				o.provider = name
			}
		}
		if o.draft.Recipe == nil {
			r := newest[0].Recipe
			o.draft.Recipe = &r
		}
	}
	return o, nil
}

// loadDocument reads a sketch: its strokes, or its picture where another
// program put one into the folder.
func loadDocument(ctx context.Context, p *projects.Project, id string) (*sketchpad.Document, error) {
	strokes, img, err := p.LoadSketch(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read sketch %s: %w", id, err)
	}
	if len(strokes) > 0 {
		doc, err := sketchpad.ParseDocument(strokes)
		if err == nil {
			return doc, nil
		}
		if img == nil {
			return nil, fmt.Errorf("read the strokes of sketch %s: %w", id, err)
		}
	}
	if img == nil {
		return sketchpad.NewDocument(sketchpad.DefaultCanvas()), nil
	}
	return documentOf(img)
}

// documentOf makes a document whose drawing is a picture.
func documentOf(img image.Image) (*sketchpad.Document, error) {
	size := img.Bounds().Size()
	side := float64(max(size.X, size.Y))
	scale := min(1, float64(sketchpad.MaxPictureSide)/side)
	size = image.Pt(int(float64(size.X)*scale+0.5), int(float64(size.Y)*scale+0.5))
	doc := sketchpad.NewDocument(size)
	pic, err := sketchpad.NewPicture(img)
	if err != nil {
		return nil, fmt.Errorf("prepare the picture: %w", err)
	}
	size = doc.Size()
	err = doc.Add(&sketchpad.Object{
		Kind:   sketchpad.KindImage,
		Points: []sketchpad.Point{{Pressure: 1}, {X: float32(size.X), Y: float32(size.Y), Pressure: 1}},
		Image:  pic,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the picture: %w", err)
	}
	// Read back, so that undo does not begin with taking the picture away.
	text, err := doc.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("prepare the picture: %w", err)
	}
	return sketchpad.ParseDocument(text)
}
