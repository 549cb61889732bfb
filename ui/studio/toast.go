package studio

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const toastTime = 7 * time.Second

// toaster shows one short message at a time above the bottom edge.
type toaster struct {
	label  *widget.Label
	action *widget.Button
	card   fyne.CanvasObject
	object *fyne.Container
	turn   int
	post   func(func())
}

// newToaster returns a toaster; post brings a call to the UI goroutine.
func newToaster(post func(func())) *toaster {
	t := &toaster{label: widget.NewLabel(""), post: post}
	t.action = widget.NewButton("", nil)
	t.action.Importance = widget.HighImportance
	closer := widget.NewButtonWithIcon("", theme.CancelIcon(), func() { t.hide() })
	closer.Importance = widget.LowImportance
	t.card = container.NewStack(newGround(theme.ColorNameMenuBackground),
		container.NewPadded(container.NewHBox(t.label, t.action, closer)))
	t.object = container.New(bottomCentre{}, t.card)
	t.card.Hide()
	return t
}

// show displays text until it is replaced, closed or a few seconds old. action
// and do may be empty.
func (t *toaster) show(text, action string, do func()) {
	t.turn++
	turn := t.turn
	t.label.SetText(text)
	if action == "" {
		t.action.Hide()
	} else {
		t.action.SetText(action)
		t.action.OnTapped = func() {
			t.hide()
			do()
		}
		t.action.Show()
	}
	t.card.Show()
	t.object.Refresh()
	time.AfterFunc(toastTime, func() {
		t.post(func() {
			if t.turn == turn {
				t.hide()
			}
		})
	})
}

func (t *toaster) hide() {
	t.turn++
	t.card.Hide()
	t.object.Refresh()
}

// bottomCentre lays its object out at the middle of the bottom edge.
type bottomCentre struct{}

// Layout implements fyne.Layout.
func (bottomCentre) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		m := o.MinSize()
		o.Resize(m)
		o.Move(fyne.NewPos((size.Width-m.Width)/2, size.Height-m.Height-24))
	}
}

// MinSize implements fyne.Layout.
func (bottomCentre) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }
