package views

import "image"

// DefaultFill is the share of a picture that an object fills where nothing else is asked for.
const DefaultFill = 0.82

// FrameAll frames cameras so that the object has the same size in all of them:
// the one that needs the widest span decides.
func FrameAll(m *Mesh, cameras []Camera, size image.Point, fill float64) []Camera {
	framed := make([]Camera, len(cameras))
	span := 0.
	for i, c := range cameras {
		framed[i] = c.Frame(m, size, fill)
		span = max(span, framed[i].Span)
	}
	for i := range framed {
		framed[i].Span = span
		framed[i] = framed[i].Frame(m, size, fill)
	}
	return framed
}
