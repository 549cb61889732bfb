package projects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"maquette/projects/internal/pngtext"
)

// folderState is what the concepts folder holds.
type folderState struct {
	sidecars map[string]stamp
	images   map[string]bool
	highest  int
}

// listConcepts looks at the concepts folder without reading any file.
func (p *Project) listConcepts(ctx context.Context) (folderState, error) {
	st := folderState{sidecars: map[string]stamp{}, images: map[string]bool{}}
	d, err := p.root.Open(conceptsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return st, err
	}
	for i, e := range entries {
		if i%1024 == 0 && ctx.Err() != nil {
			return st, ctx.Err()
		}
		ext := path.Ext(e.Name())
		id := strings.TrimSuffix(e.Name(), ext)
		if !isConceptID(id) {
			continue
		}
		// Any file with a number keeps the number from being given again.
		st.highest = max(st.highest, conceptNumber(id))
		switch {
		case !e.Type().IsRegular():
		case ext == ".png":
			st.images[id] = true
		case ext == ".json":
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // went away meanwhile
			}
			if err != nil {
				return st, err
			}
			st.sidecars[id] = stampOf(info)
		}
	}
	return st, nil
}

// batch is how many sidecars are read before they go to the index together.
const batch = 500

// sync brings the index up to date with the folder. It reads only sidecars
// that are new or have changed. It also puts right what a crash or a bad disk
// left, if the project is open for writing. progress may be nil. The caller
// holds p.writing or is the only one to know p.
func (p *Project) sync(ctx context.Context, progress func(done, total int)) error {
	st, err := p.listConcepts(ctx)
	if err != nil {
		return fmt.Errorf("read concepts of %s: %w", p.dir, err)
	}
	if !p.readOnly {
		p.adoptOrphans(ctx, &st)
	}
	known, err := p.index.stamps(ctx)
	if err != nil {
		return fmt.Errorf("read index of %s: %w", p.dir, err)
	}
	var changed, gone []string
	for id, s := range st.sidecars {
		if known[id] != s {
			changed = append(changed, id)
		}
	}
	for id := range known {
		if _, ok := st.sidecars[id]; !ok {
			gone = append(gone, id)
		}
	}
	slices.Sort(changed)
	if err := p.index.change(ctx, nil, gone); err != nil {
		return fmt.Errorf("update index of %s: %w", p.dir, err)
	}
	for done := 0; done < len(changed); {
		part := changed[done:min(done+batch, len(changed))]
		rows, bad, err := p.readRows(ctx, part)
		if err == nil {
			err = p.index.change(ctx, rows, bad)
		}
		if err != nil {
			return fmt.Errorf("update index of %s: %w", p.dir, err)
		}
		done += len(part)
		if progress != nil {
			progress(done, len(changed))
		}
	}
	p.next = max(p.next, st.highest+1, p.meta.LastConcept+1)
	return nil
}

// readRows reads sidecars side by side. A sidecar that cannot be read is
// repaired where possible, else named in bad.
func (p *Project) readRows(ctx context.Context, ids []string) (rows []row, bad []string, err error) {
	all := make([]row, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, id := range ids {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := p.readRow(id)
			if err == nil {
				all[i] = r
				return nil
			}
			p.log.Warn("cannot read a concept's sidecar", "id", id, "error", err)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for i, r := range all {
		if r.id == "" && !p.readOnly {
			r = p.repairSidecar(ids[i])
		}
		if r.id == "" {
			bad = append(bad, ids[i])
			continue
		}
		rows = append(rows, r)
	}
	return rows, bad, nil
}

// repairSidecar makes a damaged sidecar again from the text in the image. The
// damaged file is kept under another name. It returns a zero row if there is
// nothing to repair it from.
func (p *Project) repairSidecar(id string) row {
	name := conceptSidecar(id)
	if _, err := p.readRow(id); !errors.Is(err, ErrDamaged) {
		return row{} // a newer version, or unreadable for another reason: not ours to touch
	}
	s, err := p.sidecarInImage(id)
	if err != nil {
		return row{}
	}
	kept := name + ".damaged"
	if _, err := p.root.Lstat(kept); err == nil {
		kept = fmt.Sprintf("%s.damaged-%s", name, now().Format("20060102-150405.000"))
	}
	if err := p.root.Rename(name, kept); err != nil {
		return row{}
	}
	if err := p.addSidecar(id, s); err != nil {
		p.log.Warn("cannot repair a sidecar", "file", name, "error", err)
		return row{}
	}
	r, err := p.readRow(id)
	if err != nil {
		return row{}
	}
	p.log.Warn("a damaged sidecar was made again from its image", "file", name, "kept", kept)
	p.repairs = append(p.repairs, Problem{File: name, What: "was damaged; made again from the image, the old one is kept as " + kept, Repaired: true})
	return r
}

// adoptOrphans makes sidecars for images that have none but carry its text: a
// crash came between the two, or the sidecar was deleted by hand.
func (p *Project) adoptOrphans(ctx context.Context, st *folderState) {
	for id := range st.images {
		if _, ok := st.sidecars[id]; ok || ctx.Err() != nil {
			continue
		}
		s, err := p.sidecarInImage(id)
		if err != nil {
			continue // somebody's picture; Check reports it
		}
		name := conceptSidecar(id)
		if err := p.addSidecar(id, s); err != nil {
			p.log.Warn("cannot adopt an image", "file", conceptImage(id), "error", err)
			continue
		}
		info, err := p.root.Lstat(name)
		if err != nil {
			continue
		}
		st.sidecars[id] = stampOf(info)
		p.log.Info("an image without a sidecar was adopted", "file", conceptImage(id))
		p.repairs = append(p.repairs, Problem{File: name, What: "was missing; made again from the image", Repaired: true})
	}
}

// sidecarInImage reads the sidecar text of a concept's image.
func (p *Project) sidecarInImage(id string) (sidecar, error) {
	name := conceptImage(id)
	data, err := readFile(p.root, name, maxImageFile)
	if err != nil {
		return sidecar{}, err
	}
	text, found, err := pngtext.Read(bytes.NewReader(data), sidecarKeyword)
	if err != nil {
		return sidecar{}, fmt.Errorf("%s: %w", name, err)
	}
	if !found {
		return sidecar{}, fmt.Errorf("%s: %w", name, ErrNoParameters)
	}
	s, err := parseSidecar([]byte(text))
	if err != nil {
		return sidecar{}, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := decodePNG(name, data); err != nil {
		return sidecar{}, err
	}
	s.ID, s.Image, s.ImageSHA256 = id, id+".png", hexHash(data)
	return s, nil
}

// Reindex makes the index again from the sidecars. progress, which may be nil,
// is called on the caller's goroutine with the number of concepts read so far.
func (p *Project) Reindex(ctx context.Context, progress func(done, total int)) error {
	if err := p.readable(ctx); err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if _, err := p.index.db.ExecContext(ctx, "DELETE FROM concepts"); err != nil {
		return fmt.Errorf("reindex %s: %w", p.dir, err)
	}
	return p.sync(ctx, progress)
}
