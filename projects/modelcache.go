package projects

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"maquette/inference/checkpoint"
	"maquette/projects/internal/atomicfile"
)

// modelCacheName is the file in the user's cache in which it is remembered what
// model files hold, so that their headers need not be read again, nor gigabytes
// hashed. It can be deleted at any time.
const (
	modelCacheName    = "models.json"
	modelCacheVersion = 1
	maxModelCache     = 64 << 20 // bytes
)

// modelCache remembers model files by path, size and time of change.
type modelCache struct {
	log *slog.Logger

	mu      sync.Mutex
	loaded  bool
	changed bool
	files   map[string]modelFile
}

// modelFile is what is known of a file as long as size and time stay.
type modelFile struct {
	Size  int64             `json:"size"`
	Mtime int64             `json:"mtime"` // in nanoseconds
	Entry *checkpoint.Entry `json:"entry,omitempty"`
	Hash  *ModelHash        `json:"hash,omitempty"`
}

type modelCacheFile struct {
	Version int `json:"version"`
	// Program tells builds apart: another one may recognise more.
	Program string               `json:"program"`
	Files   map[string]modelFile `json:"files"`
}

// programStamp is this build.
func programStamp() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	st, err := os.Stat(exe)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", st.Size(), st.ModTime().UnixNano())
}

func newModelCache(log *slog.Logger) *modelCache {
	return &modelCache{log: log, files: map[string]modelFile{}}
}

// load reads the file once. The caller holds mu. An unreadable one is made again.
func (c *modelCache) load() {
	if c.loaded {
		return
	}
	c.loaded = true
	if stored := c.stored(); stored != nil {
		c.files = stored
	}
}

// stored reads the file; nil where there is none that can be used.
func (c *modelCache) stored() map[string]modelFile {
	root, err := modelCacheRoot()
	if err != nil {
		c.log.Warn("the models' cache cannot be read", "error", err)
		return nil
	}
	defer root.Close()
	data, err := readFile(root, modelCacheName, maxModelCache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var f modelCacheFile
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		c.log.Warn("the models' cache is unreadable and is made again", "error", err)
		return nil
	}
	if f.Version != modelCacheVersion {
		return nil
	}
	if stamp := programStamp(); stamp == "" || f.Program != stamp {
		for path, file := range f.Files { // hashes stay true
			file.Entry = nil
			f.Files[path] = file
		}
	}
	return f.Files
}

// join adds what others stored since the file was read: another library, the
// engine or another process.
func (c *modelCache) join() {
	for path, theirs := range c.stored() {
		ours, ok := c.files[path]
		switch {
		case !ok:
			c.files[path] = theirs
		case ours.Hash == nil && ours.Size == theirs.Size && ours.Mtime == theirs.Mtime:
			ours.Hash = theirs.Hash
			c.files[path] = ours
		}
	}
}

func modelCacheRoot() (*os.Root, error) {
	dir, err := cacheDir("models")
	if err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// get returns what is known of a file in its present state.
func (c *modelCache) get(path string, st fs.FileInfo) modelFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	f := c.files[path]
	if f.Size != st.Size() || f.Mtime != st.ModTime().UnixNano() {
		return modelFile{Size: st.Size(), Mtime: st.ModTime().UnixNano()}
	}
	return f
}

// put remembers more about a file.
func (c *modelCache) put(path string, st fs.FileInfo, change func(*modelFile)) {
	f := c.get(path, st)
	change(&f)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[path] = f
	c.changed = true
}

// Entry implements checkpoint.Known.
func (c *modelCache) Entry(path string, st fs.FileInfo) (checkpoint.Entry, bool) {
	f := c.get(path, st)
	if f.Entry == nil {
		return checkpoint.Entry{}, false
	}
	return *f.Entry, true
}

// Learn implements checkpoint.Known.
func (c *modelCache) Learn(path string, st fs.FileInfo, e checkpoint.Entry) {
	c.put(path, st, func(f *modelFile) { f.Entry = &e })
}

// save stores what is new. Files that are gone are forgotten. A failure is
// logged: the cache only saves time.
func (c *modelCache) save() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed {
		return
	}
	c.join()
	for path := range c.files {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			delete(c.files, path)
		}
	}
	data, err := json.Marshal(modelCacheFile{modelCacheVersion, programStamp(), c.files})
	if err == nil {
		err = c.write(data)
	}
	if err != nil {
		c.log.Warn("the models' cache cannot be stored", "error", err)
		return
	}
	c.changed = false
}

func (c *modelCache) write(data []byte) error {
	root, err := modelCacheRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	var w atomicfile.Writer
	return w.Replace(root, modelCacheName, data)
}

// cachedFor is a list that is taken to be right for a while.
type cachedFor struct {
	entries []checkpoint.Entry
	time    time.Time
}
