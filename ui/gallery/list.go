package gallery

import (
	"context"

	"fyne.io/fyne/v2"

	"maquette/projects"
)

const pageSize = 120 // concepts read at a time

// source is the part of a project that lists concepts.
type source interface {
	Concepts(ctx context.Context, q projects.Query) ([]projects.Concept, int, error)
}

// list is a window onto the concepts of a project that match a query. Pages are
// read in the background when they are first looked at, so that a project of
// ten thousand concepts opens as fast as one of ten. All methods belong to the
// UI goroutine.
type list struct {
	src     source
	do      func(func()) // runs a function on the UI goroutine
	changed func()       // called when what at and total return has changed
	failed  func(error)

	query   projects.Query
	pages   map[int][]projects.Concept
	loading map[int]bool
	total   int
	known   bool // total has been read at least once
	cancel  context.CancelFunc
	ctx     context.Context
}

func newList(src source, changed func(), failed func(error)) *list {
	l := &list{src: src, do: fyne.Do, changed: changed, failed: failed, pages: map[int][]projects.Concept{}}
	l.restart()
	return l
}

func (l *list) restart() {
	if l.cancel != nil {
		l.cancel()
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.loading = map[int]bool{}
}

// setQuery shows other concepts.
func (l *list) setQuery(q projects.Query) {
	l.query = q
	l.reload()
}

// reload reads the list anew. What is on screen stays until the answer is there.
func (l *list) reload() {
	l.restart()
	l.read(0, true)
}

// at returns concept i of the list, or false while its page is being read.
func (l *list) at(i int) (projects.Concept, bool) {
	page, k := i/pageSize, i%pageSize
	if p, ok := l.pages[page]; ok {
		if k < len(p) {
			return p[k], true
		}
		return projects.Concept{}, false
	}
	l.read(page, false)
	return projects.Concept{}, false
}

// find returns the place of a concept among the pages that were read.
func (l *list) find(id string) (int, bool) {
	for page, concepts := range l.pages {
		for k, c := range concepts {
			if c.ID == id {
				return page*pageSize + k, true
			}
		}
	}
	return 0, false
}

func (l *list) close() { l.cancel() }

func (l *list) read(page int, fresh bool) {
	if l.loading[page] {
		return
	}
	l.loading[page] = true
	ctx, q := l.ctx, l.query
	q.Offset, q.Limit = page*pageSize, pageSize
	go func() {
		concepts, total, err := l.src.Concepts(ctx, q)
		l.do(func() {
			if ctx.Err() != nil {
				return // a newer query has taken over
			}
			delete(l.loading, page)
			if err != nil {
				l.failed(err)
				return
			}
			if fresh {
				l.pages = map[int][]projects.Concept{}
			}
			l.pages[page], l.total, l.known = concepts, total, true
			l.changed()
		})
	}()
}
