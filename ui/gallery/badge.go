package gallery

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"maquette/control"
	"maquette/ui/tooltip"
)

// badgeFrom is the width of cells, in units, from which they show a badge.
const badgeFrom = 120

// badge is a concept's sketch fidelity over its picture, in percent.
type badge struct {
	ground *canvas.Rectangle
	text   *canvas.Text
	object fyne.CanvasObject
}

// newBadge makes a badge whose tooltip is what explain returns.
func newBadge(explain func() string) *badge {
	b := &badge{
		// The same on any theme, as it lies on pictures.
		ground: canvas.NewRectangle(color.NRGBA{0, 0, 0, 170}),
		text:   canvas.NewText("", color.White),
	}
	b.ground.CornerRadius = 4
	b.text.TextSize = theme.CaptionTextSize()
	b.text.Alignment = fyne.TextAlignCenter
	b.object = tooltip.NewFunc(container.NewStack(b.ground, container.New(badgeInset{}, b.text)), explain)
	b.object.Hide()
	return b
}

func (b *badge) show(f *control.Fidelity) {
	if f != nil {
		b.text.Text = percent(f.F1)
	}
}

// badgeInset leaves a little ground around the badge's text.
type badgeInset struct{}

const badgeSide, badgeRise = 5, 1 // units

func (badgeInset) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(badgeSide, badgeRise))
		o.Resize(size.SubtractWidthHeight(2*badgeSide, 2*badgeRise))
	}
}

func (badgeInset) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().AddWidthHeight(2*badgeSide, 2*badgeRise)
}

// percent writes a share for people. All means all: 100 % is not rounded to.
func percent(share float64) string {
	p := math.Round(100 * share)
	if p == 100 && share < 1 {
		p = 99
	}
	return fmt.Sprintf("%.0f\u00a0%%", p)
}

// fidelityText says in plain words how well a picture follows its sketch.
func fidelityText(f *control.Fidelity) string {
	if f == nil {
		return ""
	}
	lines := []string{
		lang.L("{{.Score}}: {{.Kept}} of the drawing's lines are edges of the picture, and {{.Drawn}} of the picture's edges follow a line.",
			map[string]any{"Score": percent(f.F1), "Kept": percent(f.Recall), "Drawn": percent(f.Precision)}),
	}
	if f.Precision+f.Recall > 0 {
		lines = append(lines, lang.L("They lie {{.Distance}} pixels apart on average.", map[string]any{"Distance": fmt.Sprintf("%.1f", f.Chamfer)}))
	}
	if f.StraightLines > 0 {
		lines = append(lines, lang.L("{{.Share}} of the straight lines stayed straight.", map[string]any{"Share": percent(f.Straight)}))
	}
	return strings.Join(lines, "\n")
}
