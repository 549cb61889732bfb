package projects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"maquette/projects/internal/atomicfile"
)

func TestProjectIsReadableWithoutTheApp(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	control, err := p.saveControl(picture(24, 16, 3))
	if err != nil {
		t.Fatal(err)
	}
	input, err := p.saveInput(picture(30, 20, 4))
	if err != nil {
		t.Fatal(err)
	}
	want := picture(24, 16, 9)
	c, err := p.AddConcept(ctx, want, Concept{
		Recipe: recipe("a glass house, dusk"), Sketch: input, Controls: []string{control}, SketchID: "front",
		Hashes: map[string]string{"starter": "abcdef0123456789"}, Provider: "CPU", Seconds: 1.5, JobID: "j1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != "0001" || c.Image != "concepts/0001.png" || c.Created.IsZero() {
		t.Fatalf("concept %+v", c)
	}
	var side map[string]any
	data, err := os.ReadFile(filepath.Join(p.Dir(), "concepts", "0001.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &side); err != nil {
		t.Fatal(err)
	}
	if side["schema"] != 1.0 || side["provider"] != "CPU" || side["sketch"] != input ||
		side["recipe"].(map[string]any)["prompt"] != "a glass house, dusk" {
		t.Fatalf("sidecar %s", data)
	}
	for _, name := range []string{"project.json", control, input} {
		if _, err := os.Stat(filepath.Join(p.Dir(), filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	f, err := os.Open(filepath.Join(p.Dir(), "concepts", "0001.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := ReadParameters(f)
	if err != nil || !strings.Contains(text, "a glass house, dusk\n") || !strings.Contains(text, "Model hash: abcdef0123") {
		t.Fatalf("parameters %q, %v", text, err)
	}
	q := reopen(t, p)
	got, err := q.Concept(ctx, "0001")
	if err != nil || got.Provider != "CPU" || got.Sketch != input || len(got.Controls) != 1 || !got.Created.Equal(c.Created) {
		t.Fatalf("reopened %+v, %v", got, err)
	}
	img, err := q.ConceptImage(ctx, "0001")
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, img, want)
	if img, err = q.File(ctx, control); err != nil {
		t.Fatal(err)
	}
	samePixels(t, img, picture(24, 16, 3))
	if r, err := q.Check(ctx); err != nil || len(r.Problems) > 0 || r.Concepts != 1 || r.Controls != 1 {
		t.Fatalf("check %+v, %v", r, err)
	}
}

func TestLockKeepsASecondWriterOut(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	addConcept(t, p, "one")
	if _, err := Open(ctx, p.Dir()); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "reading only") {
		t.Fatalf("second writer: %v", err)
	}
	r, err := OpenReadOnly(ctx, p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	addConcept(t, p, "two") // the writer goes on
	if list, total, err := r.Concepts(ctx, Query{}); err != nil || total != 1 || list[0].Recipe.Prompt != "one" {
		t.Fatalf("reader sees %v, %d, %v", list, total, err)
	}
	if err := r.Reindex(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, total, err := r.Concepts(ctx, Query{}); err != nil || total != 2 {
		t.Fatalf("reader after Reindex sees %d, %v", total, err)
	}
	for name, err := range map[string]error{
		"add":    func() error { _, err := r.AddConcept(ctx, picture(8, 8, 1), Concept{}); return err }(),
		"star":   r.SetStarred(ctx, "0001", true),
		"rename": r.SetName(ctx, "x"),
		"sketch": r.SaveSketch(ctx, "s", "s", nil, picture(8, 8, 1)),
		"trash":  func() error { _, err := r.Trash(ctx, "0001"); return err }(),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := Open(ctx, p.Dir())
	if err != nil {
		t.Fatalf("after the first writer closed: %v", err)
	}
	q.Close()
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	p := newProject(t)
	p.Close()
	file := filepath.Join(p.Dir(), projectName)
	want := []byte(`{"schema": 2, "name": "from tomorrow"}`)
	if err := os.WriteFile(file, want, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), p.Dir())
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "update Maquette") {
		t.Fatalf("error %v", err)
	}
	if got, _ := os.ReadFile(file); string(got) != string(want) {
		t.Fatal("project.json was touched")
	}
}

func TestNewerSidecarIsLeftAlone(t *testing.T) {
	p := newProject(t)
	addConcept(t, p, "old")
	file := filepath.Join(p.Dir(), "concepts", "0001.json")
	want := []byte(`{"schema": 7, "recipe": "something else"}`)
	if err := os.WriteFile(file, want, 0o666); err != nil {
		t.Fatal(err)
	}
	q := reopen(t, p)
	if _, total, err := q.Concepts(context.Background(), Query{}); err != nil || total != 0 {
		t.Fatalf("%d concepts, %v", total, err)
	}
	if got, _ := os.ReadFile(file); string(got) != string(want) {
		t.Fatal("the newer sidecar was touched")
	}
	if c := addConcept(t, q, "new"); c.ID != "0002" {
		t.Fatalf("number %s", c.ID)
	}
}

func TestNotAProject(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Open(ctx, d); !errors.Is(err, ErrNotProject) {
			t.Errorf("Open(%s): %v", d, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("Open left %v in a folder that is no project", entries)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(ctx, dir, "x"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create in a full folder: %v", err)
	}
}

func TestDamagedProjectFileIsReplaced(t *testing.T) {
	for name, content := range map[string]string{"truncated": `{"schema": 1, "na`, "empty": "", "garbage": "\x00\x01", "wrong": `{"schema": "one"}`} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			addConcept(t, p, "kept")
			p.Close()
			if err := os.WriteFile(filepath.Join(p.Dir(), projectName), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			q := reopen(t, p)
			if _, total, err := q.Concepts(context.Background(), Query{}); err != nil || total != 1 {
				t.Fatalf("%d concepts, %v", total, err)
			}
			kept, _ := filepath.Glob(filepath.Join(p.Dir(), "project.damaged-*.json"))
			if len(kept) != 1 {
				t.Fatalf("kept %v", kept)
			}
			r, err := q.Check(context.Background())
			if err != nil || len(r.Problems) != 1 || !r.Problems[0].Repaired || !r.OK() {
				t.Fatalf("check %+v, %v", r, err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	bad := []string{"../x", "..", ".", "a/b", `a\b`, "CON", "con.txt", "nul", "LPT1", "COM¹", strings.Repeat("x", 300), strings.Repeat("屋", 100),
		"a\x00b", "a\nb", "end.", " lead", "tail ", "  ", "a:b", "what?", "\u202Egnp.exe", "\xff\xfe"}
	for _, name := range bad {
		if err := ValidateName(name); !errors.Is(err, ErrName) {
			t.Errorf("ValidateName(%q) = %v", name, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("message of %d bytes", len(err.Error()))
		}
		if good := FolderName(name); ValidateName(good) != nil {
			t.Errorf("FolderName(%q) = %q: %v", name, good, ValidateName(good))
		}
		dir := filepath.Join(t.TempDir(), "p")
		if name != "" {
			if _, err := Create(ctx, dir, name); !errors.Is(err, ErrName) {
				t.Errorf("Create with name %q: %v", name, err)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("Create with name %q made a folder", name)
			}
		}
	}
	parent := t.TempDir()
	for _, base := range []string{"CON", strings.Repeat("x", 300), "end."} {
		if _, err := Create(ctx, filepath.Join(parent, base), ""); !errors.Is(err, ErrName) {
			t.Errorf("Create in folder %.20q: %v", base, err)
		}
	}
	for _, name := range []string{"House", "Küche & Bad", "茶室", "v1.2", "console", "مشروع"} {
		if err := ValidateName(name); err != nil {
			t.Errorf("ValidateName(%q) = %v", name, err)
		}
		if got := FolderName(name); got != name {
			t.Errorf("FolderName(%q) = %q", name, got)
		}
		p, err := Create(ctx, filepath.Join(parent, name), "")
		if err != nil {
			t.Errorf("Create %q: %v", name, err)
			continue
		}
		if p.Name() != name {
			t.Errorf("name %q, want %q", p.Name(), name)
		}
		p.Close()
	}
}

func TestSetName(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	// A field that this version does not know stays.
	file := filepath.Join(p.Dir(), projectName)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), "{", `{"client": "Ms. K",`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := p.SetName(ctx, "Tea house"); err != nil {
		t.Fatal(err)
	}
	if err := p.SetName(ctx, "../x"); !errors.Is(err, ErrName) {
		t.Fatalf("bad name: %v", err)
	}
	q := reopen(t, p)
	if q.Name() != "Tea house" {
		t.Fatalf("name %q", q.Name())
	}
	if data, _ = os.ReadFile(file); !strings.Contains(string(data), "Ms. K") {
		t.Fatalf("lost an unknown field: %s", data)
	}
}

func TestFolderThatCannotBeWrittenTo(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	addConcept(t, p, "x")
	p.Close()
	for _, failure := range []error{syscall.EROFS, syscall.EACCES} {
		w := &atomicfile.Writer{Before: func(atomicfile.Step, string) error { return failure }}
		if _, err := open(ctx, p.Dir(), false, w); !errors.Is(err, failure) || !strings.Contains(err.Error(), "reading only") {
			t.Errorf("%v: %v", failure, err)
		}
	}
	full := &atomicfile.Writer{Before: func(atomicfile.Step, string) error { return syscall.ENOSPC }}
	q, err := open(ctx, p.Dir(), false, full)
	if err != nil {
		t.Fatalf("full disk: %v", err)
	}
	q.Close()
	// Reading leaves no trace in the folder.
	before := allFiles(t, p.Dir())
	r, err := OpenReadOnly(ctx, p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Thumbnail(ctx, "0001", 64); err != nil {
		t.Error(err)
	}
	if list, _, err := r.Concepts(ctx, Query{Text: "x"}); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if report, err := r.Check(ctx); err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if after := allFiles(t, p.Dir()); after != before {
		t.Errorf("reading changed the folder from\n%s\nto\n%s", before, after)
	}
}

// allFiles lists the files of a folder with sizes and times.
func allFiles(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
