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
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/disintegration/imaging"
	"golang.org/x/sync/singleflight"

	"maquette/projects/internal/atomicfile"
)

// Bounds of thumbnails.
const (
	minThumb, maxThumb = 16, 2048 // pixels
	thumbQuality       = 90
	// thumbBudget is how many bytes of thumbnails stay in the user's cache.
	thumbBudget = 512 << 20
)

// thumbnailer makes thumbnails and keeps them as JPEG in the user's cache,
// named by the image's path, time, size and the thumbnail's size, so that a
// changed image never shows an old thumbnail.
type thumbnailer struct {
	root    *os.Root // the cache folder
	workers chan struct{}
	flight  singleflight.Group
	pruning sync.WaitGroup
	stop    chan struct{}
}

func newThumbnailer(p *Project) (*thumbnailer, error) {
	dir, err := cacheDir("thumbnails")
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("thumbnail cache: %w", err)
	}
	t := &thumbnailer{root: root, workers: make(chan struct{}, runtime.GOMAXPROCS(0)), stop: make(chan struct{})}
	// Looking through the cache takes a while and need not be done at each start.
	if rand.IntN(8) == 0 {
		t.pruning.Go(func() {
			if err := t.prune(thumbBudget); err != nil {
				p.log.Warn("cannot tidy the thumbnail cache", "error", err)
			}
		})
	}
	return t, nil
}

func (t *thumbnailer) close() {
	close(t.stop)
	t.pruning.Wait()
	_ = t.root.Close() // nothing is written through it any more
}

// Thumbnail returns a concept's image scaled so that its longer side has px
// pixels, 16…2048; smaller images keep their size. It must not be written to.
func (p *Project) Thumbnail(ctx context.Context, id string, px int) (*image.RGBA, error) {
	if !isConceptID(id) {
		return nil, fmt.Errorf("concept %q: %w", id, ErrNotFound)
	}
	return p.thumbnail(ctx, conceptImage(id), px)
}

// SketchThumbnail is like Thumbnail for a sketch; a transparent ground becomes white.
func (p *Project) SketchThumbnail(ctx context.Context, id string, px int) (*image.RGBA, error) {
	if err := validID(id); err != nil {
		return nil, err
	}
	return p.thumbnail(ctx, sketchImage(id), px)
}

func (p *Project) thumbnail(ctx context.Context, name string, px int) (*image.RGBA, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	if px < minThumb || px > maxThumb {
		return nil, fmt.Errorf("thumbnail of %d pixels: must be %d to %d", px, minThumb, maxThumb)
	}
	info, err := p.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	key := hexHash(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d\x00%d", p.dir, name, info.ModTime().UnixNano(), info.Size(), px))
	// Two wishes for one thumbnail share the work, which goes on for the other
	// if one is given up.
	result := p.thumbs.flight.DoChan(key, func() (any, error) {
		return p.thumbs.get(key, px, func() (image.Image, error) { return p.decodeFile(name) })
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, fmt.Errorf("thumbnail: %w", r.Err)
		}
		return r.Val.(*image.RGBA), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// get returns a thumbnail from the cache, or makes it.
func (t *thumbnailer) get(key string, px int, decode func() (image.Image, error)) (*image.RGBA, error) {
	select {
	case t.workers <- struct{}{}:
	case <-t.stop:
		return nil, ErrClosed
	}
	defer func() { <-t.workers }()
	name := path.Join(key[:2], key[2:32]+".jpg")
	if img := t.cached(name, px); img != nil {
		return img, nil
	}
	src, err := decode()
	if err != nil {
		return nil, err
	}
	img := shrink(src, px)
	t.store(name, img)
	return img, nil
}

// cached reads a thumbnail; anything unusable counts as missing.
func (t *thumbnailer) cached(name string, px int) *image.RGBA {
	data, err := readFile(t.root, name, 32<<20)
	if err != nil {
		return nil
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil || max(cfg.Width, cfg.Height) > px {
		return nil
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return toRGBA(img)
}

// store keeps a thumbnail; where that fails it is made again the next time.
func (t *thumbnailer) store(name string, img *image.RGBA) {
	var b bytes.Buffer
	if jpeg.Encode(&b, img, &jpeg.Options{Quality: thumbQuality}) != nil {
		return
	}
	if err := t.root.Mkdir(path.Dir(name), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	temp := path.Join(path.Dir(name), fmt.Sprintf("%s%x", atomicfile.TempPrefix, rand.Uint64()))
	// No Sync: a thumbnail that a power cut spoils is found unusable and made again.
	if t.root.WriteFile(temp, b.Bytes(), 0o666) != nil || t.root.Rename(temp, name) != nil {
		_ = t.root.Remove(temp) // it is only a cache
	}
}

// prune removes the thumbnails that were made longest ago beyond budget bytes.
func (t *thumbnailer) prune(budget int64) error {
	type file struct {
		name  string
		bytes int64
		time  time.Time
	}
	var files []file
	var total int64
	err := fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		select {
		case <-t.stop:
			return fs.SkipAll
		default:
		}
		if err != nil || !d.Type().IsRegular() {
			return nil // what cannot be read cannot be counted either
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		files = append(files, file{filepath.ToSlash(name), info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b file) int { return a.time.Compare(b.time) })
	for _, f := range files {
		if total <= budget {
			return nil
		}
		if err := t.root.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= f.bytes
	}
	return nil
}

// shrink scales src down so that its longer side has at most px pixels, on
// white where it is transparent.
func shrink(src image.Image, px int) *image.RGBA {
	if s := src.Bounds().Size(); max(s.X, s.Y) > px {
		filter := imaging.Lanczos
		if max(s.X, s.Y) > 4*px {
			filter = imaging.Box // as good at such ratios, and several times faster
		}
		src = imaging.Fit(src, px, px, filter)
	}
	return onWhite(src)
}

// onWhite draws src on white paper at the origin.
func onWhite(src image.Image) *image.RGBA {
	if o, ok := src.(interface{ Opaque() bool }); ok && o.Opaque() {
		return toRGBA(src)
	}
	dst := image.NewRGBA(image.Rectangle{Max: src.Bounds().Size()})
	draw.Draw(dst, dst.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(dst, dst.Rect, src, src.Bounds().Min, draw.Over)
	return dst
}

// toRGBA returns src as RGBA at the origin; it may share pixels with src.
func toRGBA(src image.Image) *image.RGBA {
	switch s := src.(type) {
	case *image.RGBA:
		if s.Rect.Min == (image.Point{}) {
			return s
		}
	case *image.NRGBA:
		if s.Opaque() && s.Rect.Min == (image.Point{}) { // then premultiplied or not is the same
			return &image.RGBA{Pix: s.Pix, Stride: s.Stride, Rect: s.Rect}
		}
	}
	dst := image.NewRGBA(image.Rectangle{Max: src.Bounds().Size()})
	draw.Draw(dst, dst.Rect, src, src.Bounds().Min, draw.Src)
	return dst
}
