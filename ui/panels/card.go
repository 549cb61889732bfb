package panels

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/ui/tooltip"
)

// cardGround is a rounded rectangle that follows the theme.
type cardGround struct {
	widget.BaseWidget
}

func newCardGround() *cardGround {
	g := &cardGround{}
	g.ExtendBaseWidget(g)
	return g
}

// CreateRenderer implements fyne.Widget.
func (g *cardGround) CreateRenderer() fyne.WidgetRenderer {
	r := &cardRenderer{rect: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type cardRenderer struct{ rect *canvas.Rectangle }

// Layout implements fyne.WidgetRenderer.
func (r *cardRenderer) Layout(size fyne.Size) { r.rect.Resize(size) }

// MinSize implements fyne.WidgetRenderer.
func (r *cardRenderer) MinSize() fyne.Size { return fyne.Size{} }

// Refresh implements fyne.WidgetRenderer.
func (r *cardRenderer) Refresh() {
	r.rect.FillColor = theme.Color(theme.ColorNameHeaderBackground)
	r.rect.CornerRadius = theme.InputRadiusSize()
	r.rect.Refresh()
}

// Objects implements fyne.WidgetRenderer.
func (r *cardRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.rect} }

// Destroy implements fyne.WidgetRenderer.
func (r *cardRenderer) Destroy() {}

func withTip(o fyne.CanvasObject, text string) fyne.CanvasObject {
	if text == "" {
		return o
	}
	return tooltip.New(o, text)
}
