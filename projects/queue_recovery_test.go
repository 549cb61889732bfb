package projects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestClosedQueueOffersItsJobsAgain(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 10), started: make(chan struct{}, 10)}
	q := NewQueue(p, pt, shelf{}, nil)
	pt.gate <- struct{}{}
	running := enqueue(t, q, small("running", 3))
	enqueue(t, q, small("waiting", 1))
	<-pt.started
	for len(q.Jobs()[0].Concepts) < 1 {
		time.Sleep(time.Millisecond)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Enqueue(context.Background(), "", drawing(), small("late", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Enqueue after Close: %v", err)
	}
	q2 := reopen(t, p)
	pt2 := &painter{}
	again := newQueue(t, q2, pt2)
	if got := states(again); got != "running=interrupted waiting=interrupted" {
		t.Fatal(got)
	}
	time.Sleep(20 * time.Millisecond)
	if len(pt2.requests) > 0 {
		t.Fatal("a job of the last session started unasked")
	}
	for _, j := range again.Jobs() {
		if err := again.Retry(j.ID); err != nil {
			t.Fatal(err)
		}
	}
	if j := wait(t, again, running.ID); j.State != JobDone || len(j.Concepts) != 3 {
		t.Fatalf("%+v", j)
	}
	if req := pt2.requests[0]; req.Seed != 1001 || req.Count != 2 {
		t.Errorf("rendered %d from seed %d", req.Count, req.Seed)
	}
}

// TestCrashedQueue leaves the queue's file as a kill −9 does: behind the concepts.
func TestCrashedQueue(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	input, err := p.saveInput(drawing())
	if err != nil {
		t.Fatal(err)
	}
	job := Job{ID: "j1", Recipe: small("x", 4), State: JobRunning, Created: now(), Sketch: input}
	if err := p.saveJobs([]Job{job}); err != nil {
		t.Fatal(err)
	}
	for _, seed := range []int64{1000, 1002} {
		r := small("x", 1)
		r.Seed = seed
		if _, err := p.AddConcept(ctx, picture(64, 64, 1), Concept{Recipe: r, JobID: "j1"}); err != nil {
			t.Fatal(err)
		}
	}
	q2 := reopen(t, p)
	pt := &painter{}
	q := newQueue(t, q2, pt)
	if j := q.Jobs()[0]; j.State != JobInterrupted || len(j.Concepts) != 2 {
		t.Fatalf("%+v", j)
	}
	if err := q.Retry("j1"); err != nil {
		t.Fatal(err)
	}
	if j := wait(t, q, "j1"); j.State != JobDone || len(j.Concepts) != 4 {
		t.Fatalf("%+v", j)
	}
	if len(pt.requests) != 2 || pt.requests[0].Seed != 1001 || pt.requests[0].Count != 1 || pt.requests[1].Seed != 1003 || pt.requests[1].Count != 1 {
		t.Errorf("requests %+v", pt.requests)
	}
}

func TestDamagedQueueFileStartsEmpty(t *testing.T) {
	for name, content := range map[string]string{"garbage": "\x00", "cut": `{"schema":1,"jobs":[{"id"`, "newer": `{"schema": 9}`,
		"hostile": `{"schema":1,"jobs":[null,{},{"id":"x","sketch":"../../etc/passwd"}]}`} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			if err := os.WriteFile(p.abs(jobsName), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			q := newQueue(t, p, &painter{})
			if len(q.Jobs()) != 0 {
				t.Fatal(states(q))
			}
			if name != "hostile" {
				if kept, err := os.ReadFile(p.abs(jobsName + ".damaged")); err != nil || string(kept) != content {
					t.Errorf("kept %q, %v", kept, err)
				}
			}
			if j := wait(t, q, enqueue(t, q, small("x", 1)).ID); j.State != JobDone {
				t.Errorf("%+v", j)
			}
		})
	}
}

func TestFinishedJobsAreForgottenInTheEnd(t *testing.T) {
	p := newProject(t)
	var jobs []Job
	for i := range keepFinished + 30 {
		jobs = append(jobs, Job{ID: fmt.Sprint(i), State: JobDone, Recipe: small("old", 1), Created: now()})
	}
	if err := p.saveJobs(jobs); err != nil {
		t.Fatal(err)
	}
	q := newQueue(t, p, &painter{})
	wait(t, q, enqueue(t, q, small("new", 1)).ID)
	list := q.Jobs()
	if len(list) != keepFinished+1 || list[0].ID != "30" {
		t.Fatalf("%d jobs, the first is %s", len(list), list[0].ID)
	}
	var stored jobsFile
	data, err := os.ReadFile(p.abs(jobsName))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &stored); err != nil || len(stored.Jobs) != keepFinished+1 {
		t.Fatalf("%d stored, %v", len(stored.Jobs), err)
	}
}
