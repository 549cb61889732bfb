package studio

import (
	"context"
	"sync"
	"testing"
	"time"
)

func TestLatestWins(t *testing.T) {
	var l latest
	var mu sync.Mutex
	var finished []int
	started := make(chan int, 10)
	work := func(n int) func(context.Context) {
		return func(ctx context.Context) {
			started <- n
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
				mu.Lock()
				finished = append(finished, n)
				mu.Unlock()
			}
		}
	}
	l.Start(work(0))
	if n := <-started; n != 0 {
		t.Fatalf("%d started first", n)
	}
	for n := 1; n <= 5; n++ {
		l.Start(work(n))
	}
	deadline := time.After(10 * time.Second)
	for last := 0; last != 5; {
		select {
		case last = <-started:
		case <-deadline:
			t.Fatal("the newest work never started")
		}
	}
	time.Sleep(60 * time.Millisecond)
	l.Close()
	mu.Lock()
	defer mu.Unlock()
	if len(finished) != 1 || finished[0] != 5 {
		t.Errorf("finished %v, want the newest alone", finished)
	}
	l.Start(func(context.Context) { t.Error("work started after Close") })
	time.Sleep(20 * time.Millisecond)
}

func TestLatestKeepsTheContextOfFinishedWork(t *testing.T) {
	var l latest
	defer l.Close()
	first := make(chan context.Context, 1)
	l.Start(func(ctx context.Context) { first <- ctx })
	ctx := <-first
	time.Sleep(20 * time.Millisecond)
	if ctx.Err() != nil {
		t.Error("the context of the newest work ended with it")
	}
	l.Start(func(context.Context) {})
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the context of older work is still valid")
	}
}

// fakeClock runs timers when it is told that time has passed.
type fakeClock struct {
	now    time.Duration
	timers []*fakeTimer
}

type fakeTimer struct {
	at      time.Duration
	f       func()
	stopped bool
}

func (c *fakeClock) after(d time.Duration, f func()) func() bool {
	t := &fakeTimer{at: c.now + d, f: f}
	c.timers = append(c.timers, t)
	return func() bool { was := !t.stopped; t.stopped = true; return was }
}

func (c *fakeClock) advance(d time.Duration) {
	c.now += d
	for _, t := range c.timers {
		if !t.stopped && t.at <= c.now {
			t.stopped = true
			t.f()
		}
	}
}

func TestLiveWaitsForAPause(t *testing.T) {
	var c fakeClock
	fired := 0
	p := pauseTimer{after: c.after, post: func(f func()) { f() }, wait: livePause, fire: func() { fired++ }}
	for range 10 { // strokes in a row
		p.Touch()
		c.advance(200 * time.Millisecond)
	}
	if fired != 0 {
		t.Errorf("fired %d times while drawing", fired)
	}
	c.advance(99 * time.Millisecond)
	if fired != 0 {
		t.Error("fired before the pause was over")
	}
	c.advance(time.Millisecond)
	c.advance(time.Second)
	if fired != 1 {
		t.Errorf("fired %d times after the pause, want once", fired)
	}
	p.Touch()
	p.Stop()
	c.advance(time.Second)
	if fired != 1 {
		t.Error("fired after Stop")
	}
}

func TestPauseTimerForgetsAPostedCall(t *testing.T) {
	var c fakeClock
	var posted []func()
	fired := 0
	p := pauseTimer{after: c.after, post: func(f func()) { posted = append(posted, f) }, wait: livePause, fire: func() { fired++ }}
	p.Touch()
	c.advance(livePause) // the timer has run, its call waits for the UI goroutine
	p.Touch()            // where a new stroke came first
	for _, f := range posted {
		f()
	}
	if fired != 0 {
		t.Error("a call that was overtaken by a stroke was done")
	}
}
