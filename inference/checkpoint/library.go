package checkpoint

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Scan looks for models in folders and below them, up to six levels deep; folders
// of other programs are understood as ModelFolders says. A folder that doesn't
// exist is left out; a model that can't be run is listed with its Reason. Entries
// are sorted by kind and name.
func Scan(ctx context.Context, folders []string) ([]Entry, error) {
	return ScanKnown(ctx, folders, nothing{})
}

// Known remembers what single files are, so that a scan need not read the headers
// of those that have not changed. st is of the file itself, behind links.
type Known interface {
	Entry(path string, st fs.FileInfo) (Entry, bool)
	Learn(path string, st fs.FileInfo, e Entry)
}

type nothing struct{}

func (nothing) Entry(string, fs.FileInfo) (Entry, bool) { return Entry{}, false }
func (nothing) Learn(string, fs.FileInfo, Entry)        {}

// ScanKnown is Scan with what is known already.
func ScanKnown(ctx context.Context, folders []string, known Known) ([]Entry, error) {
	c := &collector{known: known}
	s := search{ctx: ctx, enter: c.folder, file: c.file}
	if err := s.run(folders); err != nil {
		return nil, err
	}
	slices.SortFunc(c.found, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Path, b.Path))
	})
	return c.found, nil
}

// collector makes entries of what a search finds.
type collector struct {
	known Known
	found []Entry
}

// folder takes a model folder for one entry, apart from the ControlNets that lie
// inside a checkpoint's folder; any other folder is searched.
func (c *collector) folder(dir string, inside []fs.DirEntry) (search bool) {
	switch {
	case isFile(filepath.Join(dir, "model_index.json")):
		c.found = append(c.found, inspectCheckpoint(dir))
		for _, item := range inside {
			path := filepath.Join(dir, item.Name())
			if _, class, err := readConfig(path); err == nil && class == ClassControlNet {
				c.found = append(c.found, inspectComponent(path))
			}
		}
		return false
	case isFile(filepath.Join(dir, "config.json")):
		if e := inspectComponent(dir); e.Kind != KindUnknown {
			c.found = append(c.found, e)
		}
		return false
	}
	return true
}

// file takes a file of a model for an entry, unless it can't be read.
func (c *collector) file(path string, st fs.FileInfo) {
	if !isModelName(path) {
		return
	}
	e, ok := c.known.Entry(path, st)
	if !ok {
		var err error
		if e, err = Inspect(path); err != nil {
			return
		}
		c.known.Learn(path, st, e)
	}
	c.found = append(c.found, e)
}

func isModelName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".safetensors", ".ckpt", ".pt", ".pth":
		return true
	}
	return false
}

// HashWeights is the hex SHA-256 that identifies a model's weights: of a file,
// the hash of its bytes; of a folder, the hash over the names and hashes of all
// its .safetensors files, in order of their paths. It streams the files and
// stops when ctx ends.
func HashWeights(ctx context.Context, path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !st.IsDir() {
		return hashFile(ctx, path)
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if strings.HasSuffix(p, ".safetensors") && !d.IsDir() && !insideControlNet(path, p) {
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hashing the weights in %s: %w", path, err)
	}
	if len(files) == 0 {
		return "", &MissingError{Path: filepath.Join(path, "*.safetensors"), Advice: "The folder holds no weights"}
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, f := range files {
		rel, err := filepath.Rel(path, f)
		if err != nil {
			return "", fmt.Errorf("hashing %s: %w", f, err)
		}
		h, err := hashFile(ctx, f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s  %s\n", h, filepath.ToSlash(rel))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// insideControlNet says whether file lies in a ControlNet's folder below root:
// adding a ControlNet to a checkpoint's folder leaves the checkpoint the same.
func insideControlNet(root, file string) bool {
	dir := filepath.Dir(file)
	if dir == filepath.Clean(root) {
		return false
	}
	_, class, err := readConfig(dir)
	return err == nil && class == ClassControlNet
}

func hashFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("hashing %s: %w", path, err)
		}
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("hashing %s: %w", path, err)
		}
	}
}
