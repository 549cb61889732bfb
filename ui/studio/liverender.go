package studio

import (
	"context"
	"errors"
	"image"
	"slices"

	"maquette/inference"
	"maquette/projects"
)

// setLive switches quick renders of every pause in drawing on or off.
func (w *workspace) setLive(on bool) {
	w.state.live = on
	if on {
		w.showPane(paneResult)
		w.renderLive()
	} else {
		w.cancelLive()
	}
	w.view.bar.show()
}

// liveSoon ends a live render of what is no longer wanted, and starts one of
// what there is now at the next pause.
func (w *workspace) liveSoon() {
	if w.state.live {
		w.cancelLive()
		w.livePause.Touch()
	}
}

// cancelLive ends the live render that runs, waits for the queue or for a pause.
func (w *workspace) cancelLive() {
	w.livePause.Stop()
	w.live.Cancel()
	w.liveRuns, w.liveOwed = false, false
}

// rendering reports whether the queue has work to do, which comes before live renders.
func (w *workspace) rendering() bool {
	paused := w.queue.Paused()
	return slices.ContainsFunc(w.queue.Jobs(), func(j projects.Job) bool {
		return j.State == projects.JobRunning || j.State == projects.JobQueued && !paused
	})
}

// liveYields lets the queue go before a live render, which comes again when the
// queue is done.
func (w *workspace) liveYields() {
	switch busy := w.rendering(); {
	case busy && w.liveRuns:
		w.cancelLive()
		w.liveOwed = true
	case !busy && w.liveOwed:
		w.liveSoon()
	}
}

// renderLive renders the drawing quickly and stores nothing.
func (w *workspace) renderLive() {
	// With a mask the picture under it is what changes, which takes a whole render.
	if !w.state.live || w.masked() || w.state.NeedsDrawing() && !w.hasDrawing() {
		return
	}
	if w.rendering() {
		w.liveOwed = true
		return
	}
	w.liveOwed, w.liveRuns = false, true
	r := w.state.Live()
	doc := w.pad.Document()
	w.result.liveStarted()
	w.live.Start(func(ctx context.Context) {
		sketch := input(doc, image.Pt(r.Width, r.Height))
		img, err := w.queue.Live(ctx, sketch, r, func(p inference.Progress) {
			if p.Preview == nil || ctx.Err() != nil {
				return
			}
			w.s.post(func() {
				if ctx.Err() == nil {
					w.result.livePreview(p)
				}
			})
		})
		w.s.post(func() {
			if ctx.Err() == nil {
				w.liveRuns = false
			}
			switch {
			case ctx.Err() != nil:
			case errors.Is(err, context.Canceled):
			case err != nil:
				w.result.liveFailed(err)
			default:
				w.result.liveDone(img, r, sketch)
			}
		})
	})
}
