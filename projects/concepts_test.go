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
	"image/draw"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
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
		start := time.Now()
		if _, err := p.File(ctx, "controls/"+name+".png"); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s took %v", name, d)
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

func TestThumbnails(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	flat := image.NewRGBA(image.Rect(0, 0, 640, 320))
	draw.Draw(flat, flat.Rect, image.NewUniform(color.RGBA{200, 40, 60, 255}), image.Point{}, draw.Src)
	c, err := p.AddConcept(ctx, flat, Concept{Recipe: recipe("red")})
	if err != nil {
		t.Fatal(err)
	}
	for px, want := range map[int]image.Point{64: {64, 32}, 320: {320, 160}, 2048: {640, 320}} {
		for range 2 { // made, then from the cache
			img, err := p.Thumbnail(ctx, c.ID, px)
			if err != nil || img.Rect.Size() != want {
				t.Fatalf("%d px: %v, %v", px, img.Rect, err)
			}
			got := img.RGBAAt(want.X/2, want.Y/2)
			if d := max(absDiff(got.R, 200), absDiff(got.G, 40), absDiff(got.B, 60)); d > 6 || got.A != 255 {
				t.Fatalf("%d px: colour %v", px, got)
			}
		}
	}
	for _, px := range []int{0, -1, 15, 2049} {
		if _, err := p.Thumbnail(ctx, c.ID, px); err == nil {
			t.Errorf("%d px: no error", px)
		}
	}
	cache, err := filepath.Glob(filepath.Join(os.Getenv("MAQUETTE_CACHE"), "thumbnails", "*", "*.jpg"))
	if err != nil || len(cache) != 3 {
		t.Fatalf("cache %v, %v", cache, err)
	}
	for _, f := range cache { // a spoilt cache is made again
		if err := os.WriteFile(f, []byte("spoilt"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if img, err := p.Thumbnail(ctx, c.ID, 64); err != nil || img.Rect.Dx() != 64 {
		t.Fatalf("spoilt cache: %v", err)
	}
	// An image that was changed gets a new thumbnail.
	data, err := encodePNG(picture(100, 400, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.abs(c.Image), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if img, err := p.Thumbnail(ctx, c.ID, 64); err != nil || img.Rect.Size() != image.Pt(16, 64) {
		t.Fatalf("changed image: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := p.Thumbnail(ctx, c.ID, 128); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	clear := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	if err := p.SaveSketch(ctx, "s", "S", nil, clear); err != nil {
		t.Fatal(err)
	}
	if img, err := p.SketchThumbnail(ctx, "s", 32); err != nil || img.RGBAAt(5, 5) != (color.RGBA{255, 255, 255, 255}) {
		t.Fatalf("a transparent sketch is not on white: %v", err)
	}
}

func absDiff(a uint8, b int) int { return max(int(a)-b, b-int(a)) }

func TestThumbnailCacheIsPruned(t *testing.T) {
	p := newProject(t)
	var names []string
	for i := range 10 {
		name := fmt.Sprintf("%02x/%d.jpg", i, i)
		if err := p.thumbs.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := p.thumbs.root.WriteFile(name, make([]byte, 100), 0o666); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(time.Duration(i-20) * time.Hour)
		if err := p.thumbs.root.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := p.thumbs.prune(450); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		_, err := p.thumbs.root.Lstat(name)
		if gone := errors.Is(err, fs.ErrNotExist); gone != (i < 6) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExport(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	r := recipe("a house, 黄昏")
	r.Checkpoint = "/home/somebody/secret-models/dream.safetensors"
	want := picture(24, 16, 5)
	c, err := p.AddConcept(ctx, want, Concept{Recipe: r})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.amend(c.ID, func(s *sidecar) { s.Hashes = map[string]string{r.Checkpoint: "fedcba98765432100"} }); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "out.PNG")
	if err := os.WriteFile(file, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := p.Export(ctx, c.ID, file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, img, want)
	text, err := ReadParameters(bytes.NewReader(data))
	if err != nil || !strings.HasPrefix(text, "a house, 黄昏\n") || !strings.Contains(text, "Model hash: fedcba9876,") {
		t.Errorf("text %q, %v", text, err)
	}
	if bytes.Contains(data, []byte("somebody")) {
		t.Error("the export tells a path of the user's machine")
	}
	file = filepath.Join(dir, "out.jpg")
	if err := p.Export(ctx, c.ID, file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err = jpeg.Decode(f); err != nil || img.Bounds().Size() != image.Pt(24, 16) {
		t.Fatalf("JPEG: %v", err)
	}
	for path, want := range map[string]string{"out.gif": ".png or .jpg", "missing/out.png": "no folder"} {
		if err := p.Export(ctx, c.ID, filepath.Join(dir, path)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := p.Export(ctx, "0099", file); !errors.Is(err, ErrNotFound) {
		t.Errorf("a concept that is not there: %v", err)
	}
}

// TestExportedJPEGIsReadByOthers asks ImageMagick for the user comment.
func TestExportedJPEGIsReadByOthers(t *testing.T) {
	p := newProject(t)
	c := addConcept(t, p, "a house, 黄昏")
	file := filepath.Join(t.TempDir(), "out.jpeg")
	if err := p.Export(context.Background(), c.ID, file); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("identify", "-format", "%[EXIF:UserComment]", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "85, 78, 73, 67, 79, 68, 69, 0, 0, 97, 0, 32, 0, 104") {
		t.Fatalf("%s, %v", out, err)
	}
}
