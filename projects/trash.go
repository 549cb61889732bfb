package projects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"maquette/projects/internal/atomicfile"
)

// trashDir takes what is deleted where the system has no trash that we know.
const trashDir = ".trash"

// Trashed says where Trash put concepts, for Restore.
type Trashed struct {
	// IDs are the concepts that were moved.
	IDs []string
	// System is true if all of them are in the system's trash, false if some are
	// in the project's own .trash folder.
	System bool

	files []trashedFile
}

// trashedFile is one file in a trash.
type trashedFile struct {
	id   string
	name string // in the project
	path string // absolute, in the trash
	info string // absolute, of its .trashinfo file, or ""
}

// Trash moves concepts to the system's trash (freedesktop.org Trash
// specification 1.0) or, on other systems and where the trash lies on another
// file system, to the folder .trash of the project. The concepts' control
// images and inputs stay, since other concepts may share them. After an error
// Trashed names the concepts that were moved all the same.
func (p *Project) Trash(ctx context.Context, ids ...string) (Trashed, error) {
	t := Trashed{System: true}
	if err := p.writable(ctx); err != nil {
		return Trashed{}, err
	}
	p.writing.Lock()
	err := p.keepNumbers(ids)
	for _, id := range ids {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			break
		}
		err = p.trashConcept(&t, id)
	}
	p.writing.Unlock()
	if len(t.IDs) > 0 {
		p.hub.publish(ConceptsRemoved{IDs: slices.Clone(t.IDs)})
	}
	if err != nil {
		return t, fmt.Errorf("move to the trash: %w", err)
	}
	return t, nil
}

// keepNumbers notes the highest of ids, so that no later concept gets the
// number of one that may come back.
func (p *Project) keepNumbers(ids []string) error {
	highest := p.meta.LastConcept
	for _, id := range ids {
		highest = max(highest, conceptNumber(id))
	}
	// Only the last number can be given again; below it, numbers are taken for good.
	if highest == p.meta.LastConcept || highest < p.next-1 {
		return nil
	}
	meta := p.meta
	meta.LastConcept = min(highest, p.next-1)
	if err := p.writeMeta(meta); err != nil {
		return err
	}
	p.meta.LastConcept = meta.LastConcept
	return nil
}

func (p *Project) trashConcept(t *Trashed, id string) error {
	if !isConceptID(id) {
		return fmt.Errorf("concept %q: %w", id, ErrNotFound)
	}
	// The sidecar goes first: should the app end in between, the image that is
	// left is adopted and the concept is simply not deleted.
	var moved []trashedFile
	for _, name := range []string{conceptSidecar(id), conceptImage(id)} {
		f, err := p.trashFile(id, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			for _, m := range moved {
				err = errors.Join(err, p.restoreFile(m))
			}
			return fmt.Errorf("concept %s: %w", id, err)
		}
		moved = append(moved, f)
	}
	if len(moved) == 0 {
		return fmt.Errorf("concept %s: %w", id, ErrNotFound)
	}
	for _, m := range moved {
		t.System = t.System && m.info != ""
	}
	t.IDs = append(t.IDs, id)
	t.files = append(t.files, moved...)
	p.noteIndexed(id)
	return nil
}

// trashFile moves one file of the project to a trash.
func (p *Project) trashFile(id, name string) (trashedFile, error) {
	if _, err := p.root.Lstat(name); err != nil {
		return trashedFile{}, err
	}
	f := trashedFile{id: id, name: name}
	err := p.toSystemTrash(&f)
	if err == nil {
		return f, nil
	}
	p.log.Info("the system's trash cannot take a file; it goes to the project's own", "file", name, "reason", err)
	if err := p.root.Mkdir(trashDir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	for i := 1; i < 10_000; i++ {
		target := path.Join(trashDir, numbered(path.Base(name), i))
		err := atomicfile.MoveNew(p.root, name, target)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		f.path, f.info = p.abs(target), ""
		return f, err
	}
	return f, fmt.Errorf("%s has too many files; empty it", p.abs(trashDir))
}

func (p *Project) abs(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

// numbered returns name for i = 1, then "name 2.ext" and so on.
func numbered(name string, i int) string {
	if i == 1 {
		return name
	}
	ext := path.Ext(name)
	return fmt.Sprintf("%s %d%s", name[:len(name)-len(ext)], i, ext)
}

// systemTrash returns the user's trash folder.
func systemTrash() (string, error) {
	switch runtime.GOOS {
	case "windows", "darwin", "ios", "android", "plan9", "js", "wasip1":
		return "", fmt.Errorf("no freedesktop.org trash on %s", runtime.GOOS)
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the base directory specification ignores relative paths
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "Trash"), nil
}

// toSystemTrash moves f.name to the user's trash and fills in where it went.
func (p *Project) toSystemTrash(f *trashedFile) error {
	trash, err := systemTrash()
	if err != nil {
		return err
	}
	files, infos := filepath.Join(trash, "files"), filepath.Join(trash, "info")
	for _, d := range []string{files, infos} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	original := (&url.URL{Path: filepath.ToSlash(p.abs(f.name))}).EscapedPath()
	text := fmt.Sprintf("[Trash Info]\nPath=%s\nDeletionDate=%s\n", original, time.Now().Format("2006-01-02T15:04:05"))
	for i := 1; i < 100_000; i++ {
		base := numbered(path.Base(f.name), i)
		// Making the info file is what reserves the name, says the specification.
		info := filepath.Join(infos, base+".trashinfo")
		file, err := os.OpenFile(info, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
		target := filepath.Join(files, base)
		if err == nil {
			if _, statErr := os.Lstat(target); statErr == nil {
				err = fs.ErrExist
			} else {
				err = os.Rename(p.abs(f.name), target)
			}
		}
		if err == nil {
			f.path, f.info = target, info
			return nil
		}
		_ = os.Remove(info) // reserves nothing any more
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errors.New("the trash has too many files of this name")
}

// Restore brings concepts back from the trash. One whose number is taken, or
// that is no longer in the trash, is an error; the others come back.
func (p *Project) Restore(ctx context.Context, t Trashed) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	var errs []error
	var back []Concept
	p.writing.Lock()
	for _, id := range t.IDs {
		var err error
		// Image first, sidecar last: the sidecar is what makes a concept.
		for _, f := range slices.Backward(t.files) {
			if f.id == id && err == nil {
				err = p.restoreFile(f)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("restore concept %s: %w", id, err))
			continue
		}
		p.noteIndexed(id)
		if r, err := p.readRow(id); err == nil {
			back = append(back, r.concept)
		}
	}
	p.writing.Unlock()
	for _, c := range back {
		p.hub.publish(ConceptAdded{Concept: c})
	}
	return errors.Join(errs...)
}

func (p *Project) restoreFile(f trashedFile) error {
	if _, err := p.root.Lstat(f.name); err == nil {
		return fmt.Errorf("%s: %w", f.name, fs.ErrExist)
	}
	// Only one process writes to a project, so nothing comes between check and rename.
	if err := os.Rename(f.path, p.abs(f.name)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is no longer in the trash: %w", path.Base(f.name), err)
		}
		return err
	}
	if f.info != "" {
		_ = os.Remove(f.info) // an info file without its file is ignored by all
	}
	return atomicfile.SyncFolder(p.root, path.Dir(f.name))
}
