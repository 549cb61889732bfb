package studio

import (
	"errors"
	"image"
	"math/rand/v2"

	"fyne.io/fyne/v2/lang"

	"maquette/projects"
	"maquette/ui/panels"
)

// render puts the recipe into the queue.
func (w *workspace) render() {
	r := w.state.Next(rand.Int64N)
	if rows := w.state.Variants(); len(rows) > 0 {
		w.enqueueSet(r, rows)
	} else {
		w.enqueue(r)
	}
	w.draftWait.Touch()
}

// enqueueSet renders a recipe of the drawing as it is now with all that varies.
func (w *workspace) enqueueSet(r projects.Recipe, rows []panels.Variant) {
	ready, language, resolve := w.ready, languageOf(w.s.settings.Language).tag, w.s.resolveModel()
	w.submit(r, func(r projects.Recipe, sketchID string, sketch image.Image) (projects.Job, error) {
		axes, problems := variantAxes(rows, ready, language, resolve)
		for _, p := range problems {
			if p != "" {
				return projects.Job{}, errors.New(p)
			}
		}
		set, members, err := expanded(r, axes)
		if err != nil {
			return projects.Job{}, err
		}
		jobs, err := w.queue.EnqueueSet(w.s.ctx, sketchID, sketch, set, members)
		if err != nil {
			return projects.Job{}, err
		}
		return jobs[0], nil
	})
}

// enqueue renders a recipe of the drawing as it is now.
func (w *workspace) enqueue(r projects.Recipe) {
	w.submit(r, func(r projects.Recipe, sketchID string, sketch image.Image) (projects.Job, error) {
		return w.queue.Enqueue(w.s.ctx, sketchID, sketch, r)
	})
}

// submit hands the drawing as it is now to put, which adds to the queue; the
// Render button then stands for the job that it returns.
func (w *workspace) submit(r projects.Recipe, put func(r projects.Recipe, sketchID string, sketch image.Image) (projects.Job, error)) {
	if state, why := w.renderState(); state == panels.RenderBlocked {
		w.s.toasts.show(why, "", nil)
		return
	}
	w.cancelLive()
	w.show()
	doc, sketchID, paint := w.pad.Document(), w.sketchID, w.state.paint
	go func() {
		var job projects.Job
		r, sketch, err := w.startFrom(w.s.ctx, doc, r, paint)
		if err == nil {
			job, err = put(r, sketchID, sketch)
		}
		w.s.post(func() {
			if err != nil {
				w.s.fail(lang.L("The render could not be started"), err)
				return
			}
			w.state.jobID, w.job = job.ID, job
			w.result.waiting()
			w.showPane(paneResult)
			w.queueChanged()
		})
	}()
}

// cancelRender cancels the render that the Render button stands for.
func (w *workspace) cancelRender() {
	if w.state.jobID == "" || w.job.State.Finished() {
		w.cancelLive()
		return
	}
	if w.job.Set != nil {
		w.queueDo(w.queue.CancelSet, w.job.Set.ID)
		return
	}
	w.queueDo(w.queue.Cancel, w.state.jobID)
}

// queueDo changes the queue in the background: the running job may take a
// moment to end.
func (w *workspace) queueDo(do func(id string) error, ids ...string) {
	go func() {
		var errs []error
		for _, id := range ids {
			errs = append(errs, do(id))
		}
		err := errors.Join(errs...)
		w.s.post(func() {
			w.s.fail(lang.L("The queue could not be changed"), err)
			w.queueChanged()
		})
	}()
}

func (w *workspace) queueIntents() panels.QueueIntents {
	return panels.QueueIntents{
		Cancel: func(id string) { w.queueDo(w.queue.Cancel, id) },
		Retry: func(id string) {
			w.state.jobID = id
			w.queueDo(w.queue.Retry, id)
		},
		Remove: func(id string) { w.queueDo(w.queue.Remove, id) },
		Move: func(id string, to int) {
			w.queueDo(func(id string) error { return w.queue.Move(id, to) }, id)
		},
		CancelSet: func(id string) { w.queueDo(w.queue.CancelSet, id) },
		RetrySet:  func(id string) { w.queueDo(w.queue.RetrySet, id) },
		RemoveSet: func(id string) { w.queueDo(w.queue.RemoveSet, id) },
		MoveSet: func(id string, by int) {
			w.queueDo(func(id string) error { return w.queue.MoveSet(id, by) }, id)
		},
		Pause: func(paused bool) {
			w.queue.Pause(paused)
			w.queueChanged()
		},
		Show: func(id string) {
			w.showPane(paneGallery)
			w.gallery.Select(id)
		},
		ClearFinished: func() {
			var over []string
			for _, j := range w.queue.Jobs() {
				if j.State.Finished() {
					over = append(over, j.ID)
				}
			}
			w.queueDo(w.queue.Remove, over...)
		},
	}
}

// jobChanged shows a job's progress.
func (w *workspace) jobChanged(j projects.Job) {
	w.jobs.Update(j)
	if j.State == projects.JobRunning {
		w.result.progress(j.Progress)
	}
	if j.ID != w.state.jobID {
		if j.State.Finished() {
			w.queueChanged()
		}
		return
	}
	before := w.job.State
	w.job = j
	w.showRender()
	if before == j.State || !j.State.Finished() {
		return
	}
	w.followSet(j)
	w.queueChanged()
	w.result.finished(j)
	if j.State == projects.JobFailed {
		w.s.fail(lang.L("The render failed"), jobError(j))
	}
	if len(j.Notes) > 0 {
		w.s.toasts.show(j.Notes[len(j.Notes)-1], "", nil)
	}
}

// followSet lets the Render button stand for the next job of the set of one that
// has ended.
func (w *workspace) followSet(over projects.Job) {
	if over.Set == nil {
		return
	}
	for _, next := range w.queue.Jobs() {
		if next.Set != nil && next.Set.ID == over.Set.ID && !next.State.Finished() {
			w.state.jobID, w.job = next.ID, next
			return
		}
	}
}

// jobError is why a job failed.
func jobError(j projects.Job) error {
	if j.Cause != nil {
		return j.Cause
	}
	return errors.New(j.Error)
}

// queueChanged shows the whole queue.
func (w *workspace) queueChanged() {
	if w.s.work != nil && w.s.work != w {
		return
	}
	jobs := w.queue.Jobs()
	for _, j := range jobs {
		if j.ID == w.state.jobID {
			w.job = j
		}
	}
	w.jobs.Show(jobs, w.queue.Paused())
	w.liveYields()
	w.showRender()
	w.view.bar.show()
}

// waitingJobs counts the jobs that run or wait.
func (w *workspace) waitingJobs() int {
	n := 0
	for _, j := range w.queue.Jobs() {
		if !j.State.Finished() {
			n++
		}
	}
	return n
}

// offerInterrupted offers again what did not end the last time.
func (w *workspace) offerInterrupted() {
	var ids []string
	for _, j := range w.queue.Jobs() {
		if j.State == projects.JobInterrupted {
			ids = append(ids, j.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	w.s.toasts.show(lang.L("A render was interrupted when Maquette ended."), lang.L("Continue it"), func() {
		w.state.jobID = ids[len(ids)-1]
		w.queueDo(w.queue.Retry, ids...)
		w.showPane(paneResult)
	})
}

// keep stores a live picture as a concept.
func (w *workspace) keep(img *image.RGBA, r projects.Recipe) {
	c := projects.Concept{Recipe: r, SketchID: w.sketchID, Provider: w.provider}
	go func() {
		_, err := w.project.AddConcept(w.s.ctx, img, c)
		w.s.post(func() {
			if err != nil {
				w.s.fail(lang.L("The picture could not be kept"), err)
				return
			}
			w.s.toasts.show(lang.L("Kept in the gallery."), "", nil)
		})
	}()
}
