package sketchpad

import (
	"image"
	"math"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

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
	ToolMask      Tool = "mask"   // paints where the picture under the drawing may change
	ToolUnmask    Tool = "unmask" // rubs the mask out
)

// Tools returns all tools in the order shown to users.
func Tools() []Tool {
	return []Tool{ToolBrush, ToolEraser, ToolLine, ToolRectangle, ToolEllipse, ToolPolygon, ToolMask, ToolUnmask}
}

// Pad is the drawing surface: it shows a document and draws on it with the pointer. All its methods belong on Fyne's
// goroutine. It takes no keyboard focus; the studio passes keys on to HandleRune, HandleKey, HandleKeyDown and HandleKeyUp
// when no text field has the focus.
type Pad struct {
	widget.BaseWidget

	// OnChanged is called after every committed change of the document, undo and redo included.
	OnChanged func()
	// OnStroke is called when the pointer starts (true) and stops (false) to draw.
	OnStroke func(active bool)
	// OnState is called when tool, brush, mirror, snap, guides, zoom, document or what can be undone changes.
	OnState func()
	// OnError is called when something asked for could not be done, such as pasting one image too many.
	OnError func(error)

	doc       *Document
	canvas    image.Point // the document's size as laid out
	tool      Tool
	brush     Brush // of all tools but the eraser
	eraser    Brush
	masking   Brush // of the mask
	mirrorV   bool
	mirrorH   bool
	snap      bool
	guides    bool
	listeners []func()

	exact  View // the view as asked for
	view   View // … as shown: on whole screen pixels of the window
	auto   bool // the view follows the pad's size
	origin fyne.Position
	screen *screen
	scene  *scene

	gesture   gesture
	poly      []Point
	polyClick time.Time // of the last click of the polygon
	hover     fyne.Position
	hovering  bool
	space     bool
	shift     bool
	snapIndex snapIndex

	do  func(func())     // runs a function on Fyne's goroutine
	now func() time.Time // for the smoothing of strokes
	// after calls a function after a while, on any goroutine.
	after func(time.Duration, func())
	late  late
}

// late collects what changed in the background until Fyne's goroutine gets to it.
type late struct {
	sync.Mutex
	boxes []image.Rectangle
	asked bool
}

// Declare conformity with Fyne's interfaces.
var (
	_ fyne.Widget        = (*Pad)(nil)
	_ fyne.Draggable     = (*Pad)(nil)
	_ fyne.Scrollable    = (*Pad)(nil)
	_ desktop.Mouseable  = (*Pad)(nil)
	_ desktop.Hoverable  = (*Pad)(nil)
	_ desktop.Cursorable = (*Pad)(nil)
)

// New returns a pad that shows doc, or a new document for nil.
func New(doc *Document) *Pad { return newPad(doc, fyne.Do) }

// newPad is New with another way to get to Fyne's goroutine.
func newPad(doc *Document, do func(func())) *Pad {
	p := &Pad{
		tool:   ToolBrush,
		brush:  Brush{Size: 4, Taper: 0.25},
		eraser: Brush{Size: 32},
		// Soft, so that what is new fades into what is there.
		masking: Brush{Size: 96, Softness: 0.4},
		exact:   View{Zoom: 1, Scale: 1},
		view:    View{Zoom: 1, Scale: 1},
		auto:    true,
		do:      do,
		now:     time.Now,
		after:   func(d time.Duration, f func()) { time.AfterFunc(d, f) },
	}
	p.ExtendBaseWidget(p)
	p.screen = newScreen(p)
	p.scene = newScene(p)
	p.SetDocument(doc)
	return p
}

// Document returns the document being drawn.
func (p *Pad) Document() *Document { return p.doc }

// SetDocument shows another document, or a new one for nil, fitted to the pad.
func (p *Pad) SetDocument(doc *Document) {
	if doc == nil {
		doc = NewDocument(DefaultCanvas())
	}
	if p.doc != nil {
		p.Cancel()
		p.doc.watch(nil)
	}
	p.doc = doc
	p.canvas = doc.Size()
	p.auto = true
	doc.takeDirty()
	doc.watch(func(box image.Rectangle) { p.changedLate(doc, box) })
	p.layout(true)
	p.stateChanged()
}

// changedLate hears of changes in the background, on any goroutine.
func (p *Pad) changedLate(doc *Document, box image.Rectangle) {
	p.late.Lock()
	p.late.boxes = append(p.late.boxes, box)
	asked := p.late.asked
	p.late.asked = true
	p.late.Unlock()
	if asked {
		return
	}
	p.do(func() {
		p.late.Lock()
		boxes := p.late.boxes
		p.late.boxes, p.late.asked = nil, false
		p.late.Unlock()
		if p.doc == doc {
			p.screen.changed(boxes)
		}
	})
}

// View returns how the canvas lies on the pad.
func (p *Pad) View() View { return p.view }

// layout brings tiles and scene to the present view; anew is set where nothing shown before can be kept.
func (p *Pad) layout(anew bool) {
	scale := p.measure()
	if scale != p.exact.Scale {
		// Keep what the user sees: the same canvas point at the same place, equally large in units.
		k := scale / p.exact.Scale
		p.exact.Scale = scale
		p.exact.Zoom *= k
		p.exact.OriginX *= k
		p.exact.OriginY *= k
		anew = true
	}
	size := p.Size()
	if size.Width < 1 || size.Height < 1 {
		return
	}
	if p.auto {
		p.exact = p.exact.fitted(p.canvas, size)
	}
	p.exact = p.exact.kept(p.canvas, size)
	was := p.view
	p.view = p.exact
	// Tiles begin on whole pixels of the window, wherever the pad itself lies; else they would be blurred or leave seams.
	snap := func(origin float64, at float32) float64 {
		pad := float64(at) * scale
		return math.Round(pad+origin) - pad
	}
	p.view.OriginX = snap(p.exact.OriginX, p.origin.X)
	p.view.OriginY = snap(p.exact.OriginY, p.origin.Y)
	p.screen.place(anew || was.Zoom != p.view.Zoom)
	p.scene.place()
	if p.auto && was.Zoom != p.view.Zoom {
		go p.do(p.stateChanged) // after the layout of the window, which brought this about
	}
}

// measure returns the screen pixels per unit and notes where the pad lies in the window.
func (p *Pad) measure() float64 {
	app := fyne.CurrentApp()
	if app == nil {
		return p.exact.Scale
	}
	c := app.Driver().CanvasForObject(p)
	if c == nil {
		return p.exact.Scale
	}
	p.origin = app.Driver().AbsolutePositionForObject(p)
	// Canvas.Scale leaves out the density of the frame buffer; this is what the painter rounds by.
	const far = 1 << 20
	x, _ := c.PixelCoordinateForPosition(fyne.NewPos(far, 0))
	if x <= 0 {
		return p.exact.Scale
	}
	return float64(x) / far
}

// rescaleSoon lays the pad out again after the frame being painted.
func (p *Pad) rescaleSoon() {
	go p.do(func() { p.layout(false) })
}

// MinSize implements fyne.CanvasObject.
func (p *Pad) MinSize() fyne.Size { return fyne.NewSize(160, 160) }

// CreateRenderer implements fyne.Widget.
func (p *Pad) CreateRenderer() fyne.WidgetRenderer { return &padRenderer{pad: p} }

// padRenderer connects the pad's scene with Fyne.
type padRenderer struct{ pad *Pad }

// Destroy implements fyne.WidgetRenderer.
func (r *padRenderer) Destroy() {}

// MinSize implements fyne.WidgetRenderer.
func (r *padRenderer) MinSize() fyne.Size { return r.pad.MinSize() }

// Objects implements fyne.WidgetRenderer.
func (r *padRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.pad.scene.surround, r.pad.scene.clip}
}

// Layout implements fyne.WidgetRenderer.
func (r *padRenderer) Layout(size fyne.Size) {
	r.pad.scene.surround.Resize(size)
	r.pad.scene.clip.Resize(size)
	r.pad.layout(false)
}

// Refresh implements fyne.WidgetRenderer.
func (r *padRenderer) Refresh() {
	r.pad.scene.recolour()
	r.pad.layout(false)
}

// stateChanged tells the tool strip and the studio.
func (p *Pad) stateChanged() {
	for _, f := range p.listeners {
		f()
	}
	if p.OnState != nil {
		p.OnState()
	}
}

// listen makes f hear of the same as OnState.
func (p *Pad) listen(f func()) { p.listeners = append(p.listeners, f) }

// flush shows what changed in the document.
func (p *Pad) flush() {
	if boxes := p.doc.takeDirty(); len(boxes) > 0 {
		p.screen.changed(boxes)
	}
}

// committed follows every committed change of the document.
func (p *Pad) committed() {
	if size := p.doc.Size(); size != p.canvas {
		p.canvas = size
		p.auto = true
		p.doc.takeDirty()
		p.layout(true)
	}
	p.flush()
	if p.OnChanged != nil {
		p.OnChanged()
	}
	p.stateChanged()
}

// failed reports an error to the studio.
func (p *Pad) failed(err error) {
	if p.OnError != nil {
		p.OnError(err)
	}
}
