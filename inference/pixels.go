package inference

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
)

// planes turns an image into three planes of height·width values, red first,
// in lo…hi. What is transparent shows the ground.
func planes(img image.Image, ground color.Color, lo, hi float32) []float32 {
	b := img.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(flat, flat.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, img, b.Min, draw.Over)
	n := b.Dx() * b.Dy()
	out := make([]float32, 3*n)
	for i := range n {
		for c := range 3 {
			out[c*n+i] = lo + float32(flat.Pix[4*i+c])/255*(hi-lo)
		}
	}
	return out
}

// fromPlanes turns three planes with values in -1…1 into an opaque image, with
// diffusers' rounding. It fails where a value is not a number.
func fromPlanes(data []float32, width, height int) (*image.RGBA, error) {
	n := width * height
	if len(data) != 3*n {
		return nil, fmt.Errorf("the decoder gave %d values for an image of %d×%d", len(data), width, height)
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range n {
		for c := range 3 {
			v := data[c*n+i]
			if v != v {
				return nil, errNotFinite
			}
			v = min(max(v/2+0.5, 0), 1)
			img.Pix[4*i+c] = uint8(math.RoundToEven(float64(v * 255)))
		}
		img.Pix[4*i+3] = 0xff
	}
	return img, nil
}

// broken says whether any value is not a number or infinite.
func broken(values []float32) bool {
	for _, v := range values {
		if v-v != 0 { // infinities and NaN
			return true
		}
	}
	return false
}

// latentRGB is a linear approximation of what Stable Diffusion 1's VAE makes of
// its four latent channels, widely used for previews: one row per channel,
// giving red, green and blue in -1…1, and what is added to them.
func latentRGB() (factors [4][3]float32, bias [3]float32) {
	return [4][3]float32{
		{0.3512, 0.2297, 0.3227},
		{0.3250, 0.4974, 0.2350},
		{-0.2829, 0.1762, 0.2721},
		{-0.2120, -0.2616, -0.7177},
	}, bias
}

// latentRGBXL is latentRGB for Stable Diffusion XL's VAE.
func latentRGBXL() (factors [4][3]float32, bias [3]float32) {
	return [4][3]float32{
		{0.3651, 0.4232, 0.4341},
		{-0.2533, -0.0042, 0.1068},
		{0.1076, 0.1111, -0.0362},
		{-0.3165, -0.2492, -0.2188},
	}, [3]float32{0.1084, -0.0175, -0.0011}
}

// linearPreview draws scaled latents [4,h,w] at the size of the render.
func linearPreview(latents []float32, factors [4][3]float32, bias [3]float32, w, h int, size image.Point) *image.RGBA {
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	n := w * h
	for i := range n {
		for c := range 3 {
			v := bias[c]
			for k := range 4 {
				v += latents[k*n+i] * factors[k][c]
			}
			small.Pix[4*i+c] = uint8(min(max((v+1)/2, 0), 1) * 255)
		}
		small.Pix[4*i+3] = 0xff
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	xdraw.ApproxBiLinear.Scale(out, out.Rect, small, small.Rect, xdraw.Src, nil)
	return out
}
