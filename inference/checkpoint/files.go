package checkpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files lists the files below model folders whose name ends as given, such as
// ".onnx", in any letter case, sorted by path. Like Scan it goes six levels
// deep, visits what is linked once, leaves hidden files and folders that can't
// be read out, and understands the folders of other programs as ModelFolders says.
func Files(ctx context.Context, folders []string, ext string) ([]string, error) {
	roots, err := ModelFolders(folders)
	if err != nil {
		return nil, err
	}
	s := fileSearch{ctx: ctx, ext: ext, seen: map[string]bool{}}
	for _, root := range roots {
		if err := s.folder(root, 0); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.found)
	return s.found, nil
}

type fileSearch struct {
	ctx     context.Context
	ext     string
	seen    map[string]bool // real paths
	found   []string
	visited int
}

func (s *fileSearch) folder(dir string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return fmt.Errorf("looking for models in %s: %w", dir, err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || s.seen[real] {
		return nil
	}
	s.seen[real] = true
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil // it must not hide the others
	}
	if s.visited += len(list); s.visited > maxEntries {
		return fmt.Errorf("looking for models in %s: more than %d files; choose folders that hold models only", dir, maxEntries)
	}
	for _, item := range list {
		path := filepath.Join(dir, item.Name())
		st, err := os.Stat(path)
		switch {
		case err != nil || strings.HasPrefix(item.Name(), "."):
		case st.IsDir() && depth < maxDepth:
			if err := s.folder(path, depth+1); err != nil {
				return err
			}
		case st.Mode().IsRegular() && strings.EqualFold(filepath.Ext(path), s.ext):
			s.found = append(s.found, path)
		}
	}
	return nil
}
