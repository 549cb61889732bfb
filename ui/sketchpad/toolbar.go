package sketchpad

import (
	"fmt"
	"image"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"maquette/ui/tooltip"
)

// Toolbar returns the tool strip of a pad, at most 120 units wide: tools, brush, mirror, snap and guides, underlay, canvas
// size and clear. tr translates its texts. It follows the pad, whoever changes it.
func Toolbar(pad *Pad, tr func(string) string) fyne.CanvasObject {
	s := &strip{pad: pad, tr: tr, tools: make(map[Tool]*stripButton)}
	content := container.New(layout.NewCustomPaddedVBoxLayout(8),
		s.group(s.toolButtons()...),
		s.group(s.maskButtons()...),
		s.group(s.brushDials()...),
		s.group(s.switches()...),
		s.underlayGroup(),
		s.group(s.canvasButtons()...),
	)
	pad.listen(s.update)
	s.update()
	return container.NewVScroll(container.New(layout.NewCustomPaddedLayout(8, 8, 6, 6), content))
}

// strip is the tool strip of a pad.
type strip struct {
	pad   *Pad
	tr    func(string) string
	tools map[Tool]*stripButton

	size, softness, taper      *dial
	mirror, flip, snap, guides *stripButton
	underlay                   fyne.CanvasObject
	opacity                    *dial
	canvas, clear              *stripButton
	mask                       fyne.CanvasObject // what is there while the drawing has a mask
}

// group puts rows below each other.
func (s *strip) group(rows ...fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedVBoxLayout(2), rows...)
}

// toolButtons returns a row per tool.
func (s *strip) toolButtons() []fyne.CanvasObject {
	rows := []struct {
		tool Tool
		icon icon
		name string
		tip  string
	}{
		{ToolBrush, iconBrush, s.tr("Brush"), s.tr("Draw freehand. With Shift: a straight stroke (B)")},
		{ToolEraser, iconEraser, s.tr("Eraser"), s.tr("Rub out what is drawn (E)")},
		{ToolLine, iconLine, s.tr("Line"), s.tr("Draw a straight line. With Shift: level, upright or at 45° (L)")},
		{ToolRectangle, iconRectangle, s.tr("Rectangle"), s.tr("Draw a rectangle. With Shift: a square (R)")},
		{ToolEllipse, iconEllipse, s.tr("Ellipse"), s.tr("Draw an ellipse. With Shift: a circle (O)")},
		{ToolPolygon, iconPolygon, s.tr("Polygon"),
			s.tr("Click the corners; a double click, Enter or a click on the first corner closes it (P)")},
	}
	out := make([]fyne.CanvasObject, 0, len(rows))
	for _, r := range rows {
		b := newStripButton(r.icon, r.name, func() { s.pad.SetTool(r.tool) })
		s.tools[r.tool] = b
		out = append(out, tooltip.New(b, r.tip))
	}
	return out
}

// maskButtons returns the rows of the mask.
func (s *strip) maskButtons() []fyne.CanvasObject {
	button := func(tool Tool, i icon, name, tip string) fyne.CanvasObject {
		s.tools[tool] = newStripButton(i, name, func() { s.pad.SetTool(tool) })
		return tooltip.New(s.tools[tool], tip)
	}
	s.mask = s.group(
		button(ToolUnmask, iconUnmask, s.tr("Unmask"), s.tr("Rub the mask out (Shift+M)")),
		tooltip.New(newStripButton(iconClear, s.tr("Clear mask"), s.pad.ClearMask), s.tr("Let nothing of the picture change; undo brings the mask back")),
	)
	return []fyne.CanvasObject{
		button(ToolMask, iconMask, s.tr("Mask"), s.tr("Paint where the picture under the drawing may change; the rest stays as it is (M)")),
		s.mask,
	}
}

// brushDials returns the sliders of the brush.
func (s *strip) brushDials() []fyne.CanvasObject {
	change := func(f func(*Brush)) {
		b := s.pad.Brush()
		f(&b)
		s.pad.SetBrush(b)
	}
	s.size = newDial(s.tr("Size"), 0.005, func(v float64) { change(func(b *Brush) { b.Size = sizeAt(v) }) })
	s.softness = newDial(s.tr("Softness"), 0.05, func(v float64) { change(func(b *Brush) { b.Softness = v }) })
	s.taper = newDial(s.tr("Taper"), 0.05, func(v float64) { change(func(b *Brush) { b.Taper = v }) })
	return []fyne.CanvasObject{
		tooltip.New(s.size, s.tr("Width of the line in canvas pixels ([ and ])")),
		tooltip.New(s.softness, s.tr("How far the edge of the line fades")),
		tooltip.New(s.taper, s.tr("How much a quick stroke gets thinner")),
	}
}

// sizeAt returns the brush size at a place of the slider: the first half is for fine lines.
func sizeAt(v float64) float64 {
	return math.Round(MinBrushSize * math.Pow(MaxBrushSize/MinBrushSize, v))
}

// placeOf is the inverse of sizeAt.
func placeOf(size float64) float64 {
	return math.Log(size/MinBrushSize) / math.Log(MaxBrushSize/MinBrushSize)
}

// switches returns the rows that are on or off.
func (s *strip) switches() []fyne.CanvasObject {
	s.mirror = newStripButton(iconMirror, s.tr("Mirror X"), func() {
		v, h := s.pad.Mirror()
		s.pad.SetMirror(!v, h)
	})
	s.flip = newStripButton(iconFlip, s.tr("Mirror Y"), func() {
		v, h := s.pad.Mirror()
		s.pad.SetMirror(v, !h)
	})
	s.snap = newStripButton(iconSnap, s.tr("Snap"), func() { s.pad.SetSnap(!s.pad.Snap()) })
	s.guides = newStripButton(iconGuides, s.tr("Guides"), func() { s.pad.SetGuides(!s.pad.Guides()) })
	return []fyne.CanvasObject{
		tooltip.New(s.mirror, s.tr("What you draw on one side appears on the other (X)")),
		tooltip.New(s.flip, s.tr("What you draw above appears below (Shift+X)")),
		tooltip.New(s.snap, s.tr("Lines and shapes keep to the grid and to end points")),
		tooltip.New(s.guides, s.tr("Show centre lines and thirds")),
	}
}

// underlayGroup returns the rows that are there while the drawing has an underlay.
func (s *strip) underlayGroup() fyne.CanvasObject {
	s.opacity = newDial(s.tr("Underlay"), 0.05, s.pad.SetUnderlayOpacity)
	remove := newStripButton(iconRemove, s.tr("Remove"), func() { s.pad.SetUnderlay(nil, 1) })
	s.underlay = s.group(
		tooltip.New(s.opacity, s.tr("How strongly the image under the drawing shows; it is not part of the drawing")),
		tooltip.New(remove, s.tr("Take the image under the drawing away")),
	)
	return s.underlay
}

// canvasButtons returns the rows for the whole canvas.
func (s *strip) canvasButtons() []fyne.CanvasObject {
	s.canvas = newStripButton(iconCanvas, "", s.chooseSize)
	s.clear = newStripButton(iconClear, s.tr("Clear"), s.pad.Clear)
	return []fyne.CanvasObject{
		tooltip.New(s.canvas, s.tr("Canvas size in pixels; the drawing is scaled to fit")),
		tooltip.New(s.clear, s.tr("Remove all that is drawn; undo brings it back")),
	}
}

// chooseSize opens the menu of canvas sizes beside its button.
func (s *strip) chooseSize() {
	c := fyne.CurrentApp().Driver().CanvasForObject(s.canvas)
	if c == nil {
		return
	}
	menu := fyne.NewMenu("")
	for _, size := range Presets() {
		item := fyne.NewMenuItem(sizeText(size), func() { s.pad.SetCanvasSize(size) })
		item.Checked = size == s.pad.Document().Size()
		menu.Items = append(menu.Items, item)
	}
	pop := widget.NewPopUpMenu(menu, c)
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(s.canvas)
	at.X += s.canvas.Size().Width
	at.Y = min(at.Y, c.Size().Height-pop.MinSize().Height)
	pop.ShowAtPosition(at)
}

// sizeText is how a canvas size is written.
func sizeText(size image.Point) string { return fmt.Sprintf("%d×%d", size.X, size.Y) }

// update shows the state of the pad.
func (s *strip) update() {
	for tool, b := range s.tools {
		b.set(tool == s.pad.Tool(), false, false)
	}
	if masked := s.pad.Document().Masked() || s.pad.Tool() == ToolUnmask; masked != s.mask.Visible() {
		if masked {
			s.mask.Show()
		} else {
			s.mask.Hide()
		}
	}
	b := s.pad.Brush()
	s.size.set(placeOf(b.Size), fmt.Sprintf("%.0f px", b.Size))
	s.softness.set(b.Softness, percent(b.Softness))
	s.taper.set(b.Taper, percent(b.Taper))
	v, h := s.pad.Mirror()
	s.mirror.set(false, v, false)
	s.flip.set(false, h, false)
	s.snap.set(false, s.pad.Snap(), false)
	s.guides.set(false, s.pad.Guides(), false)
	pic, opacity := s.pad.Document().Underlay()
	s.opacity.set(opacity, percent(opacity))
	if has := pic != nil; has != s.underlay.Visible() {
		if has {
			s.underlay.Show()
		} else {
			s.underlay.Hide()
		}
	}
	if text := sizeText(s.pad.Document().Size()); text != s.canvas.text {
		s.canvas.text = text
		s.canvas.Refresh()
	}
	s.clear.set(false, false, s.pad.Document().Empty())
}

// percent writes a share as a percentage.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }
