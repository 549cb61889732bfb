package studio

import (
	"context"
	"sync"
	"time"
)

// latest runs work in the background, one at a time, the newest wins: starting
// new work cancels the one that runs and drops the one that waits. A context
// stays valid after its work has returned until newer work starts, so that what
// the work has posted to the UI goroutine can ask it whether it is still wanted.
type latest struct {
	mu      sync.Mutex
	cancel  context.CancelFunc
	next    func(ctx context.Context)
	running bool
	closed  bool
	done    sync.WaitGroup
}

// Start runs work as soon as the work before it has noticed its cancellation.
// It never blocks.
func (l *latest) Start(work func(ctx context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.next = work
	if l.cancel != nil {
		l.cancel()
	}
	if !l.running {
		l.running = true
		l.done.Add(1)
		go l.loop()
	}
}

// Cancel stops what runs and forgets what waits.
func (l *latest) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = nil
	if l.cancel != nil {
		l.cancel()
	}
}

// Close is Cancel for good; it waits until nothing runs.
func (l *latest) Close() {
	l.Cancel()
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.done.Wait()
}

func (l *latest) loop() {
	defer l.done.Done()
	for {
		l.mu.Lock()
		work := l.next
		l.next = nil
		if work == nil {
			l.running = false
			l.mu.Unlock()
			return
		}
		if l.cancel != nil {
			l.cancel()
		}
		ctx, cancel := context.WithCancel(context.Background())
		l.cancel = cancel
		l.mu.Unlock()
		work(ctx)
	}
}

// clock makes timers; tests replace it.
type clock func(d time.Duration, f func()) (stop func() bool)

func realClock(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// livePause is how long the pen must rest before a live render starts.
const livePause = 300 * time.Millisecond

// pauseTimer calls fire when nothing has happened for a while. All methods and
// fire belong to the UI goroutine; post brings the timer's call there.
type pauseTimer struct {
	after clock
	post  func(func())
	wait  time.Duration
	fire  func()
	stop  func() bool
	turn  int
}

// Touch starts the wait anew.
func (p *pauseTimer) Touch() {
	p.Stop()
	turn := p.turn
	p.stop = p.after(p.wait, func() {
		p.post(func() {
			if p.turn == turn {
				p.stop = nil
				p.fire()
			}
		})
	})
}

// Stop forgets the wait.
func (p *pauseTimer) Stop() {
	p.turn++
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
}
