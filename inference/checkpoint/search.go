package checkpoint

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxDepth   = 6
	maxEntries = 200_000
)

// search goes through model folders and what lies below them, up to six levels
// deep. What is linked is visited once; hidden files and what can't be read are
// left out.
type search struct {
	ctx context.Context
	// enter gets a folder with what lies in it, and says whether that is to be
	// gone through; nil means always.
	enter func(dir string, inside []fs.DirEntry) bool
	// file gets each file; st is of the file itself, behind links.
	file func(path string, st fs.FileInfo)

	seen    map[string]bool // real paths
	visited int
}

// run searches folders; those of other programs are understood as ModelFolders says.
func (s *search) run(folders []string) error {
	roots, err := ModelFolders(folders)
	if err != nil {
		return err
	}
	s.seen = map[string]bool{}
	for _, root := range roots {
		if err := s.folder(root, 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) folder(dir string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return fmt.Errorf("looking for models in %s: %w", dir, err)
	}
	// Links may lead back up; the real path is visited once.
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || s.seen[real] {
		return nil
	}
	s.seen[real] = true
	list, err := os.ReadDir(dir)
	if err != nil {
		// A folder that can't be read, or is gone, must not hide the others.
		return nil
	}
	if s.visited += len(list); s.visited > maxEntries {
		return fmt.Errorf("looking for models in %s: more than %d files; choose folders that hold models only", dir, maxEntries)
	}
	list = slices.DeleteFunc(list, func(item fs.DirEntry) bool { return strings.HasPrefix(item.Name(), ".") })
	if s.enter != nil && !s.enter(dir, list) {
		return nil
	}
	for _, item := range list {
		path := filepath.Join(dir, item.Name())
		st, err := os.Stat(path) // follows links: model folders are often linked
		switch {
		case err != nil:
		case st.IsDir() && depth < maxDepth:
			if err := s.folder(path, depth+1); err != nil {
				return err
			}
		case st.Mode().IsRegular():
			s.file(path, st)
		}
	}
	return nil
}

// Files lists the files below model folders whose name ends as given, such as
// ".onnx", in any letter case, sorted by path. It looks where Scan does.
func Files(ctx context.Context, folders []string, ext string) ([]string, error) {
	var found []string
	s := search{ctx: ctx, file: func(path string, _ fs.FileInfo) {
		if strings.EqualFold(filepath.Ext(path), ext) {
			found = append(found, path)
		}
	}}
	if err := s.run(folders); err != nil {
		return nil, err
	}
	slices.Sort(found)
	return found, nil
}
