package terminal

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestUsageErrors runs wrong command lines: each must end with exit code 2, say
// what is wrong and point to the help, and leave standard output alone.
func TestUsageErrors(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	project := b.path("project")
	render := func(more ...string) []string {
		return append([]string{"render", sketch, "-p", "a box", "--project", project}, more...)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"rendr"}, `did you mean "render"`},
		{[]string{"bogus"}, "it has"},
		{[]string{"--bogus"}, "unknown flag"},
		{[]string{"version", "more"}, "one argument too many"},
		{[]string{"--log-level", "loud", "version"}, "debug, info, warn"},
		{[]string{"project"}, "needs a command: check, export, gif, ls, new, reindex, rename-set, sets, sheet, show, star, trash, zip"},
		{[]string{"project", "bogus"}, "has no command"},
		{[]string{"project", "new"}, "DIR is missing"},
		{[]string{"project", "star", project}, "CONCEPT is missing"},
		{[]string{"project", "ls", project, "--limit", "-1"}, "--limit"},
		{[]string{"control"}, "needs a command"},
		{[]string{"control", "pencil", sketch}, "has no command"},
		{[]string{"control", "canny", sketch}, "-o OUT.png is missing"},
		{[]string{"control", "canny", sketch, "-o", "x.jpg"}, "end in .png"},
		{[]string{"control", "canny", sketch, "-o", "-", "--json"}, "standard output"},
		{[]string{"control", "canny", sketch, "-o", b.path("x.png"), "--size", "8x8"}, "64…4096"},
		{[]string{"control", "canny", sketch, "-o", b.path("x.png"), "--low", "many"}, "not a number"},
		{[]string{"export-onnx"}, "CHECKPOINT is missing"},
		{[]string{"export-onnx", "starter"}, "-o DIR is missing"},
		{[]string{"export-onnx", "starter", "-o", b.path("x"), "--size", "100"}, "multiple of 8"},
		{[]string{"export-onnx", "starter", "-o", b.path("x"), "--precision", "int3"}, "stored, fp32 and fp16"},
		{[]string{"export-onnx", "starter", "-o", b.path("x"), "--control", "pencil"}, "neither a file nor a control kind"},
		{[]string{"render"}, "SKETCH is missing"},
		{[]string{"render", sketch}, "--project DIR is missing"},
		{[]string{"render", sketch, "--project", project}, "-p PROMPT is missing"},
		{[]string{"render", "--resume", sketch, "--project", project}, "must be left out"},
		{render("-c", "pencil"), "is not one of"},
		{render("-c", "none", "-c", "canny"), "excludes"},
		{render("--size", "100x100"), "multiple of 8"},
		{render("--steps", "0"), "0 steps"},
		{render("--steps", "many"), "invalid argument"},
		{render("--guidance", "-1"), "guidance -1"},
		{render("--sampler", "magic"), "dpmpp_2m"},
		{render("--sampler", "ddim", "--karras"), "--karras does nothing"},
		{render("--count", "0"), "0 images"},
		{render("--seed", "-1"), "--seed -1"},
		{render("--strength", "1.5"), "strength 1.5"},
		{render("--skip-existing"), "needs --seed"},
	} {
		code := b.run(t.Context(), c.args...)
		if code != ExitUsage {
			t.Errorf("%q: exit code %d, want %d", c.args, code, ExitUsage)
		}
		if text := b.err.String(); !strings.Contains(text, c.says) || !strings.Contains(text, "--help") {
			t.Errorf("%q: %q does not say %q and --help", c.args, text, c.says)
		}
		if text := b.out.String(); text != "" && !strings.HasPrefix(text, `{"event":"error"`) {
			t.Errorf("%q wrote %q to standard output", c.args, &b.out)
		}
	}
	if len(b.engine.requests) > 0 {
		t.Errorf("a wrong command line rendered %+v", b.engine.requests)
	}
	if err := exists(project); err == nil {
		t.Error("a wrong command line made a project")
	}
}

// TestHelp reads the help page of every command.
func TestHelp(t *testing.T) {
	b := newBench(t)
	var visit func(path []string)
	visit = func(path []string) {
		b.ok(append(path, "--help")...)
		text := b.out.String()
		if !strings.Contains(text, "Usage:") {
			t.Errorf("%q: the help does not say how it is used:\n%s", path, text)
		}
		_, list, found := strings.Cut(text, "Available Commands:\n")
		if !found {
			return
		}
		for line := range strings.Lines(list) {
			fields := strings.Fields(line)
			if len(fields) == 0 {
				break
			}
			if fields[0] == "help" || fields[0] == "completion" {
				continue // cobra's own
			}
			if len(fields) < 2 {
				t.Errorf("%q: %s has no description", path, fields[0])
			}
			visit(append(path[:len(path):len(path)], fields[0]))
		}
	}
	visit(nil)
}

func TestCompletion(t *testing.T) {
	b := newBench(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b.ok("completion", shell)
		if !strings.Contains(b.out.String(), "maquette") || b.out.Len() < 1000 {
			t.Errorf("the completion for %s has %d bytes", shell, b.out.Len())
		}
	}
	b.ok("__complete", "render", "--sampler", "")
	if !strings.Contains(b.out.String(), "dpmpp_2m") {
		t.Errorf("the samplers are not completed: %s", &b.out)
	}
	b.ok("__complete", "render", "-c", "sc")
	if !strings.Contains(b.out.String(), "scribble") {
		t.Errorf("the control kinds are not completed: %s", &b.out)
	}
}

func TestVersion(t *testing.T) {
	b := newBench(t)
	b.ok("version")
	if !strings.HasPrefix(b.out.String(), "maquette 1.2.3") {
		t.Errorf("got %q", &b.out)
	}
	b.ok("version", "--json")
	var v versionInfo
	if err := json.Unmarshal(b.out.Bytes(), &v); err != nil || v.Version != "1.2.3" || v.Go == "" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestStudio(t *testing.T) {
	b := newBench(t)
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	if code := b.run(t.Context()); code != ExitFailure || !strings.Contains(b.err.String(), "no display") {
		t.Errorf("without a display: exit code %d, %s", code, &b.err)
	}
	t.Setenv("DISPLAY", ":0")
	b.ok()
	if b.studio != "opened " {
		t.Errorf("maquette: %q", b.studio)
	}
	b.ok("studio", "/some/project")
	if b.studio != "opened /some/project" {
		t.Errorf("maquette studio DIR: %q", b.studio)
	}
}
