package inference

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
)

// readShare is the part of a network's loading that reading its file is taken for;
// the rest is ONNX Runtime's, which says nothing of how far it is.
const readShare = 0.7

// loading tells how far the loading of a render's networks is, by bytes.
type loading struct {
	m      *meter
	shares []float64 // of each part that isn't loaded yet, in units of work
	base   float64   // work that was done before the part under way
	now    int       // that part
}

// newLoading plans the loading of the parts whose keys aren't in the cache.
func (r *run) newLoading(parts []part, keys []string) *loading {
	l := &loading{m: r.meter, shares: make([]float64, len(parts)), base: r.meter.done}
	var total float64
	for i, p := range parts {
		if !p.spare && !r.e.cache.has(keys[i]) {
			l.shares[i] = float64(p.bytes())
			total += l.shares[i]
		}
	}
	for i := range l.shares {
		l.shares[i] *= loadUnits / max(total, 1)
	}
	return l
}

// tell reports that so many of the bytes of the part under way are read.
func (l *loading) tell(done, total int64) {
	at := l.base + l.shares[l.now]*readShare*float64(done)/float64(max(total, 1))
	if at-l.m.done > 0.01*loadUnits {
		l.m.done = at
		l.m.send(Progress{})
	}
}

// begin begins a part.
func (l *loading) begin(part int) { l.now = part }

// read says that the part under way is read.
func (l *loading) read() {
	l.base += readShare * l.shares[l.now]
	l.shares[l.now] *= 1 - readShare
}

// finished ends a part.
func (l *loading) finished(part int) {
	l.base += l.shares[part]
	if l.shares[part] > 0 {
		l.m.done = l.base
		l.m.send(Progress{})
	}
}

// readAhead reads the weights of a network, so that ONNX Runtime finds them in
// memory: unlike its loading, that can be followed and stopped, and on a slow disk
// it is what takes the time.
func (l *loading) readAhead(ctx context.Context, p part) error {
	type span struct {
		path          string
		offset, bytes int64
	}
	var spans []span
	for _, c := range p.components() {
		for _, name := range c.Names() {
			if path, t, ok := c.Lookup(name); ok {
				spans = append(spans, span{path, t.Offset, t.Bytes})
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.offset, b.offset)) })
	buffer := make([]byte, 256<<10) // it stays in the processor's cache
	var f *os.File
	defer func() {
		if f != nil {
			f.Close()
		}
	}()
	var done int64
	for _, s := range spans {
		if f == nil || f.Name() != s.path {
			if f != nil {
				f.Close()
			}
			var err error
			if f, err = os.Open(s.path); err != nil {
				return err
			}
		}
		for at := int64(0); at < s.bytes; at += int64(len(buffer)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(int64(len(buffer)), s.bytes-at)
			if _, err := f.ReadAt(buffer[:n], s.offset+at); err != nil {
				return fmt.Errorf("reading the weights of %s: %w", s.path, err)
			}
			done += n
			l.tell(done, p.bytes())
		}
	}
	return nil
}
