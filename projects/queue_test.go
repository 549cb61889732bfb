package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maquette/control"
	"maquette/inference"
	"maquette/inference/sampler"
	"maquette/projects/internal/atomicfile"
)

// painter is a Renderer that paints each image in a colour that its seed decides.
type painter struct {
	mu       sync.Mutex
	requests []inference.Request
	active   atomic.Int32
	overlap  atomic.Bool

	gate    chan struct{} // if not nil, each image waits for a token
	fail    error         // of the next renders, after one image
	panics  bool
	silent  bool // images only in the result
	started chan struct{}
}

func paint(w, h int, seed int64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	c := color.RGBA{uint8(seed), uint8(seed >> 8), 100, 255}
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func (pt *painter) Render(ctx context.Context, req inference.Request, report func(inference.Progress)) (*inference.Result, error) {
	if pt.active.Add(1) > 1 {
		pt.overlap.Store(true)
	}
	defer pt.active.Add(-1)
	pt.mu.Lock()
	pt.requests = append(pt.requests, req)
	fail, panics := pt.fail, pt.panics
	pt.mu.Unlock()
	if pt.started != nil {
		pt.started <- struct{}{}
	}
	if panics {
		panic("a bug")
	}
	result := &inference.Result{Provider: "CPU", Denoise: time.Duration(req.Count) * 3 * time.Second,
		Hashes: map[string]string{req.Checkpoint: "c0ffee" + strings.Repeat("0", 58)}}
	for _, c := range req.Controls {
		result.Hashes[c.ControlNet] = "beef" + strings.Repeat("0", 60)
	}
	report(inference.Progress{Stage: inference.StageLoad, Note: "Using the CPU."})
	for i := range req.Images() {
		if pt.gate != nil {
			select {
			case <-pt.gate:
			case <-ctx.Done():
				return nil, fmt.Errorf("render: %w", ctx.Err())
			}
		}
		img := paint(req.Width, req.Height, req.Seed+int64(i))
		report(inference.Progress{Stage: inference.StageDenoise, Step: i, Steps: req.Count, Fraction: float64(i) / float64(req.Count), Preview: img})
		result.Images = append(result.Images, img)
		result.Seeds = append(result.Seeds, req.Seed+int64(i))
		if !pt.silent {
			report(inference.Progress{Stage: inference.StageDecode, Fraction: float64(i+1) / float64(req.Count), Image: i, Done: img})
		}
		if fail != nil {
			return nil, fail
		}
	}
	return result, nil
}

func (pt *painter) set(f func()) {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	f()
}

// shelf is a Models that has everything.
type shelf struct{}

func (shelf) Resolve(_ context.Context, r Recipe) (ModelFiles, error) {
	if r.Checkpoint != StarterCheckpoint {
		return ModelFiles{}, fmt.Errorf("%w: nothing but the starter", ErrNoFit)
	}
	nets := make([]string, len(r.Controls))
	for i := range nets {
		nets[i] = "/cache/starter/controlnet-lines"
	}
	return ModelFiles{Checkpoint: "/cache/starter", ControlNets: nets, Prompt: r.Prompt, NegativePrompt: r.NegativePrompt}, nil
}

func newQueue(t *testing.T, p *Project, r Renderer) *Queue {
	t.Helper()
	q := NewQueue(p, r, shelf{}, nil)
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func small(prompt string, count int) Recipe {
	r := recipe(prompt)
	r.Width, r.Height, r.Count, r.Seed = 64, 64, count, 1000
	return r
}

// drawing is a sketch: a dark square on white.
func drawing() *image.RGBA {
	img := paint(96, 96, 0)
	for y := range 96 {
		for x := range 96 {
			c := color.RGBA{255, 255, 255, 255}
			if x > 20 && x < 76 && (y == 20 || y == 75) || y > 20 && y < 76 && (x == 20 || x == 75) {
				c = color.RGBA{20, 20, 20, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func enqueue(t *testing.T, q *Queue, r Recipe) Job {
	t.Helper()
	j, err := q.Enqueue(context.Background(), "", drawing(), r)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func wait(t *testing.T, q *Queue, id string) Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	j, err := q.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func states(q *Queue) string {
	var s []string
	for _, j := range q.Jobs() {
		s = append(s, j.Recipe.Prompt+"="+string(j.State))
	}
	return strings.Join(s, " ")
}

func TestQueueStoresEachImageWithItsRecipe(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := small("vase", 3)
	r.Strength, r.Schedule = 0.5, sampler.Karras
	r.Controls = append(r.Controls, RecipeControl{Kind: control.Canny, Weight: 0.5, Start: 0.25, End: 0.75})
	job := enqueue(t, q, r)
	if job.State != JobQueued || job.Sketch == "" {
		t.Fatalf("%+v", job)
	}
	job = wait(t, q, job.ID)
	if job.State != JobDone || len(job.Concepts) != 3 || len(job.Controls) != 2 || !slices.Equal(job.Notes, []string{"Using the CPU."}) {
		t.Fatalf("%+v", job)
	}
	req := pt.requests[0]
	if req.Checkpoint != "/cache/starter" || req.Count != 3 || req.Seed != 1000 || len(req.Controls) != 2 || req.Controls[1].Weight != 0.5 ||
		req.Controls[1].Start != 0.25 || req.Controls[1].End != 0.75 || req.Prompt != "vase" || req.Strength != 0.5 || req.Schedule != sampler.Karras {
		t.Errorf("request %+v", req)
	}
	for _, img := range []image.Image{req.Init, req.Controls[0].Image, req.Controls[1].Image} {
		if img.Bounds().Size() != image.Pt(64, 64) {
			t.Errorf("an image of size %v", img.Bounds().Size())
		}
	}
	ctx := context.Background()
	for i, id := range job.Concepts {
		c, err := p.Concept(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if c.Recipe.Seed != 1000+int64(i) || c.Recipe.Count != 1 || c.JobID != job.ID || c.Sketch != job.Sketch || c.Provider != "CPU" || c.Seconds != 3 {
			t.Errorf("%+v", c)
		}
		if c.Hashes["starter"][:6] != "c0ffee" || c.Hashes["starter/controlnet-lines"][:4] != "beef" || len(c.Hashes) != 2 {
			t.Errorf("hashes %v", c.Hashes)
		}
		img, err := p.ConceptImage(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, img, paint(64, 64, c.Recipe.Seed))
		img, err = p.File(ctx, c.Controls[1])
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, img, req.Controls[1].Image)
		if img, err = p.File(ctx, c.Sketch); err != nil {
			t.Fatal(err)
		}
		samePixels(t, img, drawing())
	}
	if r, err := p.Check(ctx); err != nil || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestQueueTakesARendererThatOnlyReturns(t *testing.T) {
	p := newProject(t)
	q := newQueue(t, p, &painter{silent: true})
	if job := wait(t, q, enqueue(t, q, small("x", 2)).ID); job.State != JobDone || len(job.Concepts) != 2 {
		t.Fatalf("%+v", job)
	}
}

func TestQueueOrder(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}), started: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	jobs := map[string]Job{}
	for _, name := range []string{"a", "b", "c", "d"} {
		jobs[name] = enqueue(t, q, small(name, 1))
	}
	<-pt.started // a runs
	if err := q.Move(jobs["d"].ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := q.Move(jobs["b"].ID, 99); err != nil {
		t.Fatal(err)
	}
	if err := q.Move(jobs["a"].ID, 3); err == nil {
		t.Error("a running job was moved")
	}
	if err := q.Remove(jobs["a"].ID); err == nil {
		t.Error("a running job was removed")
	}
	if err := q.Cancel(jobs["c"].ID); err != nil {
		t.Fatal(err)
	}
	if got := states(q); got != "a=running d=queued c=cancelled b=queued" {
		t.Fatal(got)
	}
	q.Pause(true)
	pt.gate <- struct{}{}
	wait(t, q, jobs["a"].ID)
	select {
	case <-pt.started:
		t.Fatal("a paused queue started a job")
	case <-time.After(50 * time.Millisecond):
	}
	if err := q.Retry(jobs["c"].ID); err != nil {
		t.Fatal(err)
	}
	if err := q.Retry(jobs["a"].ID); err == nil {
		t.Error("a done job was retried")
	}
	q.Pause(false)
	for range 3 {
		<-pt.started
		pt.gate <- struct{}{}
	}
	wait(t, q, jobs["c"].ID)
	var order []string
	for _, req := range pt.requests {
		order = append(order, req.Prompt)
	}
	if got := strings.Join(order, ""); got != "adbc" {
		t.Errorf("order %s", got)
	}
	if err := q.Remove(jobs["a"].ID); err != nil {
		t.Fatal(err)
	}
	if got := states(q); got != "d=done b=done c=done" {
		t.Error(got)
	}
	for name, err := range map[string]error{"cancel": q.Cancel("x"), "retry": q.Retry("x"), "remove": q.Remove("x"), "move": q.Move("x", 0)} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if pt.overlap.Load() {
		t.Error("two renders at once")
	}
}

func TestCancelledJobKeepsWhatIsFinishedAndRetryDoesTheRest(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	events, stop := p.Subscribe()
	defer stop()
	pt.gate <- struct{}{}
	pt.gate <- struct{}{}
	job := enqueue(t, q, small("x", 4))
	for n := 0; n < 2; {
		if _, ok := (<-events).(ConceptAdded); ok {
			n++
		}
	}
	if err := q.Cancel(job.ID); err != nil {
		t.Fatal(err)
	}
	if job = wait(t, q, job.ID); job.State != JobCancelled || len(job.Concepts) != 2 || job.Error != "" {
		t.Fatalf("%+v", job)
	}
	close(pt.gate)
	if err := q.Retry(job.ID); err != nil {
		t.Fatal(err)
	}
	if job = wait(t, q, job.ID); job.State != JobDone || len(job.Concepts) != 4 {
		t.Fatalf("%+v", job)
	}
	if req := pt.requests[1]; req.Seed != 1002 || req.Count != 2 {
		t.Errorf("the retry rendered %d from seed %d", req.Count, req.Seed)
	}
}

func TestFailedJobs(t *testing.T) {
	p := newProject(t)
	pt := &painter{fail: errors.New("the GPU fell asleep")}
	q := newQueue(t, p, pt)
	job := wait(t, q, enqueue(t, q, small("x", 3)).ID)
	if job.State != JobFailed || job.Error != "the GPU fell asleep" || len(job.Concepts) != 1 {
		t.Fatalf("%+v", job)
	}
	pt.set(func() { pt.fail, pt.panics = nil, true })
	if err := q.Retry(job.ID); err != nil {
		t.Fatal(err)
	}
	if job = wait(t, q, job.ID); job.State != JobFailed || !strings.Contains(job.Error, "a bug") {
		t.Fatalf("after a panic: %+v", job)
	}
	pt.set(func() { pt.panics = false })
	if err := q.Retry(job.ID); err != nil {
		t.Fatal(err)
	}
	if job = wait(t, q, job.ID); job.State != JobDone || len(job.Concepts) != 3 || job.Error != "" {
		t.Fatalf("%+v", job)
	}
	r := small("x", 1)
	r.Checkpoint = "/nowhere"
	if job = wait(t, q, enqueue(t, q, r).ID); job.State != JobFailed || !strings.Contains(job.Error, "starter") {
		t.Fatalf("a missing model: %+v", job)
	}
	r = small("x", 1)
	r.Controls[0].Kind = "tarot"
	if job = wait(t, q, enqueue(t, q, r).ID); job.State != JobFailed || !strings.Contains(job.Error, "tarot") {
		t.Fatalf("an unknown control kind: %+v", job)
	}
}

func TestFullDiskFailsTheJobAndKeepsItsImages(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 10)}
	q := newQueue(t, p, pt)
	var full atomic.Bool
	p.files = &atomicfile.Writer{Before: func(_ atomicfile.Step, name string) error {
		if full.Load() && strings.HasPrefix(name, conceptsDir) {
			return syscall.ENOSPC
		}
		return nil
	}}
	events, stop := p.Subscribe()
	defer stop()
	pt.gate <- struct{}{}
	job := enqueue(t, q, small("x", 3))
	for {
		if _, ok := (<-events).(ConceptAdded); ok {
			break
		}
	}
	full.Store(true)
	pt.gate <- struct{}{}
	if job = wait(t, q, job.ID); job.State != JobFailed || !strings.Contains(job.Error, "no space") || len(job.Concepts) != 1 {
		t.Fatalf("%+v", job)
	}
	full.Store(false)
	close(pt.gate)
	if err := q.Retry(job.ID); err != nil {
		t.Fatal(err)
	}
	if job = wait(t, q, job.ID); job.State != JobDone || len(job.Concepts) != 3 {
		t.Fatalf("%+v", job)
	}
}

func TestEnqueueRefuses(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	q := newQueue(t, p, &painter{})
	bad := small("x", 1)
	bad.Steps = 0
	if _, err := q.Enqueue(ctx, "", drawing(), bad); err == nil || !strings.Contains(err.Error(), "steps") {
		t.Errorf("no steps: %v", err)
	}
	if _, err := q.Enqueue(ctx, "", nil, small("x", 1)); err == nil || !strings.Contains(err.Error(), "sketch") {
		t.Errorf("no sketch: %v", err)
	}
	if _, err := q.Enqueue(ctx, "../x", nil, small("x", 1)); !errors.Is(err, ErrName) {
		t.Errorf("a sketch elsewhere: %v", err)
	}
	if _, err := q.Enqueue(ctx, "nothing", nil, small("x", 1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a sketch that is not there: %v", err)
	}
	p.files.Before = func(_ atomicfile.Step, name string) error {
		if name == jobsName {
			return syscall.ENOSPC
		}
		return nil
	}
	if _, err := q.Enqueue(ctx, "", drawing(), small("x", 1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %v", err)
	}
	p.files.Before = nil
	if len(q.Jobs()) != 0 {
		t.Errorf("jobs %s", states(q))
	}
	// Without controls no sketch is needed, and a stored sketch needs no image.
	free := small("x", 1)
	free.Controls = nil
	j, err := q.Enqueue(ctx, "", nil, free)
	if err != nil {
		t.Fatal(err)
	}
	if j = wait(t, q, j.ID); j.State != JobDone {
		t.Errorf("%+v", j)
	}
	if err := p.SaveSketch(ctx, "front", "Front", nil, drawing()); err != nil {
		t.Fatal(err)
	}
	if j, err = q.Enqueue(ctx, "front", nil, small("x", 1)); err != nil {
		t.Fatal(err)
	}
	j = wait(t, q, j.ID)
	c, err := p.Concept(ctx, j.Concepts[0])
	if err != nil || c.SketchID != "front" || c.Sketch == "" {
		t.Errorf("%+v, %v", c, err)
	}
}
