package inference

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"maquette/inference/checkpoint"
)

// hashCache remembers the hash of weights as long as their files don't change.
type hashCache struct {
	hash  func(ctx context.Context, path string, progress func(done, total int64)) (string, error)
	mu    sync.Mutex
	known map[string]hashed // by path
}

type hashed struct{ state, hash string }

// of is checkpoint.HashWeights, computed only where a file's path, size or time
// of change is new. progress may be nil.
func (c *hashCache) of(ctx context.Context, path string, progress func(done, total int64)) (string, error) {
	state, err := fileState(path)
	if err != nil {
		return "", fmt.Errorf("weights of %s: %w", path, err)
	}
	c.mu.Lock()
	before, ok := c.known[path]
	c.mu.Unlock()
	if ok && before.state == state {
		return before.hash, nil
	}
	var hash string
	if c.hash != nil {
		hash, err = c.hash(ctx, path, progress)
	} else {
		hash, err = checkpoint.HashWeights(ctx, path)
	}
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]hashed{}
	}
	c.known[path] = hashed{state, hash}
	return hash, nil
}

// fileState lists path, size and time of change of every weight file at or below path.
func fileState(path string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || p != path && filepath.Ext(p) != ".safetensors" {
			return nil
		}
		st, err := os.Stat(p) // follows links, as reading does
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %d %d\n", p, st.Size(), st.ModTime().UnixNano())
		return nil
	})
	return b.String(), err
}
