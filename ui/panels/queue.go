package panels

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/projects"
	"maquette/ui/explain"
)

// QueueIntents is what the queue panel asks for. All functions are called on
// the UI goroutine.
type QueueIntents struct {
	Cancel, Retry, Remove func(id string)
	// Move puts a waiting job at a place among all jobs.
	Move func(id string, to int)
	// CancelSet, RetrySet and RemoveSet act on all jobs of a set, and MoveSet moves
	// those that wait past so many others, see projects.Queue.MoveSet.
	CancelSet, RetrySet, RemoveSet func(setID string)
	MoveSet                        func(setID string, by int)
	Pause                          func(paused bool)
	// Show brings a concept of the job into view.
	Show func(conceptID string)
	// ClearFinished removes the jobs that are over.
	ClearFinished func()
}

// Queue shows the jobs of a project, the running one with its progress and the
// image taking shape. The jobs of a set are one row. All methods belong to the UI
// goroutine.
type Queue struct {
	intents QueueIntents
	rows    map[string]*queueRow // by entry.key
	entries []entry
	box     *fyne.Container
	empty   *widget.Label
	pause   *widget.Button
	clear   *widget.Button
	paused  bool
	object  fyne.CanvasObject
}

// entry is one row of the queue: a job, or the jobs of a set.
type entry struct {
	key  string
	set  *projects.Set // nil for a single job
	jobs []projects.Job
	// first and last are the places among all jobs of those that wait; last is -1
	// where none does.
	first, last int
}

// waiting counts the jobs that wait.
func (e entry) waiting() int {
	n := 0
	for _, j := range e.jobs {
		if j.State == projects.JobQueued {
			n++
		}
	}
	return n
}

// entriesOf groups the jobs of sets, at the place of the first one.
func entriesOf(jobs []projects.Job) []entry {
	size := map[string]int{}
	for _, j := range jobs {
		if j.Set != nil {
			size[j.Set.ID]++
		}
	}
	var list []entry
	for i, j := range jobs {
		e := entry{key: j.ID}
		if j.Set != nil && size[j.Set.ID] > 1 {
			e = entry{key: "set " + j.Set.ID, set: j.Set}
		}
		at := slices.IndexFunc(list, func(o entry) bool { return o.key == e.key })
		if at < 0 {
			e.first, e.last = len(jobs), -1
			at, list = len(list), append(list, e)
		}
		list[at].jobs = append(list[at].jobs, j)
		if j.State == projects.JobQueued {
			list[at].first, list[at].last = min(list[at].first, i), i
		}
	}
	return list
}

// NewQueue returns an empty queue panel.
func NewQueue(intents QueueIntents) *Queue {
	q := &Queue{intents: intents, rows: map[string]*queueRow{}, box: container.NewVBox()}
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
	before := q.entries
	q.entries = entriesOf(jobs)
	if !slices.EqualFunc(before, q.entries, func(a, b entry) bool { return a.key == b.key }) {
		q.box.RemoveAll()
		rows := map[string]*queueRow{}
		for _, e := range q.entries {
			row := q.rows[e.key]
			if row == nil {
				row = newQueueRow(q, e)
			}
			rows[e.key] = row
			q.box.Add(row.object)
		}
		q.rows = rows
	}
	for i := range q.entries {
		q.rows[q.entries[i].key].show(i)
	}
	setVisible(q.empty, len(jobs) == 0)
	if slices.ContainsFunc(jobs, func(j projects.Job) bool { return j.State.Finished() }) {
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
	for i, e := range q.entries {
		if at := slices.IndexFunc(e.jobs, func(o projects.Job) bool { return o.ID == j.ID }); at >= 0 {
			e.jobs[at] = j
			q.rows[e.key].show(i)
		}
	}
}

// neighbours are the nearest entries before and after that have jobs waiting; -1 for none.
func (q *Queue) neighbours(index int) (before, after int) {
	before, after = -1, -1
	for i, e := range q.entries {
		switch {
		case e.last < 0:
		case i < index:
			before = i
		case i > index && after < 0:
			after = i
		}
	}
	return before, after
}

// move moves an entry past its neighbour, or to the front.
func (q *Queue) move(index int, how moving) {
	e := q.entries[index]
	before, after := q.neighbours(index)
	other := before
	if how == later {
		other = after
	}
	if other < 0 || e.last < 0 {
		return
	}
	o := q.entries[other]
	switch {
	case e.set != nil && how == earlier:
		q.intents.MoveSet(e.set.ID, -o.waiting())
	case e.set != nil && how == later:
		q.intents.MoveSet(e.set.ID, o.waiting())
	case e.set != nil:
		q.intents.MoveSet(e.set.ID, -len(q.jobs()))
	case how == later:
		q.intents.Move(e.jobs[0].ID, o.last)
	case how == earlier:
		q.intents.Move(e.jobs[0].ID, o.first)
	default:
		first := slices.IndexFunc(q.entries, func(e entry) bool { return e.last >= 0 })
		q.intents.Move(e.jobs[0].ID, q.entries[first].first)
	}
}

// jobs are all jobs.
func (q *Queue) jobs() []projects.Job {
	var list []projects.Job
	for _, e := range q.entries {
		list = append(list, e.jobs...)
	}
	return list
}

// moving is a way to move an entry.
type moving int

const (
	earlier moving = iota
	later
	toFront
)

func setVisible(o fyne.CanvasObject, visible bool) {
	if visible {
		o.Show()
	} else {
		o.Hide()
	}
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
