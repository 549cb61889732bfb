//go:build unix

package projects

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maquette/projects/internal/atomicfile"
)

// The test binary runs itself as a writer that is killed. The environment says
// what it is to do.
const (
	writerEnv = "MAQUETTE_TEST_WRITER" // project folder
	stepEnv   = "MAQUETTE_TEST_STEP"   // kill itself at this step of the writes
	onceEnv   = "MAQUETTE_TEST_ONCE"   // "concept" or "sketch": one write, then exit
)

func TestMain(m *testing.M) {
	for env, run := range map[string]func(dir string) error{writerEnv: writer, openerEnv: opener} {
		if dir := os.Getenv(env); dir != "" {
			if err := run(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// writer stores concepts and sketches and prints each one that is acknowledged.
func writer(dir string) error {
	ctx := context.Background()
	p, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	if step := os.Getenv(stepEnv); step != "" {
		at, err := strconv.ParseInt(step, 10, 64)
		if err != nil {
			return err
		}
		var n atomic.Int64
		p.files.Before = func(atomicfile.Step, string) error {
			if n.Add(1) == at {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		}
	}
	once := os.Getenv(onceEnv)
	fmt.Println("ready")
	for i := 0; ; i++ {
		if once != "sketch" {
			c, err := p.AddConcept(ctx, picture(24, 16, uint64(i)), Concept{Recipe: recipe(fmt.Sprintf("picture %d", i))})
			if err != nil {
				return err
			}
			fmt.Println("concept", c.ID, i)
		}
		if once != "concept" {
			strokes := json.RawMessage(fmt.Sprintf(`{"n":%d,"pad":%q}`, i, strings.Repeat("x", 2000)))
			if err := p.SaveSketch(ctx, "front", "Front", strokes, picture(24, 16, uint64(i))); err != nil {
				return err
			}
			fmt.Println("sketch", i)
		}
		if once != "" {
			return nil
		}
	}
}

// acknowledged is what a writer said is stored.
type acknowledged struct {
	concepts map[string]uint64 // the seed of each picture
	sketch   int               // -1: none
}

// runWriter runs a writer. kill, if not nil, says after how many acknowledged
// writes, and how much time then, it is killed.
func runWriter(t *testing.T, dir string, kill *moment, env ...string) acknowledged {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(append(os.Environ(), writerEnv+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ack := acknowledged{concepts: map[string]uint64{}, sketch: -1}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ { // the first line says "ready"
		if kill != nil && n == kill.writes {
			time.AfterFunc(kill.later, func() { _ = cmd.Process.Kill() })
		}
		fields := strings.Fields(lines.Text())
		switch fields[0] {
		case "concept":
			seed, _ := strconv.ParseUint(fields[2], 10, 64)
			ack.concepts[fields[1]] = seed
		case "sketch":
			ack.sketch, _ = strconv.Atoi(fields[1])
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		t.Fatalf("writer: %v", err)
	}
	return ack
}

// moment is when a writer is killed.
type moment struct {
	writes int
	later  time.Duration
}

// verify opens the project of a writer that was killed. All that was
// acknowledged must be there and readable, in the folder as in the index.
func verify(t *testing.T, dir string, ack acknowledged) *Project {
	t.Helper()
	ctx := context.Background()
	p, err := Open(ctx, dir)
	if err != nil {
		t.Fatalf("the project does not open: %v", err)
	}
	for id, n := range ack.concepts {
		c, err := p.Concept(ctx, id)
		if err != nil || c.Recipe.Prompt != fmt.Sprintf("picture %d", n) {
			t.Fatalf("acknowledged concept %s: %+v, %v", id, c, err)
		}
		img, err := p.ConceptImage(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, img, picture(24, 16, n))
	}
	list, total, err := p.Concepts(ctx, Query{})
	if err != nil || total < len(ack.concepts) || len(list) != total {
		t.Fatalf("index has %d of %d concepts, %v", total, len(ack.concepts), err)
	}
	for _, c := range list { // also those that were not acknowledged must be whole
		if _, err := p.ConceptImage(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if ack.sketch >= 0 {
		strokes, img, err := p.LoadSketch(ctx, "front")
		if err != nil || img == nil {
			t.Fatalf("sketch: %v", err)
		}
		var s struct{ N int }
		if err := json.Unmarshal(strokes, &s); err != nil || s.N < ack.sketch {
			t.Fatalf("sketch has version %d, %d was acknowledged: %v", s.N, ack.sketch, err)
		}
	}
	return p
}

func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasPrefix(d.Name(), atomicfile.TempPrefix) {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestKill9AtRandomMomentsLosesNothing(t *testing.T) {
	p := newProject(t)
	dir := p.Dir()
	p.Close()
	const kills = 200
	total, versions := 0, 0
	for i := range kills {
		// A fresh project now and then keeps each check short.
		if i%20 == 19 {
			dir = filepath.Join(t.TempDir(), "next")
			q, err := Create(context.Background(), dir, "")
			if err != nil {
				t.Fatal(err)
			}
			q.Close()
		}
		ack := runWriter(t, dir, &moment{rand.IntN(6), time.Duration(rand.IntN(15_000)) * time.Microsecond})
		total += len(ack.concepts)
		if ack.sketch >= 0 {
			versions++
		}
		q := verify(t, dir, ack)
		noLeftovers(t, dir)
		if r, err := q.Check(context.Background()); err != nil || !r.OK() {
			t.Fatalf("after kill %d: %+v, %v", i, r.Problems, err)
		}
		q.Close()
	}
	// If the writers never got to write, nothing was tested.
	if total < kills/4 || versions < kills/8 {
		t.Fatalf("%d kills came after %d concepts and %d sketches only", kills, total, versions)
	}
	t.Logf("%d kills, %d acknowledged concepts", kills, total)
}

func TestKill9AtEveryStepOfASave(t *testing.T) {
	for _, what := range []string{"concept", "sketch"} {
		t.Run(what, func(t *testing.T) {
			isolate(t)
			finished := false
			for step := 1; !finished; step++ {
				if step > 40 {
					t.Fatal("a save never ends")
				}
				dir := filepath.Join(t.TempDir(), "p")
				p, err := Create(context.Background(), dir, "")
				if err != nil {
					t.Fatal(err)
				}
				addConcept(t, p, "before")
				if err := p.SaveSketch(context.Background(), "front", "Front", json.RawMessage(`{"n":-5}`), picture(8, 8, 1)); err != nil {
					t.Fatal(err)
				}
				p.Close()
				ack := runWriter(t, dir, nil, onceEnv+"="+what, stepEnv+"="+strconv.Itoa(step))
				finished = len(ack.concepts) == 1 || ack.sketch >= 0
				q := verify(t, dir, ack)
				noLeftovers(t, dir)
				if c, err := q.Concept(context.Background(), "0001"); err != nil || c.Recipe.Prompt != "before" {
					t.Fatalf("step %d: the concept of before: %+v, %v", step, c, err)
				}
				if _, _, err := q.LoadSketch(context.Background(), "front"); err != nil {
					t.Fatalf("step %d: %v", step, err)
				}
				if r, err := q.Check(context.Background()); err != nil || !r.OK() {
					t.Fatalf("step %d: %+v, %v", step, r.Problems, err)
				}
				addConcept(t, q, "after")
				q.Close()
			}
		})
	}
}

// failures are the ways in which a disk lets a writer down.
func failures() map[string]error {
	return map[string]error{"disk full": syscall.ENOSPC, "read-only": syscall.EROFS, "I/O error": syscall.EIO}
}

func TestFailedWritesChangeNothing(t *testing.T) {
	ctx := context.Background()
	for name, failure := range failures() {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			addConcept(t, p, "before")
			if err := p.SaveSketch(ctx, "front", "Front", json.RawMessage(`{"n":1}`), picture(8, 8, 1)); err != nil {
				t.Fatal(err)
			}
			for step := 1; ; step++ {
				n, fired := 0, false
				p.files.Before = func(s atomicfile.Step, _ string) error {
					if n++; n == step {
						fired = true
						return failure
					}
					return nil
				}
				before := tree(t, p.Dir())
				_, err := p.AddConcept(ctx, picture(24, 16, 2), Concept{Recipe: recipe("x")})
				p.files.Before = nil
				if !fired {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if !errors.Is(err, failure) {
					t.Fatalf("step %d: AddConcept: %v, want %v", step, err, failure)
				}
				if after := tree(t, p.Dir()); after != before {
					t.Fatalf("step %d: AddConcept failed and left\n%s\nwas\n%s", step, after, before)
				}
			}
			for step := 1; ; step++ {
				n, fired := 0, false
				p.files.Before = func(s atomicfile.Step, _ string) error {
					if n++; n == step {
						fired = true
						return failure
					}
					return nil
				}
				err := p.SaveSketch(ctx, "front", "Front", json.RawMessage(`{"n":2}`), picture(8, 8, 2))
				starErr := error(nil)
				if !fired {
					starErr = p.SetStarred(ctx, "0001", true)
				}
				p.files.Before = nil
				if !fired {
					if err != nil || starErr != nil {
						t.Fatal(err, starErr)
					}
					break
				}
				if !errors.Is(err, failure) && !errors.Is(starErr, failure) {
					t.Fatalf("step %d: SaveSketch: %v", step, err)
				}
				if _, img, err := p.LoadSketch(ctx, "front"); err != nil || img == nil {
					t.Fatalf("step %d: the sketch is gone: %v", step, err)
				}
			}
			q := reopen(t, p)
			if _, total, err := q.Concepts(ctx, Query{}); err != nil || total != 2 {
				t.Fatalf("%d concepts, %v", total, err)
			}
			if r, err := q.Check(ctx); err != nil || !r.OK() || len(r.Problems) > 0 {
				t.Fatalf("check %+v, %v", r, err)
			}
		})
	}
}

// tree lists the files of the project's visible folders with their content's hash.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, top := range []string{conceptsDir, sketchesDir, controlsDir, projectName} {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			fmt.Fprintln(&b, path, hexHash(data))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
