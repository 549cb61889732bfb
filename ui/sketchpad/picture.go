package sketchpad

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"sync"

	"github.com/disintegration/imaging"
	"golang.org/x/image/draw"
)

// MaxPictureSide is the longest side, in pixels, that an underlay or a pasted image keeps; larger ones are scaled down.
const MaxPictureSide = 2048

// Picture is an image inside a document: an underlay or a pasted image. It keeps its PNG encoding, so that saving a
// document does not encode it again. A Picture never changes once it is made.
type Picture struct {
	pixels  *image.RGBA
	encoded []byte
	smaller func() []*image.RGBA // pixels, then half as large each time; made when first asked for
}

// newPicture wraps pixels and their PNG encoding.
func newPicture(pixels *image.RGBA, encoded []byte) *Picture {
	return &Picture{pixels: pixels, encoded: encoded, smaller: sync.OnceValue(func() []*image.RGBA {
		levels := []*image.RGBA{pixels}
		for size := pixels.Rect.Max; size.X > 1 && size.Y > 1 && max(size.X, size.Y) > blockSide; {
			size = image.Pt((size.X+1)/2, (size.Y+1)/2)
			half := image.NewRGBA(image.Rectangle{Max: size})
			halve(half, levels[len(levels)-1], half.Rect)
			levels = append(levels, half)
		}
		return levels
	})}
}

// draw scales the picture to fill box, a rectangle that may reach beyond dst, mirrored if asked for. A pixel comes out
// the same whichever rectangle of the whole dst is. It works from the level at most twice as large as box, which needs no
// memory beyond that of the levels.
func (p *Picture) draw(dst *image.RGBA, box image.Rectangle, op draw.Op, columns, rows bool) {
	levels := p.smaller()
	src := levels[0]
	for _, l := range levels[1:] {
		if l.Rect.Dx() < box.Dx() || l.Rect.Dy() < box.Dy() {
			break
		}
		src = l
	}
	if columns || rows {
		src = flipped(src, columns, rows)
	}
	draw.ApproxBiLinear.Scale(dst, box, src, src.Rect, op, nil)
}

// NewPicture makes a picture of img, scaled down so that its longest side is at most MaxPictureSide pixels. It takes
// time proportional to the image's size (about 0.1 s for 8 megapixels): call it off the window's goroutine.
func NewPicture(img image.Image) (*Picture, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("sketchpad: the image has no pixels")
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if long := max(w, h); long > MaxPictureSide {
		w, h = max(1, w*MaxPictureSide/long), max(1, h*MaxPictureSide/long)
	}
	pixels := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == img.Bounds().Dx() && h == img.Bounds().Dy() {
		draw.Draw(pixels, pixels.Rect, img, img.Bounds().Min, draw.Src)
	} else {
		small := imaging.Resize(img, w, h, imaging.CatmullRom)
		draw.Draw(pixels, pixels.Rect, small, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	// The window waits for nothing here, but autosave does: speed matters more than the last few per cent of size.
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&out, pixels); err != nil {
		return nil, fmt.Errorf("sketchpad: encoding the image: %w", err)
	}
	return newPicture(pixels, out.Bytes()), nil
}

// parsePicture reads a picture out of a document, refusing what NewPicture would not have written.
func parsePicture(encoded []byte) (*Picture, error) {
	size, err := pictureSize(encoded)
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		return nil, fmt.Errorf("reading its PNG: %w", err)
	}
	pixels, ok := img.(*image.RGBA)
	if !ok || pixels.Rect.Min != (image.Point{}) || pixels.Stride != 4*pixels.Rect.Dx() {
		pixels = image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(pixels, pixels.Rect, img, img.Bounds().Min, draw.Src)
	}
	return newPicture(pixels, encoded), nil
}

// pictureSize reads the size of a PNG, refusing one that is larger than a picture can be.
func pictureSize(encoded []byte) (image.Point, error) {
	cfg, err := png.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		return image.Point{}, fmt.Errorf("reading its PNG header: %w", err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > MaxPictureSide || cfg.Height > MaxPictureSide {
		return image.Point{}, fmt.Errorf("its image is %d×%d pixels, at most %d×%d are allowed",
			cfg.Width, cfg.Height, MaxPictureSide, MaxPictureSide)
	}
	return image.Pt(cfg.Width, cfg.Height), nil
}

// Image returns the picture's pixels, which must not be changed.
func (p *Picture) Image() *image.RGBA { return p.pixels }

// Size returns the picture's width and height in pixels.
func (p *Picture) Size() image.Point { return p.pixels.Rect.Size() }

// fitBox returns the largest box with the aspect of size that fits centred in a canvas of the given size.
func fitBox(size, canvas image.Point) image.Rectangle {
	w, h := canvas.X, canvas.X*size.Y/size.X
	if h > canvas.Y {
		w, h = canvas.Y*size.X/size.Y, canvas.Y
	}
	w, h = max(w, 1), max(h, 1)
	x, y := (canvas.X-w)/2, (canvas.Y-h)/2
	return image.Rect(x, y, x+w, y+h)
}
