package studio

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// overlayKey shows the sketch over the result while it is held.
const overlayKey = fyne.KeyH

// keyCatcher is an invisible widget that holds the keyboard focus for the
// moment in which Tab is pressed while nothing has the focus: Fyne would
// otherwise move the focus to the first field.
type keyCatcher struct {
	widget.BaseWidget
	s *studio
}

func newKeyCatcher(s *studio) *keyCatcher {
	k := &keyCatcher{s: s}
	k.ExtendBaseWidget(k)
	return k
}

// AcceptsTab implements fyne.Tabbable.
func (k *keyCatcher) AcceptsTab() bool { return true }

// FocusGained implements fyne.Focusable.
func (k *keyCatcher) FocusGained() {}

// FocusLost implements fyne.Focusable.
func (k *keyCatcher) FocusLost() {}

// TypedRune implements fyne.Focusable.
func (k *keyCatcher) TypedRune(r rune) { k.s.typedRune(r) }

// TypedKey implements fyne.Focusable.
func (k *keyCatcher) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyTab {
		k.s.nextPane()
	}
	if c := k.s.window.Canvas(); c.Focused() == k {
		c.Unfocus()
	}
}

// CreateRenderer implements fyne.Widget.
func (k *keyCatcher) CreateRenderer() fyne.WidgetRenderer {
	r := canvas.NewRectangle(nil)
	return widget.NewSimpleRenderer(r)
}

// connectKeys routes the keys that no text field has taken: Fyne gives them to
// the window only while nothing has the focus.
func (s *studio) connectKeys() {
	c := s.window.Canvas()
	c.SetOnTypedRune(s.typedRune)
	c.SetOnTypedKey(s.typedKey)
	if d, ok := c.(desktop.Canvas); ok {
		d.SetOnKeyDown(func(e *fyne.KeyEvent) {
			if e.Name == fyne.KeyTab && s.work != nil && !s.covered() {
				c.Focus(s.keys)
				return
			}
			s.keyDown(e)
		})
		d.SetOnKeyUp(s.keyUp)
	}
	for _, command := range s.commands() {
		if command.shortcut != nil && command.hidden {
			c.AddShortcut(command.shortcut, func(fyne.Shortcut) { perform(command, c) })
		}
	}
	// Ctrl+Y reaches the window as Redo, whatever key Redo has in the menu.
	c.AddShortcut(&fyne.ShortcutRedo{}, func(fyne.Shortcut) {
		if s.work != nil {
			s.work.drawingPad().Redo()
		}
	})
}

func (s *studio) typedRune(r rune) {
	w := s.work
	if w == nil || s.covered() {
		return
	}
	if !w.galleryShown() {
		w.drawingPad().HandleRune(r)
	}
}

func (s *studio) typedKey(e *fyne.KeyEvent) {
	if s.covered() {
		if e.Name == fyne.KeyEscape {
			s.closeTop()
		}
		return
	}
	switch e.Name {
	case fyne.KeyF1:
		s.showShortcuts()
		return
	case fyne.KeyF11:
		s.window.SetFullScreen(!s.window.FullScreen())
		return
	}
	w := s.work
	if w == nil {
		return
	}
	if w.galleryShown() && w.gallery.HandleKey(e.Name) {
		return
	}
	if w.view.visible(paneViews) && !w.view.split && w.views.drawn == nil && w.views.handleKey(e.Name) {
		return
	}
	if w.drawingPad().HandleKey(e) {
		return
	}
	switch e.Name {
	case fyne.KeyEscape:
		w.cancelRender()
	case fyne.KeyS:
		w.starResult()
	}
}

func (s *studio) keyDown(e *fyne.KeyEvent) {
	if s.work == nil || s.covered() {
		return
	}
	if e.Name == overlayKey {
		s.work.showOverlay(true)
		return
	}
	s.work.drawingPad().HandleKeyDown(e)
}

func (s *studio) keyUp(e *fyne.KeyEvent) {
	if s.work == nil {
		return
	}
	if e.Name == overlayKey {
		s.work.showOverlay(false)
		return
	}
	s.work.drawingPad().HandleKeyUp(e)
}

func (s *studio) nextPane() {
	if s.work != nil {
		s.work.nextTab()
	}
}
