package panels

import (
	"errors"
	"fmt"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
)

// sizeField chooses the size of a render from presets or by numbers.
type sizeField struct {
	preset   *widget.Select
	w, h     *widget.Entry
	custom   fyne.CanvasObject
	object   fyne.CanvasObject
	onChange func(w, h int)
	showing  bool
	width    int
	height   int
	open     bool // the user chose Custom
}

// renderSizes are the presets in pixels.
func renderSizes() [][2]int {
	return [][2]int{{256, 256}, {384, 256}, {256, 384}, {512, 512}, {768, 512}, {512, 768}, {768, 768}, {1024, 1024}}
}

// MinRender and MaxRender bound the sides of a render in pixels; sides are multiples of 8.
const (
	MinRender = 64
	MaxRender = 2048
)

func newSizeField(onChange func(w, h int)) *sizeField {
	f := &sizeField{onChange: onChange}
	var options []string
	for _, s := range renderSizes() {
		options = append(options, sizeName(s[0], s[1]))
	}
	options = append(options, lang.L("Custom"))
	f.preset = widget.NewSelect(options, func(string) { f.chosen() })
	f.w, f.h = f.newSide(), f.newSide()
	f.custom = labelled("", "", container.NewGridWithColumns(2, f.w, f.h))
	f.object = container.NewVBox(labelled(lang.L("Size"), lang.L("Width and height of the pictures in pixels."), f.preset), f.custom)
	return f
}

func sizeName(w, h int) string { return fmt.Sprintf("%d × %d", w, h) }

func (f *sizeField) newSide() *widget.Entry {
	e := widget.NewEntry()
	e.Validator = func(text string) error {
		if _, ok := parseSide(text); !ok {
			return errors.New(lang.L("A multiple of 8 from 64 to 2048"))
		}
		return nil
	}
	e.OnChanged = func(string) { f.typed() }
	return e
}

func parseSide(text string) (int, bool) {
	v, err := strconv.Atoi(text)
	return v, err == nil && v >= MinRender && v <= MaxRender && v%8 == 0
}

func (f *sizeField) typed() {
	if f.showing {
		return
	}
	w, okW := parseSide(f.w.Text)
	h, okH := parseSide(f.h.Text)
	if okW && okH {
		f.width, f.height = w, h
		f.onChange(w, h)
	}
}

func (f *sizeField) chosen() {
	if f.showing {
		return
	}
	i := f.preset.SelectedIndex()
	sizes := renderSizes()
	if i < 0 || i >= len(sizes) {
		f.open = true
		f.custom.Show()
		f.object.Refresh()
		return
	}
	f.open = false
	f.onChange(sizes[i][0], sizes[i][1])
}

func (f *sizeField) show(w, h int) {
	f.showing = true
	defer func() { f.showing = false }()
	if f.width != w || f.height != h {
		f.width, f.height = w, h
		f.w.SetText(strconv.Itoa(w))
		f.h.SetText(strconv.Itoa(h))
	}
	preset := -1
	for i, s := range renderSizes() {
		if s == [2]int{w, h} {
			preset = i
		}
	}
	if preset < 0 || f.open {
		f.preset.SetSelectedIndex(len(f.preset.Options) - 1)
		f.custom.Show()
	} else {
		f.preset.SetSelectedIndex(preset)
		f.custom.Hide()
	}
	f.object.Refresh()
}
