package views

import (
	"context"
	"fmt"
	"image"
	"math"

	"maquette/control"
)

// Images are the control images of one camera, all of the same size.
type Images struct {
	Camera Camera      // with its frame
	Depth  *image.Gray // near is white, the background black
	Normal *image.RGBA // red right, green up, blue to the camera; the background faces it
	Lines  *image.Gray // white on black, hidden lines removed
	Mask   *image.Gray // white where the object is
}

// Style says how images are drawn; the zero value has lines two pixels wide.
type Style struct {
	// LineWidth is that of lines in pixels, 1…3; 0 stands for 2.
	LineWidth float64
	// Fill is the part of the picture that the object fills when a camera has no
	// span, 0…1; 0 stands for DefaultFill.
	Fill float64
}

// shadeFar is the depth value of the farthest point, so that it stands out from
// the background.
const shadeFar = .2

// Render draws a mesh as a camera sees it, by a z-buffer of twice the size.
// Errors: a size outside 64…4096 pixels (*control.SizeError), a camera or style
// out of range, a cancelled context.
func Render(ctx context.Context, m *Mesh, c Camera, size image.Point, s Style) (*Images, error) {
	if size.X < control.MinSide || size.Y < control.MinSide || size.X > control.MaxSide || size.Y > control.MaxSide {
		return nil, fmt.Errorf("render view: %w", &control.SizeError{Size: size})
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("render view: %w", err)
	}
	if s.LineWidth == 0 {
		s.LineWidth = 2
	}
	if s.Fill == 0 {
		s.Fill = DefaultFill
	}
	if !(s.LineWidth >= 1 && s.LineWidth <= 3) || !(s.Fill > 0 && s.Fill <= 1) {
		return nil, fmt.Errorf("render view: line width %g is not in 1…3 pixels or fill %g not in 0…1", s.LineWidth, s.Fill)
	}
	if c.Span == 0 {
		c = c.Frame(m, size, s.Fill)
	}
	b, err := drawMesh(ctx, m, c, size.Mul(2))
	if err != nil {
		return nil, fmt.Errorf("render view: %w", err)
	}
	out := &Images{Camera: c, Depth: image.NewGray(image.Rectangle{Max: size}), Normal: image.NewRGBA(image.Rectangle{Max: size}),
		Mask: image.NewGray(image.Rectangle{Max: size})}
	b.shade(out)
	out.Lines = b.lines(s.LineWidth)
	return out, ctx.Err()
}

// shade fills in depth, normals and mask; each pixel has four samples.
func (b *buffer) shade(out *Images) {
	low, high := math.Inf(1), math.Inf(-1)
	for i, t := range b.tri {
		if t >= 0 {
			d := b.depth(float64(b.near[i]))
			low, high = min(low, d), max(high, d)
		}
	}
	scale := (1 - shadeFar) / max(high-low, 1e-9)
	w, h := out.Depth.Rect.Dx(), out.Depth.Rect.Dy()
	right, up, forward := b.lens.right, b.lens.up, b.lens.forward
	for y := range h {
		for x := range w {
			normal := out.Normal.Pix[4*(y*w+x) : 4*(y*w+x)+4 : 4*(y*w+x)+4]
			n, best := 0, -1
			for k := range 4 {
				i := (2*y+k>>1)*b.w + 2*x + k&1
				if b.tri[i] < 0 {
					continue
				}
				n++
				if best < 0 || b.near[i] > b.near[best] {
					best = i
				}
			}
			out.Mask.Pix[y*w+x] = uint8(min(255, 64*n))
			if n < 2 {
				normal[0], normal[1], normal[2], normal[3] = 128, 128, 255, 255
				continue
			}
			d := b.depth(float64(b.near[best]))
			out.Depth.Pix[y*w+x] = uint8(255*(1-scale*(d-low)) + .5)
			v := b.normal(best%b.w, best/b.w)
			normal[0], normal[1], normal[2], normal[3] = byteOf(v.dot(right)), byteOf(v.dot(up)), byteOf(-v.dot(forward)), 255
		}
	}
}

// byteOf maps −1…1 to 0…255.
func byteOf(v float64) uint8 { return uint8(min(max((v+1)/2*255+.5, 0), 255)) }
