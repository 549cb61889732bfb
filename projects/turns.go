package projects

import (
	"context"
	"slices"
	"sync"
)

// turns gives the engine to one render at a time. Live renders come before
// queued ones, so that a drawing hand waits for the running render at most.
type turns struct {
	mu             sync.Mutex
	busy           bool
	urgent, normal []chan struct{}
}

// take waits for the engine. After a nil error, give must be called.
func (t *turns) take(ctx context.Context, urgent bool) error {
	t.mu.Lock()
	if err := ctx.Err(); err != nil {
		t.mu.Unlock()
		return err
	}
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	line := &t.normal
	if urgent {
		line = &t.urgent
	}
	*line = append(*line, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(*line, mine)
	if i >= 0 {
		*line = slices.Delete(*line, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // the turn came at the same moment: pass it on
		t.give()
	}
	return ctx.Err()
}

// give hands the engine to the next in line.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range []*[]chan struct{}{&t.urgent, &t.normal} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = (*line)[1:]
			return
		}
	}
	t.busy = false
}
