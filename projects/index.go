package projects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the database driver "sqlite3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// index is a cache of the sidecars for listing and searching. It holds nothing
// that the folder does not: it can be deleted at any time, and is made again
// when it is missing, unreadable or of another version.
//
// It lies in the project, where whoever looks for it finds it; a project that
// was opened for reading only gets an index in the user's cache instead.
type index struct {
	db   *sql.DB
	path string
}

const (
	indexName    = ".maquette/index.sqlite"
	indexVersion = 4
)

const indexSchema = `
CREATE TABLE concepts (
	number  INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	starred INTEGER NOT NULL,
	fidelity REAL, -- F1 of the sketch's lines, or NULL
	agreement REAL, -- SSIM of the views of a set, or NULL
	drift   REAL, -- 1 − F1 of the variants' edges, or NULL
	job     TEXT NOT NULL, -- that made it, or ''
	set_id  TEXT NOT NULL, -- or ''
	stack   TEXT NOT NULL, -- the set, or the concept alone
	place   TEXT NOT NULL, -- in the set, sorts as the places do
	revision INTEGER NOT NULL, -- of the set
	search  TEXT NOT NULL,
	mtime   INTEGER NOT NULL, -- of the sidecar, in nanoseconds
	size    INTEGER NOT NULL, -- of the sidecar, in bytes
	sidecar BLOB NOT NULL
);
CREATE INDEX concepts_starred ON concepts (starred, number);
CREATE INDEX concepts_fidelity ON concepts (fidelity, number);
CREATE INDEX concepts_job ON concepts (job) WHERE job != '';
CREATE INDEX concepts_set ON concepts (set_id, place) WHERE set_id != '';
CREATE INDEX concepts_stack ON concepts (stack);
`

// openIndex opens the project's index, replacing one that is no good.
func openIndex(ctx context.Context, p *Project) (*index, error) {
	file, err := p.indexPath()
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	ix, err := tryIndex(ctx, file)
	if err == nil {
		return ix, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if _, statErr := os.Lstat(file); statErr == nil {
		p.log.Warn("the index is unreadable and is made again", "file", file, "error", err)
	}
	if err := removeIndex(file); err != nil {
		return nil, fmt.Errorf("open index: %w; delete %s", err, file)
	}
	if ix, err = tryIndex(ctx, file); err != nil {
		return nil, fmt.Errorf("open index %s: %w", file, err)
	}
	return ix, nil
}

// indexPath returns the index's file. A link in its place is removed: SQLite
// would follow it out of the project.
func (p *Project) indexPath() (string, error) {
	if p.readOnly {
		cache, err := cacheDir("index")
		return filepath.Join(cache, hexHash([]byte(p.dir))[:32]+".sqlite"), err
	}
	for _, ending := range indexEndings() {
		info, err := p.root.Lstat(indexName + ending)
		if err == nil && !info.Mode().IsRegular() {
			if err := p.root.RemoveAll(indexName + ending); err != nil {
				return "", err
			}
		}
	}
	return filepath.Join(p.dir, filepath.FromSlash(indexName)), nil
}

// indexEndings are the endings of SQLite's files.
func indexEndings() []string { return []string{"", "-wal", "-shm", "-journal"} }

func removeIndex(file string) error {
	for _, ending := range indexEndings() {
		if err := os.RemoveAll(file + ending); err != nil {
			return err
		}
	}
	return nil
}

var errIndexVersion = errors.New("index of another version")

// tryIndex opens an index and makes its tables if it is new.
func tryIndex(ctx context.Context, file string) (_ *index, err error) {
	// synchronous=NORMAL: after a power cut the index may be a little behind,
	// never broken, and it is brought up to date at every start anyway.
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(file),
		RawQuery: "_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000&_txlock=immediate"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	defer func() {
		if err != nil {
			_ = db.Close() // the first error is the one to report
		}
	}()
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return nil, err
	}
	var check string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&check); err != nil {
		return nil, err
	}
	switch {
	case check != "ok":
		return nil, fmt.Errorf("%w: %s", ErrDamaged, check)
	case version == 0:
		_, err = db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT", indexSchema, indexVersion))
	case version != indexVersion:
		err = errIndexVersion
	}
	if err != nil {
		return nil, err
	}
	return &index{db: db, path: file}, nil
}

func (ix *index) close() error { return ix.db.Close() }

// stamp tells versions of a sidecar apart without reading it.
type stamp struct{ mtime, size int64 }

func stampOf(info fs.FileInfo) stamp { return stamp{info.ModTime().UnixNano(), info.Size()} }

// row is a line of the table.
type row struct {
	id      string
	stamp   stamp
	concept Concept
	data    []byte
}

func (ix *index) stamps(ctx context.Context) (map[string]stamp, error) {
	rows, err := ix.db.QueryContext(ctx, "SELECT id, mtime, size FROM concepts")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]stamp{}
	for rows.Next() {
		var id string
		var s stamp
		if err := rows.Scan(&id, &s.mtime, &s.size); err != nil {
			return nil, err
		}
		known[id] = s
	}
	return known, rows.Err()
}

// change puts rows in and takes ids out, all or nothing.
func (ix *index) change(ctx context.Context, put []row, drop []string) error {
	if len(put) == 0 && len(drop) == 0 {
		return nil
	}
	tx, err := ix.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	for _, id := range drop {
		if _, err := tx.ExecContext(ctx, "DELETE FROM concepts WHERE id = ?", id); err != nil {
			return err
		}
	}
	if len(put) > 0 {
		st, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO concepts
			(number, id, starred, fidelity, agreement, drift, job, set_id, stack, place, revision, search, mtime, size, sidecar)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer st.Close()
		for _, r := range put {
			// A colon is in no set's ID, so that the two kinds of stacks can't meet.
			set, stack, place, revision := "", ":"+r.id, "", 0
			if s := r.concept.Set; s != nil {
				set, stack, place, revision = s.ID, s.ID, s.key(), s.Revision
			}
			if _, err := st.ExecContext(ctx, conceptNumber(r.id), r.id, r.concept.Starred, r.concept.f1(), r.concept.ssim(), r.concept.moved(),
				r.concept.JobID, set, stack, place, revision, searchText(r.concept), r.stamp.mtime, r.stamp.size, r.data); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// refresh brings one concept up to date with its sidecar.
func (ix *index) refresh(p *Project, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := p.readRow(id)
	if errors.Is(err, fs.ErrNotExist) {
		return ix.change(ctx, nil, []string{id})
	}
	if err != nil {
		return err
	}
	return ix.change(ctx, []row{r}, nil)
}

// readRow reads a concept's sidecar for the index.
func (p *Project) readRow(id string) (row, error) {
	name := conceptSidecar(id)
	info, err := p.root.Lstat(name)
	if err != nil {
		return row{}, err
	}
	data, err := readFile(p.root, name, maxSidecar)
	if err != nil {
		return row{}, err
	}
	s, err := parseSidecar(data)
	if err != nil {
		return row{}, fmt.Errorf("%s: %w", name, err)
	}
	return row{id: id, stamp: stampOf(info), concept: s.concept(id), data: data}, nil
}

// query lists a page of concepts.
func (ix *index) query(ctx context.Context, q Query) ([]Concept, int, error) {
	where, args := q.where()
	var total int
	if err := ix.db.QueryRowContext(ctx, "SELECT count(*) FROM concepts WHERE "+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	order, limit := q.page(orderColumns{"number", "fidelity", "agreement", "drift"})
	list, err := ix.list(ctx, "WHERE "+where+" ORDER BY "+order+" LIMIT ? OFFSET ?", append(args, limit, q.Offset)...)
	return list, total, err
}

// where is the condition for the concepts that q selects.
func (q Query) where() (string, []any) {
	where, args := "1", []any{}
	if q.Starred {
		where += " AND starred = 1"
	}
	for _, word := range strings.Fields(fold(q.Text)) {
		where += " AND instr(search, ?) > 0"
		args = append(args, word)
	}
	return where, args
}

// orderColumns are the columns that concepts or stacks are sorted by.
type orderColumns struct{ number, fidelity, agreement, drift string }

// page is the order and the number of lines that q asks for.
func (q Query) page(of orderColumns) (order string, limit int) {
	order, limit = of.number+" DESC", -1
	if q.Oldest {
		order = of.number + " ASC"
	}
	switch q.By {
	case ByFidelity:
		order = of.fidelity + " DESC NULLS LAST, " + order
	case ByAgreement:
		order = of.agreement + " DESC NULLS LAST, " + order
	case ByDrift:
		order = of.drift + " ASC NULLS LAST, " + order
	}
	if q.Limit > 0 {
		limit = q.Limit
	}
	return order, limit
}

// ofJob lists the concepts that a job made.
func (ix *index) ofJob(ctx context.Context, job string) ([]Concept, error) {
	return ix.list(ctx, "WHERE job != '' AND job = ? ORDER BY number", job)
}

func (ix *index) list(ctx context.Context, clauses string, args ...any) ([]Concept, error) {
	rows, err := ix.db.QueryContext(ctx, "SELECT id, sidecar FROM concepts "+clauses, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Concept
	for rows.Next() {
		var id string
		var data sql.RawBytes
		if err := rows.Scan(&id, &data); err != nil {
			return nil, err
		}
		s, err := parseSidecar(data)
		if err != nil {
			return nil, fmt.Errorf("index: concept %s: %w", id, err)
		}
		list = append(list, s.concept(id))
	}
	return list, rows.Err()
}

// fold makes texts that people think equal equal: letter case, full-width
// forms and ways to write accents do not matter.
func fold(s string) string { return cases.Fold().String(norm.NFKC.String(s)) }

// cacheDir returns, and makes, a folder of the app's cache: $MAQUETTE_CACHE or
// the system's place for caches.
func cacheDir(parts ...string) (string, error) {
	base := os.Getenv("MAQUETTE_CACHE")
	if base == "" {
		system, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder: %w; set MAQUETTE_CACHE to a folder", err)
		}
		base = filepath.Join(system, "maquette")
	}
	dir := filepath.Join(base, path.Join(parts...))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("cache folder: %w; set MAQUETTE_CACHE to a folder that can be written to", err)
	}
	return dir, nil
}
