package quant

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"maquette/inference/checkpoint"
)

// version changes when the content of copies does.
const version = "maquette int8 1"

// DefaultLimit bounds a Store's folder: room for the copies of about eight
// checkpoints of Stable Diffusion 1.5, or three of XL.
const DefaultLimit = 8 << 30

const (
	ending     = ".safetensors"
	temporary  = ".writing-"
	lockName   = "lock"
	lockRepeat = 50 * time.Millisecond
)

// Store is a folder of copies. It is safe for concurrent use, by processes too.
type Store struct {
	// Dir is the folder; it is made when the first copy is.
	Dir string
	// Limit bounds the bytes of all copies. The newest is kept even if it is larger.
	Limit int64
}

// DefaultDir is the folder for copies in the user's cache folder.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for quantized weights: %w", err)
	}
	return filepath.Join(dir, "maquette", "int8"), nil
}

// Get gives the copy of layers, which it makes where the folder has none. hash
// identifies the content of their files. progress, if not nil, is told how many
// of the bytes to read are done; it isn't called for a copy that is there.
//
// Errors: ctx's, and those of the file system, such as a full disk.
func (s *Store) Get(ctx context.Context, hash string, layers []Layer, progress func(done, total int64)) (*Copy, error) {
	if len(layers) == 0 {
		return nil, errors.New("quantizing: no layers were chosen")
	}
	if s.Dir == "" {
		return nil, errors.New("quantizing: there is no cache folder; set HOME or XDG_CACHE_HOME")
	}
	path := filepath.Join(s.Dir, key(hash, layers)+ending)
	if c, err := use(path); err == nil {
		return c, nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for quantized weights: %w", err)
	}
	// One process writes at a time; who waits for the same copy finds it then.
	lock := flock.New(filepath.Join(s.Dir, lockName))
	if _, err := lock.TryLockContext(ctx, lockRepeat); err != nil {
		return nil, fmt.Errorf("locking %s: %w", s.Dir, err)
	}
	defer lock.Unlock()
	if c, err := use(path); err == nil {
		return c, nil
	}
	s.sweep()
	if err := write(ctx, path, hash, layers, progress); err != nil {
		return nil, fmt.Errorf("quantizing into %s: %w", path, err)
	}
	s.evict(path)
	return use(path)
}

// use opens a copy and notes that it was used.
func use(path string) (*Copy, error) {
	f, err := checkpoint.OpenSafetensors(path)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return nil, err
	}
	return &Copy{f}, nil
}

// key names a copy by what it is made of.
func key(hash string, layers []Layer) string {
	h := sha256.New()
	fmt.Fprintln(h, version, hash)
	for _, l := range layers {
		fmt.Fprintln(h, l.Name, l.out, l.in, l.kernel, l.tensor.DType, l.tensor.Offset)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// write makes a copy beside path and renames it.
func write(ctx context.Context, path, hash string, layers []Layer, progress func(done, total int64)) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return err
	}
	defer func() {
		f.Close() // a second time where all went well
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	header, places, total, err := layout(hash, layers)
	if err != nil {
		return err
	}
	if _, err := f.Write(header); err != nil {
		return err
	}
	if err := fill(ctx, f, int64(len(header)), layers, places, progress); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(header)) + total); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// place is where a layer's tensors lie behind the header.
type place struct{ values, scale int64 }

// layout writes the header of a safetensors file and says where its tensors go.
func layout(hash string, layers []Layer) (header []byte, places []place, total int64, err error) {
	type entry struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	all := map[string]any{"__metadata__": map[string]string{"format": version, "source": hash}}
	add := func(name, dtype string, bytes int64, shape ...int64) int64 {
		at := total
		total += bytes
		all[name] = entry{dtype, shape, [2]int64{at, total}}
		return at
	}
	for _, l := range layers {
		p := place{scale: add(l.Name+scaleSuffix, "F32", 4*l.out, l.out)}
		p.values = add(l.Name, "I8", l.elements(), l.in*l.kernel, l.out)
		places = append(places, p)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, nil, 0, err
	}
	// Spaces bring the data to a multiple of 64 bytes.
	text = append(text, strings.Repeat(" ", (64-(8+len(text))%64)%64)...)
	header = binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(header, text...), places, total, nil
}

// fill quantizes the layers, several at once, and writes them to their places
// behind the header.
func fill(ctx context.Context, f *os.File, header int64, layers []Layer, places []place, progress func(done, total int64)) error {
	var total int64
	for _, l := range layers {
		total += l.tensor.Bytes
	}
	done := make(chan int64)
	told := make(chan struct{})
	go func() {
		defer close(told)
		var sum int64
		for n := range done {
			if sum += n; progress != nil {
				progress(sum, total)
			}
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(runtime.GOMAXPROCS(0), 4))
	for i, l := range layers {
		group.Go(func() error {
			values, scale := make([]int8, l.elements()), make([]float32, l.out)
			if err := l.quantize(ctx, values, scale, func(n int64) { done <- n }); err != nil {
				return err
			}
			if _, err := f.WriteAt(l.bytes(scale), header+places[i].scale); err != nil {
				return err
			}
			raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values))
			_, err := f.WriteAt(raw, header+places[i].values)
			return err
		})
	}
	err := group.Wait()
	close(done)
	<-told
	return err
}

// Size is the number of copies in the folder and their bytes.
func (s *Store) Size() (copies int, bytes int64) {
	paths, _ := filepath.Glob(filepath.Join(s.Dir, "*"+ending))
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			copies++
			bytes += info.Size()
		}
	}
	return copies, bytes
}

// sweep removes what writers left that were killed. It needs the lock.
func (s *Store) sweep() {
	left, _ := filepath.Glob(filepath.Join(s.Dir, temporary+"*"))
	for _, path := range left {
		os.Remove(path)
	}
}

// evict removes the copies that were used longest ago until the rest is within
// the limit; it never removes keep. What can't be removed, such as a file that
// another process uses on Windows, stays.
func (s *Store) evict(keep string) {
	paths, _ := filepath.Glob(filepath.Join(s.Dir, "*"+ending))
	type copied struct {
		path string
		info fs.FileInfo
	}
	var list []copied
	var sum int64
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			list = append(list, copied{path, info})
			sum += info.Size()
		}
	}
	slices.SortFunc(list, func(a, b copied) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	for _, c := range list {
		if sum <= s.Limit {
			return
		}
		if c.path != keep && os.Remove(c.path) == nil {
			sum -= c.info.Size()
		}
	}
}
