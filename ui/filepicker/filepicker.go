// Package filepicker lets the user choose files and folders, with the system's
// own dialogs where they work and Fyne's where they don't.
package filepicker

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"fyne.io/fyne/v2"
	native "github.com/sqweek/dialog"
)

// Filter says which files are offered.
type Filter struct {
	// Name describes them, such as "Images".
	Name string
	// Extensions are without the dot and in lower case, such as "png".
	Extensions []string
}

// Images are the image files that Maquette reads.
func Images(name string) Filter {
	return Filter{Name: name, Extensions: []string{"png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "gif"}}
}

// FilePicker asks for a path. The methods return at once; done is called on the
// UI goroutine, with an empty path if the user cancelled.
type FilePicker interface {
	// Open asks for an existing file.
	Open(title string, f Filter, done func(path string, err error))
	// Save asks for a file to write; suggested is its name.
	Save(title, suggested string, f Filter, done func(path string, err error))
	// Folder asks for a folder.
	Folder(title string, done func(path string, err error))
}

// ErrBusy reports that a dialog is open already.
var ErrBusy = errors.New("another file dialog is open")

// New returns the system's dialogs with Fyne's in window as the fallback.
func New(window fyne.Window, log *slog.Logger) FilePicker {
	return &system{fallback: NewFyne(window), post: fyne.Do, ask: askSystem, log: log}
}

// kind says what is asked for.
type kind int

const (
	openFile kind = iota
	saveFile
	openFolder
)

type question struct {
	kind      kind
	title     string
	suggested string
	filter    Filter
}

// system asks with the dialogs of the system. GTK and Win32 want one thread
// for the life of a dialog, and they can't show two at once.
type system struct {
	open     sync.Mutex
	fallback FilePicker
	post     func(func())
	ask      func(question) (string, error)
	log      *slog.Logger
}

// Open implements FilePicker.
func (s *system) Open(title string, f Filter, done func(string, error)) {
	s.run(question{kind: openFile, title: title, filter: f}, done)
}

// Save implements FilePicker.
func (s *system) Save(title, suggested string, f Filter, done func(string, error)) {
	s.run(question{kind: saveFile, title: title, suggested: suggested, filter: f}, done)
}

// Folder implements FilePicker.
func (s *system) Folder(title string, done func(string, error)) {
	s.run(question{kind: openFolder, title: title}, done)
}

func (s *system) run(q question, done func(string, error)) {
	if !s.open.TryLock() {
		done("", ErrBusy)
		return
	}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		path, err := s.protected(q)
		s.open.Unlock()
		s.post(func() {
			switch {
			case err == nil:
				done(path, nil)
			case errors.Is(err, native.ErrCancelled):
				done("", nil)
			default:
				if s.log != nil {
					s.log.Warn("the system's file dialog does not work", "error", err)
				}
				askWith(s.fallback, q, done)
			}
		})
	}()
}

// protected turns a panic of the dialog library, which it uses to report that
// there is no display, into an error.
func (s *system) protected(q question) (path string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("file dialog: %v", r)
		}
	}()
	return s.ask(q)
}

func askSystem(q question) (string, error) {
	if q.kind == openFolder {
		return native.Directory().Title(q.title).Browse()
	}
	b := native.File().Title(q.title)
	if len(q.filter.Extensions) > 0 {
		// GTK's filters tell upper from lower case.
		extensions := q.filter.Extensions
		for _, e := range q.filter.Extensions {
			extensions = append(extensions[:len(extensions):len(extensions)], strings.ToUpper(e))
		}
		b = b.Filter(q.filter.Name, extensions...)
	}
	if q.kind == openFile {
		return b.Load()
	}
	path, err := b.SetStartFile(q.suggested).Save()
	if err == nil && filepath.Ext(path) == "" {
		path += filepath.Ext(q.suggested)
	}
	return path, err
}

func askWith(p FilePicker, q question, done func(string, error)) {
	switch q.kind {
	case openFile:
		p.Open(q.title, q.filter, done)
	case saveFile:
		p.Save(q.title, q.suggested, q.filter, done)
	case openFolder:
		p.Folder(q.title, done)
	}
}
