package panels

import (
	"math"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	chooserWidth = 320 // units
	chooserRows  = 7
	previewSide  = 44 // units
)

// matching are the choices whose name, detail or words hold all words of query.
func matching(all []Choice, query string) []Choice {
	words := strings.Fields(strings.ToLower(query))
	var found []Choice
	for _, c := range all {
		text := strings.ToLower(c.Name + "\n" + c.Detail + "\n" + strings.Join(c.Words, "\n"))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			found = append(found, c)
		}
	}
	return found
}

// chooserRow shows one model: its preview, name, and what it is or why it can't
// be used.
type chooserRow struct {
	widget.BaseWidget
	picture *canvas.Image
	name    *widget.Label
	detail  *widget.Label
	content fyne.CanvasObject
}

func newChooserRow() *chooserRow {
	r := &chooserRow{picture: &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest, CornerRadius: 4}}
	r.name = widget.NewLabel("")
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.detail = widget.NewLabel("")
	r.detail.Truncation = fyne.TextTruncateEllipsis
	r.detail.SizeName = theme.SizeNameCaptionText
	r.detail.Importance = widget.LowImportance
	ground := canvas.NewRectangle(theme.Color(theme.ColorNameInputBackground))
	ground.CornerRadius = 4
	box := container.New(layout.NewGridWrapLayout(fyne.NewSquareSize(previewSide)), container.NewStack(ground, r.picture))
	texts := container.New(layout.NewCustomPaddedVBoxLayout(-2*theme.Padding()), layout.NewSpacer(), r.name, r.detail, layout.NewSpacer())
	r.content = container.NewBorder(nil, nil, container.NewCenter(box), nil, texts)
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *chooserRow) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.content) }

func (r *chooserRow) show(c Choice, p *previews, changed func()) {
	r.name.SetText(c.Name)
	text := c.Detail
	if c.Note != "" {
		text = c.Note
	} else if len(c.Words) > 0 {
		text = strings.Join(c.Words, ", ")
	}
	r.detail.SetText(text)
	setShown(r.detail, text != "")
	r.picture.Image = p.get(c.Preview, changed)
	r.picture.Refresh()
}

// showChooser opens a list of models with a search field under a button.
func showChooser(c fyne.Canvas, under fyne.CanvasObject, placeholder string, all []Choice, p *previews, use func(Choice)) *widget.PopUp {
	found := all
	var pop *widget.PopUp
	var list *widget.List
	list = widget.NewList(func() int { return len(found) }, func() fyne.CanvasObject { return newChooserRow() },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			if i < len(found) {
				o.(*chooserRow).show(found[i], p, func() { list.Refresh() })
			}
		})
	take := func(i int) {
		if i < 0 || i >= len(found) {
			return
		}
		pop.Hide()
		use(found[i])
	}
	list.OnSelected = take
	search := widget.NewEntry()
	search.SetPlaceHolder(placeholder)
	search.OnChanged = func(text string) {
		found = matching(all, text)
		list.UnselectAll()
		list.Refresh()
	}
	search.OnSubmitted = func(string) { take(0) }
	pop = widget.NewPopUp(container.NewBorder(search, nil, nil, nil, list), c)
	row := newChooserRow().MinSize().Height + theme.Padding()
	rows := float32(min(max(len(all), 2), chooserRows))
	size := fyne.NewSize(chooserWidth*textScale(), search.MinSize().Height+rows*row+4*theme.Padding())
	pos := fyne.CurrentApp().Driver().AbsolutePositionForObject(under).AddXY(0, under.Size().Height)
	area := c.Size()
	pos.X = float32(math.Max(0, math.Min(float64(pos.X), float64(area.Width-size.Width))))
	pos.Y = float32(math.Max(0, math.Min(float64(pos.Y), float64(area.Height-size.Height))))
	pop.Resize(size)
	pop.ShowAtPosition(pos)
	c.Focus(search)
	return pop
}
