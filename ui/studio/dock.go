package studio

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// dock lays out a main object and a side pane at its right or bottom edge. The
// side pane keeps its extent when the window is resized, and the user drags the
// line between the two.
type dock struct {
	vertical   bool // the pane is at the bottom
	main, side fyne.CanvasObject
	line       *dockLine
	// extent of the pane in units as the user wants it; 0 means natural(total).
	extent  float32
	natural func(total float32) float32
	least   float32
	object  *fyne.Container
}

func newDock(main, side fyne.CanvasObject, vertical bool, least float32, natural func(total float32) float32) *dock {
	d := &dock{vertical: vertical, main: main, side: side, least: least, natural: natural}
	d.line = newDockLine(vertical, func(delta float32) {
		total, _ := d.along(d.object.Size())
		d.extent = d.sideExtent(total) - delta
		d.extent = d.sideExtent(total)
		d.object.Refresh()
	})
	d.object = container.New(d, main, d.line, side)
	return d
}

// setFolded hides or shows the pane.
func (d *dock) setFolded(folded bool) {
	if folded {
		d.side.Hide()
		d.line.Hide()
	} else {
		d.side.Show()
		d.line.Show()
	}
	d.object.Refresh()
}

func (d *dock) folded() bool { return !d.side.Visible() }

func (d *dock) along(s fyne.Size) (along, across float32) {
	if d.vertical {
		return s.Height, s.Width
	}
	return s.Width, s.Height
}

func (d *dock) sideExtent(total float32) float32 {
	if !d.side.Visible() {
		return 0
	}
	e := d.extent
	if e == 0 {
		e = d.natural(total)
	}
	least, _ := d.along(d.side.MinSize())
	most := total * 0.6
	return max(min(e, most), max(least, d.least))
}

// Layout implements fyne.Layout.
func (d *dock) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	total, across := d.along(size)
	side := d.sideExtent(total)
	line := float32(0)
	if d.line.Visible() {
		line = d.line.thickness()
	}
	place := func(o fyne.CanvasObject, from, extent float32) {
		if d.vertical {
			o.Move(fyne.NewPos(0, from))
			o.Resize(fyne.NewSize(across, extent))
		} else {
			o.Move(fyne.NewPos(from, 0))
			o.Resize(fyne.NewSize(extent, across))
		}
	}
	main := max(total-side-line, 0)
	place(d.main, 0, main)
	place(d.line, main, line)
	place(d.side, main+line, side)
}

// MinSize implements fyne.Layout.
func (d *dock) MinSize([]fyne.CanvasObject) fyne.Size {
	a, b := d.main.MinSize(), fyne.Size{}
	if d.side.Visible() {
		b = d.side.MinSize()
		if d.vertical {
			b.Height = max(b.Height, d.least) + d.line.thickness()
		} else {
			b.Width = max(b.Width, d.least) + d.line.thickness()
		}
	}
	if d.vertical {
		return fyne.NewSize(max(a.Width, b.Width), a.Height+b.Height)
	}
	return fyne.NewSize(a.Width+b.Width, max(a.Height, b.Height))
}

// dockLine is the line that the user drags.
type dockLine struct {
	widget.BaseWidget
	vertical bool
	moved    func(delta float32)
	hovered  bool
}

func newDockLine(vertical bool, moved func(float32)) *dockLine {
	l := &dockLine{vertical: vertical, moved: moved}
	l.ExtendBaseWidget(l)
	return l
}

func (l *dockLine) thickness() float32 { return 5 }

// Dragged implements fyne.Draggable.
func (l *dockLine) Dragged(e *fyne.DragEvent) {
	if l.vertical {
		l.moved(e.Dragged.DY)
	} else {
		l.moved(e.Dragged.DX)
	}
}

// DragEnd implements fyne.Draggable.
func (l *dockLine) DragEnd() {}

// Cursor implements desktop.Cursorable.
func (l *dockLine) Cursor() desktop.Cursor {
	if l.vertical {
		return desktop.VResizeCursor
	}
	return desktop.HResizeCursor
}

// MouseIn implements desktop.Hoverable.
func (l *dockLine) MouseIn(*desktop.MouseEvent) { l.hovered = true; l.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (l *dockLine) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (l *dockLine) MouseOut() { l.hovered = false; l.Refresh() }

// MinSize implements fyne.Widget.
func (l *dockLine) MinSize() fyne.Size { return fyne.NewSquareSize(l.thickness()) }

// CreateRenderer implements fyne.Widget.
func (l *dockLine) CreateRenderer() fyne.WidgetRenderer {
	r := &dockLineRenderer{l: l, rect: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type dockLineRenderer struct {
	l    *dockLine
	rect *canvas.Rectangle
}

// Layout implements fyne.WidgetRenderer.
func (r *dockLineRenderer) Layout(s fyne.Size) {
	w := float32(1)
	if r.l.hovered {
		w = 3
	}
	if r.l.vertical {
		r.rect.Move(fyne.NewPos(0, (s.Height-w)/2))
		r.rect.Resize(fyne.NewSize(s.Width, w))
	} else {
		r.rect.Move(fyne.NewPos((s.Width-w)/2, 0))
		r.rect.Resize(fyne.NewSize(w, s.Height))
	}
}

// MinSize implements fyne.WidgetRenderer.
func (r *dockLineRenderer) MinSize() fyne.Size { return r.l.MinSize() }

// Refresh implements fyne.WidgetRenderer.
func (r *dockLineRenderer) Refresh() {
	name := theme.ColorNameSeparator
	if r.l.hovered {
		name = theme.ColorNamePrimary
	}
	r.rect.FillColor = theme.Color(name)
	r.Layout(r.l.Size())
	r.rect.Refresh()
}

// Objects implements fyne.WidgetRenderer.
func (r *dockLineRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.rect} }

// Destroy implements fyne.WidgetRenderer.
func (r *dockLineRenderer) Destroy() {}
