package projects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

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
