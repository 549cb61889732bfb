package gallery

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

const stripGap = 8 // units between cells

var stripCell = fyne.NewSquareSize(88)

// strip is a horizontal list that keeps widgets only for the cells in sight.
type strip struct {
	length func() int
	create func() *cell
	update func(i int, c *cell)

	object  *fyne.Container
	scroll  *container.Scroll
	content *fyne.Container
	hint    *widget.Label
	cells   []*cell
}

func newStrip(length func() int, create func() *cell, update func(int, *cell), hint string) *strip {
	s := &strip{length: length, create: create, update: update}
	s.content = container.New(&stripLayout{s})
	s.scroll = container.NewHScroll(s.content)
	s.scroll.OnScrolled = func(fyne.Position) { s.place() }
	s.hint = widget.NewLabel(hint)
	s.hint.Alignment = fyne.TextAlignCenter
	s.hint.Importance = widget.LowImportance
	s.object = container.New(&stripFrame{s}, s.scroll, s.hint)
	return s
}

func (s *strip) refresh() {
	setVisible(s.hint, s.length() == 0)
	s.content.Refresh() // the width follows the number of concepts
	s.scroll.Refresh()
	s.place()
}

// place puts widgets under the part of the strip that is in sight.
func (s *strip) place() {
	pitch := stripCell.Width + stripGap
	first := max(0, int(s.scroll.Offset.X/pitch))
	count := min(int(s.scroll.Size().Width/pitch)+2, s.length()-first)
	for len(s.cells) < count {
		c := s.create()
		s.cells = append(s.cells, c)
		s.content.Objects = append(s.content.Objects, c)
	}
	for k, c := range s.cells {
		if k >= count {
			c.Hide()
			continue
		}
		c.Show()
		c.Resize(stripCell)
		c.Move(fyne.NewPos(float32(first+k)*pitch, 0))
		s.update(first+k, c)
	}
}

// stripLayout only gives the content its width; place moves the cells.
type stripLayout struct{ s *strip }

func (l *stripLayout) Layout([]fyne.CanvasObject, fyne.Size) {}
func (l *stripLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(float32(l.s.length())*(stripCell.Width+stripGap), stripCell.Height)
}

// stripFrame fits the scroll and places cells anew when the window is resized.
type stripFrame struct{ s *strip }

func (l *stripFrame) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(stripGap, stripGap))
		o.Resize(size.SubtractWidthHeight(2*stripGap, 2*stripGap))
	}
	l.s.place()
}

func (l *stripFrame) MinSize([]fyne.CanvasObject) fyne.Size {
	return stripCell.AddWidthHeight(2*stripGap, 2*stripGap+4)
}
