package terminal

import (
	"image"
	"strings"
	"testing"
)

func TestParseRenderSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want image.Point
		says string // of the error; empty if there is none
	}{
		{"512x768", image.Pt(512, 768), ""},
		{"256", image.Pt(256, 256), ""},
		{"64X2048", image.Pt(64, 2048), ""},
		{"", image.Point{}, "WIDTHxHEIGHT"},
		{"x", image.Point{}, "WIDTHxHEIGHT"},
		{"512x", image.Point{}, "WIDTHxHEIGHT"},
		{"512x512x3", image.Point{}, "WIDTHxHEIGHT"},
		{"-512x512", image.Point{}, "WIDTHxHEIGHT"},
		{"99999999999x8", image.Point{}, "WIDTHxHEIGHT"},
		{"56x512", image.Point{}, "64…2048"},
		{"512x2056", image.Point{}, "64…2048"},
		{"500x512", image.Point{}, "nearest one is 504"},
		{"513x512", image.Point{}, "nearest one is 512"},
	} {
		got, err := parseRenderSize(c.text)
		switch {
		case c.says == "" && (err != nil || got != c.want):
			t.Errorf("%q: got %v, %v; want %v", c.text, got, err, c.want)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: got %v, %v; want an error that says %q", c.text, got, err, c.says)
		}
	}
}

func TestFitControl(t *testing.T) {
	for _, c := range []struct{ in, want image.Point }{
		{image.Pt(700, 300), image.Pt(700, 300)},
		{image.Pt(8192, 2048), image.Pt(4096, 1024)},
		{image.Pt(32, 64), image.Pt(64, 128)},
		{image.Pt(1, 100_000), image.Pt(64, 4096)},
		{image.Pt(10, 8000), image.Pt(64, 4096)},
		{image.Pt(0, 0), image.Pt(64, 64)},
	} {
		if got := fitControl(c.in); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
	}
}
