package projects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"maquette/projects/internal/jsonfile"
)

// SketchInfo describes a sketch of a project.
type SketchInfo struct {
	ID, Name      string
	Width, Height int // pixels
	Modified      time.Time
}

// sketchFile is the content of sketches/<id>.json. It is the truth; the PNG
// beside it shows the same to people and other programs.
type sketchFile struct {
	Schema   int       `json:"schema"`
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Modified time.Time `json:"modified"`
	// Image is the hex SHA-256 of the PNG that was saved with these strokes.
	Image   string          `json:"image_sha256"`
	Strokes json.RawMessage `json:"strokes,omitempty"`
}

// NewSketchID returns an ID for a new sketch. IDs sort by their time.
func NewSketchID() string {
	var random [3]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	return time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(random[:])
}

func sketchJSON(id string) string  { return path.Join(sketchesDir, id+".json") }
func sketchImage(id string) string { return path.Join(sketchesDir, id+".png") }

// SaveSketch stores a sketch: strokes, any valid JSON or nil, and its picture.
// When it returns nil, the sketch survives a crash and a power cut; when it
// fails, the strokes on disk are the ones of the save before. Names of up to
// 200 characters are free text.
func (p *Project) SaveSketch(ctx context.Context, id, name string, strokes json.RawMessage, img image.Image) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	if err := validID(id); err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("save sketch %s: %w", id, err) }
	if runes := []rune(name); len(runes) > 200 {
		name = string(runes[:200])
	}
	if strokes != nil && !json.Valid(strokes) {
		return fail(errors.New("the strokes are not valid JSON"))
	}
	// A sketch is saved every few seconds: speed matters more than a small file.
	picture, err := encodePNG(img, png.BestSpeed)
	if err != nil {
		return fail(err)
	}
	size := img.Bounds().Size()
	data, err := jsonfile.EncodeCompact(sketchFile{
		Schema: Schema, ID: id, Name: strings.ToValidUTF8(name, "\uFFFD"), Width: size.X, Height: size.Y,
		Modified: now(), Image: hexHash(picture), Strokes: strokes,
	})
	if err != nil {
		return fail(err)
	}
	p.writing.Lock()
	// The strokes are the truth and come last: a crash in between leaves the
	// strokes of the save before with a newer picture, never strokes without one.
	err = p.files.Replace(p.root, sketchImage(id), picture)
	if err == nil {
		err = p.files.Replace(p.root, sketchJSON(id), data)
	}
	p.writing.Unlock()
	if err != nil {
		return fail(err)
	}
	p.hub.publish(SketchSaved{ID: id})
	return nil
}

// LoadSketch returns a sketch's strokes, nil if it has none, and its picture,
// nil if that is missing or unreadable while the strokes are there. A picture
// without strokes, such as one that was put into the folder by hand, is a sketch too.
func (p *Project) LoadSketch(ctx context.Context, id string) (strokes json.RawMessage, img image.Image, err error) {
	if err := p.readable(ctx); err != nil {
		return nil, nil, err
	}
	if err := validID(id); err != nil {
		return nil, nil, err
	}
	s, err := p.readSketch(id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrDamaged) {
		return nil, nil, fmt.Errorf("load sketch %s: %w", id, err)
	}
	img, imgErr := p.decodeFile(sketchImage(id))
	if imgErr != nil {
		if err != nil || len(s.Strokes) == 0 {
			return nil, nil, fmt.Errorf("load sketch %s: %w", id, errors.Join(err, imgErr))
		}
		return s.Strokes, nil, nil
	}
	return s.Strokes, img, nil
}

func (p *Project) readSketch(id string) (sketchFile, error) {
	var s sketchFile
	data, err := readFile(p.root, sketchJSON(id), maxSketchFile)
	if err != nil {
		return s, err
	}
	if err := decodeVersioned(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", sketchJSON(id), err)
	}
	if string(s.Strokes) == "null" {
		s.Strokes = nil
	}
	s.ID = id
	return s, nil
}

// Sketches lists the sketches, the last changed first.
func (p *Project) Sketches(ctx context.Context) ([]SketchInfo, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(p.root.FS(), sketchesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list sketches: %w", err)
	}
	var list []SketchInfo
	seen := map[string]bool{}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ext := path.Ext(e.Name())
		id := strings.TrimSuffix(e.Name(), ext)
		if ext != ".png" && ext != ".json" || seen[id] || validID(id) != nil || !e.Type().IsRegular() {
			continue
		}
		seen[id] = true
		list = append(list, p.sketchInfo(id, e))
	}
	slices.SortFunc(list, func(a, b SketchInfo) int {
		if c := b.Modified.Compare(a.Modified); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, nil
}

// sketchInfo describes a sketch by its JSON, or by its picture where that fails.
func (p *Project) sketchInfo(id string, e fs.DirEntry) SketchInfo {
	s, err := p.readSketch(id)
	if err == nil {
		return SketchInfo{ID: id, Name: s.Name, Width: s.Width, Height: s.Height, Modified: s.Modified}
	}
	info := SketchInfo{ID: id, Name: id}
	if st, err := e.Info(); err == nil {
		info.Modified = st.ModTime()
	}
	if f, err := p.root.Open(sketchImage(id)); err == nil {
		defer f.Close()
		if cfg, err := png.DecodeConfig(f); err == nil {
			info.Width, info.Height = cfg.Width, cfg.Height
		}
	}
	return info
}

// saveInput stores the exact input of a render and returns its file's name.
func (p *Project) saveInput(img image.Image) (string, error) {
	data, err := encodePNG(img, png.BestSpeed)
	if err != nil {
		return "", err
	}
	return p.addContent(historyDir, data)
}

// saveControl stores a control image and returns its file's name.
func (p *Project) saveControl(img image.Image) (string, error) {
	data, err := encodePNG(img, png.DefaultCompression)
	if err != nil {
		return "", err
	}
	return p.addContent(controlsDir, data)
}
