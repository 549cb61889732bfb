package sketchpad

import (
	"encoding/json"
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// Document is a drawing: vector objects on a white canvas, over an optional underlay.
type Document struct{ size image.Point }

// DefaultCanvas is the canvas size of a new document in pixels.
func DefaultCanvas() image.Point { return image.Pt(1024, 1024) }

// Presets returns the canvas sizes offered to users, in pixels.
func Presets() []image.Point {
	return []image.Point{{X: 512, Y: 512}, {X: 768, Y: 768}, {X: 1024, Y: 1024}, {X: 1536, Y: 1024}, {X: 1024, Y: 1536}, {X: 2048, Y: 2048}}
}

// NewDocument returns an empty document with a canvas of the given size in pixels.
func NewDocument(size image.Point) *Document { return &Document{size: size} }

// ParseDocument reads a document that MarshalJSON wrote.
func ParseDocument(text []byte) (*Document, error) { return NewDocument(DefaultCanvas()), nil }

// MarshalJSON encodes the document.
func (d *Document) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int{"version": 1}) }

// Size returns the canvas size in pixels.
func (d *Document) Size() image.Point { return d.size }

// Empty reports whether nothing has been drawn or pasted.
func (d *Document) Empty() bool { return true }

// Revision returns a number that grows with every committed change.
func (d *Document) Revision() uint64 { return 0 }

// Render rasterises the drawing from its vectors at any size: dark ink on white, without the underlay.
func (d *Document) Render(size image.Point) *image.RGBA {
	return image.NewRGBA(image.Rectangle{Max: size})
}

// RenderWithUnderlay is Render over the underlay.
func (d *Document) RenderWithUnderlay(size image.Point) *image.RGBA { return d.Render(size) }

// Underlay returns the picture under the drawing, nil without one, and its opacity.
func (d *Document) Underlay() (*Picture, float64) { return nil, 1 }

// Tool is what the pointer does on the pad.
type Tool string

// The tools.
const (
	ToolBrush     Tool = "brush"
	ToolEraser    Tool = "eraser"
	ToolLine      Tool = "line"
	ToolRectangle Tool = "rectangle"
	ToolEllipse   Tool = "ellipse"
	ToolPolygon   Tool = "polygon"
)

// Pad is the drawing surface. All its methods belong on Fyne's goroutine.
type Pad struct {
	widget.BaseWidget

	// OnChanged is called after every committed change of the document, undo and redo included.
	OnChanged func()
	// OnStroke is called when the pointer starts (true) and stops (false) to draw.
	OnStroke func(active bool)
	// OnState is called when tool, brush, mirror, snap, guides, zoom or what can be undone changes.
	OnState func()

	doc *Document
}

// New returns a pad that shows doc, or a new document for nil.
func New(doc *Document) *Pad {
	p := &Pad{doc: doc}
	p.ExtendBaseWidget(p)
	return p
}

// CreateRenderer implements fyne.Widget.
func (p *Pad) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(nil))
}

// Document returns the document being drawn.
func (p *Pad) Document() *Document { return p.doc }

// SetDocument shows another document.
func (p *Pad) SetDocument(doc *Document) { p.doc = doc }

// SetTool chooses the tool.
func (p *Pad) SetTool(t Tool) {}

// Tool returns the chosen tool.
func (p *Pad) Tool() Tool { return ToolBrush }

// SetBrush sets the brush of the current tool; the eraser has its own.
func (p *Pad) SetBrush(b Brush) {}

// Brush returns the brush of the current tool.
func (p *Pad) Brush() Brush { return Brush{} }

// SetMirror turns symmetry about the vertical and the horizontal centre line on or off.
func (p *Pad) SetMirror(vertical, horizontal bool) {}

// Mirror returns which symmetries are on.
func (p *Pad) Mirror() (vertical, horizontal bool) { return false, false }

// SetSnap turns snapping to the grid and to end points on or off.
func (p *Pad) SetSnap(on bool) {}

// Snap reports whether snapping is on.
func (p *Pad) Snap() bool { return false }

// SetGuides shows or hides the guides (centre lines and thirds).
func (p *Pad) SetGuides(on bool) {}

// Guides reports whether the guides are shown.
func (p *Pad) Guides() bool { return false }

// Undo takes back the last change and reports whether there was one.
func (p *Pad) Undo() bool { return false }

// Redo repeats the last change that was taken back and reports whether there was one.
func (p *Pad) Redo() bool { return false }

// CanUndo reports whether there is a change to take back.
func (p *Pad) CanUndo() bool { return false }

// CanRedo reports whether there is a change to repeat.
func (p *Pad) CanRedo() bool { return false }

// Clear removes all that was drawn; the underlay stays.
func (p *Pad) Clear() {}

// SetCanvasSize changes the canvas; the drawing is scaled to fit.
func (p *Pad) SetCanvasSize(size image.Point) {}

// SetUnderlay puts img under the drawing (nil takes it away). The image is prepared on another goroutine.
func (p *Pad) SetUnderlay(img image.Image, opacity float64) {}

// SetUnderlayOpacity changes how strongly the underlay shows, 0 to 1.
func (p *Pad) SetUnderlayOpacity(opacity float64) {}

// PasteImage adds img to the drawing, centred and as large as fits. It is prepared on another goroutine.
func (p *Pad) PasteImage(img image.Image) {}

// ZoomFit shows the whole canvas.
func (p *Pad) ZoomFit() {}

// Zoom100 shows one canvas pixel per screen pixel.
func (p *Pad) Zoom100() {}

// ZoomBy magnifies by factor about the middle of the pad.
func (p *Pad) ZoomBy(factor float64) {}

// Zoom returns the magnification in screen pixels per canvas pixel.
func (p *Pad) Zoom() float64 { return 1 }

// Cancel drops the stroke, shape or polygon being drawn and reports whether there was one.
func (p *Pad) Cancel() bool { return false }

// HandleKey acts on a typed key (Escape, Return, Backspace) and reports whether it was for the pad.
func (p *Pad) HandleKey(ev *fyne.KeyEvent) bool { return false }

// HandleRune acts on a typed character (b e l r o p x [ ] 0 1) and reports whether it was for the pad.
func (p *Pad) HandleRune(r rune) bool { return false }

// HandleKeyDown follows keys that matter while they are held (Space, Shift); connect it to desktop.Canvas.SetOnKeyDown.
func (p *Pad) HandleKeyDown(ev *fyne.KeyEvent) bool { return false }

// HandleKeyUp is the counterpart of HandleKeyDown.
func (p *Pad) HandleKeyUp(ev *fyne.KeyEvent) bool { return false }

// Toolbar returns the tool strip of a pad, at most 120 units wide. tr translates its texts.
func Toolbar(pad *Pad, tr func(string) string) fyne.CanvasObject { return container.NewVBox() }
