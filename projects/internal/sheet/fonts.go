package sheet

import (
	"fmt"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"maquette/assets"
)

// The two typefaces of a sheet: Go's for Latin, Greek and Cyrillic letters, the
// bundled one for Chinese.
const (
	latin = iota
	chinese
	faces
)

// run is a part of a text in one typeface.
type run struct {
	face int
	text string
}

// typefaces tell which typeface has a character.
type typefaces struct {
	fonts  [faces]*sfnt.Font
	buffer sfnt.Buffer
}

func newTypefaces() (*typefaces, error) {
	t := &typefaces{}
	for i, data := range fontData() {
		f, err := sfnt.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("font of sheets: %w", err)
		}
		t.fonts[i] = f
	}
	return t, nil
}

func fontData() [faces][]byte {
	return [faces][]byte{latin: goregular.TTF, chinese: assets.Font(assets.FontChinese)}
}

// runs cuts a text into parts of one typeface. Characters that neither has are
// drawn as the Latin one's empty box.
func (t *typefaces) runs(text string) []run {
	var out []run
	for _, r := range text {
		face := latin
		if !t.has(latin, r) && t.has(chinese, r) {
			face = chinese
		}
		if n := len(out); n > 0 && out[n-1].face == face {
			out[n-1].text += string(r)
			continue
		}
		out = append(out, run{face, string(r)})
	}
	return out
}

func (t *typefaces) has(face int, r rune) bool {
	i, err := t.fonts[face].GlyphIndex(&t.buffer, r)
	return err == nil && i != 0
}
