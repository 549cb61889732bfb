// Package uitest gives tests of widgets a UI goroutine.
package uitest

import (
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
)

// Loop gives a test a UI goroutine. Fyne's test driver runs what goroutines
// post with fyne.Do where they are, at the same time as the test; this one runs
// it in order on one goroutine, as the driver of a real window does.
type Loop struct {
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
	loop *Loop
}

// DoFromGoroutine implements fyne.Driver.
func (d *loopDriver) DoFromGoroutine(f func(), wait bool) {
	if !wait {
		d.loop.Post(f)
		return
	}
	done := make(chan struct{})
	d.loop.Post(func() { f(); close(done) })
	<-done
}

// New starts the UI goroutine of an app; it ends with the test.
func New(t *testing.T, a fyne.App) *Loop {
	t.Helper()
	l := &Loop{}
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

// Post runs f on the UI goroutine, some time.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, f)
	l.more.Signal()
}

// Do runs f on the UI goroutine and waits for it.
func (l *Loop) Do(f func()) {
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		f()
	})
	<-done
}

// Wait asks on the UI goroutine until ok is true, and fails the test after a while.
func (l *Loop) Wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		done := false
		l.Do(func() { done = ok() })
		if done {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

// next waits for a call; it returns nil when the loop is closed.
func (l *Loop) next() func() {
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
