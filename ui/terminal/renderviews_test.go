package terminal

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference"
)

func TestRenderViews(t *testing.T) {
	b := newBench(t)
	project := b.path("project")
	b.ok("render", b.sketch("square.png"), "-p", "a box", "--views", "front,-90:12,az30el10", "--count", "2", "--seed", "7",
		"--view-drawing", "az-90el12="+b.sketch("side.png"), "--share", "first", "--share-strength", "0.4", "--share-noise", "0.25", "--warp", "0",
		"--size", "128x128", "--project", project, "--json")
	var seen []string
	for _, e := range b.events() {
		if e["event"] == "concept" {
			seen = append(seen, e["view"].(string))
		}
	}
	if want := []string{"front", "side-left", "az30el10", "front", "side-left", "az30el10"}; !slices.Equal(seen, want) {
		t.Errorf("views %q, want %q", seen, want)
	}
	if len(b.engine.requests) != 2 {
		t.Fatalf("%d requests, want one for each set", len(b.engine.requests))
	}
	r := b.engine.requests[1]
	want := inference.Share{Mode: inference.ShareFirst, Strength: .4, Unconditional: 1, Noise: .25}
	if r.Share != want || len(r.Views) != 3 || r.Views[1].Name != "side-left" || r.Seed != 10 {
		t.Errorf("%+v with %d views from seed %d", r.Share, len(r.Views), r.Seed)
	}
	// The drawing of the side is the same square as the sketch, and what it is lifted to is not.
	if !sameImage(r.Views[1].Controls[0], r.Controls[0].Image) || sameImage(r.Views[2].Controls[0], r.Controls[0].Image) {
		t.Error("the drawing of the side does not guide it")
	}

	// A concept again is one image of its set; its set again from another seed is all of them.
	list, err := filepath.Glob(filepath.Join(project, "concepts", "*.png"))
	if err != nil || len(list) != 6 {
		t.Fatalf("%d images, %v", len(list), err)
	}
	b.ok("render", b.sketch("square.png"), "--like", list[1], "--project", project)
	if r := b.engine.requests[2]; len(b.lines()) != 1 || r.Seed != 7 || len(r.Views) != 3 {
		t.Errorf("again: %q from seed %d", b.lines(), r.Seed)
	}
	b.ok("render", b.sketch("square.png"), "--like", list[1], "--views", "front,top", "--seed", "90", "--view-drawing", "side-left=none", "--project", project)
	if r := b.engine.requests[3]; len(b.lines()) != 2 || r.Seed != 90 || r.Share != want {
		t.Errorf("another set: %q from seed %d, %+v", b.lines(), r.Seed, r.Share)
	}
}

func TestRenderViewsRefuses(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	for _, c := range []struct {
		args string
		want string
	}{
		{"--views front,sideways", `unknown view "sideways"`},
		{"--views front,az0el12", "the same"},
		{"--share all", "--share needs --views"},
		{"--view-drawing top=x.png", "--view-drawing needs --views"},
		{"--views front,top --share some", `--share "some" is not`},
		{"--views front,top --share-strength 3", "strength 3"},
		{"--views front,top --view-drawing top", "is not VIEW=FILE"},
		{"--views front,top --read 1=flat", "--read 1=flat"},
		{"--views front,top --read 500,500=soft", `"soft" is not one of`},
		{"--views front,top --drawn x", "the sketch's own view"},
		{"--views front,top --skip-existing --seed 1", "--skip-existing can't"},
		{"--views front,top --count 40", "80 images"},
	} {
		args := append([]string{"render", sketch, "-p", "a box", "--project", b.path("p")}, strings.Fields(c.args)...)
		if code := b.run(t.Context(), args...); code != ExitUsage || !strings.Contains(b.err.String(), c.want) {
			t.Errorf("%s: exit code %d, %s, want %q", c.args, code, &b.err, c.want)
		}
	}
	if code := b.run(t.Context(), "render", sketch, "-p", "a box", "--views", "front,top", "--view-drawing", "top="+b.path("absent.png"), "--project", b.path("p")); code != ExitFailure {
		t.Errorf("an absent drawing: exit code %d", code)
	}
	if exists(b.path("p")) == nil {
		t.Error("a project was made for a wrong command line")
	}
}

func TestCompleteViews(t *testing.T) {
	b := newBench(t)
	b.ok("__complete", "render", "x.png", "--views", "front,to")
	if !strings.Contains(b.out.String(), "front,top") || strings.Contains(b.out.String(), "front,front") {
		t.Errorf("completions are %q", &b.out)
	}
	b.ok("__complete", "render", "x.png", "--view-drawing", "")
	if !strings.Contains(b.out.String(), "side-left=") {
		t.Errorf("completions are %q", &b.out)
	}
}
