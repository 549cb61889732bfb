package sketchpad

import (
	"fmt"
	"image"
)

// SetTool chooses the tool. What is being drawn with another is dropped.
func (p *Pad) SetTool(t Tool) {
	if t == p.tool {
		return
	}
	p.Cancel()
	p.tool = t
	p.scene.placeCursor()
	p.stateChanged()
}

// Tool returns the chosen tool.
func (p *Pad) Tool() Tool { return p.tool }

// SetBrush sets the brush of the current tool, each field brought into its range. The eraser has its own, and so has the
// mask; all other tools share one.
func (p *Pad) SetBrush(b Brush) {
	b = b.clamped()
	if b == p.Brush() {
		return
	}
	*p.brushOf(p.tool) = b
	p.scene.placeCursor()
	p.stateChanged()
}

// Brush returns the brush of the current tool.
func (p *Pad) Brush() Brush { return *p.brushOf(p.tool) }

// brushOf is where the brush of a tool is kept.
func (p *Pad) brushOf(t Tool) *Brush {
	switch t {
	case ToolEraser:
		return &p.eraser
	case ToolMask, ToolUnmask:
		return &p.masking
	}
	return &p.brush
}

// SetMirror turns symmetry about the vertical (left–right) and the horizontal (top–bottom) centre line on or off for
// what is drawn from now on.
func (p *Pad) SetMirror(vertical, horizontal bool) {
	if vertical == p.mirrorV && horizontal == p.mirrorH {
		return
	}
	p.mirrorV, p.mirrorH = vertical, horizontal
	p.scene.placeGuides()
	p.stateChanged()
}

// Mirror returns which symmetries are on.
func (p *Pad) Mirror() (vertical, horizontal bool) { return p.mirrorV, p.mirrorH }

// SetSnap turns snapping of lines, shapes and polygons to end points and to the grid on or off.
func (p *Pad) SetSnap(on bool) {
	if on == p.snap {
		return
	}
	p.snap = on
	p.scene.placeGuides()
	p.scene.placeCursor()
	p.stateChanged()
}

// Snap reports whether snapping is on.
func (p *Pad) Snap() bool { return p.snap }

// SetGuides shows or hides the guides: centre lines and thirds.
func (p *Pad) SetGuides(on bool) {
	if on == p.guides {
		return
	}
	p.guides = on
	p.scene.placeGuides()
	p.stateChanged()
}

// Guides reports whether the guides are shown.
func (p *Pad) Guides() bool { return p.guides }

// Undo takes back the last change and reports whether there was one. While a polygon is being drawn it takes back its
// last corner instead.
func (p *Pad) Undo() bool {
	if p.dropCorner() {
		return true
	}
	p.Cancel()
	if !p.doc.Undo() {
		return false
	}
	p.committed()
	return true
}

// Redo repeats the last change that was taken back and reports whether there was one.
func (p *Pad) Redo() bool {
	p.Cancel()
	if !p.doc.Redo() {
		return false
	}
	p.committed()
	return true
}

// CanUndo reports whether there is a change to take back.
func (p *Pad) CanUndo() bool { return len(p.poly) > 0 || p.doc.CanUndo() }

// CanRedo reports whether there is a change to repeat.
func (p *Pad) CanRedo() bool { return p.doc.CanRedo() }

// ClearMask removes the mask. It can be undone.
func (p *Pad) ClearMask() {
	p.change(func() error { p.doc.ClearMask(); return nil })
}

// Clear removes all that was drawn; the underlay and the mask stay. It can be undone.
func (p *Pad) Clear() {
	p.change(func() error { p.doc.Clear(); return nil })
}

// SetCanvasSize changes the canvas to size pixels; the drawing is scaled to fit. It can be undone.
func (p *Pad) SetCanvasSize(size image.Point) {
	p.change(func() error { p.doc.SetSize(size); return nil })
}

// SetUnderlay puts img under the drawing with an opacity from 0 to 1; nil takes the underlay away. The image is prepared
// on another goroutine, so the change comes a moment later, with OnChanged; a failure comes through OnError.
func (p *Pad) SetUnderlay(img image.Image, opacity float64) {
	if img == nil {
		p.change(func() error { p.doc.SetUnderlay(nil, opacity); return nil })
		return
	}
	p.withPicture(img, func(pic *Picture) error {
		p.doc.SetUnderlay(pic, opacity)
		return nil
	})
}

// SetUnderlayOpacity changes how strongly the underlay shows, from 0 to 1.
func (p *Pad) SetUnderlayOpacity(opacity float64) {
	p.change(func() error {
		pic, _ := p.doc.Underlay()
		p.doc.SetUnderlay(pic, opacity)
		return nil
	})
}

// PasteImage adds img to the drawing, centred and as large as fits; unlike an underlay it is part of what is rendered.
// The image is prepared on another goroutine, as in SetUnderlay.
func (p *Pad) PasteImage(img image.Image) {
	p.withPicture(img, func(pic *Picture) error {
		box := fitBox(pic.Size(), p.doc.Size())
		return p.doc.Add(&Object{
			Kind:  KindImage,
			Image: pic,
			Points: []Point{
				{float32(box.Min.X), float32(box.Min.Y), 1},
				{float32(box.Max.X), float32(box.Max.Y), 1},
			},
		})
	})
}

// withPicture prepares img in the background and then changes the document with it, if it is still the one shown.
func (p *Pad) withPicture(img image.Image, change func(*Picture) error) {
	doc := p.doc
	go func() {
		pic, err := NewPicture(img)
		p.do(func() {
			switch {
			case err != nil:
				p.failed(fmt.Errorf("using the image: %w", err))
			case p.doc == doc:
				p.change(func() error { return change(pic) })
			}
		})
	}()
}

// change runs a change of the document that is not drawn by hand, and follows it up.
func (p *Pad) change(f func() error) {
	p.Cancel()
	was := p.doc.Revision()
	if err := f(); err != nil {
		p.failed(err)
		return
	}
	if p.doc.Revision() != was {
		p.committed()
	}
}
