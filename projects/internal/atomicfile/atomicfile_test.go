package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func folder(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	if err := root.Mkdir("sub", 0o777); err != nil {
		t.Fatal(err)
	}
	return root, dir
}

func content(t *testing.T, root *os.Root, name string) string {
	t.Helper()
	data, err := root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "missing"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestReplaceAndAdd(t *testing.T) {
	root, dir := folder(t)
	var w Writer
	for _, text := range []string{"one", "two", ""} {
		if err := w.Replace(root, "sub/a", []byte(text)); err != nil || content(t, root, "sub/a") != text {
			t.Fatalf("%q: %v", text, err)
		}
	}
	if err := w.Add(root, "sub/a", []byte("three")); !errors.Is(err, fs.ErrExist) || content(t, root, "sub/a") != "" {
		t.Fatalf("Add replaced a file: %v", err)
	}
	if err := w.Add(root, "sub/b", []byte("new")); err != nil || content(t, root, "sub/b") != "new" {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(dir, "sub")); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("files %v", got)
	}
	for _, name := range []string{"../a", "/tmp/a", "none/a"} {
		if err := w.Replace(root, name, nil); err == nil {
			t.Errorf("wrote %s", name)
		}
	}
}

// TestEachStepCanFail expects the old content after every failure but that of
// the last step, which comes after the new one is in place.
func TestEachStepCanFail(t *testing.T) {
	broken := errors.New("broken")
	for _, step := range []Step{Create, Fill, Sync, Close, Publish, SyncDir} {
		root, dir := folder(t)
		var plain Writer
		if err := plain.Replace(root, "sub/a", []byte("old")); err != nil {
			t.Fatal(err)
		}
		seen := 0
		w := Writer{Before: func(s Step, name string) error {
			if s != step {
				return nil
			}
			seen++
			return broken
		}}
		err := w.Replace(root, "sub/a", []byte("new"))
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "sub/a") || seen != 1 {
			t.Errorf("%s: %v", step, err)
		}
		want := "old"
		if step == SyncDir {
			want = "new"
		}
		if got := content(t, root, "sub/a"); got != want {
			t.Errorf("%s: content %q, want %q", step, got, want)
		}
		if got := names(t, filepath.Join(dir, "sub")); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: files %v", step, got)
		}
	}
}

func TestMoveNew(t *testing.T) {
	root, _ := folder(t)
	for _, name := range []string{"a", "b"} {
		if err := root.WriteFile(name, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := MoveNew(root, "a", "b"); !errors.Is(err, fs.ErrExist) || content(t, root, "a") != "a" || content(t, root, "b") != "b" {
		t.Fatalf("moved onto a file: %v", err)
	}
	if err := MoveNew(root, "none", "c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved nothing: %v", err)
	}
	if err := MoveNew(root, "a", "sub/a"); err != nil || content(t, root, "a") != "missing" || content(t, root, "sub/a") != "a" {
		t.Fatalf("%v", err)
	}
	// Folders cannot have hard links, so this goes the other way.
	if err := root.Mkdir("sub/full", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := MoveNew(root, "sub", "moved"); err != nil || content(t, root, "moved/a") != "a" {
		t.Fatalf("without hard links: %v", err)
	}
	if err := MoveNew(root, "moved", "b"); !errors.Is(err, fs.ErrExist) || content(t, root, "b") != "b" {
		t.Errorf("without hard links it moved onto a file: %v", err)
	}
}

func TestClean(t *testing.T) {
	root, dir := folder(t)
	for _, name := range []string{TempPrefix + "1", TempPrefix + "2", "kept", ".maquette"} {
		if err := root.WriteFile("sub/"+name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clean(root, "sub"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(dir, "sub")); !slices.Equal(got, []string{".maquette", "kept"}) {
		t.Errorf("files %v", got)
	}
	if err := Clean(root, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
