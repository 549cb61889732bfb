package projects

import "sync"

// hub hands events to any number of subscribers. Publishing never waits: each
// subscriber has a queue without bound, in which a newer JobChanged takes the
// place of an unread one of the same job and a QueueChanged that is still
// unread is not repeated, so that progress cannot pile up.
type hub struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
}

type subscriber struct {
	mu      sync.Mutex
	pending []Event
	wake    chan struct{} // holds a token while pending may be non-empty
	quit    chan struct{}
	once    sync.Once
}

// Subscribe returns the stream of what happens to the project from now on.
// Reading slowly holds up nobody. The channel closes after cancel, which may
// be called more than once, or when the project is closed.
func (p *Project) Subscribe() (events <-chan Event, cancel func()) { return p.hub.subscribe() }

func (h *hub) subscribe() (<-chan Event, func()) {
	s := &subscriber{wake: make(chan struct{}, 1), quit: make(chan struct{})}
	out := make(chan Event)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(out)
		return out, func() {}
	}
	if h.subs == nil {
		h.subs = map[*subscriber]struct{}{}
	}
	h.subs[s] = struct{}{}
	go s.deliver(out)
	return out, func() {
		h.mu.Lock()
		delete(h.subs, s)
		h.mu.Unlock()
		s.stop()
	}
}

func (h *hub) publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.add(e)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		s.stop()
	}
	clear(h.subs)
}

func (s *subscriber) stop() { s.once.Do(func() { close(s.quit) }) }

func (s *subscriber) add(e Event) {
	s.mu.Lock()
	if !s.coalesce(e) {
		s.pending = append(s.pending, e)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// coalesce puts e in the place of an unread event that it makes pointless.
func (s *subscriber) coalesce(e Event) bool {
	for i := range s.pending {
		switch old := s.pending[i].(type) {
		case JobChanged:
			if job, ok := e.(JobChanged); ok && old.Job.ID == job.Job.ID {
				s.pending[i] = e
				return true
			}
		case QueueChanged:
			if _, ok := e.(QueueChanged); ok {
				return true
			}
		}
	}
	return false
}

// deliver hands pending events over, one at a time, so that an event that is
// not read yet can still be coalesced.
func (s *subscriber) deliver(out chan<- Event) {
	defer close(out)
	for {
		s.mu.Lock()
		var next Event
		if len(s.pending) > 0 {
			next = s.pending[0]
			s.pending[0] = nil // lets its images go
			s.pending = s.pending[1:]
		}
		s.mu.Unlock()
		if next == nil {
			select {
			case <-s.wake:
				continue
			case <-s.quit:
				return
			}
		}
		select {
		case out <- next:
		case <-s.quit:
			return
		}
	}
}
