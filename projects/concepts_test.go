package projects

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNumbersAreNeverUsedTwice puts foreign files in the way.
func TestNumbersAreNeverUsedTwice(t *testing.T) {
	p := newProject(t)
	foreign := map[string]string{"concepts/0001.png": "mine", "concepts/0002.json": "also mine"}
	for name, content := range foreign {
		if err := os.WriteFile(p.abs(name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if c := addConcept(t, p, "first"); c.ID != "0003" {
		t.Fatalf("number %s", c.ID)
	}
	for name, content := range foreign {
		if data, err := os.ReadFile(p.abs(name)); err != nil || string(data) != content {
			t.Errorf("%s was overwritten: %q, %v", name, data, err)
		}
	}
	p.next = 9999
	if c := addConcept(t, p, "many"); c.ID != "9999" {
		t.Fatalf("number %s", c.ID)
	}
	if c := addConcept(t, p, "more"); c.ID != "10000" {
		t.Fatalf("number %s", c.ID)
	}
	list, _, err := reopen(t, p).Concepts(context.Background(), Query{})
	if err != nil || ids(list) != "10000 9999 0003" {
		t.Fatalf("%q, %v", ids(list), err)
	}
}

func TestManyWritersInOneProcess(t *testing.T) {
	p := newProject(t)
	events, cancel := p.Subscribe()
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				if _, err := p.AddConcept(context.Background(), picture(8, 8, uint64(i*5+j)), Concept{Recipe: recipe("x")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for range 40 {
		select {
		case e := <-events:
			seen[e.(ConceptAdded).Concept.ID] = true
		case <-time.After(5 * time.Second):
			t.Fatal("an event is missing")
		}
	}
	if _, total, err := p.Concepts(context.Background(), Query{}); err != nil || total != 40 || len(seen) != 40 {
		t.Fatalf("%d concepts, %d events, %v", total, len(seen), err)
	}
}

func TestAddConceptRefuses(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	if _, err := p.AddConcept(ctx, nil, Concept{}); err == nil {
		t.Error("no image")
	}
	if _, err := p.AddConcept(ctx, image.NewRGBA(image.Rectangle{}), Concept{}); err == nil {
		t.Error("an empty image")
	}
	if _, err := p.AddConcept(ctx, picture(8, 8, 1), Concept{Seconds: math.NaN()}); err == nil {
		t.Error("NaN seconds")
	}
	r := recipe("x")
	r.Guidance = math.Inf(1)
	if _, err := p.AddConcept(ctx, picture(8, 8, 1), Concept{Recipe: r}); err == nil {
		t.Error("infinite guidance")
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.AddConcept(stopped, picture(8, 8, 1), Concept{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := tree(t, p.Dir()); strings.Contains(got, conceptsDir+"/") {
		t.Errorf("left %s", got)
	}
	for _, id := range []string{"", "1", "../0001", "0001.png", "99999", "abcd"} {
		if _, err := p.Concept(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Concept(%q): %v", id, err)
		}
		if _, err := p.ConceptImage(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("ConceptImage(%q): %v", id, err)
		}
		if err := p.SetStarred(ctx, id, true); !errors.Is(err, ErrNotFound) {
			t.Errorf("SetStarred(%q): %v", id, err)
		}
		if _, err := p.Thumbnail(ctx, id, 64); !errors.Is(err, ErrNotFound) {
			t.Errorf("Thumbnail(%q): %v", id, err)
		}
	}
}

func TestDamagedSidecarIsMadeAgainFromItsImage(t *testing.T) {
	for name, content := range map[string]string{"truncated": `{"schema": 1, "id": "0001", "rec`, "empty": "", "garbage": "\x00\x00", "list": "[]"} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			want := addConcept(t, p, "a house, 黄昏")
			file := p.abs("concepts/0001.json")
			if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			q := reopen(t, p)
			got, err := q.Concept(context.Background(), "0001")
			if err != nil || got.Recipe.Prompt != want.Recipe.Prompt || !got.Created.Equal(want.Created) {
				t.Fatalf("%+v, %v", got, err)
			}
			if kept, err := os.ReadFile(file + ".damaged"); err != nil || string(kept) != content {
				t.Errorf("kept %q, %v", kept, err)
			}
			r, err := q.Check(context.Background())
			if err != nil || !r.OK() || len(r.Problems) != 1 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestDamagedSidecarWithoutHelp(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	addConcept(t, p, "good")
	addConcept(t, p, "bad")
	for name, content := range map[string]string{"concepts/0002.json": "{", "concepts/0002.png": "\x89PNG\r\n\x1a\n"} {
		if err := os.WriteFile(p.abs(name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	q := reopen(t, p)
	if list, _, err := q.Concepts(ctx, Query{}); err != nil || ids(list) != "0001" {
		t.Fatalf("%q, %v", ids(list), err)
	}
	if _, err := q.Concept(ctx, "0002"); !errors.Is(err, ErrDamaged) {
		t.Errorf("Concept: %v", err)
	}
	if r, err := q.Check(ctx); err != nil || r.OK() || r.Concepts != 1 || r.Problems[0].File != "concepts/0002.json" {
		t.Errorf("%+v, %v", r, err)
	}
	if data, _ := os.ReadFile(p.abs("concepts/0002.json")); string(data) != "{" {
		t.Error("the damaged sidecar was touched")
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	control, err := p.saveControl(picture(8, 8, 3))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := p.AddConcept(ctx, picture(8, 8, 4), Concept{Recipe: recipe("x"), Controls: []string{control}}); err != nil {
			t.Fatal(err)
		}
	}
	other := mustPNG(t)
	write := func(name string, data []byte) {
		if err := os.WriteFile(p.abs(name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("concepts/0001.png", other)                             // changed
	write("concepts/0002.png", other[:len(other)/2])              // cut off
	write("concepts/0099.png", other)                             // somebody's picture
	write("controls/"+hexHash([]byte("x"))+".png", other)         // not what its name says
	write("sketches/torn.json", []byte(`{"schema":1`))            // without a picture
	if err := os.Remove(p.abs("concepts/0003.png")); err != nil { // missing
		t.Fatal(err)
	}
	if err := os.Rename(p.abs(control), p.abs("controls/a.png")); err != nil { // missing in four
		t.Fatal(err)
	}
	r, err := p.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var found strings.Builder
	for _, problem := range r.Problems {
		fmt.Fprintln(&found, problem.File, problem.What)
	}
	for _, want := range []string{
		"concepts/0001.png was changed", "concepts/0002.png damaged", "concepts/0003.png is missing", "concepts/0099.png has no sidecar",
		hexHash([]byte("x")) + ".png was changed", "sketches/torn.json", "concepts/0004.json names controls/",
	} {
		if !strings.Contains(found.String(), want) {
			t.Errorf("not found: %s", want)
		}
	}
	if r.OK() || r.Concepts != 4 || r.Bytes == 0 {
		t.Errorf("%+v\n%s", r, found.String())
	}
}

// TestHostileImages opens files that claim more than they hold.
func TestHostileImages(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	huge := mustPNG(t)
	copy(huge[16:24], []byte{0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30}) // 30000²; the checksum is wrong too
	for name, data := range map[string][]byte{"huge": huge, "cut": mustPNG(t)[:60], "empty": nil, "text": []byte("hello")} {
		file := p.abs("controls/" + name + ".png")
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := p.File(ctx, "controls/"+name+".png"); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 200<<20 {
			t.Errorf("%s: allocated %d MB", name, n>>20)
		}
	}
	if _, err := decodePNG("wide", widePNG(t)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "pixels") {
		t.Errorf("a valid PNG of 40000² pixels of one bit: %v", err)
	}
}

// widePNG makes a valid header of 40000×40000 pixels of one bit.
func widePNG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	// Two rows are enough: the size is refused before any pixel is read.
	if err := png.Encode(&b, image.NewPaletted(image.Rect(0, 0, 40_000, 2), color.Palette{color.Black, color.White})); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	copy(data[20:24], []byte{0, 0, 0x9C, 0x40})
	binary.BigEndian.PutUint32(data[29:33], crc32.ChecksumIEEE(data[12:29]))
	return data
}
