package control

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// chunk makes a PNG chunk.
func chunk(kind string, data []byte) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, uint32(len(data)))
	b.WriteString(kind)
	b.Write(data)
	_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	return b.Bytes()
}

// pngHead is the signature and header of a PNG.
func pngHead(w, h uint32, depth, colour byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(ihdr, depth, colour, 0, 0, 0))...)
}

// zeros deflates n zero bytes.
func zeros(n int64) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = io.CopyN(z, zeroReader{}, n)
	_ = z.Close()
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// hugeTile is a TIFF of 64×64 pixels in one tile of 2³⁰×2³⁰.
func hugeTile() []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	tags := [][2]uint32{{256, 64}, {257, 64}, {258, 8}, {259, 1}, {262, 1}, {277, 1},
		{322, 1 << 30}, {323, 1 << 30}, {324, 8}, {325, 1 << 31}}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		b = binary.LittleEndian.AppendUint16(b, uint16(t[0]))
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, t[1])
	}
	return append(b, make([]byte, 64)...)
}

// measured runs f and returns how many bytes it allocated in all.
func measured(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every case is refused with words that help and within 200 MB, counting all
// memory that was ever taken. That bounds the time too: decoders do little with
// bytes that they don't store.
func TestHostileImagesAreRefused(t *testing.T) {
	small := encodePNG(t, image.NewGray(image.Rect(0, 0, 40, 30)))
	alpha := read(t, "alpha.webp")
	mismatch := bytes.Clone(alpha)
	// The VP8X canvas says 32×24; claim 64×24.
	if i := bytes.Index(mismatch, []byte("VP8X")); i >= 0 {
		mismatch[i+12] = 63
	}
	cut := bytes.Clone(alpha)
	if i := bytes.Index(cut, []byte("ALPH")); i >= 0 { // alpha data for fewer pixels
		binary.LittleEndian.PutUint32(cut[i+4:], 2)
	}
	jpg := encodeJPEG(t, picture(), 0)
	sof := bytes.Index(jpg, []byte{0xff, 0xc0})
	hugeJPEG := bytes.Clone(jpg)
	copy(hugeJPEG[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	forged := bytes.Clone(jpg)
	copy(forged[sof+5:], []byte{0x26, 0x00, 0x26, 0x00})

	for name, c := range map[string]struct {
		data  []byte
		words string
	}{
		"PNG that claims 30000x30000":  {append(pngHead(30000, 30000, 8, 6), chunk("IDAT", nil)...), "30000x30000"},
		"PNG that claims 9000x9000":    {append(pngHead(9000, 9000, 8, 6), chunk("IDAT", zeros(100))...), "9000x9000"},
		"PNG of 16 bits, 9000x9000":    {append(pngHead(9000, 9000, 16, 6), chunk("IDAT", zeros(1<<26))...), "memory"},
		"PNG of 1 bit, 40000x40000":    {bytes.Join([][]byte{pngHead(40000, 40000, 1, 0), chunk("IDAT", zeros(5001*40000)), chunk("IEND", nil)}, nil), "40000x40000"},
		"PNG of no pixels":             {append(pngHead(0, 0, 8, 6), chunk("IDAT", nil)...), "PNG"},
		"PNG cut short":                {small[:len(small)-30], "damaged"},
		"PNG with a bad checksum":      {append(bytes.Clone(small[:30]), bytes.Repeat([]byte{7}, 40)...), "PNG"},
		"PNG header only":              {small[:12], "PNG"},
		"TIFF with a huge tile":        {hugeTile(), "TIFF"},
		"TIFF that claims 9000x9000":   {tiffHead(9000, 9000), "9000x9000"},
		"WebP whose alpha is cut":      {cut, "WebP"},
		"WebP with the wrong canvas":   {mismatch, "WebP"},
		"WebP cut short":               {alpha[:len(alpha)-100], "WebP"},
		"JPEG that claims 65535x65535": {hugeJPEG, "65535x65535"},
		"JPEG that claims 9728x9728":   {forged, "9728x9728"},
		"JPEG cut short":               {jpg[:len(jpg)/2], "JPEG"},
		"BMP that claims 9000x9000":    {bmpHead(9000, 9000), "9000x9000"},
		"GIF of nothing":               {[]byte("GIF89a"), "GIF"},
		"text":                         {[]byte("once upon a time"), "PNG, JPEG"},
		"a PDF":                        {[]byte("%PDF-1.7 and so on"), "format"},
		"nothing":                      {nil, "empty"},
		"one byte":                     {[]byte{0x89}, "format"},
	} {
		for _, size := range []int64{int64(len(c.data)), -1} {
			var img image.Image
			var err error
			alloc := measured(func() { img, err = DecodeImage(bytes.NewReader(c.data), size) })
			var ie *ImageError
			if !errors.As(err, &ie) {
				t.Errorf("%s: got %v, %v", name, img, err)
				continue
			}
			if !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: %q does not say %q", name, err, c.words)
			}
			if alloc > 200<<20 {
				t.Errorf("%s: took %d MB", name, alloc>>20)
			}
		}
	}
}

// tiffHead claims gray pixels in one strip that isn't there.
func tiffHead(w, h uint32) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	tags := [][2]uint32{{256, w}, {257, h}, {258, 8}, {259, 1}, {262, 1}, {273, 8}, {277, 1}, {278, h}, {279, w * h}}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		b = binary.LittleEndian.AppendUint16(b, uint16(t[0]))
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, t[1])
	}
	return append(b, make([]byte, 8)...)
}

func bmpHead(w, h uint32) []byte {
	b := make([]byte, 54)
	copy(b, "BM")
	binary.LittleEndian.PutUint32(b[10:], 54)
	binary.LittleEndian.PutUint32(b[14:], 40)
	binary.LittleEndian.PutUint32(b[18:], w)
	binary.LittleEndian.PutUint32(b[22:], h)
	binary.LittleEndian.PutUint16(b[26:], 1)
	binary.LittleEndian.PutUint16(b[28:], 24)
	return b
}

// A PNG with 50 MB of compressed text is a fine picture: the text is skipped,
// not read into memory.
func TestHugeTextChunkIsSkipped(t *testing.T) {
	small := encodePNG(t, picture())
	text := append([]byte("Comment\x00\x00"), zeros(1<<30)...) // 1 GB of zeros …
	text = append(text, make([]byte, 50<<20-len(text))...)     // … in 50 MB
	data := bytes.Join([][]byte{small[:33], chunk("zTXt", text), small[33:]}, nil)
	var img image.Image
	var err error
	alloc := measured(func() { img, err = DecodeImage(bytes.NewReader(data), int64(len(data))) })
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Size() != picture().Rect.Size() {
		t.Errorf("size %v", img.Bounds())
	}
	if alloc > 60<<20 {
		t.Errorf("took %d MB", alloc>>20)
	}
}

func TestTooManyBytesAreRefused(t *testing.T) {
	if _, err := DecodeImage(bytes.NewReader(nil), MaxImageBytes+1); err == nil || !strings.Contains(err.Error(), "256 MB") {
		t.Errorf("a stated size beyond the limit gives %v", err)
	}
	// An endless stream whose size nobody knows stops at the limit.
	endless := io.MultiReader(bytes.NewReader(pngHead(64, 64, 8, 0)), chunks{})
	alloc := measured(func() {
		if _, err := DecodeImage(endless, -1); err == nil {
			t.Error("an endless stream gives an image")
		}
	})
	if alloc > 100<<20 {
		t.Errorf("took %d MB", alloc>>20)
	}
}

// chunks is an endless run of empty text chunks.
type chunks struct{}

func (chunks) Read(p []byte) (int, error) {
	c := chunk("tEXt", make([]byte, 1012))
	if len(p) < len(c) {
		return 0, io.ErrShortBuffer
	}
	n := 0
	for n+len(c) <= len(p) {
		n += copy(p[n:], c)
	}
	return n, nil
}

// picture has another colour in each corner: red, green / blue, gray.
func picture() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 32, 24))
	for y := range 24 {
		for x := range 32 {
			c := color.RGBA{128, 128, 128, 255}
			switch {
			case y < 12 && x < 16:
				c = color.RGBA{220, 30, 30, 255}
			case y < 12:
				c = color.RGBA{30, 200, 30, 255}
			case x < 16:
				c = color.RGBA{30, 30, 220, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// corner names the colour near a corner: r, g, b or k (gray).
func corner(m image.Image, right, bottom bool) byte {
	b := m.Bounds()
	x, y := b.Min.X+3, b.Min.Y+3
	if right {
		x = b.Max.X - 4
	}
	if bottom {
		y = b.Max.Y - 4
	}
	r, g, bl, _ := m.At(x, y).RGBA()
	switch {
	case r > g+0x4000 && r > bl+0x4000:
		return 'r'
	case g > r+0x4000 && g > bl+0x4000:
		return 'g'
	case bl > r+0x4000 && bl > g+0x4000:
		return 'b'
	}
	return 'k'
}

func corners(m image.Image) string {
	return string([]byte{corner(m, false, false), corner(m, true, false), corner(m, false, true), corner(m, true, true)})
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAllFormatsDecode(t *testing.T) {
	var b, g, tf bytes.Buffer
	if err := errors.Join(bmp.Encode(&b, picture()), gif.Encode(&g, picture(), nil), tiff.Encode(&tf, picture(), nil)); err != nil {
		t.Fatal(err)
	}
	wide := image.NewNRGBA64(picture().Rect)
	gray := image.NewGray16(picture().Rect)
	for y := range 24 {
		for x := range 32 {
			wide.Set(x, y, picture().At(x, y))
			gray.Set(x, y, picture().At(x, y))
		}
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"PNG": {encodePNG(t, picture()), "rgbk"}, "PNG, 16 bits": {encodePNG(t, wide), "rgbk"},
		"PNG, gray of 16 bits": {encodePNG(t, gray), "kkkk"},
		"JPEG":                 {encodeJPEG(t, picture(), 0), "rgbk"},
		"JPEG, progressive":    {read(t, "progressive.jpg"), "rgbk"},
		"JPEG, CMYK":           {read(t, "cmyk.jpg"), "rgbk"},
		"JPEG, bad profile":    {read(t, "bad_icc.jpg"), "rgbk"},
		"PNG, bad profile":     {read(t, "bad_icc.png"), "rgbk"},
		"WebP":                 {read(t, "lossy.webp"), "rgbk"},
		"WebP, lossless":       {read(t, "lossless.webp"), "rgbk"},
		"WebP, with alpha":     {read(t, "alpha.webp"), ""},
		"BMP":                  {b.Bytes(), "rgbk"},
		"GIF":                  {g.Bytes(), "rgbk"},
		"TIFF":                 {tf.Bytes(), "rgbk"},
		"TIFF, deflated":       {read(t, "deflate.tif"), "rgbk"},
	} {
		for _, size := range []int64{int64(len(c.data)), -1} {
			// A reader that can neither seek nor read at.
			img, err := DecodeImage(io.MultiReader(bytes.NewReader(c.data)), size)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := corners(img); c.want != "" && got != c.want {
				t.Errorf("%s: corners %s, want %s", name, got, c.want)
			}
			if got := img.Bounds().Size(); got != image.Pt(32, 24) {
				t.Errorf("%s: size %v", name, got)
			}
		}
	}
}

func TestOpenImage(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "no such picture.png")
	if _, err := OpenImage(name); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), name) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := OpenImage(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder gives %v", err)
	}
	bad := filepath.Join(dir, "bad.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\nrubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ie *ImageError
	if _, err := OpenImage(bad); !errors.As(err, &ie) || !strings.Contains(err.Error(), bad) {
		t.Errorf("a damaged file gives %v", err)
	}
	if img, err := OpenImage("testdata/drawing.png"); err != nil || img.Bounds().Dx() != 192 {
		t.Errorf("a good file gives %v, %v", img, err)
	}
	// A failing disk is not a bad picture.
	broken := errors.New("disk on fire")
	if _, err := DecodeImage(io.MultiReader(bytes.NewReader([]byte("\x89PNG")), failing{broken}), -1); !errors.Is(err, broken) {
		t.Errorf("a read error gives %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzDecodeImage(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data := read(f, filepath.Base(name)); len(data) < 4096 {
			f.Add(data)
		}
	}
	f.Add(hugeTile())
	f.Add(encodeJPEG(f, picture(), 6))
	f.Add(bmpHead(20, 20))
	f.Add(append(pngHead(30000, 30000, 8, 6), chunk("IDAT", nil)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := DecodeImage(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			b := img.Bounds()
			if b.Empty() || int64(b.Dx())*int64(b.Dy()) > MaxImagePixels {
				t.Errorf("decoded to %v", b)
			}
			return
		}
		var ie *ImageError
		if !errors.As(err, &ie) || ie.Reason == "" {
			t.Errorf("error %v of type %s", err, fmt.Sprintf("%T", err))
		}
	})
}
