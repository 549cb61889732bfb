package terminal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/control"
	"maquette/inference"
)

// TestControlKinds makes every kind's control image of a drawing.
func TestControlKinds(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	for _, e := range control.Extractors() {
		out := b.path(string(e.Kind()) + ".png")
		b.ok("control", string(e.Kind()), sketch, "-o", out, "--size", "192x160")
		if got := openPNG(t, out).Bounds().Size(); got.X != 192 || got.Y != 160 {
			t.Errorf("%s: the control image is %v", e.Kind(), got)
		}
		if b.out.String() != out+"\n" {
			t.Errorf("%s: standard output is %q", e.Kind(), &b.out)
		}
		b.ok("control", string(e.Kind()), "--help")
		for _, p := range e.Params() {
			if !strings.Contains(b.out.String(), "--"+p.Name) {
				t.Errorf("the help of %s does not explain --%s", e.Kind(), p.Name)
			}
			if p.Help == "" {
				t.Errorf("%s: --%s has no help", e.Kind(), p.Name)
			}
		}
	}
}

func TestControlParameters(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	b.ok("control", "canny", sketch, "-o", b.path("a.png"), "--low", "55", "--json")
	e := b.events()[0]
	params, _ := e["params"].(map[string]any)
	if e["event"] != "control" || e["width"] != 128.0 || params["low"] != 55.0 {
		t.Errorf("got %v", e)
	}
	b.ok("control", "canny", sketch, "-o", "-")
	toStdout, err := png.Decode(bytes.NewReader(b.out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !sameImage(toStdout, openPNG(t, b.path("a.png"))) {
		// A drawing of pure black and white has no edges between the thresholds.
		t.Error("a low threshold changed the edges of a black and white drawing")
	}
	data, err := os.ReadFile(sketch)
	if err != nil {
		t.Fatal(err)
	}
	b.in = string(data)
	b.ok("control", "canny", "-", "-o", b.path("b.png"))
	if !sameImage(openPNG(t, b.path("b.png")), toStdout) {
		t.Error("standard input gave another control image than the file")
	}
}

func TestControlFailures(t *testing.T) {
	b := newBench(t)
	broken := b.path("broken.png")
	if err := os.WriteFile(broken, []byte("\x89PNG\r\n\x1a\nnot really"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := b.path("out.png")
	for _, in := range []string{broken, b.path("absent.png"), b.dir} {
		if code := b.run(t.Context(), "control", "lineart", in, "-o", out); code != ExitFailure || !strings.Contains(b.err.String(), in) {
			t.Errorf("%s: exit code %d, %s", in, code, &b.err)
		}
	}
	if exists(out) == nil {
		t.Error("a failure wrote a control image")
	}
	nowhere := b.path("no", "such", "folder.png")
	if code := b.run(t.Context(), "control", "lineart", b.sketch("s.png"), "-o", nowhere); code != ExitFailure || !strings.Contains(b.err.String(), nowhere) {
		t.Errorf("no folder: exit code %d, %s", code, &b.err)
	}
	left, err := filepath.Glob(b.path(".out.png.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files stay: %q, %v", left, err)
	}
}

func TestProjectCommands(t *testing.T) {
	b := newBench(t)
	project := b.path("chairs")
	b.ok("project", "new", project, "--name", "Chairs")
	if got := b.lines(); len(got) != 1 || got[0] != project {
		t.Errorf("new printed %q", got)
	}
	if code := b.run(t.Context(), "project", "new", project); code != ExitFailure {
		t.Errorf("new on a project: exit code %d", code)
	}
	b.ok("project", "ls", project)
	if b.out.Len() > 0 || !strings.Contains(b.err.String(), "no concepts") {
		t.Errorf("ls of an empty project: %q, %q", &b.out, &b.err)
	}
	b.ok("render", b.sketch("square.png"), "-p", "an oak chair", "--steps", "1", "--seed", "5", "--count", "2", "--project", project)
	b.ok("render", b.sketch("square.png"), "-p", "a steel chair", "--steps", "1", "--seed", "9", "--project", project)

	b.ok("project", "ls", project)
	if rows := b.lines(); len(rows) != 4 || !strings.Contains(rows[1], "a steel chair") {
		t.Errorf("ls printed\n%s", &b.out)
	}
	b.ok("project", "ls", project, "--text", "oak", "--json", "--oldest")
	oak := b.events()
	if len(oak) != 2 {
		t.Fatalf("ls --text oak found %v", oak)
	}
	recipe, _ := oak[0]["recipe"].(map[string]any)
	if recipe["seed"] != 5.0 {
		t.Errorf("the oldest has seed %v", recipe["seed"])
	}
	file, _ := oak[0]["image"].(string)
	if err := exists(file); err != nil {
		t.Error(err)
	}
	b.ok("project", "ls", project, "--limit", "1")
	if !strings.Contains(b.err.String(), "1 of 3 concepts") {
		t.Errorf("ls --limit 1 noted %q", &b.err)
	}
	b.ok("project", "ls", project, "--starred", "--json")
	if b.out.Len() > 0 {
		t.Errorf("starred: %q", &b.out)
	}

	b.ok("project", "show", project)
	for _, want := range []string{"Chairs", project, "3, 0 of them starred", "square"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("show does not say %q:\n%s", want, &b.out)
		}
	}
	id, _ := oak[0]["id"].(string)
	b.ok("project", "show", project, id)
	for _, want := range []string{"an oak chair", "lineart:1:0-1", "Seed", "5", file, "Fake"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("show %s does not say %q:\n%s", id, want, &b.out)
		}
	}
	if code := b.run(t.Context(), "project", "show", project, "9999"); code != ExitFailure || !strings.Contains(b.err.String(), "project ls") {
		t.Errorf("show of a missing concept: exit code %d, %s", code, &b.err)
	}
	if code := b.run(t.Context(), "project", "ls", b.path("absent")); code != ExitFailure || !strings.Contains(b.err.String(), b.path("absent")) {
		t.Errorf("ls of a missing project: exit code %d, %s", code, &b.err)
	}

	b.ok("project", "star", project, id)
	b.ok("project", "ls", project, "--starred", "--json")
	if list := b.events(); len(list) != 1 || list[0]["id"] != id {
		t.Errorf("starred: %v", list)
	}
	b.ok("project", "star", project, id, "--off")
	b.ok("project", "ls", project, "--starred", "--json")
	if b.out.Len() > 0 {
		t.Errorf("starred after --off: %q", &b.out)
	}
	exported := b.path("exported.png")
	b.ok("project", "export", project, id, exported)
	if !sameImage(openPNG(t, exported), openPNG(t, file)) {
		t.Error("the exported image differs")
	}
	for _, args := range [][]string{{"star", project, "9999"}, {"trash", project, "9999"}, {"export", project, "9999", exported}} {
		if code := b.run(t.Context(), append([]string{"project"}, args...)...); code != ExitFailure || !strings.Contains(b.err.String(), "project ls") {
			t.Errorf("%q: exit code %d, %s", args, code, &b.err)
		}
	}

	b.ok("project", "reindex", project)
	if !strings.Contains(b.err.String(), "3 concepts") {
		t.Errorf("reindex noted %q", &b.err)
	}
	b.ok("project", "check", project, "--json")
	if e := b.events()[0]; e["concepts"] != 3.0 {
		t.Errorf("check found %v", e)
	}
	b.ok("project", "ls", project, "--json", "--limit", "1")
	newest, _ := b.events()[0]["id"].(string)
	b.ok("project", "trash", project, newest)
	b.ok("project", "ls", project, "--json")
	if n := len(b.lines()); n != 2 || strings.Contains(b.out.String(), `"id":"`+newest+`"`) {
		t.Errorf("after the trash there are %d concepts:\n%s", n, &b.out)
	}
	if err := os.WriteFile(file, []byte("not a PNG"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := b.run(t.Context(), "project", "check", project); code != ExitFailure || !strings.Contains(b.out.String(), filepath.Base(file)) {
		t.Errorf("check of a broken concept: exit code %d\n%s", code, &b.out)
	}
}

// writeSafetensors writes a file with one tensor of the name.
func writeSafetensors(t *testing.T, path, tensor string) {
	t.Helper()
	header := `{"` + tensor + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	data = append(append(data, header...), make([]byte, 8)...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestModelsCommands(t *testing.T) {
	b := newBench(t)
	folder := b.path("models")
	file := filepath.Join(folder, "odd.safetensors")
	writeSafetensors(t, file, "odd.weight")

	b.ok("models", "ls")
	if b.out.Len() > 0 || !strings.Contains(b.err.String(), "models add") {
		t.Errorf("ls without folders: %q, %q", &b.out, &b.err)
	}
	b.ok("models", "add", folder)
	b.ok("models", "add", folder)
	if b.out.String() != folder+"\n" {
		t.Errorf("add printed %q", &b.out)
	}
	b.ok("models", "ls", "--json")
	if list := b.events(); len(list) != 1 || list[0]["path"] != file || list[0]["kind"] != "unknown" {
		t.Errorf("ls found %v", list)
	}
	b.ok("models", "show", file)
	if !strings.Contains(b.out.String(), "odd") || !strings.Contains(b.out.String(), "unknown") {
		t.Errorf("show printed\n%s", &b.out)
	}
	b.ok("models", "remove", folder)
	if b.out.Len() > 0 {
		t.Errorf("remove printed %q", &b.out)
	}
	for _, args := range [][]string{
		{"models", "remove", folder}, {"models", "add", file}, {"models", "add", b.path("absent")},
		{"models", "show", b.path("absent.safetensors")},
	} {
		if code := b.run(t.Context(), args...); code != ExitFailure || !strings.Contains(b.err.String(), args[2]) {
			t.Errorf("%q: exit code %d, %s", args, code, &b.err)
		}
	}
}

func TestDoctor(t *testing.T) {
	b := newBench(t)
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	b.ok("doctor")
	for _, want := range []string{"9.9.9 in /lib/libonnxruntime.so", "provider CPU", "2 cores", "provider WebGPU", "no adapter", "starter", "display", b.path("cache")} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("doctor does not say %q:\n%s", want, &b.out)
		}
	}
	if b.config.Library != "/lib/libonnxruntime.so" {
		t.Errorf("doctor tried the library %q", b.config.Library)
	}
	b.noLib = errors.New("there is none")
	if code := b.run(t.Context(), "doctor", "--json"); code != ExitFailure {
		t.Errorf("without ONNX Runtime: exit code %d", code)
	}
	found := false
	for _, e := range b.events() {
		if e["check"] == "ONNX Runtime" {
			hint, _ := e["hint"].(string)
			found = e["state"] == "problem" && strings.Contains(hint, "make runtime")
		}
	}
	if !found {
		t.Errorf("doctor --json does not report the missing library:\n%s", &b.out)
	}
}

func TestMemory(t *testing.T) {
	const text = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    4000000 kB\nbroken\n"
	total, available, ok := parseMeminfo(text)
	if !ok || total != 16000000<<10 || available != 4000000<<10 {
		t.Errorf("got %d, %d, %v", total, available, ok)
	}
	if _, _, ok := parseMeminfo("nonsense"); ok {
		t.Error("nonsense was read")
	}
	small := checkMemory(func() (int64, int64, bool) { return 4 << 30, 1 << 30, true })
	if small.State != advice || !strings.Contains(small.Detail, "4.3 GB") {
		t.Errorf("4 GiB: %+v", small)
	}
	if unknown := checkMemory(func() (int64, int64, bool) { return 0, 0, false }); unknown.State != good {
		t.Errorf("unknown: %+v", unknown)
	}
}

func TestProviderFinding(t *testing.T) {
	for _, c := range []struct {
		status inference.ProviderStatus
		state  state
		detail string
	}{
		{inference.ProviderStatus{Name: "CPU", OK: true}, good, "works"},
		{inference.ProviderStatus{Name: "CPU", Reason: "broken"}, bad, "broken"},
		{inference.ProviderStatus{Name: "WebGPU", OK: true, Reason: "Radeon"}, good, "Radeon"},
		{inference.ProviderStatus{Name: "WebGPU", Reason: "/src/x.cc:136 ok() was false. No supported adapters"}, absent, "No supported adapters"},
		{inference.ProviderStatus{Name: "CUDA", Reason: "Append: Failed to load shared library"}, absent, "not part of this ONNX Runtime"},
	} {
		if f := providerFinding(c.status); f.State != c.state || f.Detail != c.detail {
			t.Errorf("%+v: got %+v", c.status, f)
		}
	}
}
