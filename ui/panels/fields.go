package panels

import (
	"math"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/ui/tooltip"
)

// fixedWidth lays its only object out with a given width and the object's own height.
type fixedWidth float32

// Layout implements fyne.Layout.
func (w fixedWidth) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

// MinSize implements fyne.Layout.
func (w fixedWidth) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var h float32
	for _, o := range objects {
		h = max(h, o.MinSize().Height)
	}
	return fyne.NewSize(float32(w), h)
}

func withWidth(w float32, o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(fixedWidth(w*textScale()), o)
}

// textScale is the user's scale of the interface.
func textScale() float32 { return theme.TextSize() / 13 }

// sectionTitle is the heading of a part of a panel.
func sectionTitle(text string) *widget.Label {
	l := widget.NewLabelWithStyle(text, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	return l
}

// caption is a small explaining text.
func caption(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.SizeName = theme.SizeNameCaptionText
	l.Importance = widget.LowImportance
	l.Wrapping = fyne.TextWrapWord
	return l
}

// iconButton is a flat button with an icon and a tooltip.
func iconButton(icon fyne.Resource, tip string, tapped func()) (*widget.Button, fyne.CanvasObject) {
	b := widget.NewButtonWithIcon("", icon, tapped)
	b.Importance = widget.LowImportance
	return b, tooltip.New(b, tip)
}

const labelWidth = 92

// labelled puts a label of common width before an input.
func labelled(text, help string, input fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabel(text)
	l.Truncation = fyne.TextTruncateEllipsis
	return container.NewBorder(nil, nil, tooltip.New(withWidth(labelWidth, l), help), nil, input)
}

// number is a slider with a field for the exact value.
type number struct {
	slider   *widget.Slider
	entry    *widget.Entry
	object   fyne.CanvasObject
	decimals int
	onChange func(float64)
	value    float64
	showing  bool
}

// newNumber returns a number in lo…hi in steps of step. decimals are shown.
func newNumber(label, help string, lo, hi, step float64, decimals int, onChange func(float64)) *number {
	n := &number{decimals: decimals, onChange: onChange, value: math.NaN()}
	n.slider = widget.NewSlider(lo, hi)
	n.slider.Step = step
	n.slider.OnChanged = func(v float64) {
		if !n.showing {
			n.set(v, true)
		}
	}
	n.entry = widget.NewEntry()
	n.entry.OnChanged = func(text string) {
		if n.showing {
			return
		}
		if v, ok := n.parse(text); ok && v >= lo && v <= hi {
			n.set(v, false)
		}
	}
	n.entry.OnSubmitted = func(text string) {
		v, ok := n.parse(text)
		if !ok {
			v = n.value
		}
		n.set(min(max(v, lo), hi), true)
	}
	row := container.NewBorder(nil, nil, nil, withWidth(58, n.entry), n.slider)
	n.object = labelled(label, help, row)
	return n
}

func (n *number) parse(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// set takes a value from the user; rewrite also writes it into the entry.
func (n *number) set(v float64, rewrite bool) {
	if v == n.value {
		return
	}
	n.display(v, rewrite)
	n.onChange(v)
}

// show takes a value from the state.
func (n *number) show(v float64) {
	if v != n.value {
		n.display(v, true)
	}
}

func (n *number) display(v float64, rewrite bool) {
	n.value = v
	n.showing = true
	defer func() { n.showing = false }()
	n.slider.SetValue(v)
	if rewrite {
		n.entry.SetText(strconv.FormatFloat(v, 'f', n.decimals, 64))
	}
}

// fold is a heading that shows and hides what is under it.
type fold struct {
	button  *widget.Button
	content fyne.CanvasObject
	object  fyne.CanvasObject
}

func newFold(title string, open bool, content fyne.CanvasObject) *fold {
	f := &fold{content: content}
	f.button = widget.NewButtonWithIcon(title, theme.MenuDropDownIcon(), func() { f.setOpen(!f.content.Visible()) })
	f.button.Alignment = widget.ButtonAlignLeading
	f.button.Importance = widget.LowImportance
	f.object = container.NewVBox(f.button, content)
	f.setOpen(open)
	return f
}

func (f *fold) setOpen(open bool) {
	if open {
		f.content.Show()
		f.button.SetIcon(theme.MenuDropDownIcon())
	} else {
		f.content.Hide()
		f.button.SetIcon(theme.MenuExpandIcon())
	}
	f.object.Refresh()
}

// thinBar is a progress bar of the height of a line.
type thinBar struct{}

// Layout implements fyne.Layout.
func (thinBar) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

// MinSize implements fyne.Layout.
func (thinBar) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(40, 6) }
