package gallery

import (
	"image"
	"image/draw"

	"github.com/disintegration/imaging"
)

// difference is |a − b| for each channel: black where the pictures are equal. A
// b of another size is brought to that of a.
func difference(a, b image.Image) *image.RGBA {
	size := a.Bounds().Size()
	if b.Bounds().Size() != size {
		b = imaging.Resize(b, size.X, size.Y, imaging.Lanczos)
	}
	x, y := rgba(a), rgba(b)
	out := image.NewRGBA(image.Rectangle{Max: size})
	for row := range size.Y {
		p, q := x.Pix[row*x.Stride:], y.Pix[row*y.Stride:]
		o := out.Pix[row*out.Stride:]
		for i := range 4 * size.X {
			d := int(p[i]) - int(q[i])
			o[i] = uint8(max(d, -d))
			if i%4 == 3 {
				o[i] = 0xff
			}
		}
	}
	return out
}

// rgba returns an image as RGBA pixels from (0, 0) on, without a copy if it is one.
func rgba(img image.Image) *image.RGBA {
	if i, ok := img.(*image.RGBA); ok && i.Rect.Min == (image.Point{}) {
		return i
	}
	out := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}
