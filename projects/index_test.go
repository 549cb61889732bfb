package projects

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func ids(list []Concept) string {
	var s []string
	for _, c := range list {
		s = append(s, c.ID)
	}
	return strings.Join(s, " ")
}

func TestQueries(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	for i, prompt := range []string{"A glass house", "glass VASE, 100% blue_", "玻璃房子 黄昏", "café table", "Straße"} {
		r := recipe(prompt)
		if i == 1 {
			r.Variant = "oak"
			r.Checkpoint = "/home/x/models/Dreamy.safetensors"
		}
		if _, err := p.AddConcept(ctx, picture(8, 8, uint64(i)), Concept{Recipe: r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.SetStarred(ctx, "0002", true); err != nil {
		t.Fatal(err)
	}
	if err := p.SetStarred(ctx, "0004", true); err != nil {
		t.Fatal(err)
	}
	check := func(p *Project) {
		t.Helper()
		for _, c := range []struct {
			q     Query
			want  string
			total int
		}{
			{Query{}, "0005 0004 0003 0002 0001", 5},
			{Query{Oldest: true}, "0001 0002 0003 0004 0005", 5},
			{Query{Offset: 1, Limit: 2}, "0004 0003", 5},
			{Query{Offset: 9, Limit: 2}, "", 5},
			{Query{Starred: true}, "0004 0002", 2},
			{Query{Text: "GLASS"}, "0002 0001", 2},
			{Query{Text: " house  glass "}, "0001", 1},
			{Query{Text: "玻璃"}, "0003", 1},
			{Query{Text: "CAFE\u0301"}, "0004", 1},
			{Query{Text: "strasse"}, "0005", 1},
			{Query{Text: "ｇｌａｓｓ"}, "0002 0001", 2},
			{Query{Text: "100%"}, "0002", 1},
			{Query{Text: "b%e"}, "", 0},
			{Query{Text: "blue_"}, "0002", 1},
			{Query{Text: "'; DROP TABLE concepts; --"}, "", 0},
			{Query{Text: "oak dreamy"}, "0002", 1},
			{Query{Text: "models"}, "", 0},
			{Query{Text: "0003"}, "0003", 1},
			{Query{Text: "glass", Starred: true}, "0002", 1},
		} {
			list, total, err := p.Concepts(ctx, c.q)
			if err != nil || ids(list) != c.want || total != c.total {
				t.Errorf("%+v: %q of %d, %v; want %q of %d", c.q, ids(list), total, err, c.want, c.total)
			}
		}
	}
	check(p)
	check(reopen(t, p))
	if _, _, err := p.Concepts(ctx, Query{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestIndexIsOnlyACache spoils the index in every way and expects it back.
func TestIndexIsOnlyACache(t *testing.T) {
	ctx := context.Background()
	for name, spoil := range map[string]func(file string) error{
		"deleted":   os.Remove,
		"garbage":   func(f string) error { return os.WriteFile(f, []byte(strings.Repeat("garbage", 5000)), 0o666) },
		"empty":     func(f string) error { return os.WriteFile(f, nil, 0o666) },
		"truncated": func(f string) error { return os.Truncate(f, 5000) },
		"folder": func(f string) error {
			return errors.Join(os.Remove(f), os.MkdirAll(filepath.Join(f, "x"), 0o777))
		},
		"half garbage": func(f string) error {
			h, err := os.OpenFile(f, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = h.WriteAt([]byte(strings.Repeat("\xff", 8000)), 3000)
			return errors.Join(err, h.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			for i := range 3 {
				addConcept(t, p, fmt.Sprint("number ", i))
			}
			if err := p.SetStarred(ctx, "0002", true); err != nil {
				t.Fatal(err)
			}
			p.Close()
			file := filepath.Join(p.Dir(), filepath.FromSlash(indexName))
			if err := spoil(file); err != nil {
				t.Fatal(err)
			}
			q := reopen(t, p)
			if list, total, err := q.Concepts(ctx, Query{}); err != nil || total != 3 || ids(list) != "0003 0002 0001" || !list[1].Starred {
				t.Fatalf("%q of %d, %v", ids(list), total, err)
			}
		})
	}
}

func TestIndexOfAnotherVersionIsReplaced(t *testing.T) {
	p := newProject(t)
	addConcept(t, p, "x")
	if _, err := p.index.db.Exec("DROP TABLE concepts; CREATE TABLE concepts (x); PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, total, err := reopen(t, p).Concepts(context.Background(), Query{}); err != nil || total != 1 {
		t.Fatalf("%d, %v", total, err)
	}
}

// TestOpenSeesChangesByHand edits, adds and deletes sidecars while the project is closed.
func TestOpenSeesChangesByHand(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	for i := range 3 {
		addConcept(t, p, fmt.Sprint("number ", i))
	}
	p.Close()
	at := func(name string) string { return filepath.Join(p.Dir(), "concepts", name) }
	data, err := os.ReadFile(at("0001.json"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(data), "number 0", "number 9", 1) // of the same size
	if err := os.WriteFile(at("0001.json"), []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(at("0001.json"), later, later); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"0002.json", "0002.png"} {
		if err := os.Rename(at(name), at(strings.Replace(name, "0002", "0007", 1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"notes.txt", "12.json", "00001.json", "0000.png"} {
		if err := os.WriteFile(at(name), []byte("mine"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	q := reopen(t, p)
	list, _, err := q.Concepts(ctx, Query{})
	if err != nil || ids(list) != "0007 0003 0001" || list[2].Recipe.Prompt != "number 9" {
		t.Fatalf("%q, %v", ids(list), err)
	}
	if c := addConcept(t, q, "next"); c.ID != "0008" {
		t.Fatalf("next number %s", c.ID)
	}
}

func TestReindex(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	for i := range batch + 20 {
		c := Concept{ID: conceptID(i + 1), Recipe: recipe("x"), Created: now()}
		data, s, err := describe(mustPNG(t), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.abs(conceptImage(c.ID)), data, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := p.addSidecar(c.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, total, _ := p.Concepts(ctx, Query{}); total != 0 {
		t.Fatal("the index knows of files that came behind its back")
	}
	if r, err := p.Check(ctx); err != nil || r.OK() {
		t.Fatalf("Check does not see that the index is behind: %+v, %v", r, err)
	}
	var steps []int
	if err := p.Reindex(ctx, func(done, total int) { steps = append(steps, done, total) }); err != nil {
		t.Fatal(err)
	}
	if want := []int{batch, batch + 20, batch + 20, batch + 20}; !slices.Equal(steps, want) {
		t.Errorf("progress %v, want %v", steps, want)
	}
	if _, total, err := p.Concepts(ctx, Query{}); err != nil || total != batch+20 {
		t.Fatalf("%d, %v", total, err)
	}
	if r, err := p.Check(ctx); err != nil || !r.OK() || r.Concepts != batch+20 {
		t.Fatalf("%+v, %v", r, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := p.Reindex(stopped, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func mustPNG(t testing.TB) []byte {
	t.Helper()
	data, err := encodePNG(picture(8, 8, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
