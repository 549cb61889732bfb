package panels

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
	"maquette/ui/tooltip"
)

// queueRow shows one entry of the queue.
type queueRow struct {
	q       *Queue
	index   int // of the entry
	title   *widget.Label
	detail  *widget.Label
	bar     *widget.ProgressBar
	track   *fyne.Container // holds bar
	preview *canvas.Image
	frame   *fyne.Container

	front, up, down, cancel, retry, remove, open fyne.CanvasObject
	object                                       fyne.CanvasObject
}

func newQueueRow(q *Queue, e entry) *queueRow {
	r := &queueRow{q: q}
	r.title = widget.NewLabel("")
	r.title.Truncation = fyne.TextTruncateEllipsis
	r.detail = caption("")
	r.bar = widget.NewProgressBar()
	r.bar.TextFormatter = func() string { return "" }
	r.track = container.New(thinBar{}, r.bar)
	r.preview = canvas.NewImageFromImage(image.NewRGBA(image.Rect(0, 0, 1, 1)))
	r.preview.FillMode = canvas.ImageFillContain
	r.preview.ScaleMode = canvas.ImageScaleFastest
	r.preview.SetMinSize(fyne.NewSquareSize(160))
	r.frame = container.NewStack(r.preview)
	r.frame.Hide()
	button := func(icon fyne.Resource, tip string, do func()) fyne.CanvasObject {
		b := widget.NewButtonWithIcon("", icon, do)
		b.Importance = widget.LowImportance
		return tooltip.New(b, tip)
	}
	// job or set, whichever the entry is.
	act := func(job, set func(id string)) func() {
		return func() {
			if e.set != nil {
				set(e.set.ID)
			} else {
				job(e.key)
			}
		}
	}
	r.front = button(theme.UploadIcon(), lang.L("Render next"), func() { q.move(r.index, toFront) })
	r.up = button(theme.MoveUpIcon(), lang.L("Render earlier"), func() { q.move(r.index, earlier) })
	r.down = button(theme.MoveDownIcon(), lang.L("Render later"), func() { q.move(r.index, later) })
	r.cancel = button(theme.CancelIcon(), lang.L("Cancel"), act(q.intents.Cancel, q.intents.CancelSet))
	r.retry = button(theme.ViewRefreshIcon(), lang.L("Try again"), act(q.intents.Retry, q.intents.RetrySet))
	r.remove = button(theme.DeleteIcon(), lang.L("Remove from the list"), act(q.intents.Remove, q.intents.RemoveSet))
	r.open = button(theme.VisibilityIcon(), lang.L("Show the picture"), r.showLast)
	buttons := container.NewHBox(r.front, r.up, r.down, r.open, r.retry, r.cancel, r.remove)
	r.object = container.NewStack(newCardGround(), container.NewVBox(
		container.NewBorder(nil, nil, nil, buttons, r.title), r.track, r.detail, r.frame))
	return r
}

// showLast brings the newest picture into view.
func (r *queueRow) showLast() {
	last := ""
	for _, j := range r.q.entries[r.index].jobs {
		if n := len(j.Concepts); n > 0 {
			last = j.Concepts[n-1]
		}
	}
	if last != "" {
		r.q.intents.Show(last)
	}
}

// show displays the entry at an index.
func (r *queueRow) show(index int) {
	r.index = index
	e := r.q.entries[index]
	var running, queued, failed, again, made bool
	var preview image.Image
	for _, j := range e.jobs {
		running = running || j.State == projects.JobRunning
		queued = queued || j.State == projects.JobQueued
		failed = failed || j.State == projects.JobFailed
		again = again || j.State.Finished() && j.State != projects.JobDone
		made = made || len(j.Concepts) > 0
		if p := j.Progress.Preview; p != nil && j.State == projects.JobRunning {
			preview = p
		}
	}
	title, detail, fraction := e.text()
	r.title.SetText(title)
	r.detail.SetText(detail)
	r.detail.Importance = widget.LowImportance
	if failed {
		r.detail.Importance = widget.DangerImportance
	}
	r.detail.Refresh()
	setVisible(r.track, running || e.set != nil && queued)
	r.bar.SetValue(fraction)
	before, after := r.q.neighbours(index)
	setVisible(r.front, queued && before >= 0)
	setVisible(r.up, queued && before >= 0)
	setVisible(r.down, queued && after >= 0)
	setVisible(r.cancel, running || queued)
	setVisible(r.retry, again && !running && !queued)
	setVisible(r.remove, !running && !queued)
	setVisible(r.open, made)
	if preview != nil && preview != r.preview.Image {
		r.preview.Image = preview
		r.preview.Refresh()
	}
	setVisible(r.frame, preview != nil)
	r.object.Refresh()
}

// text says what an entry is and how far.
func (e entry) text() (title, detail string, fraction float64) {
	if e.set == nil {
		j := e.jobs[0]
		if title = j.Recipe.Prompt; title == "" {
			title = lang.L("(no prompt)")
		}
		return title, jobText(j), j.Progress.Fraction
	}
	p := e.set.Progress(e.jobs)
	done := float64(p.Done)
	for _, j := range e.jobs {
		if j.State == projects.JobRunning {
			// What is stored of it already counts in Done.
			done += max(j.Progress.Fraction*float64(j.Recipe.Count)-float64(len(j.Images)), 0)
		}
		if j.State == projects.JobFailed {
			detail = jobText(j)
		}
	}
	fraction = done / float64(max(p.Images, 1))
	count := lang.L("{{.Done}} of {{.Count}} pictures", map[string]any{"Done": p.Done, "Count": p.Images})
	switch {
	case p.Running > 0 || p.Waiting > 0:
		detail = ProgressText(count, fraction, p.Remaining)
	case detail != "":
		detail = count + " · " + detail
	case p.Failed > 0:
		detail = count + " · " + lang.L("Cancelled or interrupted")
	default:
		detail = count
	}
	return e.set.Name, detail, fraction
}
