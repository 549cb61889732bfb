package terminal

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"maquette/assets"
	"maquette/control"
	"maquette/projects"
)

// Prefixes of sketches that are not files.
const (
	samplePrefix  = "sample:"
	projectPrefix = "sketch:"
)

// maxStdin bounds the image that is read from standard input, in bytes.
const maxStdin = 512 << 20

// sketch is the input of a render.
type sketch struct {
	// name is what the sketch is called in the project.
	name string
	// id is the sketch's ID where it is one of the project already.
	id  string
	img image.Image
	// prompt is the prompt that goes with a sample, or "".
	prompt string
}

// openSketch reads a sketch: a file, "-" for standard input, sample:ID for a
// bundled one, or sketch:NAME for one of the project.
func (s *session) openSketch(ctx context.Context, p *projects.Project, arg string) (sketch, error) {
	if id, ok := strings.CutPrefix(arg, samplePrefix); ok {
		return openSample(id)
	}
	if name, ok := strings.CutPrefix(arg, projectPrefix); ok {
		return openProjectSketch(ctx, p, name)
	}
	if arg == "-" {
		img, err := s.readImage()
		return sketch{name: "stdin", img: img}, err
	}
	img, err := control.OpenImage(arg)
	if err != nil {
		return sketch{}, fmt.Errorf("the sketch: %w", err)
	}
	base := filepath.Base(arg)
	return sketch{name: strings.TrimSuffix(base, filepath.Ext(base)), img: img}, nil
}

// readImage reads an image from standard input.
func (s *session) readImage() (image.Image, error) {
	data, err := io.ReadAll(io.LimitReader(s.In, maxStdin+1))
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	if len(data) > maxStdin {
		return nil, fmt.Errorf("standard input: the image is larger than %s", humanBytes(maxStdin))
	}
	img, err := control.DecodeImage(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return img, nil
}

func openSample(id string) (sketch, error) {
	list, err := assets.SampleList()
	if err != nil {
		return sketch{}, err
	}
	var ids []string
	for _, sample := range list {
		ids = append(ids, samplePrefix+sample.ID)
		if sample.ID != id {
			continue
		}
		data, err := fs.ReadFile(assets.Samples(), id+".png")
		if err != nil {
			return sketch{}, fmt.Errorf("the bundled sketch %s: %w", id, err)
		}
		img, err := control.DecodeImage(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return sketch{}, fmt.Errorf("the bundled sketch %s: %w", id, err)
		}
		return sketch{name: sample.Name, img: img, prompt: sample.Prompt}, nil
	}
	return sketch{}, fmt.Errorf("there is no bundled sketch %q; there are %s", id, strings.Join(ids, ", "))
}

func openProjectSketch(ctx context.Context, p *projects.Project, name string) (sketch, error) {
	list, err := p.Sketches(ctx)
	if err != nil {
		return sketch{}, err
	}
	var known []string
	for _, info := range list {
		if info.ID != name && info.Name != name {
			known = append(known, fmt.Sprintf("%q", info.Name))
			continue
		}
		_, img, err := p.LoadSketch(ctx, info.ID)
		if err != nil {
			return sketch{}, err
		}
		return sketch{name: info.Name, id: info.ID, img: img}, nil
	}
	if len(known) == 0 {
		return sketch{}, fmt.Errorf("the project %s has no sketches", p.Dir())
	}
	return sketch{}, fmt.Errorf("the project %s has no sketch %q; it has %s", p.Dir(), name, strings.Join(known, ", "))
}

// keepSketch stores the sketch in the project, unless the project has the same
// one already, and returns its ID.
func keepSketch(ctx context.Context, p *projects.Project, k sketch) (string, error) {
	if k.id != "" {
		return k.id, nil
	}
	list, err := p.Sketches(ctx)
	if err != nil {
		return "", err
	}
	size := k.img.Bounds().Size()
	for _, info := range list {
		if info.Name != k.name || info.Width != size.X || info.Height != size.Y {
			continue
		}
		_, img, err := p.LoadSketch(ctx, info.ID)
		if err == nil && sameImage(img, k.img) {
			return info.ID, nil
		}
	}
	id := projects.NewSketchID()
	if err := p.SaveSketch(ctx, id, k.name, nil, k.img); err != nil {
		return "", fmt.Errorf("storing the sketch: %w", err)
	}
	return id, nil
}

// sameImage says whether a and b show the same pixels.
func sameImage(a, b image.Image) bool {
	return a.Bounds().Size() == b.Bounds().Size() && bytes.Equal(toNRGBA(a).Pix, toNRGBA(b).Pix)
}

// toNRGBA copies an image into tightly packed NRGBA, the model of a PNG file.
func toNRGBA(src image.Image) *image.NRGBA {
	dst := image.NewNRGBA(image.Rectangle{Max: src.Bounds().Size()})
	draw.Draw(dst, dst.Rect, src, src.Bounds().Min, draw.Src)
	return dst
}
