package gallery

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

const (
	sheetLeast, sheetMost = 72, 480 // units, the sides of a sheet's cells
	sheetTitles           = 120     // units, the width of the rows' titles
	sheetGap              = 4
)

// sheet shows the members of a set in rows and columns with the axes' labels.
// Where there are more than two axes, there is a block for each value of the others.
type sheet struct {
	g       *Gallery
	set     projects.Set
	members []projects.Concept
	side    float32
	content *fyne.Container
	object  *container.Scroll
}

func newSheet(g *Gallery) *sheet {
	s := &sheet{g: g, content: container.NewVBox()}
	s.object = container.NewScroll(s.content)
	return s
}

// resizeBy makes the pictures larger or smaller.
func (s *sheet) resizeBy(factor float32) {
	s.side = min(max(s.side*factor, sheetLeast), sheetMost)
	s.build()
}

// show shows a set. The pictures of a set that was not shown before are as
// large as lets all columns fit.
func (s *sheet) show(set projects.Set, members []projects.Concept) {
	if s.set.ID != set.ID && set.ID != "" {
		room := s.object.Size().Width
		if room == 0 {
			room = s.g.object.Size().Width
		}
		s.side = min(max((room-sheetTitles)/float32(max(columns(set), 1))-sheetGap, 112), 240)
		s.object.ScrollToOffset(fyne.Position{})
	}
	s.set, s.members = set, members
	s.build()
}

// columns is the number of columns of a set's sheet.
func columns(set projects.Set) int {
	switch len(set.Axes) {
	case 0:
		return 0
	case 1:
		return len(set.Axes[0].Values)
	}
	return len(set.Axes[1].Values)
}

// build makes the widgets anew.
func (s *sheet) build() {
	s.content.RemoveAll()
	if len(s.set.Axes) == 0 {
		s.content.Refresh()
		return
	}
	at := map[string]projects.Concept{}
	for _, c := range newestOfEach(s.members) {
		at[fmt.Sprint(c.Set.At)] = c
	}
	for _, rest := range restOf(s.set) {
		if len(rest) > 0 {
			var names []string
			for k, i := range rest {
				a := s.set.Axes[2+k]
				names = append(names, axisTitle(a)+": "+valueTitle(a, i))
			}
			title := widget.NewLabel(strings.Join(names, "  ·  "))
			title.TextStyle.Bold = true
			s.content.Add(title)
		}
		s.content.Add(s.block(rest, at))
	}
	s.content.Refresh()
	s.object.Refresh()
}

// restOf lists the places on the axes beyond the second; one empty place where there are none.
func restOf(set projects.Set) [][]int {
	if len(set.Axes) <= 2 {
		return [][]int{nil}
	}
	return projects.Set{Axes: set.Axes[2:]}.Places()
}

// block is the grid of rows and columns at one place of the other axes.
func (s *sheet) block(rest []int, at map[string]projects.Concept) fyne.CanvasObject {
	text := func(text string, align fyne.TextAlign) *widget.Label {
		l := widget.NewLabel(text)
		l.Alignment, l.Truncation = align, fyne.TextTruncateEllipsis
		return l
	}
	rows, cols := s.set.Axes[0], projects.Axis{}
	if len(s.set.Axes) == 1 { // a single row
		rows, cols = projects.Axis{Values: []projects.AxisValue{{}}}, s.set.Axes[0]
	} else {
		cols = s.set.Axes[1]
	}
	corner := axisTitle(cols)
	if len(s.set.Axes) > 1 {
		corner = axisTitle(rows) + " ╲ " + corner
	}
	grid := &sheetGrid{columns: len(cols.Values), side: s.side}
	head := text(corner, fyne.TextAlignLeading)
	head.Importance = widget.LowImportance
	objects := []fyne.CanvasObject{head}
	for j := range cols.Values {
		objects = append(objects, text(valueTitle(cols, j), fyne.TextAlignCenter))
	}
	for i := range rows.Values {
		objects = append(objects, text(valueTitle(rows, i), fyne.TextAlignLeading))
		for j := range cols.Values {
			place := append([]int{i, j}, rest...)
			if len(s.set.Axes) == 1 {
				place = []int{j}
			}
			objects = append(objects, s.cell(at[fmt.Sprint(place)]))
		}
	}
	return container.New(grid, objects...)
}

// cell shows a member; a place that has no picture yet is empty.
func (s *sheet) cell(c projects.Concept) fyne.CanvasObject {
	stack := func(f func(projects.Concept)) func(projects.Stack) {
		return func(st projects.Stack) { f(st.Cover) }
	}
	w := newCell(fyne.NewSquareSize(s.side), s.g.deps.StarIcon, stack(s.g.openConcept), s.g.menu)
	if c.ID != "" {
		w.show(projects.Stack{Cover: c}, false, false, s.g.thumbs)
	}
	return w
}

// axisTitle is what the user sees for an axis.
func axisTitle(a projects.Axis) string {
	if a.Field == projects.ViewField {
		return lang.L("Views") // "View" is the menu's
	}
	if a.Label != "" { // of a recipe field it is one of the window's texts, of phrases a name
		return lang.L(a.Label)
	}
	return a.Title()
}

// sheetGrid lays out a row of columns' titles, and rows of a title and cells.
type sheetGrid struct {
	columns int
	side    float32
}

// Layout implements fyne.Layout.
func (l *sheetGrid) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	head := objects[0].MinSize().Height
	for i, o := range objects {
		row, col := i/(l.columns+1), i%(l.columns+1)
		x, w := float32(0), float32(sheetTitles)
		if col > 0 {
			x, w = sheetTitles+float32(col-1)*(l.side+sheetGap), l.side
		}
		y, h := float32(0), head
		if row > 0 {
			y, h = head+float32(row-1)*(l.side+sheetGap), l.side
			if col == 0 { // beside the middle of the row
				y, h = y+(l.side-head)/2, head
			}
		}
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(w, h))
	}
}

// MinSize implements fyne.Layout.
func (l *sheetGrid) MinSize(objects []fyne.CanvasObject) fyne.Size {
	rows := len(objects)/(l.columns+1) - 1
	return fyne.NewSize(sheetTitles+float32(l.columns)*(l.side+sheetGap), objects[0].MinSize().Height+float32(rows)*(l.side+sheetGap))
}

// placesOf lists the members that have value i on an axis.
func placesOf(members []projects.Concept, axis, i int) []projects.Concept {
	return slices.DeleteFunc(slices.Clone(members), func(c projects.Concept) bool { return c.Set.At[axis] != i })
}
