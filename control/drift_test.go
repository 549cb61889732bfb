package control

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"
)

// tinted is a picture whose channels are scaled, with stripes in its areas.
func tinted(m *image.RGBA, r, g, b float64, stripes int) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			c := m.RGBAAt(x, y)
			k := 1.
			if stripes > 0 && y/stripes%2 == 0 {
				k = .6
			}
			out.SetRGBA(x, y, color.RGBA{uint8(k * r * float64(c.R)), uint8(k * g * float64(c.G)), uint8(k * b * float64(c.B)), 255})
		}
	}
	return out
}

// moved is a picture shifted to the right.
func moved(m *image.RGBA, by int) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			out.SetRGBA(x, y, m.RGBAAt(max(x-by, 0), y))
		}
	}
	return out
}

func drift(ctx context.Context, lines image.Image, pictures ...image.Image) ([]Drift, error) {
	return MeasureDrift(ctx, lines, len(pictures), func(i int) (image.Image, error) { return pictures[i], nil })
}

func TestDriftIsThatOfGeometry(t *testing.T) {
	ctx := context.Background()
	lines, base := houseLines(256), house(256, 0)
	same, err := drift(ctx, lines, base, tinted(base, 1, .6, .6, 0), tinted(base, .5, .5, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range same {
		if d.Share > .02 || d.Chamfer > .3 {
			t.Errorf("picture %d in another colour drifts by %+v", i, d)
		}
	}
	// Two that agree and one that moved by five pixels: most of its upright edges
	// are lost, and with them about half of the length.
	three, err := drift(ctx, lines, base, tinted(base, 1, .6, .6, 0), moved(base, 5))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(three[0].Share-three[2].Share/2) > .02 || three[2].Share < .3 || three[2].Share > .6 || three[2].Chamfer < 2*three[0].Chamfer-.1 {
		t.Errorf("drifts %+v", three)
	}
	// A texture far from the lines is none, unless no lines are known.
	striped := tinted(base, 1, 1, 1, 24)
	with, err := drift(ctx, lines, base, striped)
	if err != nil {
		t.Fatal(err)
	}
	without, err := drift(ctx, nil, base, striped)
	if err != nil {
		t.Fatal(err)
	}
	if with[0].Share > .75*without[0].Share {
		t.Errorf("drift of a texture: %.3f near the lines, %.3f anywhere", with[0].Share, without[0].Share)
	}
	blank := image.NewRGBA(base.Rect)
	none, err := drift(ctx, nil, blank, blank, base)
	if err != nil {
		t.Fatal(err)
	}
	if none[0].Share != .5 || none[2].Share != 1 || math.Abs(none[2].Chamfer-256*math.Sqrt2) > .1 {
		t.Errorf("blank pictures drift by %+v", none)
	}
}

func TestDriftOfNothing(t *testing.T) {
	if _, err := drift(context.Background(), nil, house(64, 0)); !errors.Is(err, ErrNoSiblings) {
		t.Errorf("one picture: %v", err)
	}
	done, stop := context.WithCancel(context.Background())
	stop()
	if _, err := drift(done, nil, house(64, 0), house(64, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
