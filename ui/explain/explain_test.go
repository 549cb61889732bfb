package explain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"maquette/control"
	"maquette/inference/checkpoint"
	"maquette/inference/lora"
	"maquette/projects"
)

// TestRealErrorsAreExplained meets errors as users do.
func TestRealErrorsAreExplained(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := write("damaged.png", "\x89PNG\r\n\x1a\nnothing")
	weights := write("big.safetensors", "x")
	p, err := projects.Create(context.Background(), filepath.Join(dir, "Vase"), "Vase")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, locked := projects.Open(context.Background(), p.Dir())
	_, noProject := projects.Open(context.Background(), dir)
	_, badImage := control.OpenImage(damaged)
	_, noImage := control.OpenImage(filepath.Join(dir, "gone.png"))
	_, badModel := checkpoint.OpenSafetensors(weights)
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"locked":               {At(p.Dir(), locked), []string{p.Dir(), "Close it there"}},
		"no project":           {At(dir, noProject), []string{dir, "project.json"}},
		"bad image":            {At(damaged, badImage), []string{damaged, "100 megapixels"}},
		"no image":             {noImage, []string{"gone.png", "not there any more"}},
		"bad model":            {fmt.Errorf("render: %w", badModel), []string{weights, "Get it again"}},
		"full disk":            {&fs.PathError{Op: "write", Path: "/p/0001.png", Err: syscall.ENOSPC}, []string{"/p/0001.png", "disk is full"}},
		"no LoRA":              {fmt.Errorf("render: %w", &projects.UnknownModelError{Kind: "LoRA", Name: "inc", Near: []string{"ink"}}), []string{"no LoRA named “inc”", "Similar names: ink."}},
		"LoRA of another kind": {fmt.Errorf("render: %w", &lora.FitError{Path: "/l/ink.safetensors", Problem: "its shape"}), []string{"ink.safetensors was made for another kind"}},
		"own words":            {errors.New("something odd"), []string{"something odd"}},
	} {
		if c.err == nil {
			t.Errorf("%s: there was no error", name)
			continue
		}
		got := Error(c.err)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
	}
}

func TestAtKeepsNil(t *testing.T) {
	if At("/a", nil) != nil {
		t.Error("no error became one")
	}
}

func TestJobOfAnEarlierSession(t *testing.T) {
	if got := Job(projects.Job{Error: "as stored"}); got != "as stored" {
		t.Errorf("got %q", got)
	}
}
