package projects

import (
	"context"
	"errors"
	"image"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maquette/control"
	"maquette/projects/internal/atomicfile"
)

// setJobs makes one job for each place, with the place's labels as the prompt.
func setJobs(s Set) []SetJob {
	var jobs []SetJob
	for _, at := range s.Places() {
		r := small(strings.Join(Place{Set: s, At: at}.Labels(), "-"), 1)
		jobs = append(jobs, SetJob{Recipe: r, At: [][]int{at}})
	}
	return jobs
}

func enqueueSet(t *testing.T, q *Queue, s Set) []Job {
	t.Helper()
	jobs, err := q.EnqueueSet(context.Background(), "", drawing(), s, setJobs(s))
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// TestSetKeepsTheDesign checks that all members get the very same control image and seed.
func TestSetKeepsTheDesign(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	var made atomic.Int32
	extract := q.extract
	q.extract = func(ctx context.Context, kind control.Kind, src image.Image, size image.Point, params control.Params) (*image.RGBA, error) {
		made.Add(1)
		return extract(ctx, kind, src, size, params)
	}
	s := facadeSet(t)
	jobs := enqueueSet(t, q, s)
	for i, j := range jobs {
		j = wait(t, q, j.ID)
		c, err := p.Concept(context.Background(), j.Concepts[0])
		if err != nil {
			t.Fatal(err)
		}
		if c.Set == nil || c.Set.ID != s.ID || !slices.Equal(c.Set.At, s.Places()[i]) || c.Recipe.Seed != 1000 {
			t.Errorf("member %d: %+v", i, c.Set)
		}
	}
	for _, req := range pt.requests {
		if req.Controls[0].Image != pt.requests[0].Controls[0].Image || req.Seed != 1000 || req.Count != 1 {
			t.Errorf("%s: another control image, seed %d, %d images", req.Prompt, req.Seed, req.Count)
		}
	}
	if made.Load() != 1 {
		t.Errorf("the control image was made %d times", made.Load())
	}
	// A single render afterwards makes its own: the library may have changed.
	wait(t, q, enqueue(t, q, small("x", 1)).ID)
	if made.Load() != 2 {
		t.Error("a render that is not of the set took its control image")
	}
}

// TestJobWithSeveralPlaces renders one job whose images are views.
func TestJobWithSeveralPlaces(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	s, err := NewSet("", "", []Axis{{Field: ViewField, Label: "View", Values: []AxisValue{{Value: "front"}, {Value: "side-left"}, {Value: "top"}}}})
	if err != nil {
		t.Fatal(err)
	}
	pt := &painter{gate: make(chan struct{}, 10)}
	q := NewQueue(p, pt, shelf{}, nil)
	pt.gate <- struct{}{}
	jobs, err := q.EnqueueSet(ctx, "", drawing(), s, []SetJob{{Recipe: small("vase", 3), At: s.Places()}})
	if err != nil {
		t.Fatal(err)
	}
	for len(q.Jobs()[0].Concepts) < 1 {
		time.Sleep(time.Millisecond)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	// The queue's file may be behind the concepts after a crash.
	list := q.Jobs()
	list[0].Concepts, list[0].Seeds, list[0].Images = nil, nil, nil
	if err := p.saveJobs(list); err != nil {
		t.Fatal(err)
	}
	p = reopen(t, p)
	pt = &painter{}
	q = newQueue(t, p, pt)
	if err := q.RetrySet(s.ID); err != nil {
		t.Fatal(err)
	}
	if j := wait(t, q, jobs[0].ID); j.State != JobDone || len(j.Concepts) != 3 {
		t.Fatalf("%+v", j)
	}
	if req := pt.requests[0]; req.Seed != 1001 || req.Count != 2 {
		t.Errorf("rendered %d from seed %d", req.Count, req.Seed)
	}
	_, members, err := p.Members(ctx, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	var views []string
	for _, c := range members {
		views = append(views, c.Recipe.View)
	}
	if want := []string{"front", "side-left", "top"}; !slices.Equal(views, want) {
		t.Errorf("views %q, want %q", views, want)
	}
}

func TestSetInTheQueue(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 20), started: make(chan struct{}, 20)}
	q := newQueue(t, p, pt)
	s := facadeSet(t)
	enqueue(t, q, small("a", 1))
	<-pt.started
	enqueueSet(t, q, s)
	enqueue(t, q, small("b", 1))
	enqueue(t, q, small("c", 1))
	order := func() string {
		var out []string
		for _, j := range q.Jobs() {
			if j.State == JobQueued {
				out = append(out, j.Recipe.Prompt)
			}
		}
		return strings.Join(out, " ")
	}
	first := "brick-dawn brick-noon brick-dusk glass-dawn glass-noon glass-dusk"
	for _, step := range []struct {
		by   int
		want string
	}{{1, "b " + first + " c"}, {99, "b c " + first}, {-1, "b " + first + " c"}, {-99, first + " b c"}} {
		if err := q.MoveSet(s.ID, step.by); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != step.want {
			t.Fatalf("moved by %d: %s, want %s", step.by, got, step.want)
		}
	}
	pt.gate <- struct{}{}
	<-pt.started // brick-dawn runs
	pt.gate <- struct{}{}
	<-pt.started // brick-noon runs
	if err := q.CancelSet(s.ID); err != nil {
		t.Fatal(err)
	}
	<-pt.started // b runs
	if got := order(); got != "c" {
		t.Fatalf("after the set was cancelled: %s", got)
	}
	if _, members, err := p.Members(context.Background(), s.ID); err != nil || len(members) != 1 {
		t.Fatalf("%d members, %v", len(members), err)
	}
	if err := q.RetrySet(s.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := order(), "c brick-noon brick-dusk glass-dawn glass-noon glass-dusk"; got != want {
		t.Fatalf("after the retry: %s, want %s", got, want)
	}
	close(pt.gate)
	for _, j := range q.Jobs() {
		if j = wait(t, q, j.ID); j.State != JobDone {
			t.Errorf("%s is %s", j.Recipe.Prompt, j.State)
		}
	}
	if err := q.RemoveSet(s.ID); err != nil {
		t.Fatal(err)
	}
	if got := states(q); got != "a=done b=done c=done" {
		t.Error(got)
	}
	for name, err := range map[string]error{"cancel": q.CancelSet(s.ID), "retry": q.RetrySet("x"), "move": q.MoveSet("x", 1), "remove": q.RemoveSet("x")} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnqueueSetRefuses(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	q := newQueue(t, p, &painter{})
	s := facadeSet(t)
	bad := setJobs(s)
	bad[5].Recipe.Steps = 0
	two := small("x", 2)
	for name, jobs := range map[string][]SetJob{
		"no members":      nil,
		"a bad recipe":    bad,
		"a place too few": {{Recipe: two, At: [][]int{{0, 0}}}},
		"no such place":   {{Recipe: small("x", 1), At: [][]int{{0, 3}}}},
	} {
		if _, err := q.EnqueueSet(ctx, "", drawing(), s, jobs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p.files.Before = func(_ atomicfile.Step, name string) error {
		if name == jobsName {
			return syscall.ENOSPC
		}
		return nil
	}
	if _, err := q.EnqueueSet(ctx, "", drawing(), s, setJobs(s)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %v", err)
	}
	p.files.Before = nil
	if len(q.Jobs()) != 0 {
		t.Errorf("jobs %s", states(q))
	}
}

// TestSetsOfTheLastSession opens queue files with the jobs of sets, also of hostile ones.
func TestSetsOfTheLastSession(t *testing.T) {
	p := newProject(t)
	s := facadeSet(t)
	var jobs []Job
	for i, m := range setJobs(s) {
		jobs = append(jobs, Job{ID: strconv.Itoa(i), Recipe: m.Recipe, At: m.At, Set: &s, State: JobQueued, Created: now()})
	}
	if err := p.saveJobs(jobs); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(p.abs(jobsName))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "red brick walls"); n != 1 {
		t.Errorf("the set is stored %d times", n)
	}
	for name, c := range map[string]struct {
		from, to string
		want     int
	}{
		"as stored":     {"", "", 6},
		"no such place": {`"at":[[1,2]]`, `"at":[[1,3]]`, 5},
		"two places":    {`"at":[[1,2]]`, `"at":[[1,2],[0,0]]`, 5},
		"no such set":   {`"sets":[{"id":"`, `"sets":[{"id":"x`, 0},
		"no axes":       {`"axes":[`, `"axes":[],"x":[`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(data), c.from, c.to, 1)
			if bad == string(data) && c.from != "" {
				t.Fatalf("%s is not in %s", c.from, data)
			}
			if err := os.WriteFile(p.abs(jobsName), []byte(bad), 0o666); err != nil {
				t.Fatal(err)
			}
			q := NewQueue(p, &painter{}, shelf{}, nil)
			list := q.Jobs()
			if err := q.Close(); err != nil {
				t.Error(err)
			}
			if len(list) != c.want {
				t.Fatalf("%d jobs, want %d", len(list), c.want)
			}
			for _, j := range list {
				if j.State != JobInterrupted || j.Set == nil || j.Set.ID != s.ID {
					t.Errorf("%+v", j)
				}
			}
		})
	}
}
