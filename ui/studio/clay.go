package studio

import (
	"image"
	"math"

	"maquette/control/views"
)

// clay shades a body as a clay model under a window to the upper left, with its
// lines in dark; the background is clear. The normals are those of the camera:
// red right, green up, blue to the camera.
func clay(v *views.Images) *image.NRGBA {
	b := v.Mask.Rect
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	const lx, ly, lz = -.42, .6, .68 // of length 1
	for y := range b.Dy() {
		mask := v.Mask.Pix[y*v.Mask.Stride:]
		lines := v.Lines.Pix[y*v.Lines.Stride:]
		normal := v.Normal.Pix[y*v.Normal.Stride:]
		dst := out.Pix[y*out.Stride:]
		for x := range b.Dx() {
			alpha, ink := mask[x], float64(lines[x])/255
			if alpha == 0 && ink == 0 {
				continue
			}
			n := [3]float64{}
			for k := range n {
				n[k] = float64(normal[4*x+k])/127.5 - 1
			}
			lit := .38 + .62*math.Max(0, n[0]*lx+n[1]*ly+n[2]*lz)
			lit *= 1 - .78*ink
			dst[4*x], dst[4*x+1], dst[4*x+2] = uint8(238*lit), uint8(232*lit), uint8(222*lit)
			dst[4*x+3] = max(alpha, lines[x])
		}
	}
	return out
}
