package inference

import (
	"context"
	"image"
	"image/color"

	"maquette/inference/sampler"
)

// masked is what a UNet for inpainting reads beside the latents, as diffusers'
// StableDiffusionInpaintPipeline makes it.
type masked struct {
	mask    []float32 // [h,w]: 1 where the image is made new
	latents *initLatents
}

// encodeMasked encodes the image without the masked part. Without an image or
// a mask all of it is made new. These UNets were trained with masks in black and
// white, so a grey of half and more is white.
func (r *run) encodeMasked(ctx context.Context) (*masked, error) {
	m := &masked{mask: make([]float32, r.w*r.h)}
	pixels := make([]float32, 3*r.req.Width*r.req.Height)
	if r.req.Mask == nil {
		for i := range m.mask {
			m.mask[i] = 1
		}
	} else {
		gray := grayOf(r.req.Mask, image.Pt(r.req.Width, r.req.Height))
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

// latentMask is how new each cell of the latents is made, 0…1: as much as any
// pixel in it, so that thin strokes of the mask aren't lost. (diffusers looks at
// one pixel of each cell, which is the same where the mask's edges are those of cells.)
func (r *run) latentMask() []float32 {
	gray := grayOf(r.req.Mask, image.Pt(r.req.Width, r.req.Height))
	out := make([]float32, r.w*r.h)
	for i, v := range gray.Pix {
		cell := &out[i/r.req.Width/sideStep*r.w+i%r.req.Width/sideStep]
		*cell = max(*cell, float32(v)/255)
	}
	return out
}

// keeper puts the latents of the image to start from back where a mask keeps
// them, after every step and at the noise that is left then. So any UNet
// inpaints, as in diffusers' StableDiffusionInpaintPipeline.
//
// Grey is held until the part of the steps is left that it stands for: it is
// changed as by img2img of that strength (Levin and Fried 2023, "Differential
// Diffusion", arXiv 2306.00950). Blending by the grey in each step would keep
// next to nothing of what is new, since it multiplies over the steps.
type keeper struct {
	mask         []float32 // [h,w], of one image
	clean, noise []float32 // latents and their noise, [n,4,h,w]
	held         []float32
}

func newKeeper(mask, clean, noise []float32) *keeper {
	return &keeper{mask, clean, noise, make([]float32, len(clean))}
}

// keep follows step i of a run from step start on.
func (k *keeper) keep(s sampler.Sampler, x []float32, i, start int) {
	copy(k.held, k.clean)
	next := i + 1
	if next < s.Steps() {
		s.AddNoise(k.held, k.noise, next)
	}
	left := 1 - float32(next-start)/float32(s.Steps()-start)
	for j := range x {
		if k.mask[j%len(k.mask)] <= left {
			x[j] = k.held[j]
		}
	}
}
