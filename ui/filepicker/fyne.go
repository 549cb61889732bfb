package filepicker

import (
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
)

// inWindow asks with Fyne's dialogs.
type inWindow struct{ window fyne.Window }

// NewFyne returns Fyne's own dialogs in window.
func NewFyne(window fyne.Window) FilePicker { return &inWindow{window} }

// Open implements FilePicker.
func (p *inWindow) Open(title string, f Filter, done func(string, error)) {
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if r == nil || err != nil {
			done("", err)
			return
		}
		path := r.URI().Path()
		_ = r.Close() // only its path is of use: the caller opens it on another goroutine
		done(filepath.FromSlash(path), nil)
	}, p.window)
	d.SetTitleText(title)
	if len(f.Extensions) > 0 {
		d.SetFilter(anyCase(f))
	}
	p.show(d)
}

// Save implements FilePicker.
func (p *inWindow) Save(title, suggested string, f Filter, done func(string, error)) {
	d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		if w == nil || err != nil {
			done("", err)
			return
		}
		path := filepath.FromSlash(w.URI().Path())
		_ = w.Close() // the caller writes it, atomically
		if filepath.Ext(path) == "" {
			path += filepath.Ext(suggested)
		}
		done(path, nil)
	}, p.window)
	d.SetTitleText(title)
	d.SetFileName(suggested)
	if len(f.Extensions) > 0 {
		d.SetFilter(anyCase(f))
	}
	p.show(d)
}

// Folder implements FilePicker.
func (p *inWindow) Folder(title string, done func(string, error)) {
	d := dialog.NewFolderOpen(func(u fyne.ListableURI, err error) {
		if u == nil || err != nil {
			done("", err)
			return
		}
		done(filepath.FromSlash(u.Path()), nil)
	}, p.window)
	d.SetTitleText(title)
	p.show(d)
}

// show gives the dialog most of the window.
func (p *inWindow) show(d *dialog.FileDialog) {
	s := p.window.Canvas().Size()
	d.Resize(fyne.NewSize(min(s.Width*0.8, 960), min(s.Height*0.8, 640)))
	d.Show()
}

func anyCase(f Filter) storage.FileFilter {
	var list []string
	for _, e := range f.Extensions {
		list = append(list, "."+e, "."+strings.ToUpper(e))
	}
	return storage.NewExtensionFileFilter(list)
}
