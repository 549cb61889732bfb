package projects

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTrashAndRestore(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	for _, name := range []string{"one", "two", "three"} {
		addConcept(t, p, name)
	}
	if err := p.SetStarred(ctx, "0003", true); err != nil {
		t.Fatal(err)
	}
	before := tree(t, p.Dir())
	events, cancel := p.Subscribe()
	defer cancel()
	gone, err := p.Trash(ctx, "0001", "0003")
	if err != nil || !gone.System || strings.Join(gone.IDs, " ") != "0001 0003" {
		t.Fatalf("%+v, %v", gone, err)
	}
	if e := (<-events).(ConceptsRemoved); strings.Join(e.IDs, " ") != "0001 0003" {
		t.Errorf("event %+v", e)
	}
	if list, _, err := p.Concepts(ctx, Query{}); err != nil || ids(list) != "0002" {
		t.Fatalf("left %q, %v", ids(list), err)
	}
	// As the freedesktop.org specification has it.
	trash := filepath.Join(os.Getenv("XDG_DATA_HOME"), "Trash")
	info, err := os.ReadFile(filepath.Join(trash, "info", "0001.png.trashinfo"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(info), "\n")
	path, err := url.PathUnescape(strings.TrimPrefix(lines[1], "Path="))
	if lines[0] != "[Trash Info]" || err != nil || path != p.abs("concepts/0001.png") {
		t.Errorf("info %q, %v", info, err)
	}
	if when, err := time.ParseInLocation("2006-01-02T15:04:05", strings.TrimPrefix(lines[2], "DeletionDate="), time.Local); err != nil || time.Since(when) > time.Minute {
		t.Errorf("info %q, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(trash, "files", "0001.png")); err != nil {
		t.Error(err)
	}
	// The number of a concept in the trash is not given again, not even by the next session.
	q := reopen(t, p)
	if c := addConcept(t, q, "four"); c.ID != "0004" {
		t.Fatalf("number %s", c.ID)
	}
	again, err := q.Trash(ctx, "0004")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Restore(ctx, gone); err != nil {
		t.Fatal(err)
	}
	after := tree(t, q.Dir())
	// project.json has the highest number now; nothing else differs.
	if cut := func(s string) string { return s[:strings.Index(s, projectName)] }; cut(after) != cut(before) {
		t.Errorf("restored\n%s\nwas\n%s", after, before)
	}
	if list, _, err := q.Concepts(ctx, Query{Starred: true}); err != nil || ids(list) != "0003" {
		t.Errorf("starred %q, %v", ids(list), err)
	}
	if left, _ := filepath.Glob(filepath.Join(trash, "*", "0001*")); len(left) > 0 {
		t.Errorf("left in the trash: %v", left)
	}
	if err := q.Restore(ctx, gone); !errors.Is(err, fs.ErrExist) {
		t.Errorf("restored twice: %v", err)
	}
	if err := os.RemoveAll(trash); err != nil { // the user emptied it
		t.Fatal(err)
	}
	if err := q.Restore(ctx, again); err == nil || !strings.Contains(err.Error(), "no longer in the trash") {
		t.Errorf("an emptied trash: %v", err)
	}
	if r, err := q.Check(ctx); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTrashOfManyProjectsKeepsNamesApart(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	other, err := Create(ctx, filepath.Join(t.TempDir(), "Küche 100% #1"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addConcept(t, p, "mine")
	addConcept(t, other, "yours")
	a, err := p.Trash(ctx, "0001")
	if err != nil {
		t.Fatal(err)
	}
	b, err := other.Trash(ctx, "0001")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Restore(ctx, a), other.Restore(ctx, b)); err != nil {
		t.Fatal(err)
	}
	for want, q := range map[string]*Project{"mine": p, "yours": other} {
		if c, err := q.Concept(ctx, "0001"); err != nil || c.Recipe.Prompt != want {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

// TestTrashInTheProject runs where the system's trash is out of reach.
func TestTrashInTheProject(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", blocked)
	addConcept(t, p, "x")
	for range 2 { // the second time the name is taken
		gone, err := p.Trash(ctx, "0001")
		if err != nil || gone.System {
			t.Fatalf("%+v, %v", gone, err)
		}
		if _, err := os.Stat(filepath.Join(p.Dir(), trashDir, "0001.png")); err != nil {
			t.Fatal(err)
		}
		if err := p.Restore(ctx, gone); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.Dir(), trashDir, "0001.json"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Concept(ctx, "0001"); err != nil {
		t.Error(err)
	}
}

func TestTrashRefuses(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	addConcept(t, p, "x")
	for _, id := range []string{"", "../project", "0099", "project.json"} {
		if _, err := p.Trash(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Trash(%q): %v", id, err)
		}
	}
	gone, err := p.Trash(ctx, "0001", "0099")
	if !errors.Is(err, ErrNotFound) || len(gone.IDs) != 1 {
		t.Fatalf("%+v, %v", gone, err)
	}
	if err := p.Restore(ctx, gone); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Concept(ctx, "0001"); err != nil {
		t.Error(err)
	}
}
