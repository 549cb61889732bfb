package studio

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	uitheme "maquette/ui/theme"
)

// stage is the neutral ground behind a drawing or a picture.
type stage struct {
	widget.BaseWidget
	name fyne.ThemeColorName
}

func newGround(name fyne.ThemeColorName) *stage {
	s := &stage{name: name}
	s.ExtendBaseWidget(s)
	return s
}

// CreateRenderer implements fyne.Widget.
func (s *stage) CreateRenderer() fyne.WidgetRenderer {
	r := &stageRenderer{s: s, rect: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type stageRenderer struct {
	s    *stage
	rect *canvas.Rectangle
}

// Layout implements fyne.WidgetRenderer.
func (r *stageRenderer) Layout(size fyne.Size) { r.rect.Resize(size) }

// MinSize implements fyne.WidgetRenderer.
func (r *stageRenderer) MinSize() fyne.Size { return fyne.Size{} }

// Refresh implements fyne.WidgetRenderer.
func (r *stageRenderer) Refresh() {
	r.rect.FillColor = theme.Color(r.s.name)
	r.rect.Refresh()
}

// Objects implements fyne.WidgetRenderer.
func (r *stageRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.rect} }

// Destroy implements fyne.WidgetRenderer.
func (r *stageRenderer) Destroy() {}

// picture shows an image as large as fits, with another one over it on demand,
// or a hint while there is none.
type picture struct {
	image, over *canvas.Image
	hint        *widget.Label
	object      fyne.CanvasObject
}

func newPicture(hint string) *picture {
	p := &picture{image: fitted(), over: fitted()}
	p.over.Hide()
	p.image.Hide()
	p.hint = widget.NewLabel(hint)
	p.hint.Alignment = fyne.TextAlignCenter
	p.hint.Importance = widget.LowImportance
	p.hint.Wrapping = fyne.TextWrapWord
	p.object = container.NewStack(newGround(uitheme.ColorNameStage),
		container.NewPadded(container.NewPadded(container.NewStack(p.image, p.over))),
		container.New(middle{}, p.hint))
	return p
}

func fitted() *canvas.Image {
	return &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest}
}

// show displays img; nil brings the hint back.
func (p *picture) show(img image.Image) {
	p.image.Image = img
	if img == nil {
		p.image.Hide()
		p.hint.Show()
		return
	}
	p.hint.Hide()
	p.image.Show()
	p.image.Refresh()
}

func (p *picture) setHint(text string) { p.hint.SetText(text) }

// cover lays an image over the picture; nil takes it away.
func (p *picture) cover(img image.Image) {
	p.over.Image = img
	if img == nil {
		p.over.Hide()
		return
	}
	p.over.Show()
	p.over.Refresh()
}

// middle lays its object out centred, at most 420 units wide.
type middle struct{}

// Layout implements fyne.Layout.
func (middle) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		w := min(size.Width, 420)
		o.Resize(fyne.NewSize(w, o.MinSize().Height))
		h := o.MinSize().Height
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos((size.Width-w)/2, (size.Height-h)/2))
	}
}

// MinSize implements fyne.Layout.
func (middle) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(40, 40) }

// inkOver makes an overlay of a drawing: its ink in colour, its paper clear.
func inkOver(drawing *image.RGBA, ink color.NRGBA) *image.NRGBA {
	b := drawing.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := 0; y < b.Dy(); y++ {
		src := drawing.Pix[drawing.PixOffset(b.Min.X, b.Min.Y+y):]
		dst := out.Pix[y*out.Stride:]
		for x := 0; x < b.Dx(); x++ {
			r, g, bl := int(src[4*x]), int(src[4*x+1]), int(src[4*x+2])
			dst[4*x], dst[4*x+1], dst[4*x+2] = ink.R, ink.G, ink.B
			dst[4*x+3] = uint8(255 - (299*r+587*g+114*bl)/1000)
		}
	}
	return out
}
