package projects

import (
	"fmt"
	"testing"
	"time"

	"maquette/inference"
)

func next(t *testing.T, events <-chan Event) Event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
	}
	return nil
}

// TestEventsNeverBlock publishes without a reader, then reads.
func TestEventsNeverBlock(t *testing.T) {
	var h hub
	events, cancel := h.subscribe()
	defer cancel()
	for i := range 10_000 {
		h.publish(JobChanged{Job{ID: "a", Progress: inference.Progress{Step: i}}})
		h.publish(JobChanged{Job{ID: "b", Progress: inference.Progress{Step: i}}})
		h.publish(QueueChanged{})
		if i%1000 == 0 {
			h.publish(ConceptAdded{Concept{ID: fmt.Sprint(i)}})
		}
	}
	last := map[string]int{}
	concepts, read := 0, 0
	for concepts < 10 || last["a"] < 9999 || last["b"] < 9999 {
		read++
		switch e := next(t, events).(type) {
		case JobChanged:
			if e.Job.Progress.Step < last[e.Job.ID] {
				t.Fatal("progress went back")
			}
			last[e.Job.ID] = e.Job.Progress.Step
		case ConceptAdded:
			if e.Concept.ID != fmt.Sprint(concepts*1000) {
				t.Fatalf("concept %s out of order", e.Concept.ID)
			}
			concepts++
		}
	}
	if read > 100 {
		t.Errorf("%d events had piled up", read)
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	var h hub
	one, cancel := h.subscribe()
	two, _ := h.subscribe()
	h.publish(QueueChanged{})
	next(t, two)
	cancel()
	cancel()
	for range one { // at most what was pending
	}
	h.publish(SketchSaved{ID: "x"})
	if e := next(t, two); e != (SketchSaved{ID: "x"}) {
		t.Errorf("%+v", e)
	}
	h.close()
	for range two {
	}
	late, cancelLate := h.subscribe()
	defer cancelLate()
	if _, ok := <-late; ok {
		t.Error("an event after the end")
	}
}
