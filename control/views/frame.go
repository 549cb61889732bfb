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

// Span is how much of the world, in its units, the pictures of a relief show from
// top to bottom: the object has the size that it has in the drawing, unless one
// of the named cameras or of those given would not hold it then.
func (r *Relief) Span(cameras []Camera, fill float64) float64 {
	for _, n := range Names() {
		if c, err := Named(n); err == nil {
			cameras = append(cameras[:len(cameras):len(cameras)], c)
		}
	}
	return max(FrameAll(r.Mesh, cameras, r.Size, fill)[0].Span, r.Drawn.Span)
}
