package inference

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maquette/inference/runtime"
)

// small is a quick request: one control, few steps.
func small(t testing.TB, name string) Request {
	t.Helper()
	p := fixtures(t)
	r := p.request(t, p.find(t, name))
	r.Steps, r.Count = 3, 1
	return r
}

func render(t testing.TB, e *Engine, r Request, report func(Progress)) *Result {
	t.Helper()
	res, err := e.Render(context.Background(), r, report)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func same(a, b *image.RGBA) bool { return slices.Equal(a.Pix, b.Pix) }

func TestProgressIsOrderedAndComplete(t *testing.T) {
	e := newEngine(t, Config{})
	for _, name := range []string{"narrow-dpm-karras", "wide-dpm-karras"} {
		r := small(t, name)
		r.Count, r.PreviewEvery, r.Steps = 3, 1, 6
		var got []Progress
		res := render(t, e, r, func(p Progress) { got = append(got, p) })
		var done []int
		previews, fraction := 0, 0.0
		for _, p := range got {
			if p.Fraction < fraction || p.Fraction > 1 {
				t.Errorf("%s: fraction %v after %v", name, p.Fraction, fraction)
			}
			fraction = p.Fraction
			if p.Steps != 18 && p.Stage == StageDenoise {
				t.Errorf("%s: %d steps, want 18", name, p.Steps)
			}
			if p.Preview != nil {
				previews++
				if p.Preview.Rect.Size() != image.Pt(r.Width, r.Height) || p.Stage != StageDenoise {
					t.Errorf("%s: preview of %v in stage %s", name, p.Preview.Rect, p.Stage)
				}
			}
			if p.Done != nil {
				done = append(done, p.Image)
				if !same(p.Done, res.Images[p.Image]) {
					t.Errorf("%s: image %d differs from the result's", name, p.Image)
				}
			}
		}
		if !slices.Equal(done, []int{0, 1, 2}) {
			t.Errorf("%s: handed over %v", name, done)
		}
		if previews == 0 || previews > 15 {
			t.Errorf("%s: %d previews of 18 steps", name, previews)
		}
		last := got[len(got)-1]
		if math.Abs(last.Fraction-1) > 1e-6 || last.Step != 18 || got[0].Stage != StageLoad {
			t.Errorf("%s: begins with %+v and ends with %+v", name, got[0], last)
		}
		if res.Load == 0 || res.Encode == 0 || res.Denoise == 0 || res.Decode == 0 || res.Provider != "CPU" {
			t.Errorf("%s: %+v", name, res)
		}
		if !slices.Equal(res.Seeds, []int64{r.Seed, r.Seed + 1, r.Seed + 2}) {
			t.Errorf("%s: seeds %v", name, res.Seeds)
		}
	}
}

func TestRemainingTimeComesNearTheTruth(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "wide-dpm-karras")
	r.Steps = 60
	render(t, e, r, nil) // loads the models
	var guess time.Duration
	var at time.Time
	render(t, e, r, func(p Progress) {
		if p.Stage == StageDenoise && p.Step == 20 && p.Preview == nil {
			guess, at = p.Remaining, time.Now()
		}
	})
	took := time.Since(at)
	if guess <= 0 || guess > 5*took || took > 5*guess {
		t.Errorf("guessed %v, took %v", guess, took)
	}
}

func TestImagesDependOnRequestOnly(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "wide-dpm-karras")
	r.Sampler, r.Count = "euler_a", 3
	first := render(t, e, r, nil)
	e.maxBatch = 3
	batch := render(t, e, r, nil)
	e.maxBatch = 2
	pairs := render(t, e, r, nil)
	for i := range first.Images {
		for _, other := range []*Result{batch, pairs} {
			// A batch may sum in another order.
			if most, _ := difference(t, other.Images[i], first.Images[i]); most > 1 {
				t.Errorf("image %d depends on its batch: %d levels", i, most)
			}
		}
	}
	e.maxBatch = 0
	again := render(t, e, r, nil)
	if !same(again.Images[1], first.Images[1]) {
		t.Error("the same request gave another image")
	}
	alone := r
	alone.Seed, alone.Count = r.Seed+1, 1
	if !same(render(t, e, alone, nil).Images[0], first.Images[1]) {
		t.Error("seed+1 alone gives another image than image 1 of 3")
	}
	for name, change := range map[string]func(*Request){
		"seed":     func(r *Request) { r.Seed++ },
		"prompt":   func(r *Request) { r.Prompt += "木" },
		"guidance": func(r *Request) { r.Guidance++ },
		"steps":    func(r *Request) { r.Steps++ },
		"weight":   func(r *Request) { r.Controls[0].Weight = 0.1 },
		"sampler":  func(r *Request) { r.Sampler, r.Schedule = "ddim", "" },
		"schedule": func(r *Request) { r.Schedule = "exponential" },
		"noise":    func(r *Request) { r.Noise = "philox" },
		"rescale":  func(r *Request) { r.GuidanceRescale = 0.7 },
		"emphasis": func(r *Request) { r.Prompt, r.Emphasis = "(vase:1.5)", "no_norm" },
	} {
		other := alone
		other.Controls = slices.Clone(alone.Controls)
		change(&other)
		if same(render(t, e, other, nil).Images[0], first.Images[1]) {
			t.Errorf("another %s gave the same image", name)
		}
	}
}

// A control of weight 0, or outside its steps, must leave no trace.
func TestControlWithoutWeight(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "wide-ddim")
	r.Controls[0].Weight = 0
	zero := render(t, e, r, nil)
	r.Controls = nil
	if !same(zero.Images[0], render(t, e, r, nil).Images[0]) {
		t.Error("a control of weight 0 changes the image")
	}
}

func TestCancel(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "wide-dpm-karras")
	r.Steps = 150
	for _, stage := range []Stage{StageLoad, StageEncode, StageDenoise} {
		ctx, cancel := context.WithCancel(context.Background())
		after := 0 // reports of progress since the cancellation
		_, err := e.Render(ctx, r, func(p Progress) {
			if ctx.Err() != nil {
				after++
			} else if p.Stage == stage {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", stage, err)
		}
		if after > 2 { // a step that has begun may report its end
			t.Errorf("%s: went on for %d reports", stage, after)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	if _, err := e.Render(ctx, r, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expired context: %v", err)
	}
	r.Steps = 1
	render(t, e, r, nil) // the engine is still good
}

func TestRendersTakeTurns(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "narrow-plain")
	var running, most int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			inside := false
			_, err := e.Render(context.Background(), r, func(p Progress) {
				mu.Lock()
				defer mu.Unlock()
				if !inside {
					inside = true
					running++
					most = max(most, running)
				}
				if p.Done != nil {
					running--
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d renders at once", most)
	}
	// Who waits can give up.
	entered, leave := make(chan struct{}), make(chan struct{})
	go func() {
		var once sync.Once
		e.Render(context.Background(), r, func(Progress) { once.Do(func() { close(entered); <-leave }) })
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := e.Render(ctx, r, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting render: %v", err)
	}
	close(leave)
}

func TestClosedEngine(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	render(t, e, small(t, "narrow-plain"), nil)
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Render(context.Background(), small(t, "narrow-plain"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed engine: %v", err)
	}
}

func TestCacheKeepsAndFrees(t *testing.T) {
	e := newEngine(t, Config{})
	narrow, wide := small(t, "narrow-dpm-karras"), small(t, "wide-dpm-karras")
	render(t, e, narrow, nil)
	loaded := len(e.cache.loaded)
	if loaded == 0 || e.cache.bytes <= 0 {
		t.Fatalf("%d networks of %d bytes", loaded, e.cache.bytes)
	}
	render(t, e, narrow, nil)
	if len(e.cache.loaded) != loaded {
		t.Errorf("the second render loaded %d networks more", len(e.cache.loaded)-loaded)
	}
	e.cache.limit = e.cache.bytes // no room for both
	want := render(t, e, wide, nil)
	if e.cache.bytes > e.cache.limit {
		t.Errorf("%d bytes are kept, %d allowed", e.cache.bytes, e.cache.limit)
	}
	e.cache.limit = 1
	got := render(t, e, wide, nil)
	if len(e.cache.loaded) != 0 || e.cache.bytes != 0 {
		t.Errorf("%d networks are kept in 1 byte", len(e.cache.loaded))
	}
	if !same(got.Images[0], want.Images[0]) {
		t.Error("a small cache changes the image")
	}
}

// copyModel copies a fixture pipeline, to be damaged.
func copyModel(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(fixtures(t).dir, name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReplacedWeightsAreSeen(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "wide-ddim")
	r.Checkpoint = copyModel(t, "wide")
	before := render(t, e, r, nil)
	unet := filepath.Join(r.Checkpoint, "unet", "diffusion_pytorch_model.safetensors")
	data, err := os.ReadFile(unet)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) - 20_000; i < len(data)-10_000; i += 2 {
		binary.LittleEndian.PutUint16(data[i:], 0) // zeros among the half-precision weights
	}
	os.Remove(unet) // the old file stays mapped until its session is freed
	if err := os.WriteFile(unet, data, 0o644); err != nil {
		t.Fatal(err)
	}
	after := render(t, e, r, nil)
	if same(before.Images[0], after.Images[0]) {
		t.Error("new weights gave the old image")
	}
	if before.Hashes[r.Checkpoint] == after.Hashes[r.Checkpoint] || len(after.Hashes[r.Checkpoint]) != 64 {
		t.Errorf("hashes %v and %v", before.Hashes, after.Hashes)
	}
	if len(after.Hashes) != 2 || after.Hashes[r.Controls[0].ControlNet] != before.Hashes[r.Controls[0].ControlNet] {
		t.Errorf("the ControlNet's hash changed: %v and %v", before.Hashes, after.Hashes)
	}
}

func TestBrokenWeightsAreNamed(t *testing.T) {
	e := newEngine(t, Config{})
	for network, file := range map[string]string{
		"UNet": "unet/diffusion_pytorch_model.safetensors", "VAE": "vae/diffusion_pytorch_model.safetensors",
		"text encoder": "text_encoder/model.safetensors",
	} {
		r := small(t, "wide-ddim")
		r.Controls, r.Checkpoint = nil, copyModel(t, "wide")
		path := filepath.Join(r.Checkpoint, file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		start := 8 + int(binary.LittleEndian.Uint64(data))
		for i := start; i+1 < len(data); i += 2 {
			binary.LittleEndian.PutUint16(data[i:], 0x7e00) // NaN in half precision
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = e.Render(context.Background(), r, nil)
		var bad *NotFiniteError
		if !errors.As(err, &bad) || bad.Checkpoint != r.Checkpoint || bad.Network != network || !strings.Contains(err.Error(), r.Checkpoint) {
			t.Errorf("%s: %v", network, err)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	e := newEngine(t, Config{})
	for name, change := range map[string]func(r *Request, dir string){
		"no checkpoint": func(r *Request, dir string) { r.Checkpoint = filepath.Join(dir, "nowhere") },
		"no controlnet": func(r *Request, dir string) { r.Controls[0].ControlNet = filepath.Join(dir, "nowhere") },
		"no unet":       func(_ *Request, dir string) { os.RemoveAll(filepath.Join(dir, "unet")) },
		"no weights":    func(_ *Request, dir string) { os.Remove(filepath.Join(dir, "vae/diffusion_pytorch_model.safetensors")) },
	} {
		r := small(t, "wide-ddim")
		r.Checkpoint = copyModel(t, "wide")
		change(&r, r.Checkpoint)
		if _, err := e.Render(context.Background(), r, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := small(t, "wide-ddim")
	r.Controls[0].ControlNet = filepath.Join(fixtures(t).dir, "narrow", "controlnet-a")
	if _, err := e.Render(context.Background(), r, nil); err == nil || !strings.Contains(err.Error(), "another kind of model") {
		t.Errorf("ControlNet of another width: %v", err)
	}
}

func TestLongPromptIsTold(t *testing.T) {
	e := newEngine(t, Config{})
	r := small(t, "narrow-plain")
	r.Steps = 1
	r.NegativePrompt = strings.Repeat("blue ", 16*75+5) + "sky"
	var notes []string
	render(t, e, r, func(p Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	})
	if len(notes) != 1 || !strings.Contains(notes[0], "negative prompt") || !strings.HasSuffix(notes[0], "blue sky") {
		t.Errorf("notes %q", notes)
	}
}

func TestMissingProviderFallsBackLoudly(t *testing.T) {
	e := newEngine(t, Config{Providers: []string{"NoSuchProvider"}})
	r := small(t, "narrow-dpm-karras")
	want := render(t, newEngine(t, Config{}), r, nil)
	for i := range 2 {
		var notes []string
		res := render(t, e, r, func(p Progress) {
			if p.Note != "" {
				notes = append(notes, p.Note)
			}
		})
		if res.Provider != runtime.CPU || !same(res.Images[0], want.Images[0]) {
			t.Errorf("render %d: provider %s, or another image", i, res.Provider)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "NoSuchProvider") {
			t.Errorf("render %d: notes %q", i, notes)
		}
	}
}

// A provider that takes the models but fails in the midst of a render is
// replaced by the CPU, and images that are there already aren't made again.
func TestFailingProviderIsReplaced(t *testing.T) {
	r := small(t, "narrow-dpm-karras")
	r.Count = 2
	want := render(t, newEngine(t, Config{}), r, nil)
	e := newEngine(t, Config{})
	decoded := false
	failures := 0
	e.exec = func(ctx context.Context, s *runtime.Session, in map[string]*runtime.Tensor) (map[string]*runtime.Tensor, error) {
		if s.Name() == "UNet" && decoded && failures == 0 {
			failures++
			return nil, &providerError{"WebGPU", "UNet", errors.New("device lost")}
		}
		return runSession(ctx, s, in)
	}
	var notes []string
	var done []int
	res := render(t, e, r, func(p Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
		if p.Done != nil {
			done, decoded = append(done, p.Image), true
		}
	})
	if failures != 1 || !slices.Equal(done, []int{0, 1}) {
		t.Errorf("%d failures, handed over %v", failures, done)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "device lost") {
		t.Errorf("notes %q", notes)
	}
	for i := range want.Images {
		if !same(res.Images[i], want.Images[i]) {
			t.Errorf("image %d differs", i)
		}
	}
	// One failure may be the render's fault; a second in a row is the provider's.
	if len(e.failed) != 0 {
		t.Errorf("given up after one failure: %v", e.failed)
	}
	failures, decoded = 0, true
	render(t, e, r, nil)
	if e.failed["WebGPU"] == "" {
		t.Error("not given up after two failures in a row")
	}
}

func TestProviderNames(t *testing.T) {
	got := providerNames([]string{"webgpu", " CUDAExecutionProvider", "Other"})
	if !slices.Equal(got, []string{"WebGPU", "CUDA", "Other"}) {
		t.Errorf("got %q", got)
	}
}
