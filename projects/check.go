package projects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Problem is something that Check found.
type Problem struct {
	// File is the file in the project, slash separated.
	File string `json:"file"`
	// What says what is wrong with it and, where that helps, what to do.
	What string `json:"what"`
	// Repaired tells that it was put right when the project was opened.
	Repaired bool `json:"repaired"`
}

// Report is what Check found.
type Report struct {
	// Concepts, Sketches and Controls count what the project holds.
	Concepts int `json:"concepts"`
	Sketches int `json:"sketches"`
	Controls int `json:"controls"`
	// Bytes is the size of all its files.
	Bytes    int64     `json:"bytes"`
	Problems []Problem `json:"problems"`
}

// OK reports whether nothing is wrong any more.
func (r Report) OK() bool {
	return !slices.ContainsFunc(r.Problems, func(p Problem) bool { return !p.Repaired })
}

// checker collects a report.
type checker struct {
	p      *Project
	ctx    context.Context // of the one call of Check
	report Report
	state  folderState
	files  map[string]int64 // size of every regular file
}

// Check reads every file of the project and reports what is missing, damaged
// or not the project's own. It changes nothing. Its time grows with the size
// of the project, since every file is read.
func (p *Project) Check(ctx context.Context) (Report, error) {
	if err := p.readable(ctx); err != nil {
		return Report{}, err
	}
	c := checker{p: p, ctx: ctx, files: map[string]int64{}}
	p.writing.Lock()
	c.report.Problems = slices.Clone(p.repairs)
	p.writing.Unlock()
	st, err := p.listConcepts(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("check %s: %w", p.dir, err)
	}
	c.state = st
	for _, step := range []func() error{c.walk, c.concepts, c.sketches, c.contents, c.index} {
		if err := errors.Join(ctx.Err(), step()); err != nil {
			return Report{}, fmt.Errorf("check %s: %w", p.dir, err)
		}
	}
	return c.report, nil
}

func (c *checker) problem(file, format string, args ...any) {
	c.report.Problems = append(c.report.Problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// walk lists all files and finds what is neither file nor folder.
func (c *checker) walk() error {
	return fs.WalkDir(c.p.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if ctxErr := c.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if err != nil {
			c.problem(name, "cannot be read: %v", err)
			return nil
		}
		switch {
		case d.IsDir():
		case d.Type()&fs.ModeSymlink != 0:
			c.problem(name, "is a link; a project must hold its own files")
		case !d.Type().IsRegular():
			c.problem(name, "is not a file")
		default:
			info, err := d.Info()
			if err != nil {
				c.problem(name, "cannot be read: %v", err)
				return nil
			}
			c.files[name] = info.Size()
			c.report.Bytes += info.Size()
		}
		return nil
	})
}

func (c *checker) concepts() error {
	for _, id := range sortedKeys(c.state.sidecars) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.concept(id)
	}
	for _, id := range sortedKeys(c.state.images) {
		if _, ok := c.state.sidecars[id]; !ok {
			c.problem(conceptImage(id), "has no sidecar and no recipe of its own; move it out of %s, or import it as a sketch", conceptsDir)
		}
	}
	return nil
}

func (c *checker) concept(id string) {
	name := conceptSidecar(id)
	data, err := readFile(c.p.root, name, maxSidecar)
	if err != nil {
		c.problem(name, "%v", err)
		return
	}
	s, err := parseSidecar(data)
	if err != nil {
		c.problem(name, "%v", err)
		return
	}
	c.report.Concepts++
	for _, ref := range append([]string{s.Sketch}, s.Controls...) {
		if ref == "" {
			continue
		}
		if err := localFile(ref); err != nil {
			c.problem(name, "%v", err)
		} else if _, ok := c.files[ref]; !ok {
			c.problem(name, "names %s, which is missing", ref)
		}
	}
	picture, err := readFile(c.p.root, conceptImage(id), maxImageFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.problem(conceptImage(id), "is missing")
	case err != nil:
		c.problem(conceptImage(id), "%v", err)
	case s.ImageSHA256 != "" && hexHash(picture) != s.ImageSHA256:
		if _, err := decodePNG(conceptImage(id), picture); err != nil {
			c.problem(conceptImage(id), "%v", err)
		} else {
			c.problem(conceptImage(id), "was changed since it was rendered")
		}
	case s.ImageSHA256 == "":
		if _, err := decodePNG(conceptImage(id), picture); err != nil {
			c.problem(conceptImage(id), "%v", err)
		}
	}
}

func (c *checker) sketches() error {
	seen := map[string]bool{}
	for _, name := range sortedKeys(c.files) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if path.Dir(name) != sketchesDir {
			continue
		}
		ext := path.Ext(name)
		id := strings.TrimSuffix(path.Base(name), ext)
		if seen[id] || validID(id) != nil || ext != ".json" && ext != ".png" {
			continue
		}
		seen[id] = true
		c.report.Sketches++
		s, err := c.p.readSketch(id)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.problem(sketchJSON(id), "%v", err)
		}
		if _, imgErr := c.p.decodeFile(sketchImage(id)); imgErr != nil && (err != nil || len(s.Strokes) == 0) {
			c.problem(sketchImage(id), "%v", imgErr)
		}
	}
	return nil
}

// contents checks the files that are named by their own hash.
func (c *checker) contents() error {
	for _, name := range sortedKeys(c.files) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		dir, base := path.Dir(name), path.Base(name)
		if dir != controlsDir && dir != historyDir || len(base) != 64+len(".png") {
			continue
		}
		if dir == controlsDir {
			c.report.Controls++
		}
		data, err := readFile(c.p.root, name, maxImageFile)
		if err != nil {
			c.problem(name, "%v", err)
		} else if hexHash(data)+".png" != base {
			c.problem(name, "was changed since it was stored")
		}
	}
	return nil
}

// index compares the index with the folder as it is now; nothing may change meanwhile.
func (c *checker) index() error {
	c.p.writing.Lock()
	defer c.p.writing.Unlock()
	state, err := c.p.listConcepts(c.ctx)
	if err != nil {
		return err
	}
	known, err := c.p.index.stamps(c.ctx)
	if err != nil {
		c.problem(indexName, "cannot be read: %v; make it again with reindex", err)
		return nil
	}
	for id, s := range state.sidecars {
		if known[id] != s {
			if _, err := c.p.readRow(id); err != nil {
				continue // reported with the sidecar
			}
			c.problem(indexName, "is behind the folder; make it again with reindex")
			return nil
		}
		delete(known, id)
	}
	if len(known) > 0 {
		c.problem(indexName, "lists %d concepts that are gone; make it again with reindex", len(known))
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
