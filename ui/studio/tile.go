package studio

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	uitheme "maquette/ui/theme"
)

// tile is a large picture with a name that can be tapped.
type tile struct {
	widget.BaseWidget
	name    string
	note    string
	img     image.Image
	tapped  func()
	hovered bool
}

func newTile(name string, tapped func()) *tile {
	t := &tile{name: name, tapped: tapped}
	t.ExtendBaseWidget(t)
	return t
}

func (t *tile) show(img image.Image)    { t.img = img; t.Refresh() }
func (t *tile) setName(name string)     { t.name = name; t.Refresh() }
func (t *tile) setNote(note string)     { t.note = note; t.Refresh() }
func (t *tile) Tapped(*fyne.PointEvent) { t.tapped() }

// MouseIn implements desktop.Hoverable.
func (t *tile) MouseIn(*desktop.MouseEvent) { t.hovered = true; t.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (t *tile) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (t *tile) MouseOut() { t.hovered = false; t.Refresh() }

// Cursor implements desktop.Cursorable.
func (t *tile) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer implements fyne.Widget.
func (t *tile) CreateRenderer() fyne.WidgetRenderer {
	r := &tileRenderer{t: t,
		frame: canvas.NewRectangle(color.Transparent),
		image: &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest},
		label: canvas.NewText("", color.White),
		note:  canvas.NewText("", color.White),
	}
	r.Refresh()
	return r
}

type tileRenderer struct {
	t           *tile
	frame       *canvas.Rectangle
	image       *canvas.Image
	label, note *canvas.Text
}

// Layout implements fyne.WidgetRenderer.
func (r *tileRenderer) Layout(s fyne.Size) {
	bottom := theme.TextSize() * 2
	r.frame.Resize(fyne.NewSize(s.Width, s.Height-bottom))
	r.image.Move(fyne.NewPos(8, 8))
	r.image.Resize(fyne.NewSize(s.Width-16, s.Height-bottom-16))
	r.label.Move(fyne.NewPos(2, s.Height-bottom+4))
	r.label.Resize(fyne.NewSize(s.Width-4, theme.TextSize()*1.4))
	r.note.Move(fyne.NewPos(10, s.Height-bottom-theme.TextSize()*2))
	r.note.Resize(fyne.NewSize(s.Width-20, theme.TextSize()*1.4))
}

// MinSize implements fyne.WidgetRenderer.
func (r *tileRenderer) MinSize() fyne.Size { return fyne.NewSize(120, 120) }

// Refresh implements fyne.WidgetRenderer.
func (r *tileRenderer) Refresh() {
	r.frame.FillColor = theme.Color(uitheme.ColorNameStage)
	r.frame.CornerRadius = theme.InputRadiusSize()
	r.frame.StrokeWidth, r.frame.StrokeColor = 1, theme.Color(theme.ColorNameSeparator)
	if r.t.hovered {
		r.frame.StrokeWidth, r.frame.StrokeColor = 2, theme.Color(theme.ColorNamePrimary)
	}
	r.image.Image = r.t.img
	if r.t.img == nil {
		r.image.Hide()
	} else {
		r.image.Show()
	}
	r.label.Text, r.label.Color, r.label.TextSize = ellipsis(r.t.name, 26), theme.Color(theme.ColorNameForeground), theme.TextSize()
	r.note.Text, r.note.Color, r.note.TextSize = r.t.note, theme.Color(theme.ColorNamePlaceHolder), theme.CaptionTextSize()
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// ellipsis shortens text to n characters.
func ellipsis(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}

// Objects implements fyne.WidgetRenderer.
func (r *tileRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.frame, r.image, r.label, r.note}
}

// Destroy implements fyne.WidgetRenderer.
func (r *tileRenderer) Destroy() {}
