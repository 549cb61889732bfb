package views

import (
	"image"
	"testing"
)

func TestFrameAllKeepsTheSizeOfTheObject(t *testing.T) {
	// A board three times as wide as deep: seen from the side it alone would be drawn larger.
	m := &Mesh{Points: []Vec{{-1.5, 0, -.5}, {1.5, 0, .5}, {-1.5, 1, .5}, {1.5, 1, -.5}}}
	size := image.Pt(256, 256)
	front, _ := Named(Front)
	side, _ := Named(SideLeft)
	alone := side.Frame(m, size, DefaultFill)
	all := FrameAll(m, []Camera{front, side}, size, DefaultFill)
	if all[0].Span != all[1].Span {
		t.Errorf("spans %g and %g differ", all[0].Span, all[1].Span)
	}
	if all[1].Span <= alone.Span {
		t.Errorf("the side view has span %g, alone it would have %g", all[1].Span, alone.Span)
	}
	if want := front.Frame(m, size, DefaultFill).Span; all[0].Span != want {
		t.Errorf("the widest view spans %g, want %g", all[0].Span, want)
	}
}
