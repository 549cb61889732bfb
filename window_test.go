//go:build window

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maquette/inference/runtime"
	"maquette/projects/settings"
	"maquette/ui/windowtest"
)

// The window tests drive the real window with pointer and keyboard: `make
// test-window`. With MAQUETTE_SHOTS=FOLDER they keep screenshots.

const argsEnv = "MAQUETTE_WINDOW_TEST_ARGS"

func TestMain(m *testing.M) {
	os.Exit(windowtest.Main(m, "2560x1440x24", func() error {
		os.Args = []string{"maquette", "studio"}
		if dir := os.Getenv(argsEnv); dir != "" {
			os.Args = append(os.Args, dir)
		}
		if code := run(); code != 0 {
			return fmt.Errorf("maquette studio ended with exit code %d", code)
		}
		return nil
	}))
}

// home is a user's home folder with settings.
type home struct {
	t        *testing.T
	dir      string
	settings settings.Settings
}

func newHome(t *testing.T) *home {
	t.Helper()
	set := settings.Default()
	set.Language, set.Theme = "en", "dark"
	return &home{t: t, dir: t.TempDir(), settings: set}
}

// start runs the studio in this home on a project folder, or on the home page.
func (h *home) start(project string) *windowtest.App {
	h.t.Helper()
	library, err := runtime.FindLibrary()
	if err != nil {
		h.t.Fatal(err)
	}
	config := filepath.Join(h.dir, "settings.json")
	if _, err := os.Stat(config); os.IsNotExist(err) {
		data, err := json.Marshal(h.settings)
		if err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(config, data, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	app := windowtest.Start(h.t, "HOME="+h.dir, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=",
		"MAQUETTE_CONFIG="+config, "MAQUETTE_ONNXRUNTIME="+library, "MAQUETTE_FILE_DIALOGS=fyne", argsEnv+"="+project)
	app.Resize(1366, 768)
	return app
}

// pad waits for the drawing surface.
func pad(a *windowtest.App) windowtest.Object { return a.One("*sketchpad.Pad", "") }

// settledPad waits until the window has its layout: on a busy machine that takes
// a while after the pad has appeared.
func settledPad(a *windowtest.App) windowtest.Object {
	last := pad(a)
	a.Wait("the layout", 10*time.Second, func() bool {
		time.Sleep(400 * time.Millisecond)
		now := pad(a)
		same := now.X == last.X && now.Y == last.Y && now.W == last.W && now.H == last.H
		last = now
		return same
	})
	return last
}

// drawVase draws a closed outline in the middle of the pad.
func drawVase(a *windowtest.App) {
	p := settledPad(a)
	at := func(x, y float32) [2]float32 { return [2]float32{p.X + p.W*x, p.Y + p.H*y} }
	a.Stroke(at(.44, .25), at(.56, .25), at(.54, .38), at(.6, .55), at(.55, .75), at(.45, .75), at(.4, .55), at(.46, .38), at(.44, .25))
	a.Stroke(at(.44, .3), at(.56, .3))
}

// typePrompt puts a prompt into the inspector.
func typePrompt(a *windowtest.App, prompt string) {
	entries := a.Find("*widget.Entry", "")
	for _, e := range entries {
		if e.W > 150 && e.H > 50 {
			a.Click(e)
			a.Key("ctrl+a")
			a.Type(prompt)
			return
		}
	}
}

func concepts(a *windowtest.App) int { return len(a.Find("*gallery.cell", "")) }

// sketches returns the saved strokes of all sketches below a folder.
func sketches(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "sketches", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWindowSketchBecomesConcept(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.One("*widget.Button", "New drawing")
	a.Shot("1-home")
	a.Press("*widget.Button", "New drawing")
	pad(a)
	a.Shot("2-empty")
	drawVase(a)
	a.Shot("3-drawn")
	typePrompt(a, "a blue glossy vase, front view")
	a.Shot("4-prompt")
	a.Press("*widget.Button", "Render")
	a.Wait("the render to start", 30*time.Second, func() bool { return len(a.Find("*widget.Button", "Cancel")) > 0 })
	a.Wait("progress", 60*time.Second, func() bool { return len(a.Find("", "left")) > 0 || concepts(a) > 0 })
	a.Shot("5-rendering")
	a.Wait("four concepts", 180*time.Second, func() bool { return concepts(a) >= 4 })
	a.Wait("the end of the render", 60*time.Second, func() bool { return len(a.Find("*widget.Button", "Render")) > 0 })
	a.Shot("6-rendered")
	a.Click(a.Find("*gallery.cell", "")[0])
	a.One("*widget.Button", "Use this recipe")
	if len(a.Find("", "a blue glossy vase, front view")) == 0 {
		t.Error("the large view does not show the prompt")
	}
	a.Shot("7-detail")
	a.Quit()

	a = h.start("")
	a.One("", "Recent projects")
	a.Shot("8-home-with-recent")
	tile := a.Find("*studio.tile", "")
	if len(tile) == 0 {
		t.Fatal("the home page shows no recent project")
	}
	a.Click(tile[0])
	a.Wait("the concepts of the last time", 30*time.Second, func() bool { return concepts(a) >= 4 })
	a.Shot("9-reopened")
}

func TestWindowSampleRendersWithOneClick(t *testing.T) {
	a := newHome(t).start("")
	a.Press("", "Facade")
	pad(a)
	a.Wait("the Render button", 20*time.Second, func() bool {
		b := a.Find("*widget.Button", "Render")
		return len(b) > 0 && !b[0].Disabled
	})
	a.Press("*widget.Button", "Render")
	a.Wait("the first concept", 180*time.Second, func() bool { return concepts(a) >= 1 })
	a.Press("*widget.Button", "Cancel")
	a.Wait("the cancelled render to end", 60*time.Second, func() bool { return len(a.Find("*widget.Button", "Render")) > 0 })
	a.Shot("cancelled")
}

func TestWindowKilledKeepsTheSketch(t *testing.T) {
	h := newHome(t)
	a := h.start("")
	a.Press("*widget.Button", "New drawing")
	drawVase(a)
	root := filepath.Join(h.dir, "Maquette")
	a.Wait("the autosave", 4*time.Second, func() bool {
		for _, f := range sketches(t, root) {
			if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), "points") {
				return true
			}
		}
		return false
	})
	a.Kill()
	files := sketches(t, root)
	if len(files) != 1 {
		t.Fatalf("%d sketches on disk, want 1", len(files))
	}
	a = h.start(filepath.Dir(filepath.Dir(files[0])))
	pad(a)
	a.Wait("undo of nothing", 5*time.Second, func() bool { return true })
	a.Shot("recovered")
	a.Press("*widget.Button", "Render")
	a.Wait("a render of the recovered sketch", 180*time.Second, func() bool { return concepts(a) >= 1 })
}

// TestWindowLooks shows the main states in every theme and language, and at the
// sizes that designers have.
func TestWindowLooks(t *testing.T) {
	words := map[string][4]string{
		"en": {"Recent projects", "Prompt", "Keyboard shortcuts", "Model folders"}, "zh": {"最近的项目", "提示词", "键盘快捷键", "模型文件夹"}}
	for _, language := range []string{"en", "zh"} {
		for _, theme := range []string{"dark", "light"} {
			t.Run(language+"-"+theme, func(t *testing.T) {
				h := newHome(t)
				h.settings.Language, h.settings.Theme = language, theme
				a := h.start("")
				a.One("", words[language][0])
				a.Shot("home")
				a.Key("ctrl+n")
				a.One("", words[language][1])
				drawVase(a)
				a.Shot("draw-1366")
				a.Key("F1")
				a.One("*widget.Label", words[language][2])
				a.Shot("keys")
				a.Key("Escape")
				a.Key("ctrl+comma")
				a.One("", words[language][3])
				a.Shot("settings")
				a.Key("Escape")
				a.ClickAt(60, 12) // the Edit menu
				a.Shot("menu")
				a.Key("Escape")
				a.Key("ctrl+equal", "ctrl+equal", "ctrl+equal", "ctrl+equal", "ctrl+2")
				a.Shot("control")
				a.Key("ctrl+1")
				a.Shot("zoomed")
				a.Key("0")
				a.Resize(2560, 1440)
				a.Shot("draw-2560")
			})
		}
	}
}
