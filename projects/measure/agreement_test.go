package measure

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"maquette/control/views"
)

// box adds a box to a mesh, one patch a side.
func box(m *views.Mesh, low, high views.Vec) {
	for axis := range 3 {
		for side := range 2 {
			u, v := (axis+1)%3, (axis+2)%3
			var n views.Vec
			n[axis] = float64(2*side - 1)
			first := int32(len(m.Points))
			for k := range 4 {
				p := low
				p[axis] = [2]float64{low[axis], high[axis]}[side]
				if k == 1 || k == 2 {
					p[u] = high[u]
				}
				if k >= 2 {
					p[v] = high[v]
				}
				m.Points, m.Normals = append(m.Points, p), append(m.Normals, n)
			}
			patch := int32(len(m.Triangles))
			for _, t := range [2][3]int32{{0, 1, 2}, {0, 2, 3}} {
				a, b, c := first+t[0], first+t[1], first+t[2]
				if side == 0 {
					b, c = c, b
				}
				m.Triangles = append(m.Triangles, views.Triangle{A: a, B: b, C: c, Patch: patch})
			}
		}
	}
}

// paint draws a mesh by a colour for each place on its surface.
func paint(t *testing.T, m *views.Mesh, c views.Camera, size image.Point, colour func(views.Surface) [3]float64) View {
	t.Helper()
	s, err := views.See(context.Background(), m, c, size)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	for i := range size.X * size.Y {
		x, y := i%size.X, i/size.X
		rgb := [3]float64{240, 240, 240}
		if p, ok := s.At(x, y); ok {
			rgb = colour(p)
		}
		img.SetRGBA(x, y, color.RGBA{uint8(rgb[0] + .5), uint8(rgb[1] + .5), uint8(rgb[2] + .5), 255})
	}
	return View{Name: "view", Camera: c, Image: img}
}

// marble is a texture in space: the same wherever it is seen from.
func marble(s views.Surface) [3]float64 {
	p := s.Point
	v := math.Sin(7*p[0]+3*math.Sin(5*p[1])) * math.Cos(6*p[2]-4*p[1])
	return [3]float64{130 + 80*v, 110 + 60*v, 90 + 30*math.Sin(9*p[1])}
}

func cameras(m *views.Mesh, size image.Point, azimuths ...float64) (list []views.Camera) {
	for _, a := range azimuths {
		c := views.Camera{Azimuth: a * math.Pi / 180, Elevation: .25, Field: views.DefaultField}
		list = append(list, c.Frame(m, size, .8))
	}
	return list
}

var size = image.Pt(256, 256)

// Views of one painted object agree, in perspective and without it.
func TestTheSameObjectAgrees(t *testing.T) {
	m := &views.Mesh{}
	box(m, views.Vec{-.5, 0, -.4}, views.Vec{.5, 1, .4})
	for _, field := range []float64{views.DefaultField, 0} {
		var list []View
		for _, c := range cameras(m, size, -20, 30, 60) {
			c.Field = field
			list = append(list, paint(t, m, c, size, marble))
		}
		got, err := ViewAgreement(context.Background(), m, list)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Pairs) != 3 || got.SSIM < .97 || got.Colour > 1 {
			t.Errorf("field %g: %+v", field, got)
		}
		other := list[1]
		other.Image = paint(t, m, other.Camera, size, func(s views.Surface) [3]float64 {
			s.Point[1] += .35
			return marble(s)
		}).Image
		list[1] = other
		worse, err := ViewAgreement(context.Background(), m, list)
		if err != nil {
			t.Fatal(err)
		}
		if worse.SSIM > .8*got.SSIM {
			t.Errorf("field %g: another texture in one view lowers the agreement from %.3f to %.3f only", field, got.SSIM, worse.SSIM)
		}
	}
}

// A view in another colour is as far away as its colour is.
func TestColourOfAView(t *testing.T) {
	m := &views.Mesh{}
	box(m, views.Vec{-.5, 0, -.4}, views.Vec{.5, 1, .4})
	cams := cameras(m, size, -20, 25)
	red, blue := [3]float64{180, 60, 50}, [3]float64{70, 80, 170}
	plain := func(c [3]float64) func(views.Surface) [3]float64 {
		return func(views.Surface) [3]float64 { return c }
	}
	got, err := ViewAgreement(context.Background(), m, []View{paint(t, m, cams[0], size, plain(red)), paint(t, m, cams[1], size, plain(blue))})
	if err != nil {
		t.Fatal(err)
	}
	want := ColourDistance(LabOf(180, 60, 50), LabOf(70, 80, 170))
	if math.Abs(got.Colour-want) > .05*want {
		t.Errorf("colour distance %.2f, want %.2f", got.Colour, want)
	}
}

// What one view hides is not compared: a block in front of a wall covers another
// part of the wall from each side.
func TestHiddenPartsDontCount(t *testing.T) {
	m := &views.Mesh{}
	box(m, views.Vec{-1, 0, -1}, views.Vec{1, 1, -.8})
	box(m, views.Vec{-.25, 0, .3}, views.Vec{.25, .8, .6})
	front := int32(12) // triangles and so patches of the second box
	colour := func(s views.Surface) [3]float64 {
		if s.Patch >= front {
			return [3]float64{30, 30, 40}
		}
		return marble(s)
	}
	var list []View
	for _, c := range cameras(m, size, -25, 25) {
		list = append(list, paint(t, m, c, size, colour))
	}
	got, err := ViewAgreement(context.Background(), m, list)
	if err != nil {
		t.Fatal(err)
	}
	if got.SSIM < .95 || got.Colour > 1.5 || got.Pairs[0].Shared < .4 {
		t.Errorf("%+v", got)
	}
}

func TestAgreementOfNothing(t *testing.T) {
	ctx := context.Background()
	m := &views.Mesh{}
	box(m, views.Vec{-.5, 0, -.4}, views.Vec{.5, 1, .4})
	c := views.Camera{Field: views.DefaultField} // level: front and back share no side
	front := paint(t, m, c.Frame(m, size, .8), size, marble)
	c.Azimuth = math.Pi
	back := paint(t, m, c.Frame(m, size, .8), size, marble)
	if _, err := ViewAgreement(ctx, m, []View{front, back}); !errors.Is(err, ErrNothingShared) {
		t.Errorf("front and back: %v", err)
	}
	if _, err := ViewAgreement(ctx, m, []View{front}); err == nil {
		t.Error("one view agrees with itself")
	}
	loose := front
	loose.Camera.Span = 0
	if _, err := ViewAgreement(ctx, m, []View{front, loose}); err == nil {
		t.Error("a camera without frame is accepted")
	}
	done, stop := context.WithCancel(ctx)
	stop()
	if _, err := ViewAgreement(done, m, []View{front, back}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
