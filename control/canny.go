package control

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"sync"

	"gocv.io/x/gocv"
)

// newCanny finds edges as OpenCV's Canny does, on the image at render size.
// Nothing is blurred unless asked for. Canny answers alike for an image and its
// negative, so polarity needs no detection here.
func newCanny() *extractor {
	return &extractor{
		kind: Canny, label: "Canny edges",
		help: "Both sides of every stroke and every sharp edge of a picture, as thin lines. Follows the drawing most strictly.",
		params: []Param{
			{Name: "low", Label: "Low threshold", Help: "Weak edges above this are kept where they continue strong ones. Lower keeps more detail.",
				Type: Int, Min: 1, Max: 500, Step: 1, Default: 100},
			{Name: "high", Label: "High threshold", Help: "Edges above this are always kept. Lower keeps fainter strokes.",
				Type: Int, Min: 1, Max: 500, Step: 1, Default: 200},
			{Name: "blur", Label: "Blur", Help: "Softens the picture first, in pixels, so that texture and paper grain leave no edges. 0 for drawings.",
				Type: Float, Min: 0, Max: 8, Step: .1, Default: 0},
		},
		make: (&cannyMethod{}).image,
	}
}

// cannyMethod keeps gray images between calls: live preview asks for the same
// size many times, and fresh memory costs as much as the edges themselves.
type cannyMethod struct{ scratch sync.Pool }

// gray returns an image of arbitrary content; give it back to scratch.
func (c *cannyMethod) gray(size image.Point) *image.Gray {
	if g, ok := c.scratch.Get().(*image.Gray); ok && g.Rect.Size() == size {
		return g
	}
	return image.NewGray(image.Rectangle{Max: size})
}

func (c *cannyMethod) image(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
	if v.float("blur") == 0 && pg.from == pg.size {
		if img, err := c.direct(pg, v); img != nil || err != nil {
			return img, err
		}
	}
	r, err := pg.load(ctx)
	if err != nil {
		return nil, err
	}
	var src *view
	if r.gray != nil {
		src, err = grayPixels(r.gray).view()
	} else {
		// All four channels: Canny takes the strongest one's gradient at each
		// pixel, and the constant alpha has none.
		src, err = rgbaPixels(r.colour).view()
	}
	if err != nil {
		return nil, err
	}
	defer src.Close()
	in := &src.Mat
	if sigma := v.float("blur"); sigma > 0 {
		soft := gocv.NewMat()
		defer soft.Close()
		if err := gocv.GaussianBlur(src.Mat, &soft, image.Point{}, sigma, sigma, gocv.BorderReflect101); err != nil {
			return nil, fmt.Errorf("blur: %w", err)
		}
		in = &soft
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	edges := c.gray(pg.size)
	defer c.scratch.Put(edges)
	if err := canny(*in, edges, v); err != nil {
		return nil, err
	}
	img := blackPage(pg.size)
	whiten(img, edges)
	if pg.photo {
		pg.blankOutside(img, 0, 0, 0)
	}
	return img, nil
}

// canny runs OpenCV's call into edges.
func canny(in gocv.Mat, edges *image.Gray, v values) error {
	low, high := v.float("low"), v.float("high")
	err := write(grayPixels(edges), func(out *gocv.Mat) error {
		return gocv.Canny(in, out, float32(min(low, high)), float32(max(low, high)))
	})
	if err != nil {
		return fmt.Errorf("find edges: %w", err)
	}
	return nil
}

// direct handles sources that already have render size and are opaque and gray,
// as the sketchpad's are, without copying them. Whether the source is of that
// kind is found out while OpenCV works; nil means that it is not. The result's
// memory is made ready at the same time.
func (c *cannyMethod) direct(pg *page, v values) (*image.RGBA, error) {
	var src *view
	var err error
	suits := func() bool { return true }
	switch m := pg.src.(type) {
	case *image.Gray:
		if m.Stride != m.Rect.Dx() {
			return nil, nil
		}
		src, err = grayPixels(m).view()
	case *image.RGBA:
		if m.Stride != 4*m.Rect.Dx() || !rowIsPlain(m.Pix[:m.Stride]) {
			return nil, nil
		}
		suits = func() bool { return plain(m) }
		own := c.gray(pg.size)
		defer c.scratch.Put(own)
		if err := grayInto(own, m); err != nil {
			return nil, err
		}
		src, err = grayPixels(own).view()
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer src.Close()
	type answer struct {
		page *image.RGBA
		ok   bool
	}
	ready := make(chan answer, 1)
	go func() { ready <- answer{blackPage(pg.size), suits()} }()
	edges := c.gray(pg.size)
	defer c.scratch.Put(edges)
	err = canny(src.Mat, edges, v)
	a := <-ready // also on errors: the goroutine reads the caller's pixels
	if err != nil || !a.ok {
		return nil, err
	}
	whiten(a.page, edges)
	return a.page, nil
}

// blackPage is an opaque black image. Its pixels are written once: memory from
// image.NewRGBA would be cleared first, which costs a third of finding the edges.
func blackPage(size image.Point) *image.RGBA {
	return &image.RGBA{
		Pix:    bytes.Repeat([]byte{0, 0, 0, 255}, size.X*size.Y),
		Stride: 4 * size.X,
		Rect:   image.Rectangle{Max: size},
	}
}

// whiten draws all edge pixels white. Most of an edge image is empty, so 32
// pixels are looked at together.
func whiten(img *image.RGBA, edges *image.Gray) {
	const many = 32
	from := 0
	for ; from+many <= len(edges.Pix); from += many {
		p := (*[many]uint8)(edges.Pix[from:])
		a, b := binary.LittleEndian.Uint64(p[0:]), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		if a|b|c|d != 0 {
			whitenRun(img.Pix[4*from:], p[:])
		}
	}
	whitenRun(img.Pix[4*from:], edges.Pix[from:])
}

// whitenRun whitens the pixels of pix whose edge value is set.
func whitenRun(pix, edges []uint8) {
	for i, v := range edges {
		if v != 0 {
			binary.LittleEndian.PutUint32(pix[4*i:], 0xffffffff)
		}
	}
}

// plain reports whether all pixels are opaque and gray.
func plain(m *image.RGBA) bool {
	for rows := m.Pix[:m.Stride*m.Rect.Dy()]; len(rows) > 0; rows = rows[m.Stride:] {
		if !rowIsPlain(rows[:m.Stride]) {
			return false
		}
	}
	return true
}
