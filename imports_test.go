package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "maquette"

// houses lists for each house, a top folder of the repository, the houses that
// it may import. The root is the house "main".
var houses = map[string][]string{
	"main":      {"ui", "projects", "control", "inference", "assets"},
	"ui":        {"ui", "projects", "control", "inference", "assets"},
	"projects":  {"projects", "control", "inference", "assets"},
	"control":   {"control", "assets"},
	"inference": {"inference", "assets"},
	"assets":    {"assets"},
}

// pkg is what `go list -json` tells about a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// house returns the house of an import path of this module, or "" for others'.
func house(path string) string {
	if path == module {
		return "main"
	}
	rest, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// violations lists the imports of p, tests included, that go the wrong way.
func violations(p pkg) []string {
	from := house(p.ImportPath)
	allowed, known := houses[from]
	if !known {
		return []string{fmt.Sprintf("%s is in no house of the design", p.ImportPath)}
	}
	var bad []string
	for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		to := house(path)
		switch {
		case to != "" && !slices.Contains(allowed, to):
			bad = append(bad, fmt.Sprintf("%s imports %s", p.ImportPath, path))
		case strings.HasPrefix(path, "fyne.io/") && from != "ui" && from != "main":
			bad = append(bad, fmt.Sprintf("%s imports %s, below the window", p.ImportPath, path))
		}
	}
	return bad
}

// TestImportsPointOneWay checks the import direction of the design:
// ui → projects → {control, inference}, everything may use assets, and nothing
// below ui knows Fyne.
func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t) {
		seen[house(p.ImportPath)] = true
		for _, v := range violations(p) {
			t.Error(v)
		}
	}
	for name := range houses {
		if !seen[name] {
			t.Errorf("go list found no package of the house %s", name)
		}
	}
}

// TestTerminalNeedsNoWindow keeps the command line free of the window's
// libraries, so that it can be tested, and used, without a display.
func TestTerminalNeedsNoWindow(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./ui/terminal").Output()
	if err != nil {
		t.Fatal(explain(err))
	}
	for path := range strings.Lines(string(out)) {
		for _, window := range []string{"fyne.io/", "github.com/sqweek/dialog", "github.com/go-gl/"} {
			if strings.HasPrefix(path, window) {
				t.Errorf("ui/terminal depends on %s", strings.TrimSpace(path))
			}
		}
	}
}

func TestViolations(t *testing.T) {
	for _, c := range []struct {
		name string
		pkg  pkg
		want int
	}{
		{"all is well", pkg{ImportPath: "maquette/ui/studio", Imports: []string{"fyne.io/fyne/v2", "maquette/projects", "fmt"}}, 0},
		{"root", pkg{ImportPath: "maquette", Imports: []string{"maquette/ui/terminal"}}, 0},
		{"upwards", pkg{ImportPath: "maquette/projects", Imports: []string{"maquette/ui/gallery"}}, 1},
		{"sideways", pkg{ImportPath: "maquette/control", Imports: []string{"maquette/inference/graph"}}, 1},
		{"in a test", pkg{ImportPath: "maquette/inference/arch", XTestImports: []string{"maquette/control"}}, 1},
		{"fyne below", pkg{ImportPath: "maquette/projects", TestImports: []string{"fyne.io/fyne/v2/test"}}, 1},
		{"assets know nobody", pkg{ImportPath: "maquette/assets", Imports: []string{"maquette/control"}}, 1},
		{"no house", pkg{ImportPath: "maquette/utils"}, 1},
	} {
		if got := violations(c.pkg); len(got) != c.want {
			t.Errorf("%s: %d violations %q, want %d", c.name, len(got), got, c.want)
		}
	}
}

// list returns every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(explain(err))
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// explain adds what a command wrote to standard error.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}
