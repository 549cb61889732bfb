package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"sync"

	"github.com/disintegration/imaging"

	"maquette/inference"
)

// ErrSuperseded is what Live returns when a later call took its place.
var ErrSuperseded = errors.New("a newer drawing took its place")

// liveCall remembers the newest call of Live.
type liveCall struct {
	mu     sync.Mutex
	cancel context.CancelCauseFunc
}

// start cancels the call before and becomes the newest.
func (l *liveCall) start(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel(ErrSuperseded)
	}
	l.cancel = cancel
	return ctx, cancel
}

func (l *liveCall) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel(ErrClosed)
	}
}

// Live renders the first image of a recipe without storing anything. The latest
// call wins: one that is still at work returns ErrSuperseded. It does not wait
// for jobs that are queued, only for a render that has begun; between two calls
// of Live the queue goes on. progress may be nil. A few steps at a small size
// keep it quick, which is up to the recipe.
func (q *Queue) Live(ctx context.Context, sketch image.Image, r Recipe, progress func(inference.Progress)) (*image.RGBA, error) {
	r.Count = 1
	if err := r.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := q.live.start(ctx)
	defer cancel(nil)
	stopWithQueue := context.AfterFunc(q.ctx, func() { cancel(ErrClosed) })
	defer stopWithQueue()
	img, err := q.renderLive(ctx, sketch, r, progress)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, ErrSuperseded) || errors.Is(cause, ErrClosed) {
			err = cause
		}
		return nil, fmt.Errorf("live render: %w", err)
	}
	return img, nil
}

func (q *Queue) renderLive(ctx context.Context, sketch image.Image, r Recipe, progress func(inference.Progress)) (img *image.RGBA, err error) {
	r.Views = nil // the side that is drawn
	req, err := q.request(ctx, sketch, r, func(notes []string) {
		for _, n := range notes {
			if progress != nil {
				progress(inference.Progress{Stage: inference.StageLoad, Note: n})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	req.Count, req.PreviewEvery, req.Draft = 1, 1, true
	if err := q.turns.take(ctx, true); err != nil {
		return nil, err
	}
	defer q.turns.give()
	err = q.safely(func() error {
		result, err := q.renderer.Render(ctx, req, func(p inference.Progress) {
			if progress != nil {
				progress(p)
			}
		})
		if err != nil {
			return err
		}
		if len(result.Images) == 0 {
			return errors.New("the engine returned no image")
		}
		img = result.Images[0]
		return nil
	})
	return img, err
}

// fit scales src to size, on paper of its own ground where the shapes differ;
// transparent parts become white. Control images are fitted in the same way.
func fit(src image.Image, size image.Point) *image.RGBA {
	flat := onWhite(src)
	to := fitted(flat.Rect.Size(), size)
	if flat.Rect.Size() == to && to == size {
		return flat
	}
	scaled := imaging.Resize(flat, to.X, to.Y, imaging.Lanczos)
	if to == size {
		return toRGBA(scaled)
	}
	return toRGBA(imaging.PasteCenter(imaging.New(size.X, size.Y, border(flat)), scaled))
}

// fitted is the largest size of the shape of from within size; a rest of one
// pixel is no other shape.
func fitted(from, size image.Point) image.Point {
	w, h := size.X, size.X*from.Y/from.X
	if h > size.Y {
		w, h = size.Y*from.X/from.Y, size.Y
	}
	if size.X-w <= 1 && size.Y-h <= 1 {
		return size
	}
	return image.Pt(max(w, 1), max(h, 1))
}

// border is the mean colour of an image's outermost pixels.
func border(img *image.RGBA) color.Color {
	var sum [3]int
	n := 0
	add := func(x, y int) {
		c := img.RGBAAt(x, y)
		sum[0], sum[1], sum[2] = sum[0]+int(c.R), sum[1]+int(c.G), sum[2]+int(c.B)
		n++
	}
	for x := range img.Rect.Dx() {
		add(x, 0)
		add(x, img.Rect.Dy()-1)
	}
	for y := range img.Rect.Dy() {
		add(0, y)
		add(img.Rect.Dx()-1, y)
	}
	return color.NRGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255}
}
