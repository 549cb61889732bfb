package control

import (
	"context"
	"image"
	"image/draw"
	"testing"
)

// fixture reads a reference image made by testdata/make_fixtures.py.
func fixture(t testing.TB, name string) image.Image {
	t.Helper()
	img, err := OpenImage("testdata/" + name + ".png")
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// rgba copies any image to opaque or transparent RGBA.
func rgba(src image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: src.Bounds().Size()})
	draw.Draw(out, out.Rect, src, src.Bounds().Min, draw.Src)
	return out
}

// extract runs one kind and checks what holds for all: exact size, opaque.
func extract(t testing.TB, k Kind, src image.Image, size image.Point, p Params, opts ...Option) *image.RGBA {
	t.Helper()
	e, err := For(k, opts...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Extract(context.Background(), src, size, p)
	if err != nil {
		t.Fatal(err)
	}
	if out.Rect != (image.Rectangle{Max: size}) {
		t.Fatalf("%s: size %v, want %v", k, out.Rect, size)
	}
	for i := 3; i < len(out.Pix); i += 4 {
		if out.Pix[i] != 255 {
			t.Fatalf("%s: pixel %d has alpha %d", k, i/4, out.Pix[i])
		}
	}
	return out
}

// compare counts channel values of got that differ from want by more than
// tolerance, and the largest difference.
func compare(t testing.TB, got *image.RGBA, want image.Image, tolerance int) (different, most int) {
	t.Helper()
	w := rgba(want)
	if got.Rect != w.Rect {
		t.Fatalf("size %v, want %v", got.Rect, w.Rect)
	}
	for i := range got.Pix {
		d := abs(int(got.Pix[i]) - int(w.Pix[i]))
		most = max(most, d)
		if d > tolerance {
			different++
		}
	}
	return different, most
}

func TestAgainstOpenCV(t *testing.T) {
	drawing, photo := fixture(t, "drawing"), fixture(t, "photo")
	for _, c := range []struct {
		kind      Kind
		src       image.Image
		want      string
		params    Params
		tolerance int
	}{
		{Canny, drawing, "canny_drawing", nil, 0},
		{Canny, drawing, "canny_drawing_40_90", Params{"low": 40, "high": 90}, 0},
		{Canny, photo, "canny_photo", nil, 0},
		{Scribble, drawing, "scribble_drawing", nil, 0},
		{Lineart, drawing, "lineart_drawing", Params{"white": 127}, 1},
		{Lineart, photo, "lineart_photo", Params{"white": 127}, 1},
	} {
		got := extract(t, c.kind, c.src, c.src.Bounds().Size(), c.params)
		if n, most := compare(t, got, fixture(t, c.want), c.tolerance); n > 0 {
			t.Errorf("%s: %d channel values differ from the reference by up to %d", c.want, n, most)
		}
		// The same source as RGBA takes another way through the code.
		again := extract(t, c.kind, rgba(c.src), c.src.Bounds().Size(), c.params)
		if n, most := compare(t, again, fixture(t, c.want), c.tolerance); n > 0 {
			t.Errorf("%s from RGBA: %d channel values differ from the reference by up to %d", c.want, n, most)
		}
	}
}

func TestThinEdgesAgainstReference(t *testing.T) {
	got, err := thinEdges(grayOf(rgba(fixture(t, "edges"))), 2, 60)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := compare(t, rgba(got), fixture(t, "edges_thin"), 0); n > 0 {
		t.Errorf("%d channel values differ from the reference", n)
	}
}

func TestNormalsAgainstReference(t *testing.T) {
	height, ok := fixture(t, "height").(*image.Gray16)
	if !ok {
		t.Fatal("the height fixture is not 16-bit gray")
	}
	w, h := height.Rect.Dx(), height.Rect.Dy()
	z, solid := make([]float32, w*h), make([]bool, w*h)
	for i := range z {
		z[i] = float32(height.Gray16At(i%w, i/w).Y) / 256
		solid[i] = true
	}
	got := normals(z, solid, w, h, 1.5)
	want := rgba(fixture(t, "height_normals"))
	inner := image.Rect(1, 1, w-1, h-1) // OpenCV mirrors at the border, normals continues
	bad := 0
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for x := inner.Min.X; x < inner.Max.X; x++ {
			i := got.PixOffset(x, y)
			for c := range 3 {
				if abs(int(got.Pix[i+c])-int(want.Pix[i+c])) > 1 {
					bad++
				}
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d channel values differ from the reference by more than 1", bad)
	}
}
