package gallery

import (
	"context"

	"fyne.io/fyne/v2"

	"maquette/projects"
)

const pageSize = 120 // stacks read at a time

// source is the part of a project that lists concepts, those of a set as one.
type source interface {
	Stacks(ctx context.Context, q projects.Query) ([]projects.Stack, int, error)
	Concepts(ctx context.Context, q projects.Query) ([]projects.Concept, int, error)
}

// list is a window onto the stacks of a project that match a query. Pages are
// read in the background when they are first looked at, so that a project of
// ten thousand concepts opens as fast as one of ten. All methods belong to the
// UI goroutine.
type list struct {
	src     source
	do      func(func()) // runs a function on the UI goroutine
	changed func()       // called when what at and total return has changed
	failed  func(error)

	query   projects.Query
	pages   map[int][]projects.Stack
	loading map[int]bool
	total   int  // stacks
	count   int  // concepts in all stacks
	known   bool // total has been read at least once
	cancel  context.CancelFunc
	ctx     context.Context
}

func newList(src source, changed func(), failed func(error)) *list {
	l := &list{src: src, do: fyne.Do, changed: changed, failed: failed, pages: map[int][]projects.Stack{}}
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

// at returns stack i of the list, or false while its page is being read.
func (l *list) at(i int) (projects.Stack, bool) {
	page, k := i/pageSize, i%pageSize
	if p, ok := l.pages[page]; ok {
		if k < len(p) {
			return p[k], true
		}
		return projects.Stack{}, false
	}
	l.read(page, false)
	return projects.Stack{}, false
}

// find returns the place of a single concept among the pages that were read.
func (l *list) find(id string) (int, bool) {
	for page, stacks := range l.pages {
		for k, st := range stacks {
			if st.Set == nil && st.Cover.ID == id {
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
		stacks, total, err := l.src.Stacks(ctx, q)
		count := total
		if err == nil && fresh {
			q.Offset, q.Limit = 0, 1 // only the number is wanted
			_, count, err = l.src.Concepts(ctx, q)
		}
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
				l.pages, l.count = map[int][]projects.Stack{}, count
			}
			l.pages[page], l.total, l.known = stacks, total, true
			l.changed()
		})
	}()
}
