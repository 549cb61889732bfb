package filepicker

import (
	"errors"
	"sync"
	"testing"
	"time"

	native "github.com/sqweek/dialog"
)

// fake answers at once and counts.
type fake struct {
	asked int
	path  string
}

func (f *fake) Open(_ string, _ Filter, done func(string, error)) { f.asked++; done(f.path, nil) }
func (f *fake) Save(_, _ string, _ Filter, done func(string, error)) {
	f.asked++
	done(f.path, nil)
}
func (f *fake) Folder(_ string, done func(string, error)) { f.asked++; done(f.path, nil) }

type answer struct {
	path string
	err  error
}

func open(t *testing.T, s *system) answer {
	t.Helper()
	got := make(chan answer, 1)
	s.Open("Open", Images("Images"), func(path string, err error) { got <- answer{path, err} })
	select {
	case a := <-got:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		return answer{}
	}
}

func TestFallsBackWhenTheSystemDialogPanics(t *testing.T) {
	fallback := &fake{path: "/tmp/chosen.png"}
	s := &system{fallback: fallback, post: func(f func()) { f() }, ask: func(question) (string, error) { panic("gtk initialisation failed") }}
	if a := open(t, s); a.path != "/tmp/chosen.png" || a.err != nil || fallback.asked != 1 {
		t.Errorf("got %+v after %d fallbacks", a, fallback.asked)
	}
}

func TestCancelIsNoError(t *testing.T) {
	fallback := &fake{path: "unused"}
	s := &system{fallback: fallback, post: func(f func()) { f() }, ask: func(question) (string, error) { return "", native.ErrCancelled }}
	if a := open(t, s); a != (answer{}) || fallback.asked != 0 {
		t.Errorf("got %+v after %d fallbacks", a, fallback.asked)
	}
}

func TestOneDialogAtATime(t *testing.T) {
	var release sync.WaitGroup
	release.Add(1)
	asked := make(chan struct{})
	s := &system{fallback: &fake{}, post: func(f func()) { f() }, ask: func(question) (string, error) {
		close(asked)
		release.Wait()
		return "first", nil
	}}
	first := make(chan answer, 1)
	s.Folder("Folder", func(path string, err error) { first <- answer{path, err} })
	<-asked
	if a := open(t, s); !errors.Is(a.err, ErrBusy) {
		t.Errorf("a second dialog answered %+v", a)
	}
	release.Done()
	if a := <-first; a.path != "first" || a.err != nil {
		t.Errorf("the first dialog answered %+v", a)
	}
}
