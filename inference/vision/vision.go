// Package vision runs networks that look at pictures and tell what is in them as
// numbers: CLIP's encoders and an Inception network, with models of the user's own.
package vision

import (
	"image"

	"github.com/disintegration/imaging"
)

// planes are the colours of a picture [3, H, W] as a network takes them: from 0
// to 1, less mean, over deviation.
func planes(m *image.NRGBA, mean, deviation [3]float32) []float32 {
	n := m.Rect.Dx() * m.Rect.Dy()
	x := make([]float32, 3*n)
	for i := range n {
		for c := range 3 {
			x[c*n+i] = (float32(m.Pix[4*i+c])/255 - mean[c]) / deviation[c]
		}
	}
	return x
}

// opaque lays a picture over white.
func opaque(m image.Image) image.Image {
	if o, ok := m.(interface{ Opaque() bool }); ok && o.Opaque() {
		return m
	}
	ground := imaging.New(m.Bounds().Dx(), m.Bounds().Dy(), image.White)
	return imaging.Overlay(ground, m, image.Point{}, 1)
}
