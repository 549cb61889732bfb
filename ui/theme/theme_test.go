package theme

import (
	"image/color"
	"io/fs"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	base "fyne.io/fyne/v2/theme"
	"golang.org/x/image/font/sfnt"

	"maquette/assets"
)

// luminance is the relative luminance of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	lin := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestTextIsLegible(t *testing.T) {
	for _, mode := range []Mode{Dark, Light} {
		th := New(mode, 1)
		c := func(n fyne.ThemeColorName) color.Color { return th.Color(n, base.VariantDark) }
		for _, p := range []struct {
			text, ground fyne.ThemeColorName
			least        float64
		}{
			{base.ColorNameForeground, base.ColorNameBackground, 7},
			{base.ColorNameForeground, base.ColorNameInputBackground, 7},
			{base.ColorNameForeground, base.ColorNameMenuBackground, 7},
			{base.ColorNameForeground, base.ColorNameButton, 7},
			{base.ColorNamePlaceHolder, base.ColorNameInputBackground, 4.5},
			{base.ColorNameForegroundOnPrimary, base.ColorNamePrimary, 4.5},
			{base.ColorNamePrimary, base.ColorNameBackground, 4.5},
			{base.ColorNameError, base.ColorNameBackground, 4.5},
			{base.ColorNameDisabled, base.ColorNameBackground, 3.5},
			{base.ColorNameDisabled, ColorNameStage, 3},
		} {
			if got := contrast(c(p.text), c(p.ground)); got < p.least {
				t.Errorf("%s: %s on %s has a contrast of %.1f, want %.1f", mode, p.text, p.ground, got, p.least)
			}
		}
	}
}

// TestMenuShortcutsAreLegible computes a shortcut's alpha as Fyne 2.7 does.
func TestMenuShortcutsAreLegible(t *testing.T) {
	for _, mode := range []Mode{Dark, Light} {
		_, _, _, a := New(mode, 1).Color(base.ColorNameForeground, base.VariantDark).RGBA()
		if got := uint8(uint32(float32(a) * 0.95)); got < 0xe0 {
			t.Errorf("%s: shortcuts have an alpha of %#x", mode, got)
		}
		if a>>8 != 0xff {
			t.Errorf("%s: other text has an alpha of %#x", mode, a>>8)
		}
	}
}

func TestScale(t *testing.T) {
	for scale, want := range map[float32]float32{0: 13, 1: 13, 2: 26, 9: 26, 0.1: 13 * 0.75} {
		if got := New(Dark, scale).Size(base.SizeNameText); got != want {
			t.Errorf("at scale %g the text is %g high, want %g", scale, got, want)
		}
	}
}

func TestFontsHoldTheTranslations(t *testing.T) {
	data, err := fs.ReadFile(assets.Translations(), "zh.json")
	if err != nil {
		t.Fatal(err)
	}
	th := New(Dark, 1)
	for _, style := range []fyne.TextStyle{{}, {Bold: true}} {
		f, err := sfnt.Parse(th.Font(style).Content())
		if err != nil {
			t.Fatal(err)
		}
		has := func(r rune) bool {
			i, err := f.GlyphIndex(nil, r)
			return err == nil && i != 0
		}
		chinese := 0
		for _, r := range string(data) {
			if r < 0x2e80 {
				continue // Fyne's Noto Sans
			}
			chinese++
			if !has(r) {
				t.Errorf("%+v: no glyph for %q; run assets/fonts/make_subset.py", style, r)
			}
		}
		if chinese < 1000 {
			t.Errorf("only %d Chinese characters in the translation", chinese)
		}
		for _, r := range " 椅楼窗檐廊" {
			if !has(r) {
				t.Errorf("%+v: no glyph for %q, which users type", style, r)
			}
		}
		if has('A') {
			t.Errorf("%+v: Latin letters must come from Fyne's font", style)
		}
	}
}
