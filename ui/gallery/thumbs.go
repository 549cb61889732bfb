package gallery

import (
	"context"
	"errors"
	"image"
	"sync"

	"fyne.io/fyne/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	thumbPixels  = 320      // longer side in pixels: crisp for a 160-unit cell at scale 2
	thumbBudget  = 96 << 20 // bytes of decoded thumbnails kept
	thumbWorkers = 2
	thumbPending = 256 // requests kept; older ones belong to cells long scrolled away
)

// thumbLoader makes the thumbnail of a concept, its longer side at most px pixels.
type thumbLoader func(ctx context.Context, id string, px int) (*image.RGBA, error)

// thumbs loads thumbnails in the background and keeps the latest within a byte
// budget. The newest request is served first, since it is the one on screen.
type thumbs struct {
	load thumbLoader
	do   func(func()) // runs a function on the UI goroutine

	mu      sync.Mutex
	wake    *sync.Cond
	cache   *simplelru.LRU[string, *image.RGBA]
	bytes   int
	pending []thumbRequest // last in, first out
	closed  bool
	cancel  context.CancelFunc
}

type thumbRequest struct {
	id   string
	done func(*image.RGBA, error)
}

// newThumbs starts the workers; close ends them.
func newThumbs(load thumbLoader, budget int) *thumbs {
	ctx, cancel := context.WithCancel(context.Background())
	t := &thumbs{load: load, do: fyne.Do, cancel: cancel}
	t.wake = sync.NewCond(&t.mu)
	// The count is bounded by the byte budget long before this size.
	t.cache, _ = simplelru.NewLRU(1<<20, func(_ string, img *image.RGBA) { t.bytes -= len(img.Pix) })
	for range thumbWorkers {
		go t.work(ctx, budget)
	}
	return t
}

// get returns the thumbnail if it is in memory.
func (t *thumbs) get(id string) (*image.RGBA, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cache.Get(id)
}

// want loads the thumbnail and calls done on the UI goroutine. A request may be
// dropped when many newer ones wait, so cells ask again each time they are shown.
func (t *thumbs) want(id string, done func(*image.RGBA, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == thumbPending {
		t.pending = append(t.pending[:0], t.pending[1:]...)
	}
	t.pending = append(t.pending, thumbRequest{id, done})
	t.wake.Signal()
}

// forget drops a thumbnail whose concept has changed or gone.
func (t *thumbs) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache.Remove(id)
}

func (t *thumbs) close() {
	t.mu.Lock()
	t.closed = true
	t.pending = nil
	t.mu.Unlock()
	t.cancel()
	t.wake.Broadcast()
}

func (t *thumbs) work(ctx context.Context, budget int) {
	for {
		r, ok := t.next()
		if !ok {
			return
		}
		img, cached := t.get(r.id)
		var err error
		if !cached {
			img, err = t.load(ctx, r.id, thumbPixels)
			if errors.Is(err, context.Canceled) {
				return
			}
			if err == nil {
				t.keep(r.id, img, budget)
			}
		}
		t.do(func() { r.done(img, err) })
	}
}

func (t *thumbs) next() (thumbRequest, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.pending) == 0 && !t.closed {
		t.wake.Wait()
	}
	if t.closed {
		return thumbRequest{}, false
	}
	last := len(t.pending) - 1
	r := t.pending[last]
	t.pending = t.pending[:last]
	return r, true
}

func (t *thumbs) keep(id string, img *image.RGBA, budget int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache.Remove(id)
	t.cache.Add(id, img)
	t.bytes += len(img.Pix)
	for t.bytes > budget && t.cache.Len() > 1 {
		t.cache.RemoveOldest()
	}
}
