package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// useFile points the settings at a file in a temporary folder and writes content, if any.
func useFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config", "settings.json")
	t.Setenv("MAQUETTE_CONFIG", file)
	if content != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestRoundTrip(t *testing.T) {
	file := useFile(t, "")
	got, err := Load()
	if err != nil || !reflect.DeepEqual(got, Default()) {
		t.Fatalf("first start %+v, %v", got, err)
	}
	want := Settings{Language: "zh-Hans", Theme: "light", ModelFolders: []string{"/models", "/模型"}, Providers: []string{"WebGPU", "CPU"},
		Precision: "fast", MemoryMB: 3000, Recent: []string{"/a"}, Window: Window{W: 1920, H: 1080}, UIScale: 1.5}
	if err := Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err = Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(file)); len(entries) != 1 {
		t.Fatalf("left %v behind", entries)
	}
}

func TestUnknownFieldsAreKept(t *testing.T) {
	file := useFile(t, `{"theme": "light", "colour_of_tomorrow": {"r": 1}}`)
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	s.Theme = "dark"
	if err := Save(s); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), "colour_of_tomorrow") || !strings.Contains(string(data), `"theme": "dark"`) {
		t.Fatalf("%s, %v", data, err)
	}
}

func TestGarbageBecomesDefaultsWithABackup(t *testing.T) {
	for name, content := range map[string]string{
		"truncated": `{"theme": "li`, "binary": "\x00\xff\x01", "list": `[1, 2]`, "large": strings.Repeat(" ", maxFile+1),
	} {
		t.Run(name, func(t *testing.T) {
			file := useFile(t, content)
			s, err := Load()
			if err != nil || s.Notice == "" {
				t.Fatalf("%+v, %v", s, err)
			}
			s.Notice = ""
			if !reflect.DeepEqual(s, Default()) {
				t.Fatalf("%+v", s)
			}
			kept, _ := filepath.Glob(file + ".damaged-*")
			if len(kept) != 1 {
				t.Fatalf("kept %v", kept)
			}
			if data, _ := os.ReadFile(kept[0]); string(data) != content {
				t.Fatal("the backup differs")
			}
			if s, err = Load(); err != nil || s.Notice != "" {
				t.Fatalf("second start %+v, %v", s, err)
			}
		})
	}
}

func TestUnusableValuesAreRepaired(t *testing.T) {
	useFile(t, `{"theme": "plaid", "ui_scale": 900, "window": {"w": -1, "h": 1e9}, "recent": ["", "/a"], "language": 7, "model_folders": ["/m"]}`)
	s, err := Load()
	if err != nil || s.Theme != "dark" || s.UIScale != 1 || s.Window != Default().Window {
		t.Fatalf("%+v, %v", s, err)
	}
	if !reflect.DeepEqual(s.Recent, []string{"/a"}) || !reflect.DeepEqual(s.ModelFolders, []string{"/m"}) || s.Language != "" || s.Notice == "" {
		t.Fatalf("%+v", s)
	}
}

func TestUnreachableFile(t *testing.T) {
	file := useFile(t, "")
	if err := os.MkdirAll(file, 0o777); err != nil { // a folder where the file should be
		t.Fatal(err)
	}
	s, err := Load()
	if err == nil || s.Theme != "dark" {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := Save(Default()); err == nil {
		t.Fatal("Save replaced a folder")
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MAQUETTE_CONFIG", filepath.Join(blocked, "settings.json"))
	if err := Save(Default()); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Save below a file: %v", err)
	}
}

func TestSaveRefusesNaN(t *testing.T) {
	useFile(t, "")
	s := Default()
	s.UIScale = float32(math.NaN())
	if err := Save(s); err == nil {
		t.Fatal("saved NaN")
	}
}

func TestRecent(t *testing.T) {
	useFile(t, "")
	dir := t.TempDir()
	for i := range MaxRecent + 5 {
		if err := AddRecent(filepath.Join(dir, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	again := filepath.Join(dir, "20")
	if err := AddRecent(again); err != nil {
		t.Fatal(err)
	}
	s, err := Load()
	if err != nil || len(s.Recent) != MaxRecent || s.Recent[0] != again || s.Recent[1] != filepath.Join(dir, "24") {
		t.Fatalf("%v, %v", s.Recent, err)
	}
	for i, d := range s.Recent[1:] {
		if d == again {
			t.Fatalf("twice in the list, at 0 and %d", i+1)
		}
	}
}
