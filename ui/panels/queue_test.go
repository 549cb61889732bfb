package panels

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// queueBench is a queue panel that notes what it is asked for.
type queueBench struct {
	q     *Queue
	asked []string
}

func newQueueBench(t *testing.T) *queueBench {
	t.Helper()
	test.NewTempApp(t)
	b := &queueBench{}
	one := func(what string) func(string) {
		return func(id string) { b.asked = append(b.asked, what+" "+id) }
	}
	two := func(what string) func(string, int) {
		return func(id string, n int) { b.asked = append(b.asked, fmt.Sprintf("%s %s %d", what, id, n)) }
	}
	b.q = NewQueue(QueueIntents{
		Cancel: one("cancel"), Retry: one("retry"), Remove: one("remove"), Move: two("move"),
		CancelSet: one("cancel set"), RetrySet: one("retry set"), RemoveSet: one("remove set"), MoveSet: two("move set"),
		Pause: func(p bool) { b.asked = append(b.asked, fmt.Sprint("pause ", p)) },
		Show:  one("show"), ClearFinished: func() { b.asked = append(b.asked, "clear") },
	})
	w := test.NewTempWindow(t, b.q.Object())
	w.Resize(fyne.NewSize(340, 700))
	return b
}

// tap taps a row's button, which may be hidden.
func (b *queueBench) tap(t *testing.T, o fyne.CanvasObject) {
	t.Helper()
	if !o.Visible() {
		b.asked = append(b.asked, "hidden")
		return
	}
	var find func(fyne.CanvasObject) *widget.Button
	find = func(o fyne.CanvasObject) *widget.Button {
		switch o := o.(type) {
		case *widget.Button:
			return o
		case *fyne.Container:
			for _, child := range o.Objects {
				if found := find(child); found != nil {
					return found
				}
			}
		case fyne.Widget:
			for _, child := range test.WidgetRenderer(o).Objects() {
				if found := find(child); found != nil {
					return found
				}
			}
		}
		return nil
	}
	button := find(o)
	if button == nil {
		t.Fatal("there is no button")
	}
	test.Tap(button)
}

func queuedJob(id string, set *projects.Set, state projects.JobState) projects.Job {
	r := projects.DefaultRecipe()
	r.Prompt, r.Count = "prompt "+id, 1
	return projects.Job{ID: id, Recipe: r, Set: set, State: state}
}

func TestQueueShowsSetsAsOne(t *testing.T) {
	b := newQueueBench(t)
	set := &projects.Set{ID: "s", Name: "Facades"}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	done := queuedJob("s1", set, projects.JobDone)
	done.Images, done.Concepts, done.Started, done.Finished = []int{0}, []string{"0007"}, start, start.Add(10*time.Second)
	running := queuedJob("s2", set, projects.JobRunning)
	running.Progress.Fraction = 0.5
	jobs := []projects.Job{queuedJob("a", nil, projects.JobQueued), done, running, queuedJob("s3", set, projects.JobQueued),
		queuedJob("s4", set, projects.JobQueued), queuedJob("b", nil, projects.JobQueued), queuedJob("c", nil, projects.JobQueued)}
	b.q.Show(jobs, false)
	var titles []string
	for _, e := range b.q.entries {
		titles = append(titles, b.q.rows[e.key].title.Text)
	}
	if got := strings.Join(titles, ", "); got != "prompt a, Facades, prompt b, prompt c" {
		t.Fatalf("rows %s", got)
	}
	if n := len(b.q.box.Objects); n != 4 {
		t.Errorf("%d rows are shown", n)
	}
	row := b.q.rows["set s"]
	if got := row.detail.Text; !strings.HasPrefix(got, "1 of 4 pictures") || !strings.Contains(got, "38 %") || !strings.Contains(got, "25 s") {
		t.Errorf("the set is %q", got)
	}
	a, c := b.q.rows["a"], b.q.rows["c"]
	for _, o := range []fyne.CanvasObject{row.up, row.down, row.front, row.cancel, row.open, row.retry, row.remove,
		a.up, a.front, a.down, c.up, c.front, c.down} {
		b.tap(t, o)
	}
	want := []string{"move set s -1", "move set s 1", "move set s -7", "cancel set s", "show 0007", "hidden", "hidden",
		"hidden", "hidden", "move a 4", "move c 5", "move c 0", "hidden"}
	if !slices.Equal(b.asked, want) {
		t.Errorf("asked for\n%q\nwant\n%q", b.asked, want)
	}
	// The next picture is reported by its job alone.
	running.State, running.Images = projects.JobDone, []int{0}
	b.q.Update(running)
	if got := row.detail.Text; !strings.HasPrefix(got, "2 of 4 pictures") {
		t.Errorf("the set is %q", got)
	}
}

func TestQueueSetThatEnded(t *testing.T) {
	b := newQueueBench(t)
	set := &projects.Set{ID: "s", Name: "Facades"}
	failed := queuedJob("s2", set, projects.JobFailed)
	failed.Error = "the disk is full"
	b.q.Show([]projects.Job{queuedJob("s1", set, projects.JobCancelled), failed}, true)
	row := b.q.rows["set s"]
	if got := row.detail.Text; !strings.HasPrefix(got, "0 of 2 pictures") || !strings.Contains(got, "disk") || row.detail.Importance != widget.DangerImportance {
		t.Errorf("the set is %q", got)
	}
	b.tap(t, row.retry)
	b.tap(t, row.remove)
	b.tap(t, container.NewStack(b.q.pause))
	b.tap(t, container.NewStack(b.q.clear))
	if want := []string{"retry set s", "remove set s", "pause false", "clear"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked for %q, want %q", b.asked, want)
	}
	// A set of which one job is left is that job.
	b.q.Show([]projects.Job{queuedJob("s1", set, projects.JobCancelled)}, false)
	if len(b.q.entries) != 1 || b.q.rows["s1"] == nil {
		t.Errorf("%+v", b.q.entries)
	}
}
