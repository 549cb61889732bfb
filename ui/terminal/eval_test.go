package terminal

import (
	"context"
	"strings"
	"testing"

	"maquette/projects"
	"maquette/projects/settings"
)

func TestEvalPrintsNumbers(t *testing.T) {
	b := newBench(t)
	dir := b.path("Squares")
	b.ok("render", b.sketch("square.png"), "-p", "a square", "--project", dir, "--count", "2", "--size", "128x128")
	models, err := projects.NewLibrary(settings.Default().ModelFolders, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.models = models
	b.ok("eval", dir)
	out := b.out.String()
	for _, want := range []string{"Squares (" + dir + "): 2 pictures", "Sketch fidelity, F1", "0.000 to 0.000", "chamfer distance, pixels"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, want := range []string{"KID, FID and Inception Score: needs an Inception v3 network", "CLIP similarity: needs", "maquette models add"} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.err.String())
		}
	}
	b.ok("project", "ls", dir, "--by", "fidelity")
	if out := b.out.String(); !strings.Contains(out, "FIDELITY") || !strings.Contains(out, "0.000") {
		t.Errorf("the list is\n%s", out)
	}
	b.ok("eval", dir, "--json")
	events := b.events()
	last := events[len(events)-1]
	all, ok := last["all"].(map[string]any)
	if !ok || last["event"] != "report" || len(events) < 2 || events[0]["event"] != "progress" || events[0]["total"] != 2. {
		t.Fatalf("events %v", events)
	}
	if f1, ok := all["f1"].(map[string]any); !ok || f1["n"] != 2. || f1["mean"] != 0. {
		t.Errorf("over all %v", all)
	}
	if _, ok := all["drift"]; ok {
		t.Errorf("a drift without sets: %v", all)
	}
}

func TestEvalSaysWhatIsWrong(t *testing.T) {
	b := newBench(t)
	for want, args := range map[string][]string{
		"PROJECT|FOLDER": {"eval"},
		"no such file":   {"eval", b.path("none")},
		"neither":        {"eval", b.dir},
	} {
		if code := b.run(context.Background(), args...); code == ExitOK || !strings.Contains(b.err.String(), want) {
			t.Errorf("%v: exit code %d, %s", args, code, b.err.String())
		}
	}
}
