//go:build window

// Package windowtest drives the real window in tests: the test binary starts
// itself again as the app on an X display, asks that process where its widgets
// are, and moves the pointer and types with xdotool as a person would.
package windowtest

import (
	"encoding/json"
	"net"
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
)

// Object is a visible object of a window, in window units from its top left corner.
type Object struct {
	Type       string // Go type, such as "*widget.Button"
	Text       string // of a label, button, entry, check, select or canvas text
	Disabled   bool
	On         bool // of a check
	X, Y, W, H float32
}

// Serve answers every connection to the listener with the visible objects of
// all windows as JSON. It runs in the app's process.
func Serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var objects []Object
		fyne.DoAndWait(func() { objects = visible() })
		_ = json.NewEncoder(conn).Encode(objects)
		_ = conn.Close()
	}
}

func visible() []Object {
	var all []Object
	for _, w := range fyne.CurrentApp().Driver().AllWindows() {
		size := w.Canvas().Size()
		collect(w.Canvas().Content(), size, &all)
		for _, o := range w.Canvas().Overlays().List() {
			collect(o, size, &all)
		}
	}
	return all
}

func collect(o fyne.CanvasObject, window fyne.Size, all *[]Object) {
	if o == nil || !o.Visible() {
		return
	}
	p := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	s := o.Size()
	if p.X < window.Width && p.Y < window.Height && p.X+s.Width > 0 && p.Y+s.Height > 0 {
		d := Object{Type: reflect.TypeOf(o).String(), Text: text(o), X: p.X, Y: p.Y, W: s.Width, H: s.Height}
		if dis, ok := o.(fyne.Disableable); ok {
			d.Disabled = dis.Disabled()
		}
		if c, ok := o.(*widget.Check); ok {
			d.On = c.Checked
		}
		*all = append(*all, d)
	}
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			collect(c, window, all)
		}
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			collect(c, window, all)
		}
	}
}

// text reads the exported Text or Selected field that Fyne's widgets have.
func text(o fyne.CanvasObject) string {
	if t, ok := o.(*canvas.Text); ok {
		return t.Text
	}
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return ""
	}
	for _, name := range []string{"Text", "Selected"} {
		if f := v.Elem().FieldByName(name); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			return f.String()
		}
	}
	return ""
}
