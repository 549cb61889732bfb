package control

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"sync"
	"unsafe"

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
		src, err = viewGray(r.gray)
	} else {
		// All four channels: Canny takes the strongest one's gradient at each
		// pixel, and the constant alpha has none.
		src, err = viewRGBA(r.colour)
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
	out, err := viewGray(edges)
	if err != nil {
		return err
	}
	defer out.Close()
	low, high := v.float("low"), v.float("high")
	if err := gocv.Canny(in, &out.Mat, float32(min(low, high)), float32(max(low, high))); err != nil {
		return fmt.Errorf("find edges: %w", err)
	}
	return out.filled(unsafe.Pointer(unsafe.SliceData(edges.Pix)))
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
		src, err = viewGray(m)
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
		src, err = viewGray(own)
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

// blackPage is an opaque black image.
func blackPage(size image.Point) *image.RGBA {
	m := image.NewRGBA(image.Rectangle{Max: size})
	for x := 3; x < m.Stride; x += 4 {
		m.Pix[x] = 255
	}
	for n := m.Stride; n < len(m.Pix); n *= 2 {
		copy(m.Pix[n:], m.Pix[:n])
	}
	return m
}

// whiten draws all edge pixels white. Most of an edge image is empty, so eight
// pixels are looked at together.
func whiten(img *image.RGBA, edges *image.Gray) {
	i := 0
	for ; i+8 <= len(edges.Pix); i += 8 {
		if binary.LittleEndian.Uint64(edges.Pix[i:]) == 0 {
			continue
		}
		for j := i; j < i+8; j++ {
			if edges.Pix[j] != 0 {
				binary.LittleEndian.PutUint32(img.Pix[4*j:], 0xffffffff)
			}
		}
	}
	for ; i < len(edges.Pix); i++ {
		if edges.Pix[i] != 0 {
			binary.LittleEndian.PutUint32(img.Pix[4*i:], 0xffffffff)
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
