//go:build window

package windowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ChildEnv names the environment variable that holds the socket's path in the
// process that is the app.
const ChildEnv = "MAQUETTE_WINDOW_TEST_SOCKET"

// SlowEnv names the environment variable with the factor by which all time
// limits of Wait are longer, for machines that others use too.
const SlowEnv = "MAQUETTE_WINDOW_SLOW"

// slowness is the factor of SlowEnv, 1 or more.
func slowness() time.Duration {
	n, _ := strconv.Atoi(os.Getenv(SlowEnv)) // 0 where it isn't set
	return time.Duration(max(n, 1))
}

// App is a running app that a test drives.
type App struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    *bytes.Buffer
	socket string
	done   chan error
	window string
}

// Main is a TestMain: in the app's process it serves questions and runs the
// app, which blocks until its window is closed; in the test's process it starts
// an X server of the given screen size and runs the tests on it.
func Main(m *testing.M, screen string, app func() error) int {
	if path := os.Getenv(ChildEnv); path != "" {
		l, err := net.Listen("unix", path)
		if err == nil {
			go Serve(l)
			err = app()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	stop, err := startX(screen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return m.Run()
}

// startX starts Xvfb on a free display and sets DISPLAY to it.
func startX(screen string) (stop func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", screen, "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("the window tests need Xvfb (make setup-test installs it): %w", err)
	}
	_ = w.Close()
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	var display int
	if _, err := fmt.Fscan(r, &display); err != nil {
		stop()
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	return stop, os.Setenv("DISPLAY", fmt.Sprintf(":%d", display))
}

// Start runs the test binary as the app with the given extra environment and
// waits for its window.
func Start(t *testing.T, env ...string) *App {
	t.Helper()
	a := &App{t: t, log: &bytes.Buffer{}, done: make(chan error, 1)}
	dir, err := os.MkdirTemp("", "maquette-window-")
	if err != nil {
		t.Fatal(err)
	}
	a.socket = filepath.Join(dir, "socket")
	a.cmd = exec.Command(os.Args[0], "-test.run=^$")
	a.cmd.Env = append(append(os.Environ(), ChildEnv+"="+a.socket), env...)
	a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { a.done <- a.cmd.Wait() }()
	t.Cleanup(func() { a.Kill(); _ = os.RemoveAll(dir) })
	a.Wait("the window", 60*time.Second, func() bool {
		a.window = strings.TrimSpace(a.try("search", "--onlyvisible", "--pid", strconv.Itoa(a.cmd.Process.Pid)))
		if i := strings.LastIndexByte(a.window, '\n'); i >= 0 {
			a.window = a.window[i+1:]
		}
		return a.window != "" && len(a.Objects()) > 0
	})
	a.try("windowmove", a.window, "0", "0")
	a.try("windowfocus", "--sync", a.window)
	return a
}

// Resize gives the window a size in pixels.
func (a *App) Resize(w, h int) {
	a.t.Helper()
	a.xdotool("windowsize", a.window, strconv.Itoa(w), strconv.Itoa(h))
	time.Sleep(700 * time.Millisecond)
}

// Kill ends the app as kill −9 does.
func (a *App) Kill() {
	if a.cmd.ProcessState != nil {
		return
	}
	_ = a.cmd.Process.Kill()
	select {
	case <-a.done:
	case <-time.After(10 * time.Second):
		a.t.Error("the app did not die")
	}
}

// Quit presses the app's quit shortcut and waits for the end.
func (a *App) Quit() {
	a.t.Helper()
	a.Key("ctrl+q")
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		a.t.Fatalf("the app did not end after Ctrl+Q\n%s", a.log)
	}
}

// Log is what the app has printed.
func (a *App) Log() string { return a.log.String() }

// Objects lists what is visible now.
func (a *App) Objects() []Object {
	conn, err := net.Dial("unix", a.socket)
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second * slowness()))
	var objects []Object
	if err := json.NewDecoder(conn).Decode(&objects); err != nil {
		return nil
	}
	return objects
}

// Find returns the visible objects of a type (such as "*widget.Button", or ""
// for any) whose text contains part.
func (a *App) Find(typ, part string) []Object {
	var found []Object
	for _, o := range a.Objects() {
		if (typ == "" || o.Type == typ) && strings.Contains(o.Text, part) {
			found = append(found, o)
		}
	}
	return found
}

// One waits for an object and returns the first.
func (a *App) One(typ, part string) Object {
	a.t.Helper()
	var found []Object
	a.Wait(fmt.Sprintf("%s %q", typ, part), 20*time.Second, func() bool {
		found = a.Find(typ, part)
		return len(found) > 0
	})
	return found[0]
}

// Wait polls until ok is true and fails the test when it takes longer than limit.
func (a *App) Wait(what string, limit time.Duration, ok func() bool) {
	a.t.Helper()
	limit *= slowness()
	end := time.Now().Add(limit)
	for !ok() {
		select {
		case err := <-a.done:
			a.done <- err
			a.t.Fatalf("the app ended while waiting for %s: %v\n%s", what, err, a.log)
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(end) {
			a.Shot("timeout")
			a.t.Fatalf("%s did not come within %v\nvisible: %v\n%s", what, limit, a.texts(), a.log)
		}
	}
}

func (a *App) texts() []string {
	var all []string
	for _, o := range a.Objects() {
		if o.Text != "" {
			all = append(all, fmt.Sprintf("%s %q", o.Type, o.Text))
		}
	}
	return all
}

// Click presses the pointer in the middle of an object.
func (a *App) Click(o Object) { a.ClickAt(o.X+o.W/2, o.Y+o.H/2) }

// ClickAt presses the pointer at a place of the window.
func (a *App) ClickAt(x, y float32) {
	a.t.Helper()
	a.move(x, y)
	time.Sleep(60 * time.Millisecond)
	a.xdotool("click", "1")
	time.Sleep(150 * time.Millisecond)
}

// Scroll turns the wheel down by notches over an object.
func (a *App) Scroll(o Object, notches int) {
	a.t.Helper()
	a.move(o.X+o.W/2, o.Y+o.H/2)
	time.Sleep(60 * time.Millisecond)
	a.xdotool("click", "--repeat", strconv.Itoa(notches), "--delay", "20", "5")
	time.Sleep(300 * time.Millisecond)
}

// Press clicks the first object of a type that contains the text.
func (a *App) Press(typ, part string) {
	a.t.Helper()
	a.Click(a.One(typ, part))
}

// Stroke draws along points with the button held.
func (a *App) Stroke(points ...[2]float32) {
	a.t.Helper()
	a.move(points[0][0], points[0][1])
	a.xdotool("mousedown", "1")
	for i := 1; i < len(points); i++ {
		const parts = 8
		p, q := points[i-1], points[i]
		for k := 1; k <= parts; k++ {
			f := float32(k) / parts
			a.move(p[0]+(q[0]-p[0])*f, p[1]+(q[1]-p[1])*f)
			time.Sleep(4 * time.Millisecond)
		}
	}
	a.xdotool("mouseup", "1")
	time.Sleep(100 * time.Millisecond)
}

// Type types text into what has the focus.
func (a *App) Type(text string) {
	a.t.Helper()
	a.xdotool("type", "--delay", "12", text)
	time.Sleep(100 * time.Millisecond)
}

// Key presses keys by their X names, such as "ctrl+Return".
func (a *App) Key(names ...string) {
	a.t.Helper()
	a.xdotool(append([]string{"key"}, names...)...)
	time.Sleep(150 * time.Millisecond)
}

// Shot keeps a picture of the window under the folder MAQUETTE_SHOTS, if set.
func (a *App) Shot(name string) {
	dir := os.Getenv("MAQUETTE_SHOTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		a.t.Fatal(err)
	}
	time.Sleep(400 * time.Millisecond)
	file := filepath.Join(dir, strings.ReplaceAll(a.t.Name(), "/", "-")+"-"+name+".png")
	if out, err := exec.Command("import", "-window", a.window, file).CombinedOutput(); err != nil {
		a.t.Errorf("screenshot %s: %v %s", file, err, out)
	}
}

func (a *App) move(x, y float32) {
	a.xdotool("mousemove", strconv.Itoa(int(x)), strconv.Itoa(int(y)))
}

func (a *App) xdotool(args ...string) string {
	a.t.Helper()
	out, err := exec.Command("xdotool", args...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("xdotool %v: %v %s", args, err, out)
	}
	return string(out)
}

func (a *App) try(args ...string) string {
	out, _ := exec.Command("xdotool", args...).Output()
	return string(out)
}
