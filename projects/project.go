package projects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"maquette/projects/internal/atomicfile"
	"maquette/projects/internal/jsonfile"
)

// Schema is the version of the project folder that this package writes. It
// reads this version and older ones.
const Schema = 1

// The folders and files of a project. Names inside a project are slash separated.
const (
	projectName = "project.json"
	sketchesDir = "sketches"
	historyDir  = "sketches/history"
	controlsDir = "controls"
	conceptsDir = "concepts"
	privateDir  = ".maquette"
	queueDir    = ".maquette/queue"
	lockName    = ".maquette/lock"
	ownerName   = ".maquette/owner.json"
)

func projectFolders() []string {
	return []string{sketchesDir, historyDir, controlsDir, conceptsDir, privateDir, queueDir}
}

// Bounds on what is read from a project's files, in bytes.
const (
	maxProjectFile = 1 << 20
	maxSidecar     = 4 << 20
	maxSketchFile  = 512 << 20
	maxImageFile   = 512 << 20
)

// projectFile is the content of project.json.
type projectFile struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// LastConcept is at least the highest number that a concept of this project
	// ever had and lost, so that numbers are not used twice.
	LastConcept int `json:"last_concept,omitempty"`
}

// Project is an open project folder. Its methods may be called from several
// goroutines at once.
type Project struct {
	dir      string
	root     *os.Root // all access goes through it: nothing outside dir is reachable, not even by symlink
	readOnly bool
	lock     *flock.Flock // nil if readOnly
	files    *atomicfile.Writer
	log      *slog.Logger
	index    *index
	hub      hub
	thumbs   *thumbnailer

	writing sync.Mutex // held while files are written; guards next, repairs and changes of meta
	next    int        // number of the next concept
	repairs []Problem

	mu     sync.Mutex // never held while the disk is waited for; guards closed and meta.Name
	closed bool
	meta   projectFile
}

// Create makes a new project in dir and opens it for writing. dir may exist if
// it is empty. The name is for people; an empty one means the folder's name.
// Errors: ErrName for a name or folder name that is not good on every system,
// fs.ErrExist for a folder that has something in it.
func Create(ctx context.Context, dir, name string) (*Project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	if err := ValidateName(filepath.Base(dir)); err != nil {
		return nil, fmt.Errorf("create project: folder %w", err)
	}
	if name == "" {
		name = filepath.Base(dir)
	}
	name = norm.NFC.String(name)
	if err := ValidateName(name); err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("create project: %s has something in it already, choose an empty or a new folder: %w", dir, fs.ErrExist)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	defer root.Close()
	data, err := jsonfile.Encode(projectFile{Schema: Schema, ID: uuid.NewString(), Name: name, Created: now()})
	if err != nil {
		return nil, fmt.Errorf("create project: %w", err)
	}
	var w atomicfile.Writer
	if err := w.Add(root, projectName, data); err != nil {
		return nil, fmt.Errorf("create project %s: %w", dir, err)
	}
	return Open(ctx, dir)
}

// Open opens the project in dir for writing. Errors: ErrNotProject,
// ErrNewerSchema (nothing was touched), ErrLocked (use OpenReadOnly).
func Open(ctx context.Context, dir string) (*Project, error) {
	return open(ctx, dir, false, &atomicfile.Writer{})
}

// OpenReadOnly opens the project in dir for reading. It works while another
// Maquette writes to the project and on folders that cannot be written to.
// Concepts that come later are seen after Reindex.
func OpenReadOnly(ctx context.Context, dir string) (*Project, error) {
	return open(ctx, dir, true, &atomicfile.Writer{})
}

func open(ctx context.Context, dir string, readOnly bool, files *atomicfile.Writer) (_ *Project, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open project: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open project: there is no folder %s: %w", dir, ErrNotProject)
		}
		return nil, fmt.Errorf("open project: %w", err)
	}
	p := &Project{dir: dir, root: root, readOnly: readOnly, files: files, log: slog.Default().With("project", dir)}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error is the one to report
		}
	}()
	p.meta, err = readProjectFile(root, dir)
	damaged := errors.Is(err, ErrDamaged)
	if err != nil && !damaged {
		return nil, err
	}
	if !readOnly {
		if err := p.prepareForWriting(damaged, err); err != nil {
			return nil, err
		}
	} else if damaged {
		p.meta = projectFile{Schema: Schema, Name: filepath.Base(dir)}
	}
	if p.thumbs, err = newThumbnailer(p); err != nil {
		return nil, err
	}
	if p.index, err = openIndex(ctx, p); err != nil {
		return nil, err
	}
	if err := p.sync(ctx, nil); err != nil {
		return nil, err
	}
	return p, nil
}

// prepareForWriting takes the lock and brings the folder into order: folders
// that are missing, temporary files of a crash, an unreadable project.json.
func (p *Project) prepareForWriting(damaged bool, damage error) error {
	for _, d := range projectFolders() {
		if err := p.ensureFolder(d); err != nil {
			return err
		}
	}
	lock := flock.New(filepath.Join(p.dir, filepath.FromSlash(lockName)))
	ok, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("open project %s: cannot lock it for writing: %w; open it for reading only", p.dir, err)
	}
	if !ok {
		_ = lock.Close() // nothing is held
		return fmt.Errorf("%w%s: %s; close it there, or open it here for reading only", ErrLocked, p.owner(), p.dir)
	}
	p.lock = lock
	if err := p.noteOwner(); err != nil {
		return err
	}
	for _, d := range append(projectFolders(), ".") {
		if err := atomicfile.Clean(p.root, d); err != nil {
			p.log.Warn("cannot remove leftovers of a crash", "folder", d, "error", err)
		}
	}
	if damaged {
		return p.replaceProjectFile(damage)
	}
	return nil
}

// ensureFolder makes a folder of the project, and refuses one that leads out of it.
func (p *Project) ensureFolder(name string) error {
	info, err := p.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := p.root.Mkdir(name, 0o777); err != nil {
			return fmt.Errorf("open project %s: %w", p.dir, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("open project %s: %w", p.dir, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("open project %s: %q is a link; a project must hold its own folders: put the real folder in its place", p.dir, name)
	case !info.IsDir():
		return fmt.Errorf("open project %s: %q is a file where a folder should be: move it away", p.dir, name)
	}
	return nil
}

// replaceProjectFile keeps an unreadable project.json under another name and
// writes a new one, so that the concepts stay reachable.
func (p *Project) replaceProjectFile(damage error) error {
	kept := fmt.Sprintf("project.damaged-%s.json", now().Format("20060102-150405"))
	if err := p.root.Rename(projectName, kept); err != nil {
		return fmt.Errorf("open project %s: %w", p.dir, err)
	}
	name := FolderName(filepath.Base(p.dir))
	p.meta = projectFile{Schema: Schema, ID: uuid.NewString(), Name: name, Created: now()}
	if err := p.writeMeta(p.meta); err != nil {
		return fmt.Errorf("open project %s: %w", p.dir, err)
	}
	p.log.Warn("project.json was unreadable and was replaced", "kept", kept, "error", damage)
	p.repairs = append(p.repairs, Problem{File: projectName, What: damage.Error() + "; kept as " + kept, Repaired: true})
	return nil
}

func readProjectFile(root *os.Root, dir string) (projectFile, error) {
	var m projectFile
	data, err := readFile(root, projectName, maxProjectFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("open project: %s has no %s: %w", dir, projectName, ErrNotProject)
	}
	if err != nil {
		return m, fmt.Errorf("open project %s: %w", dir, err)
	}
	err = decodeVersioned(data, &m)
	if errors.Is(err, ErrNewerSchema) {
		return m, fmt.Errorf("open project %s: %w; update Maquette to open it (nothing was changed)", dir, err)
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w", projectName, err)
	}
	return m, nil
}

// Close releases the project. A queue or autosaver of it must be closed before.
func (p *Project) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	var errs []error
	p.hub.close()
	if p.thumbs != nil {
		p.thumbs.close()
	}
	if p.index != nil {
		errs = append(errs, p.index.close())
	}
	if p.lock != nil {
		// The lock file stays: removing it would let two writers lock two files.
		errs = append(errs, p.lock.Close())
	}
	errs = append(errs, p.root.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close project %s: %w", p.dir, err)
	}
	return nil
}

// Dir returns the absolute path of the project's folder.
func (p *Project) Dir() string { return p.dir }

// ReadOnly reports whether the project was opened with OpenReadOnly.
func (p *Project) ReadOnly() bool { return p.readOnly }

// Name returns the project's name for people.
func (p *Project) Name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meta.Name
}

// SetName renames the project; its folder keeps its name.
func (p *Project) SetName(ctx context.Context, name string) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	name = norm.NFC.String(name)
	if err := ValidateName(name); err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	meta := p.meta
	meta.Name = name
	if err := p.writeMeta(meta); err != nil {
		return fmt.Errorf("rename project: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meta.Name = name
	return nil
}

// writeMeta stores meta; fields of project.json that this version does not know
// are kept. The caller holds p.writing.
func (p *Project) writeMeta(meta projectFile) error {
	old, err := readFile(p.root, projectName, maxProjectFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := jsonfile.Merge(old, meta)
	if err != nil {
		return err
	}
	return p.files.Replace(p.root, projectName, data)
}

// writable fails if ctx is done, or the project is closed or read-only.
func (p *Project) writable(ctx context.Context) error {
	if err := p.readable(ctx); err != nil {
		return err
	}
	if p.readOnly {
		return fmt.Errorf("%w: %s", ErrReadOnly, p.dir)
	}
	return nil
}

func (p *Project) readable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("project %s: %w", p.dir, ErrClosed)
	}
	return nil
}

// now is the time as it is stored: in UTC, to the millisecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
