package studio

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
)

// command is something the user can do. Menus, shortcuts, the command palette
// and the sheet of shortcuts are all made from the same list.
type command struct {
	menu  string // English name of its menu; the menus appear in the order of their first commands
	title string // English
	// shortcut is a key with modifiers, or nil.
	shortcut *desktop.CustomShortcut
	// key is a key without modifiers that the sheet shows, such as "B".
	key string
	do  func()
	// enabled reports whether it can be done now; nil means always.
	enabled func() bool
	// text commands belong to a focused text field, if there is one.
	text fyne.Shortcut
	// checked reports whether it is switched on; nil means it is no switch.
	checked func() bool
	// separator draws a line above it in the menu.
	separator bool
	// children make it a submenu.
	children func() []*fyne.MenuItem
	quit     bool
	// hidden leaves it out of the menus.
	hidden bool
}

func ctrl(key fyne.KeyName) *desktop.CustomShortcut {
	return &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
}

func ctrlShift(key fyne.KeyName) *desktop.CustomShortcut {
	return &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault | fyne.KeyModifierShift}
}

// keyText is what the sheet shows for a command's keys.
func (c command) keyText() string {
	if c.shortcut == nil {
		return c.key
	}
	var parts []string
	if c.shortcut.Modifier&fyne.KeyModifierShift != 0 {
		parts = append(parts, "Shift")
	}
	if c.shortcut.Modifier&fyne.KeyModifierControl != 0 {
		parts = append(parts, "Ctrl")
	}
	if c.shortcut.Modifier&fyne.KeyModifierSuper != 0 {
		parts = append(parts, "⌘")
	}
	name := string(c.shortcut.KeyName)
	switch c.shortcut.KeyName {
	case fyne.KeyReturn:
		name = "Enter"
	case fyne.KeyEqual:
		name = "+"
	case fyne.KeyMinus:
		name = "−"
	}
	return strings.Join(append(parts, name), "+")
}

// can reports whether the command may be done now.
func (c command) can() bool { return c.do != nil && (c.enabled == nil || c.enabled()) }

// textTarget returns the focused text field that a command such as Undo belongs to.
func textTarget(c fyne.Canvas) fyne.Shortcutable {
	if c == nil {
		return nil
	}
	if e, ok := c.Focused().(fyne.Shortcutable); ok {
		return e
	}
	return nil
}

// perform does a command, or hands it to the focused text field if it is one
// that text fields know. Below a dialog no command works.
func perform(c command, canvas fyne.Canvas) {
	if c.text != nil {
		if target := textTarget(canvas); target != nil {
			target.TypedShortcut(c.text)
			return
		}
	}
	if c.can() && (canvas == nil || canvas.Overlays().Top() == nil) {
		c.do()
	}
}

// buildMenu makes the main menu of the commands.
func (s *studio) buildMenu() *fyne.MainMenu {
	var menus []*fyne.Menu
	byName := map[string]*fyne.Menu{}
	for _, c := range s.commands() {
		if c.hidden {
			continue
		}
		m := byName[c.menu]
		if m == nil {
			m = fyne.NewMenu(lang.L(c.menu))
			byName[c.menu] = m
			menus = append(menus, m)
		}
		if c.separator {
			m.Items = append(m.Items, fyne.NewMenuItemSeparator())
		}
		item := fyne.NewMenuItem(lang.L(c.title), func() { perform(c, s.window.Canvas()) })
		if c.shortcut != nil {
			item.Shortcut = c.shortcut
			if c.text != nil && c.shortcut.Modifier == fyne.KeyModifierShortcutDefault {
				item.Shortcut = c.text // what Fyne makes of Ctrl+Z, Ctrl+V, …
			}
		}
		if c.children != nil {
			item.ChildMenu = fyne.NewMenu("", c.children()...)
		}
		if c.checked != nil {
			item.Checked = c.checked()
		}
		// A text command stays enabled: the focused field decides.
		item.Disabled = c.children == nil && c.text == nil && !c.can()
		item.IsQuit = c.quit
		m.Items = append(m.Items, item)
	}
	return fyne.NewMainMenu(menus...)
}

// menusChanged shows the menus as they are now.
func (s *studio) menusChanged() { s.window.SetMainMenu(s.buildMenu()) }
