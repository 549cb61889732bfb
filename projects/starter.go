package projects

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"

	"maquette/projects/internal/atomicfile"
	"maquette/projects/internal/jsonfile"
)

// Bounds of the starter archive once it is unpacked.
const (
	maxStarterBytes = 4 << 30
	maxStarterFiles = 500
)

// manifestName lists the unpacked files with their sizes, so that a folder in
// which something was deleted or cut off is noticed at once.
const manifestName = ".maquette-manifest.json"

// Starter returns the folder of the starter checkpoint in the user's cache. The
// first call unpacks it, which takes about a second.
func (l *Library) Starter(ctx context.Context) (string, error) {
	l.unpacking.Lock()
	defer l.unpacking.Unlock()
	if l.starter != "" {
		if _, err := os.Stat(filepath.Join(l.starter, "model_index.json")); err == nil {
			return l.starter, nil
		}
		l.starter = "" // the cache was emptied while the app runs
	}
	archive, want := l.archive()
	dir, err := unpackStarter(ctx, archive, want)
	if err != nil {
		return "", fmt.Errorf("starter checkpoint: %w", err)
	}
	root, err := modelRoot(dir)
	if err != nil {
		return "", fmt.Errorf("starter checkpoint: %w", err)
	}
	l.starter = root
	return root, nil
}

// modelRoot finds the model in an unpacked archive: at its top, or in its only folder.
func modelRoot(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, "model_index.json")); err == nil {
		return dir, nil
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "model_index.json"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%s holds no model_index.json", dir)
	}
	return filepath.Dir(found[0]), nil
}

// unpackStarter unpacks archive into <cache>/starter/<sha256>, unless it is
// there and complete. The folder appears at once, with everything in it.
func unpackStarter(ctx context.Context, archive []byte, want string) (string, error) {
	if raw, err := hex.DecodeString(want); err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%w: its hash %q is no SHA-256", ErrDamaged, want)
	}
	parent, err := cacheDir("starter")
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		return "", err
	}
	defer root.Close()
	dir := filepath.Join(parent, want)
	if complete(root, want) {
		return dir, nil
	}
	if got := hexHash(archive); got != want {
		return "", fmt.Errorf("%w: the embedded archive has SHA-256 %s instead of %s; build or download Maquette again", ErrDamaged, got, want)
	}
	temp := fmt.Sprintf("%s%016x", atomicfile.TempPrefix, rand.Uint64())
	if err := root.Mkdir(temp, 0o777); err != nil {
		return "", err
	}
	defer func() { _ = root.RemoveAll(temp) }() // gone already after the rename
	if err := untar(ctx, root, temp, archive); err != nil {
		return "", err
	}
	err = root.Rename(temp, want)
	if err == nil {
		return dir, atomicfile.SyncFolder(root, ".")
	}
	// Another Maquette was quicker, or an incomplete folder is in the way.
	if complete(root, want) {
		return dir, nil
	}
	if rmErr := root.RemoveAll(want); rmErr != nil {
		return "", errors.Join(err, rmErr)
	}
	if err := root.Rename(temp, want); err != nil {
		return "", err
	}
	return dir, atomicfile.SyncFolder(root, ".")
}

// complete reports whether all files of the manifest are there at full length.
func complete(root *os.Root, dir string) bool {
	data, err := readFile(root, path.Join(dir, manifestName), maxProjectFile)
	if err != nil {
		return false
	}
	var sizes map[string]int64
	if json.Unmarshal(data, &sizes) != nil || len(sizes) == 0 {
		return false
	}
	for name, size := range sizes {
		info, err := root.Lstat(path.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Size() != size {
			return false
		}
	}
	return true
}

// untar unpacks a gzipped tar archive into the folder dir below root. Only
// folders and files with names inside dir are accepted.
func untar(ctx context.Context, root *os.Root, dir string, archive []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("%w: archive: %w", ErrDamaged, err)
	}
	defer z.Close()
	sizes := map[string]int64{}
	var total int64
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: archive: %w", ErrDamaged, err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if name == "" || name == "." {
			continue
		}
		if path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%w: archive: %q leads out of its folder", ErrDamaged, h.Name)
		}
		target := path.Join(dir, name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(target, 0o777)
		case tar.TypeReg:
			total += h.Size
			if len(sizes) >= maxStarterFiles || total > maxStarterBytes {
				return fmt.Errorf("%w: archive: more than %d files or %d bytes", ErrDamaged, maxStarterFiles, int64(maxStarterBytes))
			}
			sizes[name] = h.Size
			err = unpackFile(ctx, root, target, r)
		default:
			err = fmt.Errorf("%w: archive: %q is neither file nor folder", ErrDamaged, h.Name)
		}
		if err != nil {
			return err
		}
	}
	data, err := jsonfile.Encode(sizes)
	if err != nil {
		return err
	}
	var w atomicfile.Writer
	return w.Add(root, path.Join(dir, manifestName), data)
}

func unpackFile(ctx context.Context, root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, contextReader{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", path.Base(name), err)
	}
	return nil
}

// contextReader stops reading when ctx is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
