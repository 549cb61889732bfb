package sheet

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"image"
	"image/color"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// even is a surface on which every character is one unit of the size wide.
type even struct{ texts []string }

func (e *even) width(text string, size float64) float64 { return float64(len([]rune(text))) * size }
func (e *even) text(_, _ float64, text string, _ float64, _ color.Gray) {
	e.texts = append(e.texts, text)
}
func (e *even) picture(rect, image.Image) error { return nil }
func (e *even) frame(rect, color.Gray)          {}

func TestBreakLines(t *testing.T) {
	for _, c := range []struct {
		text  string
		width float64
		lines int
		want  []string
	}{
		{"red brick facade", 9, 3, []string{"red brick", "facade"}},
		{"red brick facade", 4, 2, []string{"red", "bri…"}},
		{"a  b\n c", 9, 3, []string{"a b c"}},
		{"红砖立面、玻璃", 4, 3, []string{"红砖立", "面、玻璃"}},
		{"玻璃 glass", 5, 3, []string{"玻璃", "glass"}},
		{"unbreakable", 5, 3, []string{"unbr…"}},
		{"wide", 0.5, 3, []string{""}},
		{"", 5, 3, nil},
	} {
		if got := breakLines(&even{}, c.text, 1, c.width, c.lines); !slices.Equal(got, c.want) {
			t.Errorf("%q in %g: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestTypefaces(t *testing.T) {
	fonts, err := newTypefaces()
	if err != nil {
		t.Fatal(err)
	}
	want := []run{{latin, "Facade × "}, {chinese, "立面，"}, {latin, "½ ü…"}}
	if got := fonts.runs("Facade × 立面，½ ü…"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func flat(w, h int, c color.Color) Cell {
	return Cell{Size: image.Pt(w, h), Open: func(context.Context) (image.Image, error) {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range img.Pix {
			r, g, b, a := c.RGBA()
			img.Pix[i] = [4]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}[i%4]
		}
		return img, nil
	}}
}

func table(rows, columns int) Sheet {
	b := Block{Width: columns, Corner: "rows / columns"}
	for c := range columns {
		b.Columns = append(b.Columns, "column "+strconv.Itoa(c))
	}
	for r := range rows {
		b.Rows = append(b.Rows, "行 "+strconv.Itoa(r))
		for range columns {
			b.Cells = append(b.Cells, flat(256, 256, color.RGBA{200, 30, 30, 255}))
		}
	}
	return Sheet{Title: "立面 facade", Notes: []string{"Prompt: a house"}, Blocks: []Block{b}, Footer: "Maquette"}
}

// pageSizes lists the sizes of a PDF file's pages.
func pageSizes(data []byte) []string {
	var out []string
	for _, m := range regexp.MustCompile(`/Type /Page\s[^>]*?(?:/MediaBox \[([^\]]*)\])?`).FindAllSubmatch(data, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

func TestPDF(t *testing.T) {
	for _, c := range []struct {
		rows, columns, pages int
	}{{3, 4, 1}, {40, 4, 7}, {1, 1, 1}, {0, 1, 1}} {
		var b bytes.Buffer
		if err := PDF(context.Background(), &b, table(c.rows, c.columns)); err != nil {
			t.Fatal(err)
		}
		if got := len(pageSizes(b.Bytes())); got != c.pages {
			t.Errorf("%d × %d: %d pages, want %d", c.rows, c.columns, got, c.pages)
		}
		if n := strings.Count(b.String(), "/FontFile2"); n != 2 {
			t.Errorf("%d embedded fonts, want 2", n)
		}
	}
	// Two blocks are two pages, and many blocks keep their titles.
	sh := table(2, 2)
	sh.Blocks = append(sh.Blocks, sh.Blocks[0])
	var b bytes.Buffer
	if err := PDF(context.Background(), &b, sh); err != nil || len(pageSizes(b.Bytes())) != 2 {
		t.Errorf("%d pages, %v", len(pageSizes(b.Bytes())), err)
	}
}

// TestPDFLayout draws on paper that only counts: nothing leaves the page.
func TestPDFLayout(t *testing.T) {
	var b bytes.Buffer
	if err := PDF(context.Background(), &b, table(7, 12)); err != nil {
		t.Fatal(err)
	}
	// The operators that place pictures: "w 0 0 h x y cm".
	place := regexp.MustCompile(`q ([\d.]+) 0 0 ([\d.]+) ([\d.]+) ([\d.-]+) cm /I`)
	n := 0
	for _, stream := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(b.Bytes(), -1) {
		r, err := zlib.NewReader(bytes.NewReader(stream[1]))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			continue
		}
		for _, m := range place.FindAllSubmatch(text, -1) {
			var v [4]float64
			for i := range v {
				if v[i], err = strconv.ParseFloat(string(m[i+1]), 64); err != nil {
					t.Fatal(err)
				}
			}
			n++
			if w, h, x, y := v[0], v[1], v[2], v[3]; x < 36 || y < 36 || x+w > 842-36+1 || y+h > 842-36+1 || w < 20 || h < 20 {
				t.Errorf("a picture of %g × %g at %g, %g", w, h, x, y)
			}
		}
	}
	if n != 84 {
		t.Errorf("%d pictures are placed, want 84", n)
	}
}

func TestImageShrinks(t *testing.T) {
	sh := table(20, 20)
	for i := range sh.Blocks[0].Cells {
		sh.Blocks[0].Cells[i] = Cell{Size: image.Pt(512, 512)}
	}
	img, err := Image(context.Background(), sh)
	if err != nil {
		t.Fatal(err)
	}
	if n := img.Rect.Dx() * img.Rect.Dy(); n > maxPixels || n < maxPixels/2 {
		t.Errorf("%v", img.Rect)
	}
}

func TestImageErrors(t *testing.T) {
	sh := table(2, 2)
	fail := errors.New("unreadable")
	sh.Blocks[0].Cells[3].Open = func(context.Context) (image.Image, error) { return nil, fail }
	if _, err := Image(context.Background(), sh); !errors.Is(err, fail) {
		t.Errorf("%v", err)
	}
	if err := PDF(context.Background(), io.Discard, sh); !errors.Is(err, fail) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Image(ctx, table(2, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := GIF(ctx, io.Discard, Animation{Cells: table(1, 1).Blocks[0].Cells, Side: 64}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := GIF(context.Background(), io.Discard, Animation{Side: 64}); err == nil {
		t.Error("an animation of nothing")
	}
}

// TestMedianCut compares the palette of a gradient with an even one: no colour of
// the picture may be far from it.
func TestMedianCut(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 4), uint8(y * 4), 128, 255})
		}
	}
	p := medianCut(img, 256)
	if len(p) != 256 {
		t.Fatalf("%d colours", len(p))
	}
	worst := 0
	for y := range 64 {
		for x := range 64 {
			c := img.RGBAAt(x, y)
			r, g, b, _ := p.Convert(c).RGBA()
			for _, d := range []int{int(c.R) - int(r>>8), int(c.G) - int(g>>8), int(c.B) - int(b>>8)} {
				worst = max(worst, d, -d)
			}
		}
	}
	if worst > 16 {
		t.Errorf("a colour is off by %d", worst)
	}
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	if p = medianCut(img, 256); len(p) != 1 || p[0] != color.Color(color.RGBA{255, 255, 255, 255}) {
		t.Errorf("the palette of white is %v", p)
	}
}

func TestWrap(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 6: 3, 12: 4, 20: 5} {
		cells := make([]Cell, n)
		for i := range cells {
			cells[i].Size = image.Pt(256, 256)
		}
		if got := Wrap(cells).Width; got != want {
			t.Errorf("%d cells in %d columns, want %d", n, got, want)
		}
	}
}
