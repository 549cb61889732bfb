package inference

import (
	"fmt"
	"maps"
	"slices"

	"maquette/inference/runtime"
)

// defaultCacheBytes is the Config.CacheBytes that 0 stands for: half of the
// machine's memory, so that a checkpoint and its controls stay where they fit.
func defaultCacheBytes() int64 { return max(meminfo("MemTotal", 12<<30)/2, 1<<30) }

// sessionCache keeps loaded networks between renders, up to a number of bytes;
// those that were used longest ago go first. It is used under the engine's turn.
type sessionCache struct {
	limit, bytes int64
	clock        int64
	loaded       map[string]*loadedSession
}

type loadedSession struct {
	*runtime.Session
	bytes, used int64
	pinned      bool // in use by the running render
}

// use returns the session of a key and pins it, or nil where it isn't there.
func (c *sessionCache) use(key string) *runtime.Session {
	s, ok := c.loaded[key]
	if !ok {
		return nil
	}
	c.clock++
	s.used, s.pinned = c.clock, true
	return s.Session
}

// put keeps a session, pinned, under a key that isn't there.
func (c *sessionCache) put(key string, s *runtime.Session) {
	c.clock++
	if c.loaded == nil {
		c.loaded = map[string]*loadedSession{}
	}
	c.loaded[key] = &loadedSession{Session: s, bytes: s.MemoryBytes(), used: c.clock, pinned: true}
	c.bytes += s.MemoryBytes()
}

// free closes a session, if it is there.
func (c *sessionCache) free(s *runtime.Session) error {
	for key, have := range c.loaded {
		if have.Session == s {
			return c.drop(key)
		}
	}
	return nil
}

// has says whether a key is loaded.
func (c *sessionCache) has(key string) bool {
	_, ok := c.loaded[key]
	return ok
}

// keys are those that are loaded.
func (c *sessionCache) keys() []string { return slices.Collect(maps.Keys(c.loaded)) }

// unpin ends the render's hold on its sessions and frees what is over the limit.
func (c *sessionCache) unpin() error {
	for _, s := range c.loaded {
		s.pinned = false
	}
	return c.shrink(c.limit)
}

// release closes all sessions that the running render doesn't use, and those of
// the network of that name.
func (c *sessionCache) release(network string) error {
	for key, s := range c.loaded {
		if s.pinned && s.Name() != network {
			continue
		}
		if err := c.drop(key); err != nil {
			return err
		}
	}
	return nil
}

// shrink closes the sessions that were used longest ago until at most limit bytes are held.
func (c *sessionCache) shrink(limit int64) error {
	for c.bytes > limit {
		oldest := ""
		for key, s := range c.loaded {
			if !s.pinned && (oldest == "" || s.used < c.loaded[oldest].used) {
				oldest = key
			}
		}
		if oldest == "" {
			return nil // the running render needs all that is left
		}
		if err := c.drop(oldest); err != nil {
			return err
		}
	}
	return nil
}

func (c *sessionCache) drop(key string) error {
	s := c.loaded[key]
	delete(c.loaded, key)
	c.bytes -= s.bytes
	if err := s.Close(); err != nil {
		return fmt.Errorf("freeing a model: %w", err)
	}
	return nil
}

// clear closes all sessions.
func (c *sessionCache) clear() error {
	for key := range c.loaded {
		if err := c.drop(key); err != nil {
			return err
		}
	}
	return nil
}
