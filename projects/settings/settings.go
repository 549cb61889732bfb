// Package settings keeps the user's settings in a JSON file.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"maquette/projects/internal/atomicfile"
	"maquette/projects/internal/jsonfile"
)

// Window is the size of the studio's window in Fyne units.
type Window struct {
	W float32 `json:"w"`
	H float32 `json:"h"`
}

// Settings are the user's choices.
type Settings struct {
	// Language is a BCP 47 tag such as "en" or "zh-Hans"; "" means the system's.
	Language string `json:"language,omitempty"`
	// Theme is "dark", "light" or "system".
	Theme string `json:"theme"`
	// ModelFolders are the folders of the model library.
	ModelFolders []string `json:"model_folders,omitempty"`
	// Providers are execution providers in the order to try them; none means automatic.
	Providers []string `json:"providers,omitempty"`
	// Precision is what images are computed in: "fp32", "fp16" or "fast"; ""
	// means automatic.
	Precision string `json:"precision,omitempty"`
	// MemoryMB bounds the memory in MiB for models that stay loaded between
	// renders; 0 means automatic, half of the machine's.
	MemoryMB int64 `json:"memory_mb,omitempty"`
	// Recent are absolute paths of project folders, the newest first.
	Recent []string `json:"recent,omitempty"`
	Window Window   `json:"window"`
	// UIScale scales the window's text and icons; 1 is normal, 0.5…3 is possible.
	UIScale float32 `json:"ui_scale"`
	// Notice is a sentence for the user if the settings file was no good; it is
	// not stored.
	Notice string `json:"-"`
}

const (
	// MaxRecent is how many recent projects are kept.
	MaxRecent = 20
	// MaxMemoryMB is the most that MemoryMB can be: 4 TiB.
	MaxMemoryMB = 4 << 20
	maxFile     = 1 << 20 // bytes
)

// Default returns the settings of a first start.
func Default() Settings { return Settings{Theme: "dark", Window: Window{W: 1366, H: 768}, UIScale: 1} }

// Path returns the settings file: $MAQUETTE_CONFIG, or settings.json in the
// folder maquette of the user's configuration folder.
func Path() (string, error) {
	if file := os.Getenv("MAQUETTE_CONFIG"); file != "" {
		return filepath.Abs(file)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("settings: %w; set MAQUETTE_CONFIG to a file", err)
	}
	return filepath.Join(dir, "maquette", "settings.json"), nil
}

// Load reads the settings. They are usable also with an error, which means that
// the file cannot be reached. A file that makes no sense is kept under another
// name and replaced by the defaults, which Notice then tells.
func Load() (Settings, error) {
	path, err := Path()
	if err != nil {
		return Default(), err
	}
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		return Default(), fmt.Errorf("settings: %w", err)
	}
	s := Default()
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	// A field of a wrong type is left at its default; the others were read.
	var wrongType *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrongType) {
		s = Default()
	}
	s.repair()
	if err != nil {
		s.Notice = keep(path, err)
	}
	return s, nil
}

// errTooLarge: the file cannot be settings.
var errTooLarge = errors.New("the file is too large")

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: move it away", path)
	}
	if info.Size() > maxFile {
		return nil, errTooLarge
	}
	return os.ReadFile(path)
}

// keep moves a settings file that is no good aside and returns a sentence about it.
func keep(path string, reason error) string {
	kept := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102-150405.000"))
	if err := os.Rename(path, kept); err != nil {
		return fmt.Sprintf("The settings could not be read (%v) and are the defaults now.", reason)
	}
	return fmt.Sprintf("The settings could not be read (%v) and are the defaults now. The old file is kept as %s.", reason, kept)
}

// repair puts values that no part of the app can use back to their defaults.
func (s *Settings) repair() {
	d := Default()
	switch s.Theme {
	case "dark", "light", "system":
	default:
		s.Theme = d.Theme
	}
	if !(s.UIScale >= 0.5 && s.UIScale <= 3) {
		s.UIScale = d.UIScale
	}
	if !(s.Window.W >= 320 && s.Window.W <= 32_768 && s.Window.H >= 240 && s.Window.H <= 32_768) {
		s.Window = d.Window
	}
	switch s.Precision {
	case "", "fp32", "fp16", "fast":
	default:
		s.Precision = d.Precision
	}
	if s.MemoryMB < 0 || s.MemoryMB > MaxMemoryMB {
		s.MemoryMB = d.MemoryMB
	}
	clean := func(list []string) []string {
		return slices.DeleteFunc(list, func(v string) bool { return v == "" || strings.ContainsRune(v, 0) })
	}
	s.ModelFolders, s.Providers, s.Recent = clean(s.ModelFolders), clean(s.Providers), clean(s.Recent)
	if len(s.Recent) > MaxRecent {
		s.Recent = s.Recent[:MaxRecent]
	}
}

// Save stores s, atomically. What a newer version put into the file is kept.
func Save(s Settings) error {
	for _, f := range []float32{s.UIScale, s.Window.W, s.Window.H} {
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return fmt.Errorf("save settings: %g is no size", f)
		}
	}
	path, err := Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	old, err := read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errTooLarge) {
		return fmt.Errorf("save settings: %w", err)
	}
	data, err := jsonfile.Merge(old, s)
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	defer root.Close()
	var w atomicfile.Writer
	if err := w.Replace(root, filepath.Base(path), data); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// AddRecent puts a project folder first in Recent and stores the settings.
func AddRecent(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("recent projects: %w", err)
	}
	s, err := Load()
	if err != nil {
		return err
	}
	s.Recent = append([]string{dir}, slices.DeleteFunc(s.Recent, func(d string) bool { return d == dir })...)
	if len(s.Recent) > MaxRecent {
		s.Recent = s.Recent[:MaxRecent]
	}
	return Save(s)
}
