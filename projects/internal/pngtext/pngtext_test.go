package pngtext

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"runtime"
	"strings"
	"testing"
)

func pixel(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withChunk puts a chunk right after the header.
func withChunk(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	p := pixel(t)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(chunk, kind...)
	chunk = append(chunk, data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	return append(append(bytes.Clone(p[:33]), chunk...), p[33:]...)
}

func deflate(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for name, c := range map[string]struct{ text, chunk string }{
		"ASCII":     {"a house\nSteps: 20, Sampler: Euler, Seed: 1", "tEXt"},
		"Latin-1":   {"Küche, crème «déjà vu»", "tEXt"},
		"Chinese":   {"玻璃房子，黄昏", "iTXt"},
		"emoji":     {"🏠 \u202Eabc\u202C", "iTXt"},
		"empty":     {"", "tEXt"},
		"quotes":    {`"a \"b\" c": d, e`, "tEXt"},
		"a million": {strings.Repeat("x", MaxText), "tEXt"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := Insert(pixel(t), Text{"other", "no"}, Text{"parameters", c.text})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(c.chunk+"parameters\x00")) {
				t.Errorf("not in a %s chunk", c.chunk)
			}
			if _, err := png.Decode(bytes.NewReader(data)); err != nil {
				t.Fatalf("no longer a PNG: %v", err)
			}
			for reader, r := range map[string]io.Reader{"seeker": bytes.NewReader(data), "stream": bytes.NewBuffer(data)} {
				if got, found, err := Read(r, "parameters"); err != nil || !found || got != c.text {
					t.Errorf("%s: %.80q, %v, %v", reader, got, found, err)
				}
			}
			if data, err = Remove(data, "parameters"); err != nil {
				t.Fatal(err)
			}
			if _, found, err := Read(bytes.NewReader(data), "parameters"); found || err != nil {
				t.Errorf("after Remove: %v, %v", found, err)
			}
			if got, found, err := Read(bytes.NewReader(data), "other"); got != "no" || !found || err != nil {
				t.Errorf("Remove took another text along: %q, %v, %v", got, found, err)
			}
		})
	}
}

func TestNULAndControlsAreTakenOut(t *testing.T) {
	data, err := Insert(pixel(t), Text{"parameters", "a\x00b\xff"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := Read(bytes.NewReader(data), "parameters"); err != nil || got != "a b\uFFFD" {
		t.Fatalf("%q, %v", got, err)
	}
	data = withChunk(t, "tEXt", []byte("parameters\x00a\x00\x1b[31mb\r\nc\rd\te\x85"))
	if got, _, err := Read(bytes.NewReader(data), "parameters"); err != nil || got != "a[31mb\nc\nd\te" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestCompressedTexts(t *testing.T) {
	for name, data := range map[string][]byte{
		"zTXt": withChunk(t, "zTXt", append([]byte("parameters\x00\x00"), deflate(t, "caf\xe9")...)),
		"iTXt": withChunk(t, "iTXt", append([]byte("parameters\x00\x01\x00en\x00Parameter\x00"), deflate(t, "café")...)),
	} {
		if got, found, err := Read(bytes.NewReader(data), "parameters"); got != "café" || !found || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, found, err)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	bomb := deflate(t, strings.Repeat("\x00", 50<<20))
	cut, err := Insert(pixel(t), Text{"parameters", strings.Repeat("x", 1000)})
	if err != nil {
		t.Fatal(err)
	}
	claims := append(bytes.Clone(pixel(t)[:33]), "\x3f\xff\xff\xfftEXtparameters\x00"...)
	for name, c := range map[string]struct {
		data []byte
		want error // nil: any
	}{
		"50 MB zTXt":        {withChunk(t, "zTXt", append([]byte("parameters\x00\x00"), bomb...)), ErrTooLong},
		"50 MB iTXt":        {withChunk(t, "iTXt", append([]byte("parameters\x00\x01\x00\x00\x00"), bomb...)), ErrTooLong},
		"50 MB tEXt":        {withChunk(t, "tEXt", append([]byte("parameters\x00"), make([]byte, 50<<20)...)), ErrTooLong},
		"claims 1 GB":       {claims, ErrTooLong},
		"claims 4 GB":       {append(bytes.Clone(pixel(t)[:33]), "\xff\xff\xff\xffIDAT"...), nil},
		"cut in the text":   {cut[:200], io.ErrUnexpectedEOF},
		"cut in the header": {cut[:20], io.ErrUnexpectedEOF},
		"empty":             {nil, ErrNotPNG},
		"JPEG":              {[]byte("\xff\xd8\xff\xe0 and so on"), ErrNotPNG},
		"broken zlib":       {withChunk(t, "zTXt", []byte("parameters\x00\x00garbage")), nil},
		"zTXt of nothing":   {withChunk(t, "zTXt", []byte("parameters\x00")), errShort},
		"iTXt of nothing":   {withChunk(t, "iTXt", []byte("parameters\x00\x00\x00en")), errShort},
		"a million chunks":  {append(bytes.Clone(pixel(t)[:33]), bytes.Repeat([]byte("\x00\x00\x00\x00abCD\x00\x00\x00\x00"), 1<<20)...), nil},
	} {
		t.Run(name, func(t *testing.T) {
			for reader, r := range map[string]io.Reader{"seeker": bytes.NewReader(c.data), "stream": struct{ io.Reader }{bytes.NewReader(c.data)}} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, found, err := Read(r, "parameters")
				runtime.ReadMemStats(&after)
				if err == nil || found {
					t.Errorf("%s: no error", reader)
				}
				if c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", reader, err, c.want)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
					t.Errorf("%s: allocated %d MB", reader, n>>20)
				}
			}
		})
	}
}

func TestInsertRefuses(t *testing.T) {
	if _, err := Insert([]byte("GIF89a"), Text{"a", "b"}); !errors.Is(err, ErrNotPNG) {
		t.Errorf("a GIF: %v", err)
	}
	for _, key := range []string{"", strings.Repeat("k", 80), "a\x00b"} {
		if _, err := Insert(pixel(t), Text{key, "b"}); err == nil {
			t.Errorf("keyword %q was taken", key)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"a", "玻", ""} {
		data, err := Insert(pixel(f), Text{"parameters", text})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(withChunk(f, "zTXt", append([]byte("parameters\x00\x00"), deflate(f, "x")...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, foundA, errA := Read(bytes.NewReader(data), "parameters")
		b, foundB, errB := Read(struct{ io.Reader }{bytes.NewReader(data)}, "parameters")
		if a != b || foundA != foundB || (errA == nil) != (errB == nil) {
			t.Fatalf("seeking %q %v %v, streaming %q %v %v", a, foundA, errA, b, foundB, errB)
		}
		if len(a) > 4*MaxText || strings.ContainsRune(a, 0) {
			t.Fatalf("%d bytes, or a NUL", len(a))
		}
	})
}
