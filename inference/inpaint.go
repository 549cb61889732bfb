package inference

import (
	"context"
	"image"
	"image/color"
	"image/draw"
)

// masked is what a UNet for inpainting reads beside the latents, as diffusers'
// StableDiffusionInpaintPipeline makes it.
type masked struct {
	mask    []float32 // [h,w]: 1 where the image is made new
	latents *initLatents
}

// encodeMasked encodes the image without the masked part. Without an image or
// a mask all of it is made new.
func (r *run) encodeMasked(ctx context.Context) (*masked, error) {
	m := &masked{mask: make([]float32, r.w*r.h)}
	pixels := make([]float32, 3*r.req.Width*r.req.Height)
	if r.req.Mask == nil {
		for i := range m.mask {
			m.mask[i] = 1
		}
	} else {
		gray := image.NewGray(image.Rect(0, 0, r.req.Width, r.req.Height))
		draw.Draw(gray, gray.Rect, image.Black, image.Point{}, draw.Src)
		draw.Draw(gray, gray.Rect, r.req.Mask, r.req.Mask.Bounds().Min, draw.Over)
		pixels = planes(r.req.Init, color.White, -1, 1)
		n := len(gray.Pix)
		for i, v := range gray.Pix {
			if v >= 128 {
				for c := range 3 {
					pixels[c*n+i] = 0
				}
			}
		}
		for y := range r.h {
			for x := range r.w {
				if gray.GrayAt(x*sideStep, y*sideStep).Y >= 128 {
					m.mask[y*r.w+x] = 1
				}
			}
		}
	}
	var err error
	m.latents, err = r.encodePixels(ctx, pixels)
	return m, err
}

// sample gives the channels that follow the latents of each of n images: the
// mask, and the masked image's latents. noise is as in initLatents.sample.
func (m *masked) sample(n int, noise func([]float32)) []float32 {
	each := len(m.mask)
	x := make([]float32, n*4*each)
	m.latents.sample(x, noise)
	var out []float32
	for i := range n {
		out = append(append(out, m.mask...), x[4*each*i:4*each*(i+1)]...)
	}
	return out
}
