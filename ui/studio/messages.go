package studio

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/ui/explain"
)

// fail shows what went wrong; title says what was being done.
func (s *studio) fail(title string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	s.log.Error(title, "error", err)
	text := widget.NewLabel(explain.Error(err))
	text.Wrapping = fyne.TextWrapWord
	text.Selectable = true
	box := container.NewVBox(text)
	if text.Text != err.Error() {
		details := widget.NewLabel(err.Error())
		details.Wrapping = fyne.TextWrapWord
		details.Selectable = true
		details.Importance = widget.LowImportance
		details.SizeName = theme.SizeNameCaptionText
		box.Add(details)
	}
	d := dialog.NewCustom(title, lang.L("OK"), container.NewBorder(nil, nil, widget.NewIcon(theme.ErrorIcon()), nil, box), s.window)
	d.Resize(fyne.NewSize(min(s.window.Canvas().Size().Width*0.8, 520), 10))
	s.showClosable(d)
}

// showClosable shows a dialog that Escape closes.
func (s *studio) showClosable(d dialog.Dialog) {
	s.closable = append(s.closable, d)
	d.SetOnClosed(func() {
		s.closable = slices.DeleteFunc(s.closable, func(o dialog.Dialog) bool { return o == d })
	})
	d.Show()
}

// closeTop closes the dialog that was shown last, if Escape may.
func (s *studio) closeTop() {
	if n := len(s.closable); n > 0 {
		s.closable[n-1].Hide()
	}
}

// covered reports whether a dialog lies over the window, so that keys are not
// for what is below.
func (s *studio) covered() bool { return s.window.Canvas().Overlays().Top() != nil }

// waitShown is how long work may take before the user is told about it.
const waitShown = 250 * time.Millisecond

// wait runs work in the background and then done on the UI goroutine. When the
// work takes long it shows what is being done, and Cancel.
func (s *studio) wait(what string, work func(ctx context.Context) error, done func(error)) {
	ctx, cancel := context.WithCancel(s.ctx)
	var over atomic.Bool
	var shown dialog.Dialog
	time.AfterFunc(waitShown, func() {
		s.post(func() {
			if over.Load() {
				return
			}
			bar := widget.NewProgressBarInfinite()
			stop := widget.NewButton(lang.L("Cancel"), cancel)
			shown = dialog.NewCustomWithoutButtons(what, container.NewVBox(bar, container.NewCenter(stop)), s.window)
			shown.Resize(fyne.NewSize(360, 10))
			shown.Show()
		})
	})
	go func() {
		err := work(ctx)
		over.Store(true)
		s.post(func() {
			cancel()
			if shown != nil {
				shown.Hide()
			}
			done(err)
		})
	}()
}
