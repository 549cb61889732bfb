package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
)

// fakeEngine paints every image in a colour of its seed, in as many steps as
// asked for.
type fakeEngine struct {
	mu       sync.Mutex
	requests []inference.Request
	// fail is the error of every render, if not nil.
	fail error
	// afterImage is called after each finished image.
	afterImage func(i int)
	closed     bool
}

func (e *fakeEngine) Render(ctx context.Context, req inference.Request, report func(inference.Progress)) (*inference.Result, error) {
	e.mu.Lock()
	e.requests = append(e.requests, req)
	e.mu.Unlock()
	report(inference.Progress{Stage: inference.StageLoad, Note: "the fake engine runs"})
	if e.fail != nil {
		return nil, e.fail
	}
	result := &inference.Result{Provider: "Fake", Hashes: map[string]string{}}
	for i := range req.Images() {
		for step := range req.Steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			report(inference.Progress{
				Stage: inference.StageDenoise, Step: step + 1, Steps: req.Steps, Image: i,
				Fraction:  (float64(i) + float64(step+1)/float64(req.Steps+1)) / float64(req.Count),
				Remaining: 3 * time.Second,
			})
		}
		img := image.NewRGBA(image.Rect(0, 0, req.Width, req.Height))
		for p := 0; p < len(img.Pix); p += 4 {
			img.Pix[p], img.Pix[p+1], img.Pix[p+3] = uint8(req.Seed+int64(i)), 128, 255
		}
		report(inference.Progress{Stage: inference.StageDecode, Image: i, Done: img, Fraction: float64(i+1) / float64(req.Count)})
		result.Images = append(result.Images, img)
		result.Seeds = append(result.Seeds, req.Seed+int64(i))
		if e.afterImage != nil {
			e.afterImage(i)
			<-ctx.Done()
		}
	}
	return result, nil
}

func (e *fakeEngine) Providers(context.Context) []inference.ProviderStatus {
	return []inference.ProviderStatus{
		{Name: "WebGPU", OK: false, Reason: "no adapter"},
		{Name: "CPU", OK: true, Reason: "2 cores"},
	}
}

func (e *fakeEngine) Close() error {
	e.closed = true
	return nil
}

// fakeLibrary knows the starter and the checkpoints it is given.
type fakeLibrary struct{ entries []checkpoint.Entry }

func (l *fakeLibrary) Resolve(_ context.Context, r projects.Recipe) (projects.ModelFiles, error) {
	nets := make([]string, len(r.Controls))
	for i, c := range r.Controls {
		nets[i] = "/models/" + string(c.Kind)
	}
	return projects.ModelFiles{Checkpoint: "/models/" + filepath.Base(r.Checkpoint), ControlNets: nets, Prompt: r.Prompt, NegativePrompt: r.NegativePrompt}, nil
}

func (l *fakeLibrary) Checkpoints(context.Context) ([]checkpoint.Entry, error) { return l.entries, nil }

// bench is a command line on fakes, with the user's folders in a place of its own.
type bench struct {
	t        *testing.T
	engine   *fakeEngine
	library  *fakeLibrary
	models   Library // in place of library, if not nil
	in       string
	out, err bytes.Buffer
	studio   string
	dir      string
	noLib    error
	config   inference.Config
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	for name, sub := range map[string]string{
		"HOME": "home", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data",
	} {
		t.Setenv(name, filepath.Join(dir, sub))
	}
	t.Setenv("MAQUETTE_CONFIG", filepath.Join(dir, "config", "settings.json"))
	return &bench{t: t, engine: &fakeEngine{}, library: &fakeLibrary{}, dir: dir}
}

// run runs one command line and returns its exit code.
func (b *bench) run(ctx context.Context, args ...string) int {
	b.t.Helper()
	b.out.Reset()
	b.err.Reset()
	app := &App{
		Version: "1.2.3", In: strings.NewReader(b.in), Out: &b.out, Err: &b.err,
		NewEngine: func(cfg inference.Config) (Engine, error) {
			b.config = cfg
			return b.engine, nil
		},
		FindLibrary: func() (string, error) { return "/lib/libonnxruntime.so", b.noLib },
		LoadLibrary: func(string, *slog.Logger) (string, error) { return "9.9.9", nil },
		NewLibrary: func(settings.Settings, *slog.Logger) (Library, error) {
			if b.models != nil {
				return b.models, nil
			}
			return b.library, nil
		},
		Studio: func(_ context.Context, dir string, _ *slog.Logger) error {
			b.studio = "opened " + dir
			return nil
		},
	}
	return app.Run(ctx, args)
}

// ok runs a command line that must succeed.
func (b *bench) ok(args ...string) {
	b.t.Helper()
	if code := b.run(b.t.Context(), args...); code != ExitOK {
		b.t.Fatalf("maquette %s: exit code %d\n%s%s", strings.Join(args, " "), code, &b.out, &b.err)
	}
}

// lines returns the lines of standard output.
func (b *bench) lines() []string {
	text := strings.TrimSuffix(b.out.String(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// events parses standard output as JSON lines.
func (b *bench) events() []map[string]any {
	b.t.Helper()
	var list []map[string]any
	for _, line := range b.lines() {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatalf("%q is not JSON: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// sketch writes a drawing of a square and returns its path.
func (b *bench) sketch(name string) string {
	b.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 128, 128))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for i := 30; i < 98; i++ {
		for w := range 3 {
			for _, p := range []image.Point{{i, 30 + w}, {i, 95 + w}, {30 + w, i}, {95 + w, i}} {
				img.SetGray(p.X, p.Y, color.Gray{})
			}
		}
	}
	path := filepath.Join(b.dir, name)
	f, err := os.Create(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// path joins names below the bench's own folder.
func (b *bench) path(names ...string) string {
	return filepath.Join(append([]string{b.dir}, names...)...)
}

// open decodes a PNG file.
func openPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}
