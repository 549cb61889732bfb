package terminal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestViews lifts a drawing and writes its views and files.
func TestViews(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	dir := b.path("views")
	b.ok("views", sketch, "-o", dir, "--size", "128x96", "--views", "front,30:15", "--glb", b.path("a.glb"), "--obj", b.path("a.obj"), "--json")
	regions, views := 0, 0
	for _, e := range b.events() {
		switch e["event"] {
		case "region":
			regions++
		case "view":
			views++
		}
	}
	if regions == 0 || views != 2 {
		t.Errorf("%d regions and %d views are reported", regions, views)
	}
	for _, name := range []string{"front-depth", "front-normal", "front-lines", "front-mask", "30_15-lines"} {
		if got := openPNG(t, filepath.Join(dir, name+".png")).Bounds().Size(); got.X != 128 || got.Y != 96 {
			t.Errorf("%s is %v", name, got)
		}
	}
	for file, start := range map[string]string{"a.glb": "glTF", "a.obj": "# Maquette"} {
		data, err := os.ReadFile(b.path(file))
		if err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestViewsFailures(t *testing.T) {
	b := newBench(t)
	sketch := b.sketch("square.png")
	for _, args := range [][]string{
		{sketch}, {"-o", b.dir}, {sketch, "-o", b.dir, "--views", "below"}, {sketch, "-o", b.dir, "--views", "10:100"},
		{sketch, "-o", b.dir, "--read", "5=round"}, {sketch, "-o", b.dir, "--read", "500,500=sphere"},
		{sketch, "-o", b.dir, "--drawn", "up"}, {sketch, "-o", b.dir, "--line-width", "9"}, {sketch, "-o", b.dir, "--size", "x"},
	} {
		if code := b.run(t.Context(), append([]string{"views"}, args...)...); code != ExitUsage {
			t.Errorf("%v: exit code %d, %s", args, code, &b.err)
		}
	}
	if code := b.run(t.Context(), "views", b.path("absent.png"), "-o", b.dir); code != ExitFailure || !strings.Contains(b.err.String(), "absent.png") {
		t.Errorf("an absent sketch: exit code %d, %s", code, &b.err)
	}
}
