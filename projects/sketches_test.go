package projects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"maquette/projects/internal/atomicfile"
)

func TestSketches(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	events, cancel := p.Subscribe()
	defer cancel()
	strokes := json.RawMessage(`{"version":3,"strokes":[[1,2.5],[3,4]],"note":"<b>&"}`)
	if err := p.SaveSketch(ctx, "front", "Front view", strokes, picture(40, 30, 1)); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e != (SketchSaved{ID: "front"}) {
		t.Errorf("event %+v", e)
	}
	time.Sleep(2 * time.Millisecond) // Modified is stored to the millisecond
	if err := p.SaveSketch(ctx, "photo", strings.Repeat("ü", 300), nil, picture(20, 10, 2)); err != nil {
		t.Fatal(err)
	}
	q := reopen(t, p)
	got, img, err := q.LoadSketch(ctx, "front")
	if err != nil || string(got) != string(strokes) {
		t.Fatalf("%s, %v", got, err)
	}
	samePixels(t, img, picture(40, 30, 1))
	if got, img, err = q.LoadSketch(ctx, "photo"); err != nil || got != nil {
		t.Fatalf("%s, %v", got, err)
	}
	samePixels(t, img, picture(20, 10, 2))
	list, err := q.Sketches(ctx)
	if err != nil || len(list) != 2 || list[0].ID != "photo" || list[1].Name != "Front view" || list[1].Width != 40 || list[1].Height != 30 || len([]rune(list[0].Name)) != 200 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := q.SaveSketch(ctx, "front", "x", json.RawMessage(`{"cut`), picture(8, 8, 1)); err == nil {
		t.Error("strokes that are not JSON were saved")
	}
	if err := q.SaveSketch(ctx, "front", "x", nil, nil); err == nil {
		t.Error("no picture was saved")
	}
	if got, _, err = q.LoadSketch(ctx, "front"); err != nil || string(got) != string(strokes) {
		t.Errorf("a failed save changed the sketch: %s, %v", got, err)
	}
	if _, _, err := q.LoadSketch(ctx, "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a sketch that is not there: %v", err)
	}
	one, two := NewSketchID(), NewSketchID()
	if validID(one) != nil || one == two {
		t.Errorf("IDs %s, %s", one, two)
	}
}

// TestSketchesOfOthers reads what other hands put into the folder.
func TestSketchesOfOthers(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	if err := p.SaveSketch(ctx, "lost", "Lost", json.RawMessage(`[1]`), picture(8, 8, 1)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"photo.png": mustPNG(t), "torn.json": []byte(`{"schema":1,"str`), "torn.png": mustPNG(t), "lost.png": []byte("not a PNG"),
		"newer.json": []byte(`{"schema":5,"strokes":7}`), "newer.png": mustPNG(t), "notes.txt": nil, "bad name.png": mustPNG(t),
	} {
		if err := os.WriteFile(p.abs("sketches/"+name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list, err := p.Sketches(ctx)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for id, want := range map[string]string{"photo": "picture", "torn": "picture", "lost": "strokes", "newer": "error"} {
		strokes, img, err := p.LoadSketch(ctx, id)
		got := fmt.Sprint(map[bool]string{true: "picture"}[img != nil], map[bool]string{true: "strokes"}[strokes != nil], map[bool]string{true: "error"}[err != nil])
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", id, got, want, err)
		}
	}
}

// sketchNumber reads the number that the tests store as strokes.
func sketchNumber(t *testing.T, p *Project, id string) int {
	t.Helper()
	strokes, _, err := p.LoadSketch(context.Background(), id)
	if errors.Is(err, ErrNotFound) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := json.Unmarshal(strokes, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func version(n int) Snapshot {
	return func() (json.RawMessage, image.Image, error) {
		return json.RawMessage(fmt.Sprint(n)), picture(8, 8, 1), nil
	}
}

func TestAutosaveWithinTwoSeconds(t *testing.T) {
	p := newProject(t)
	synctest.Test(t, func(t *testing.T) {
		var saves atomic.Int32
		a := NewAutosaver(p, func(_ string, err error) {
			if err != nil {
				t.Error(err)
			}
			saves.Add(1)
		})
		// A single stroke.
		a.Changed("front", "Front", version(1))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := sketchNumber(t, p, "front"); n != 1 || saves.Load() != 1 {
			t.Errorf("after 2 s: version %d, %d saves", n, saves.Load())
		}
		time.Sleep(time.Minute)
		if saves.Load() != 1 {
			t.Errorf("%d saves without a change", saves.Load())
		}
		// Strokes without a pause, for 10 seconds: what is on disk is never older than 2 s.
		start := time.Now()
		for n := 2; time.Since(start) < 10*time.Second; n++ {
			a.Changed("front", "Front", version(n))
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if stored := sketchNumber(t, p, "front"); stored < n-20 {
				t.Fatalf("stroke %d was drawn, %d is stored", n, stored)
			}
		}
		if n := saves.Load(); n > 12 {
			t.Errorf("%d saves of 100 strokes", n)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if n := sketchNumber(t, p, "front"); n != 101 {
			t.Errorf("after Close version %d is stored", n)
		}
		a.Changed("front", "Front", version(500))
		time.Sleep(5 * time.Second)
		if n := sketchNumber(t, p, "front"); n != 101 {
			t.Errorf("a closed autosaver saved version %d", n)
		}
	})
}

func TestAutosaveTriesAgain(t *testing.T) {
	p := newProject(t)
	var full atomic.Bool
	p.files = &atomicfile.Writer{Before: func(atomicfile.Step, string) error {
		if full.Load() {
			return syscall.ENOSPC
		}
		return nil
	}}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var results []error
		a := NewAutosaver(p, func(_ string, err error) {
			mu.Lock()
			defer mu.Unlock()
			results = append(results, err)
		})
		full.Store(true)
		a.Changed("front", "Front", version(1))
		a.Changed("side", "Side", version(2))
		time.Sleep(1900 * time.Millisecond)
		if err := a.Flush(context.Background()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Flush: %v", err)
		}
		full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if one, two := sketchNumber(t, p, "front"), sketchNumber(t, p, "side"); one != 1 || two != 2 {
			t.Errorf("stored %d, %d", one, two)
		}
		mu.Lock()
		defer mu.Unlock()
		if n := len(results); n < 6 || !errors.Is(results[0], syscall.ENOSPC) || results[n-1] != nil {
			t.Errorf("results %v", results)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAutosaveReportsABadSnapshot(t *testing.T) {
	p := newProject(t)
	a := NewAutosaver(p, nil)
	a.Changed("front", "Front", func() (json.RawMessage, image.Image, error) { return nil, nil, errors.New("no picture") })
	if err := a.Close(); err == nil || !strings.Contains(err.Error(), "no picture") {
		t.Fatalf("%v", err)
	}
}
