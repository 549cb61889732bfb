package views

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"maquette/control"
)

// ball is a sphere of radius ½.
func ball(steps int) *Mesh {
	m := &Mesh{}
	patch := m.newPatch()
	for i := range steps + 1 {
		for j := range 2*steps + 1 {
			sa, ca := math.Sincos(math.Pi * float64(i) / float64(steps))
			sb, cb := math.Sincos(math.Pi * float64(j) / float64(steps))
			n := Vec{sa * sb, ca, sa * cb}
			m.add(n.mul(.5), n)
		}
	}
	row := int32(2*steps + 1)
	for i := range int32(steps) {
		for j := range row - 1 {
			a := i*row + j
			m.triangle(a, a+row, a+1, patch)
			m.triangle(a+1, a+row, a+row+1, patch)
		}
	}
	return m
}

// A ball that is painted by the world's directions keeps its paint when it is
// seen from another side, and what was hidden takes colours from around.
func TestWarp(t *testing.T) {
	size := image.Pt(128, 96)
	m := ball(48)
	from := Camera{Field: DefaultField}.Frame(m, size, .8)
	paint := func(n Vec) color.RGBA {
		return color.RGBA{uint8(127 + 100*n[0]), uint8(127 + 100*n[1]), uint8(127 + 100*n[2]), 255}
	}
	painted := func(c Camera) *image.RGBA {
		img := image.NewRGBA(image.Rectangle{Max: size})
		b, err := drawMesh(t.Context(), m, c, size)
		if err != nil {
			t.Fatal(err)
		}
		for i, tri := range b.tri {
			img.SetRGBA(i%size.X, i/size.X, color.RGBA{10, 200, 30, 255})
			if tri >= 0 {
				img.SetRGBA(i%size.X, i/size.X, paint(b.normal(i%size.X, i/size.X)))
			}
		}
		return img
	}
	to := from
	to.Azimuth = 35 * degree
	got, err := Warp(t.Context(), m, painted(from), from, to)
	if err != nil {
		t.Fatal(err)
	}
	want := painted(to)
	b, err := drawMesh(t.Context(), m, to, size)
	if err != nil {
		t.Fatal(err)
	}
	seen, hidden := 0, 0
	for i := range want.Pix {
		x, y := i/4%size.X, i/4/size.X
		off := math.Abs(float64(got.Pix[i]) - float64(want.Pix[i]))
		shown := b.tri[i/4] < 0 || b.normal(x, y).dot(Vec{0, 0, 1}) > .4
		switch {
		case shown && off > 6:
			seen++
		case off > 90:
			hidden++
		}
	}
	if seen > size.X*size.Y*3/100 || hidden > 0 {
		t.Errorf("%d values that the picture shows and %d others are off", seen, hidden)
	}
	same, err := Warp(t.Context(), m, painted(from), from, from)
	if err != nil {
		t.Fatal(err)
	}
	off := 0
	for i, v := range painted(from).Pix {
		if math.Abs(float64(v)-float64(same.Pix[i])) > 40 {
			off++
		}
	}
	if off > len(same.Pix)/200 {
		t.Errorf("from the same side %d of %d values differ", off, len(same.Pix))
	}
}

// The side of a box that its front does not show takes the colours of the front at
// the same height, not black.
func TestWarpGuessesWhatIsHidden(t *testing.T) {
	size := image.Pt(96, 96)
	m := &Mesh{}
	const w, h, d = .5, .5, .25
	m.quad(Vec{-w, -h, d}, Vec{w, -h, d}, Vec{w, h, d}, Vec{-w, h, d})
	m.quad(Vec{w, -h, -d}, Vec{-w, -h, -d}, Vec{-w, h, -d}, Vec{w, h, -d})
	m.quad(Vec{w, -h, d}, Vec{w, -h, -d}, Vec{w, h, -d}, Vec{w, h, d})
	m.quad(Vec{-w, -h, -d}, Vec{-w, -h, d}, Vec{-w, h, d}, Vec{-w, h, -d})
	from := Camera{Field: DefaultField}.Frame(m, size, .8)
	to := Camera{Azimuth: math.Pi / 2, Field: DefaultField}.Frame(m, size, .8)
	front := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		c := color.RGBA{40, 160, 60, 255}
		if y >= size.Y/2 {
			c = color.RGBA{180, 90, 40, 255}
		}
		for x := range size.X {
			front.SetRGBA(x, y, c)
		}
	}
	got, err := Warp(t.Context(), m, front, from, to)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := See(t.Context(), m, to, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		y    int
		want color.RGBA
	}{{size.Y / 4, color.RGBA{40, 160, 60, 255}}, {3 * size.Y / 4, color.RGBA{180, 90, 40, 255}}} {
		if !seen.shows(size.X/2, p.y) {
			t.Fatalf("row %d does not show the box", p.y)
		}
		g := got.RGBAAt(size.X/2, p.y)
		for _, d := range []int{int(g.R) - int(p.want.R), int(g.G) - int(p.want.G), int(g.B) - int(p.want.B)} {
			if max(d, -d) > 12 {
				t.Errorf("row %d of the hidden side is %v, the front has %v there", p.y, g, p.want)
				break
			}
		}
	}
}

func TestWarpRefuses(t *testing.T) {
	m := ball(8)
	size := image.Pt(64, 64)
	c := Camera{Field: DefaultField}.Frame(m, size, .8)
	var bad *control.SizeError
	if _, err := Warp(t.Context(), m, image.NewRGBA(image.Rect(0, 0, 8, 8)), c, c); !errors.As(err, &bad) {
		t.Errorf("a small picture: %v", err)
	}
	picture := image.NewRGBA(image.Rectangle{Max: size})
	if _, err := Warp(t.Context(), m, picture, c, Camera{}); err == nil {
		t.Error("a camera without a frame is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Warp(ctx, m, picture, c, c); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
