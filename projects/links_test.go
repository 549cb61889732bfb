package projects

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLinksOutOfTheProjectAreRefused(t *testing.T) {
	ctx := context.Background()
	secret := filepath.Join(t.TempDir(), "secret.png")
	data, err := encodePNG(picture(8, 8, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, data, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Run("image", func(t *testing.T) {
		p := newProject(t)
		if err := os.Symlink(secret, filepath.Join(p.Dir(), "controls", "x.png")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.File(ctx, "controls/x.png"); err == nil {
			t.Fatal("a link out of the project was followed")
		}
		if r, err := p.Check(ctx); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "link") {
			t.Fatalf("check %+v, %v", r, err)
		}
	})
	t.Run("names", func(t *testing.T) {
		p := newProject(t)
		for _, name := range []string{"../secret.png", secret, "concepts/../../secret.png", "project.json", ".maquette/index.sqlite", "", "controls/./x.png"} {
			if _, err := p.File(ctx, name); !errors.Is(err, ErrName) {
				t.Errorf("File(%q): %v", name, err)
			}
		}
		if _, err := p.AddConcept(ctx, picture(8, 8, 1), Concept{Sketch: "../../etc/passwd"}); !errors.Is(err, ErrName) {
			t.Errorf("AddConcept: %v", err)
		}
		for _, id := range []string{"../x", "a/b", "", "CON", strings.Repeat("x", 300), "a.b", "-x"} {
			if err := p.SaveSketch(ctx, id, "n", nil, picture(8, 8, 1)); !errors.Is(err, ErrName) {
				t.Errorf("SaveSketch(%q): %v", id, err)
			}
			if _, _, err := p.LoadSketch(ctx, id); !errors.Is(err, ErrName) {
				t.Errorf("LoadSketch(%q): %v", id, err)
			}
		}
	})
	t.Run("sidecar", func(t *testing.T) {
		p := newProject(t)
		addConcept(t, p, "x")
		file := filepath.Join(p.Dir(), "concepts", "0001.json")
		text := `{"schema": 1, "id": "../../x", "image": "/etc/passwd", "sketch": "../secret.png", "controls": ["/etc/passwd", "controls/a.png"]}`
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := p.Concept(ctx, "0001")
		if err != nil || c.ID != "0001" || c.Image != "concepts/0001.png" || c.Sketch != "" || c.Controls[0] != "" || c.Controls[1] != "controls/a.png" {
			t.Fatalf("concept %+v, %v", c, err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		for _, d := range []string{"concepts", ".maquette"} {
			p := newProject(t)
			p.Close()
			outside := t.TempDir()
			if err := os.RemoveAll(filepath.Join(p.Dir(), d)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside, filepath.Join(p.Dir(), d)); err != nil {
				t.Fatal(err)
			}
			if q, err := Open(ctx, p.Dir()); err == nil || !strings.Contains(err.Error(), "link") {
				t.Fatalf("Open: %v, %v", q, err)
			}
			if entries, _ := os.ReadDir(outside); len(entries) > 0 {
				t.Fatalf("wrote %v outside the project", entries)
			}
		}
	})
	t.Run("index", func(t *testing.T) {
		p := newProject(t)
		p.Close()
		victim := filepath.Join(t.TempDir(), "victim")
		if err := os.WriteFile(victim, []byte("precious"), 0o666); err != nil {
			t.Fatal(err)
		}
		index := filepath.Join(p.Dir(), indexName)
		if err := os.Remove(index); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, index); err != nil {
			t.Fatal(err)
		}
		reopen(t, p)
		if got, _ := os.ReadFile(victim); string(got) != "precious" {
			t.Fatalf("the index was written through a link: %q", got)
		}
	})
}
