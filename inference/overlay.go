package inference

import (
	"image"
	"image/draw"
	"math"

	"github.com/disintegration/imaging"
)

// overlay lays what was rendered over the image that it makes a part of new.
type overlay struct {
	base *image.RGBA // opaque
	// at is the part of base that the render shows.
	at image.Rectangle
	// weight is how much of the render replaces base, 0…255; it has at's size.
	weight *image.Gray
}

// newOverlay is for a render of the part at of an image. feather is in pixels of it.
func newOverlay(base *image.RGBA, mask *image.Gray, at image.Rectangle, feather int) *overlay {
	return &overlay{base, at, feathered(mask, at, feather)}
}

// onto gives base with the render laid over it. Where weight is 0, its pixels
// are base's. Without an overlay it is the render itself.
func (o *overlay) onto(render *image.RGBA) *image.RGBA {
	if o == nil {
		return render
	}
	out := image.NewRGBA(o.base.Rect)
	copy(out.Pix, o.base.Pix)
	size := o.at.Size()
	part := rgbaOf(render, size)
	for y := range size.Y {
		weight := o.weight.Pix[y*o.weight.Stride:]
		from, to := part.Pix[y*part.Stride:], out.Pix[out.PixOffset(o.at.Min.X, o.at.Min.Y+y):]
		for x := range size.X {
			w := int(weight[x])
			if w == 0 {
				continue
			}
			for c := 4 * x; c < 4*x+3; c++ {
				to[c] = uint8((int(to[c])*(255-w) + int(from[c])*w + 127) / 255)
			}
		}
	}
	return out
}

// framed gives the request of what a request with a mask renders, and the
// overlay that makes its result of that; without a mask there is none.
func framed(req Request) (Request, *overlay) {
	if req.Mask == nil {
		return req, nil
	}
	size := image.Pt(req.Width, req.Height)
	init, mask := rgbaOf(req.Init, req.Init.Bounds().Size()), grayOf(req.Mask, req.Mask.Bounds().Size())
	if req.MaskOnly {
		at := MaskCrop(req.Mask, req.MaskPadding, size)
		inner := req
		inner.MaskOnly = false
		inner.Init, inner.Mask = rgbaOf(init.SubImage(at), size), grayOf(mask.SubImage(at), size)
		return inner, newOverlay(init, mask, at, req.MaskFeather)
	}
	if p := req.SecondPass; p != nil {
		final := image.Pt(p.Width, p.Height)
		base := rgbaOf(init, final)
		return req, newOverlay(base, grayOf(mask, final), base.Rect, req.MaskFeather*final.X/size.X)
	}
	return req, newOverlay(init, mask, init.Rect, req.MaskFeather)
}

// MaskCrop is the part of an image, counted from its upper left corner, that a
// render with MaskOnly shows: the box around all that isn't black in the mask
// with padding pixels on each side, made longer to the shape of the render where
// the image has room for that. It is empty where the mask is black all over.
func MaskCrop(mask image.Image, padding int, render image.Point) image.Rectangle {
	box := maskBounds(mask)
	if box.Empty() {
		return box
	}
	whole := image.Rectangle{Max: mask.Bounds().Size()}
	box = box.Inset(-padding).Intersect(whole)
	w, h := box.Dx(), box.Dy()
	if w*render.Y < h*render.X {
		w = min((h*render.X+render.Y-1)/render.Y, whole.Dx())
	} else {
		h = min((w*render.Y+render.X-1)/render.X, whole.Dy())
	}
	// Grown about its middle, as far as the image goes.
	x := min(max(box.Min.X-(w-box.Dx())/2, 0), whole.Dx()-w)
	y := min(max(box.Min.Y-(h-box.Dy())/2, 0), whole.Dy()-h)
	return image.Rect(x, y, x+w, y+h)
}

// maskBounds is the box around all that isn't black in a mask, counted from its
// upper left corner.
func maskBounds(mask image.Image) image.Rectangle {
	gray := grayOf(mask, mask.Bounds().Size())
	box := image.Rectangle{}
	for y := range gray.Rect.Dy() {
		row := gray.Pix[y*gray.Stride:][:gray.Rect.Dx()]
		for x, v := range row {
			if v > 0 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

// rgbaOf is an image at a size and the origin; where it is transparent, it is
// white like paper.
func rgbaOf(img image.Image, size image.Point) *image.RGBA {
	b := img.Bounds()
	if same, ok := img.(*image.RGBA); ok && b.Min == (image.Point{}) && b.Size() == size && same.Opaque() {
		return same
	}
	flat := image.NewRGBA(image.Rectangle{Max: b.Size()})
	draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, img, b.Min, draw.Over)
	if b.Size() == size {
		return flat
	}
	// Opaque, so that NRGBA and RGBA are the same bytes.
	scaled := imaging.Resize(flat, size.X, size.Y, imaging.Lanczos)
	return &image.RGBA{Pix: scaled.Pix, Stride: scaled.Stride, Rect: scaled.Rect}
}

// grayOf is a mask at a size and the origin; where it is transparent, it is black.
func grayOf(mask image.Image, size image.Point) *image.Gray {
	b := mask.Bounds()
	if same, ok := mask.(*image.Gray); ok && b.Min == (image.Point{}) && b.Size() == size {
		return same
	}
	gray := image.NewGray(image.Rectangle{Max: b.Size()})
	draw.Draw(gray, gray.Rect, mask, b.Min, draw.Src)
	if op, ok := mask.(interface{ Opaque() bool }); ok && !op.Opaque() {
		draw.Draw(gray, gray.Rect, image.Black, image.Point{}, draw.Src)
		draw.Draw(gray, gray.Rect, mask, b.Min, draw.Over)
	}
	if b.Size() == size {
		return gray
	}
	scaled := imaging.Resize(gray, size.X, size.Y, imaging.Linear)
	gray = image.NewGray(scaled.Rect)
	for i := range gray.Pix {
		gray.Pix[i] = scaled.Pix[4*i]
	}
	return gray
}

// feathered is the weight of a render that shows the part at of a mask's image:
// 0 where the mask is black, and from there rising to 1 over feather pixels. A
// soft edge of the mask fades by itself: its darker half counts twice its grey.
func feathered(mask *image.Gray, at image.Rectangle, feather int) *image.Gray {
	out := image.NewGray(image.Rectangle{Max: at.Size()})
	near := edgeDistance(mask, at)
	for i := range out.Pix {
		x, y := i%at.Dx(), i/at.Dx()
		m := min(2*float64(mask.GrayAt(at.Min.X+x, at.Min.Y+y).Y)/255, 1)
		ramp := min(float64(near[i])/float64(feather+1), 1)
		out.Pix[i] = uint8(math.Round(255 * m * ramp))
	}
	return out
}

// edgeDistance is about how many pixels each pixel of at lies within the mask,
// 0 outside and 1 at its edge: a chamfer distance (Borgefors 1986) with steps of
// 3 and 4 thirds. The border of at is no edge.
func edgeDistance(mask *image.Gray, at image.Rectangle) []float32 {
	w, h := at.Dx(), at.Dy()
	const straight, diagonal, none = 3, 4, 1 << 30
	d := make([]int32, w*h)
	for i := range d {
		if mask.GrayAt(at.Min.X+i%w, at.Min.Y+i/w).Y > 0 {
			d[i] = none
		}
	}
	relax := func(x, y, dx, dy int, step int32) {
		if x+dx >= 0 && x+dx < w && y+dy >= 0 && y+dy < h {
			d[y*w+x] = min(d[y*w+x], d[(y+dy)*w+x+dx]+step)
		}
	}
	for y := range h {
		for x := range w {
			relax(x, y, -1, 0, straight)
			relax(x, y, 0, -1, straight)
			relax(x, y, -1, -1, diagonal)
			relax(x, y, 1, -1, diagonal)
		}
	}
	for y := h - 1; y >= 0; y-- {
		for x := w - 1; x >= 0; x-- {
			relax(x, y, 1, 0, straight)
			relax(x, y, 0, 1, straight)
			relax(x, y, 1, 1, diagonal)
			relax(x, y, -1, 1, diagonal)
		}
	}
	out := make([]float32, len(d))
	for i, v := range d {
		out[i] = float32(v) / straight
	}
	return out
}
