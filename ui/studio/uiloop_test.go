package studio

import (
	"sync"
	"testing"

	"fyne.io/fyne/v2"
)

// uiLoop gives a test a UI goroutine. Fyne's test driver runs what goroutines
// post with fyne.Do where they are, at the same time as the test; this one runs
// it in order on one goroutine, as the driver of a real window does.
type uiLoop struct {
	mu     sync.Mutex
	more   *sync.Cond
	calls  []func()
	closed bool
}

// loopApp is a test app whose driver has a UI goroutine.
type loopApp struct {
	fyne.App
	driver fyne.Driver
}

func (a *loopApp) Driver() fyne.Driver { return a.driver }

type loopDriver struct {
	fyne.Driver
	loop *uiLoop
}

// DoFromGoroutine implements fyne.Driver.
func (d *loopDriver) DoFromGoroutine(f func(), wait bool) {
	if !wait {
		d.loop.post(f)
		return
	}
	done := make(chan struct{})
	d.loop.post(func() { f(); close(done) })
	<-done
}

// newUILoop starts the UI goroutine of a.
func newUILoop(t *testing.T, a fyne.App) *uiLoop {
	l := &uiLoop{}
	l.more = sync.NewCond(&l.mu)
	fyne.SetCurrentApp(&loopApp{App: a, driver: &loopDriver{Driver: a.Driver(), loop: l}})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for f := l.next(); f != nil; f = l.next() {
			f()
		}
	}()
	t.Cleanup(func() {
		l.mu.Lock()
		l.closed = true
		l.more.Signal()
		l.mu.Unlock()
		<-ended
	})
	return l
}

func (l *uiLoop) post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, f)
	l.more.Signal()
}

// next waits for a call; it returns nil when the loop is closed.
func (l *uiLoop) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.calls) == 0 && !l.closed {
		l.more.Wait()
	}
	if l.closed {
		return nil
	}
	f := l.calls[0]
	l.calls = l.calls[1:]
	return f
}
