package panels

import (
	"image"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/projects"
	"maquette/ui/explain"
	"maquette/ui/tooltip"
)

// QueueIntents is what the queue panel asks for. All functions are called on
// the UI goroutine.
type QueueIntents struct {
	Cancel, Retry, Remove func(id string)
	// Move puts a waiting job at a place among all jobs.
	Move  func(id string, to int)
	Pause func(paused bool)
	// Show brings a concept of the job into view.
	Show func(conceptID string)
	// ClearFinished removes the jobs that are over.
	ClearFinished func()
}

// Queue shows the jobs of a project, the running one with its progress and the
// image taking shape. All methods belong to the UI goroutine.
type Queue struct {
	intents QueueIntents
	rows    map[string]*jobRow
	order   []string
	box     *fyne.Container
	empty   *widget.Label
	pause   *widget.Button
	clear   *widget.Button
	paused  bool
	// first and last are the places of the jobs that wait, which can be moved among themselves.
	first, last int
	object      fyne.CanvasObject
}

// NewQueue returns an empty queue panel.
func NewQueue(intents QueueIntents) *Queue {
	q := &Queue{intents: intents, rows: map[string]*jobRow{}, box: container.NewVBox()}
	q.empty = widget.NewLabel(lang.L("Nothing to render. Renders wait here, one after the other."))
	q.empty.Wrapping = fyne.TextWrapWord
	q.empty.Importance = widget.LowImportance
	q.pause = widget.NewButtonWithIcon(lang.L("Pause"), theme.MediaPauseIcon(), func() { intents.Pause(!q.paused) })
	q.clear = widget.NewButton(lang.L("Clear finished"), func() { intents.ClearFinished() })
	q.pause.Importance, q.clear.Importance = widget.LowImportance, widget.LowImportance
	head := container.NewHBox(q.pause, q.clear)
	q.object = container.NewBorder(container.NewPadded(head), nil, nil, nil,
		container.NewVScroll(container.NewPadded(container.NewVBox(q.empty, q.box))))
	return q
}

// Object is the panel.
func (q *Queue) Object() fyne.CanvasObject { return q.object }

// Show displays the jobs in the order of the queue.
func (q *Queue) Show(jobs []projects.Job, paused bool) {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	if !slices.Equal(ids, q.order) {
		q.order = ids
		q.box.RemoveAll()
		rows := map[string]*jobRow{}
		for _, id := range ids {
			row := q.rows[id]
			if row == nil {
				row = newJobRow(id, q)
			}
			rows[id] = row
			q.box.Add(row.object)
		}
		q.rows = rows
	}
	finished := false
	q.first, q.last = len(jobs), -1
	for i, j := range jobs {
		if j.State == projects.JobQueued {
			q.first, q.last = min(q.first, i), i
		}
	}
	for i, j := range jobs {
		q.rows[j.ID].show(j, i)
		finished = finished || j.State.Finished()
	}
	setVisible(q.empty, len(jobs) == 0)
	if finished {
		q.clear.Enable()
	} else {
		q.clear.Disable()
	}
	q.paused = paused
	if paused {
		q.pause.SetText(lang.L("Continue"))
		q.pause.SetIcon(theme.MediaPlayIcon())
	} else {
		q.pause.SetText(lang.L("Pause"))
		q.pause.SetIcon(theme.MediaPauseIcon())
	}
}

// Update displays one job's progress without touching the others.
func (q *Queue) Update(j projects.Job) {
	if row := q.rows[j.ID]; row != nil {
		row.show(j, slices.Index(q.order, j.ID))
	}
}

func setVisible(o fyne.CanvasObject, visible bool) {
	if visible {
		o.Show()
	} else {
		o.Hide()
	}
}

// jobRow shows one job.
type jobRow struct {
	q       *Queue
	id      string
	job     projects.Job
	index   int
	title   *widget.Label
	detail  *widget.Label
	bar     *widget.ProgressBar
	track   *fyne.Container // holds bar
	preview *canvas.Image
	frame   *fyne.Container

	up, down, cancel, retry, remove, open fyne.CanvasObject
	object                                fyne.CanvasObject
}

func newJobRow(id string, q *Queue) *jobRow {
	r := &jobRow{q: q, id: id}
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
	r.up = button(theme.MoveUpIcon(), lang.L("Render earlier"), func() { q.intents.Move(id, r.index-1) })
	r.down = button(theme.MoveDownIcon(), lang.L("Render later"), func() { q.intents.Move(id, r.index+1) })
	r.cancel = button(theme.CancelIcon(), lang.L("Cancel"), func() { q.intents.Cancel(id) })
	r.retry = button(theme.ViewRefreshIcon(), lang.L("Try again"), func() { q.intents.Retry(id) })
	r.remove = button(theme.DeleteIcon(), lang.L("Remove from the list"), func() { q.intents.Remove(id) })
	r.open = button(theme.VisibilityIcon(), lang.L("Show the picture"), func() {
		if n := len(r.job.Concepts); n > 0 {
			q.intents.Show(r.job.Concepts[n-1])
		}
	})
	buttons := container.NewHBox(r.up, r.down, r.open, r.retry, r.cancel, r.remove)
	r.object = container.NewStack(newCardGround(), container.NewVBox(
		container.NewBorder(nil, nil, nil, buttons, r.title), r.track, r.detail, r.frame))
	return r
}

func (r *jobRow) show(j projects.Job, index int) {
	r.job, r.index = j, index
	title := j.Recipe.Prompt
	if title == "" {
		title = lang.L("(no prompt)")
	}
	r.title.SetText(title)
	r.detail.SetText(jobText(j))
	r.detail.Importance = widget.LowImportance
	if j.State == projects.JobFailed {
		r.detail.Importance = widget.DangerImportance
	}
	r.detail.Refresh()
	running, queued := j.State == projects.JobRunning, j.State == projects.JobQueued
	setVisible(r.track, running)
	r.bar.SetValue(j.Progress.Fraction)
	setVisible(r.up, queued && index > r.q.first)
	setVisible(r.down, queued && index < r.q.last)
	setVisible(r.cancel, running || queued)
	setVisible(r.retry, j.State == projects.JobFailed || j.State == projects.JobCancelled || j.State == projects.JobInterrupted)
	setVisible(r.remove, j.State.Finished())
	setVisible(r.open, len(j.Concepts) > 0)
	if p := j.Progress.Preview; running && p != nil && p != r.preview.Image {
		r.preview.Image = p
		r.preview.Refresh()
	}
	setVisible(r.frame, running && j.Progress.Preview != nil)
	r.object.Refresh()
}

// jobText says in words how a job is.
func jobText(j projects.Job) string {
	switch j.State {
	case projects.JobQueued:
		return lang.L("Waiting")
	case projects.JobRunning:
		return ProgressText(StageText(j.Progress), j.Progress.Fraction, j.Progress.Remaining)
	case projects.JobDone:
		return lang.L("Done in {{.Time}}", map[string]any{"Time": Duration(j.Finished.Sub(j.Started))})
	case projects.JobFailed:
		return explain.Job(j)
	case projects.JobCancelled:
		return lang.L("Cancelled")
	case projects.JobInterrupted:
		return lang.L("Interrupted when Maquette ended. Try again continues it.")
	}
	return string(j.State)
}

// StageText says in words what a render is doing.
func StageText(p inference.Progress) string {
	switch p.Stage {
	case inference.StageLoad:
		return lang.L("Loading the model")
	case inference.StageEncode:
		return lang.L("Reading the prompt")
	case inference.StageDenoise:
		return lang.L("Step {{.Step}} of {{.Steps}}", map[string]any{"Step": p.Step, "Steps": p.Steps})
	case inference.StageDecode:
		return lang.L("Developing the picture")
	}
	return lang.L("Reading the drawing")
}
