package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maquette/inference"
)

func TestLive(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 10), started: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	ctx := context.Background()
	first := make(chan error, 1)
	go func() {
		_, err := q.Live(ctx, drawing(), small("first", 4), nil)
		first <- err
	}()
	<-pt.started
	var progress atomic.Int32
	pt.gate <- struct{}{} // whoever comes first: one image
	second := make(chan error, 1)
	go func() {
		img, err := q.Live(ctx, drawing(), small("second", 4), func(inference.Progress) { progress.Add(1) })
		if err == nil && img.Rect.Size() != image.Pt(64, 64) {
			err = fmt.Errorf("size %v", img.Rect)
		}
		second <- err
	}()
	// The first either got the token before it was superseded, or gave way.
	if err := <-first; err != nil && !errors.Is(err, ErrSuperseded) {
		t.Fatalf("first: %v", err)
	}
	pt.gate <- struct{}{}
	if err := <-second; err != nil || progress.Load() == 0 {
		t.Fatalf("second: %v, %d reports", err, progress.Load())
	}
	pt.set(func() {
		for i, r := range pt.requests {
			if !r.Draft || r.Count != 1 {
				t.Errorf("request %d asks for %d images, draft: %v", i, r.Count, r.Draft)
			}
		}
	})
	if _, total, err := p.Concepts(ctx, Query{}); err != nil || total != 0 {
		t.Fatalf("Live stored %d concepts, %v", total, err)
	}
	if _, err := q.Live(ctx, nil, small("x", 1), nil); err == nil {
		t.Error("no sketch")
	}
}

func TestLiveIsSupersededWhileItRenders(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}), started: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	results := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := q.Live(context.Background(), drawing(), small("x", 1), nil)
			results <- err
		}()
		<-pt.started
	}
	for range 2 {
		if err := <-results; !errors.Is(err, ErrSuperseded) {
			t.Fatalf("%v", err)
		}
	}
	pt.gate <- struct{}{}
	if err := <-results; err != nil {
		t.Fatal(err)
	}
}

// TestLiveComesBeforeQueuedJobs lets a job run, queues another, and draws.
func TestLiveComesBeforeQueuedJobs(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}), started: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	one, two := enqueue(t, q, small("one", 1)), enqueue(t, q, small("two", 1))
	<-pt.started
	live := make(chan error, 1)
	go func() {
		_, err := q.Live(context.Background(), drawing(), small("live", 1), nil)
		live <- err
	}()
	for { // until Live stands in line
		q.turns.mu.Lock()
		n := len(q.turns.urgent)
		q.turns.mu.Unlock()
		if n > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		pt.gate <- struct{}{}
	}
	if err := <-live; err != nil {
		t.Fatal(err)
	}
	wait(t, q, one.ID)
	wait(t, q, two.ID)
	var order []string
	for _, req := range pt.requests {
		order = append(order, req.Prompt)
	}
	if got := strings.Join(order, " "); got != "one live two" || pt.overlap.Load() {
		t.Errorf("order %s, overlap %v", got, pt.overlap.Load())
	}
}

func TestTurnsPassOnWhenGivenUp(t *testing.T) {
	var tu turns
	ctx := context.Background()
	for range 200 {
		if err := tu.take(ctx, false); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithCancel(ctx)
		gave := make(chan error, 1)
		go func() { gave <- tu.take(short, true) }()
		go cancel()
		tu.give()
		if err := <-gave; err == nil {
			tu.give()
		}
		if tu.take(ctx, false) != nil {
			t.Fatal("the engine got lost")
		}
		tu.give()
	}
}

func TestFit(t *testing.T) {
	wide := image.NewNRGBA(image.Rect(10, 10, 110, 60)) // transparent, not at the origin
	wide.Set(60, 35, color.Black)
	got := fit(wide, image.Pt(64, 64))
	if got.Rect != image.Rect(0, 0, 64, 64) || got.RGBAAt(0, 0) != (color.RGBA{255, 255, 255, 255}) || got.RGBAAt(32, 32).R > 200 {
		t.Errorf("%v, corner %v, middle %v", got.Rect, got.RGBAAt(0, 0), got.RGBAAt(32, 32))
	}
	dark := paint(30, 90, 0) // its own ground is the padding
	if got = fit(dark, image.Pt(64, 64)); got.RGBAAt(1, 32) != got.RGBAAt(32, 32) || got.RGBAAt(1, 32).B != 100 {
		t.Errorf("padding %v", got.RGBAAt(1, 32))
	}
	for _, size := range []image.Point{{1, 4000}, {4000, 1}, {65, 64}, {64, 64}} {
		if got := fit(paint(size.X, size.Y, 0), image.Pt(64, 64)); got.Rect.Size() != image.Pt(64, 64) {
			t.Errorf("%v: %v", size, got.Rect)
		}
	}
}
