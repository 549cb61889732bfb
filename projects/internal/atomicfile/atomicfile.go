// Package atomicfile writes files so that a reader, and whoever comes after a
// crash or a power cut, finds either the old content or the whole new one.
//
// The order of a write is: temporary file in the same folder, write, Sync,
// Close, publish under the real name, Sync the folder.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
)

// TempPrefix begins the name of every temporary file. Files with it can be
// removed when no writer is at work.
const TempPrefix = ".maquette-tmp-"

// Step names a step of a write.
type Step string

// The steps of a write, in order.
const (
	Create  Step = "create"
	Fill    Step = "write"
	Sync    Step = "sync"
	Close   Step = "close"
	Publish Step = "publish"
	SyncDir Step = "sync folder"
)

// Writer writes files below an os.Root. The zero value is ready to use and may
// be used by several goroutines.
type Writer struct {
	// Before, if not nil, is called before each step; its error fails the step.
	// Tests use it to play a full disk or a crash.
	Before func(step Step, name string) error
}

// Replace writes data to name, which is replaced if it exists.
func (w *Writer) Replace(root *os.Root, name string, data []byte) error {
	return w.write(root, name, data, root.Rename)
}

// Add writes data to name and never replaces anything: if name exists, the
// error wraps fs.ErrExist and nothing has changed.
func (w *Writer) Add(root *os.Root, name string, data []byte) error {
	return w.write(root, name, data, func(temp, name string) error { return MoveNew(root, temp, name) })
}

// MoveNew renames oldname to newname unless newname exists, in which case the
// error wraps fs.ErrExist. A hard link makes the check and the naming one step;
// file systems without hard links get a check followed by a rename, which is
// safe while only one process writes.
func MoveNew(root *os.Root, oldname, newname string) error {
	err := root.Link(oldname, newname)
	if err == nil {
		return root.Remove(oldname)
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := root.Lstat(newname); statErr == nil {
		return &fs.PathError{Op: "publish", Path: newname, Err: fs.ErrExist}
	} else if !errors.Is(statErr, fs.ErrNotExist) {
		return statErr
	}
	return root.Rename(oldname, newname)
}

func (w *Writer) before(step Step, name string) error {
	if w == nil || w.Before == nil {
		return nil
	}
	if err := w.Before(step, name); err != nil {
		return fmt.Errorf("%s %s: %w", step, name, err)
	}
	return nil
}

// write goes through the steps. After an error name is as it was, except that
// a failure to sync the folder leaves the new content in place: it is whole,
// but a power cut may still take it back.
func (w *Writer) write(root *os.Root, name string, data []byte, publish func(temp, name string) error) (err error) {
	random := make([]byte, 8)
	rand.Read(random) // never fails, see crypto/rand
	temp := path.Join(path.Dir(name), TempPrefix+hex.EncodeToString(random))
	if err := w.before(Create, name); err != nil {
		return err
	}
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	published := false
	defer func() {
		if err != nil && !published {
			// The first error is the one to report; a temporary file that
			// stays behind is removed when the project is opened next.
			_ = f.Close()
			_ = root.Remove(temp)
		}
	}()
	if err := w.before(Fill, name); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := w.before(Sync, name); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := w.before(Close, name); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := w.before(Publish, name); err != nil {
		return err
	}
	if err := publish(temp, name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	published = true
	if err := w.before(SyncDir, name); err != nil {
		return err
	}
	return SyncFolder(root, path.Dir(name))
}

// SyncFolder makes renames and removals in a folder below root lasting.
// Windows has no such call and does it by itself.
func SyncFolder(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// Clean removes what crashed writers left in a folder below root. It must not
// run while a writer works in that folder.
func Clean(root *os.Root, dir string) error {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return fmt.Errorf("clean %s: %w", dir, err)
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), TempPrefix) && e.Type().IsRegular() {
			errs = append(errs, root.Remove(path.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
