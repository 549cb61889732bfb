package control

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"testing"

	"golang.org/x/image/tiff"
)

// exifBlock is a TIFF structure that holds nothing but an orientation.
func exifBlock(o uint16, order binary.AppendByteOrder) []byte {
	b := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, o)
	return append(b, make([]byte, 6)...)
}

// encodeJPEG writes a JPEG with an orientation, 0 for none.
func encodeJPEG(t testing.TB, m image.Image, o uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if o == 0 {
		return b.Bytes()
	}
	body := append([]byte("Exif\x00\x00"), exifBlock(o, binary.BigEndian)...)
	app1 := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{b.Bytes()[:2], app1, body, b.Bytes()[2:]}, nil)
}

// The stored picture is rgbk; each orientation says how a viewer turns it.
func TestAllOrientations(t *testing.T) {
	want := map[uint16]string{
		0: "rgbk", 1: "rgbk", 2: "grkb", 3: "kbgr", 4: "bkrg",
		5: "rbgk", 6: "brkg", 7: "kgbr", 8: "gkrb", 9: "rgbk",
	}
	for o, w := range want {
		plain := encodePNG(t, picture())
		files := map[string][]byte{
			"JPEG":             encodeJPEG(t, picture(), o),
			"PNG":              bytes.Join([][]byte{plain[:33], chunk("eXIf", exifBlock(o, binary.LittleEndian)), plain[33:]}, nil),
			"PNG, big-endian":  bytes.Join([][]byte{plain[:33], chunk("eXIf", exifBlock(o, binary.BigEndian)), plain[33:]}, nil),
			"TIFF":             tiffTurned(t, o),
			"WebP, re-labeled": webpTurned(t, o),
		}
		for name, data := range files {
			img, err := DecodeImage(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Errorf("%s with orientation %d: %v", name, o, err)
				continue
			}
			size := image.Pt(32, 24)
			if o >= 5 && o <= 8 {
				size = image.Pt(24, 32)
			}
			if got := corners(img); got != w || img.Bounds().Size() != size {
				t.Errorf("%s with orientation %d: %s of %v, want %s of %v", name, o, got, img.Bounds().Size(), w, size)
			}
		}
	}
}

// tiffTurned adds an orientation to a TIFF by moving its directory to the end.
func tiffTurned(t testing.TB, o uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tiff.Encode(&b, picture(), nil); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	le := binary.LittleEndian
	at := le.Uint32(data[4:])
	n := int(le.Uint16(data[at:]))
	entries := bytes.Clone(data[at+2 : int(at)+2+12*n])
	i := 0
	for i < n && le.Uint16(entries[12*i:]) < 0x0112 {
		i++
	}
	entry := append(le.AppendUint32(le.AppendUint16(le.AppendUint16(nil, 0x0112), 3), 1), byte(o), 0, 0, 0)
	le.PutUint32(data[4:], uint32(len(data)))
	data = le.AppendUint16(data, uint16(n+1))
	data = append(data, entries[:12*i]...)
	data = append(data, entry...)
	data = append(data, entries[12*i:]...)
	return append(data, 0, 0, 0, 0)
}

// webpTurned changes the orientation in a WebP that has one.
func webpTurned(t testing.TB, o uint16) []byte {
	t.Helper()
	data := bytes.Clone(read(t, "turned.webp"))
	i := bytes.Index(data, []byte("EXIF"))
	if i < 0 {
		t.Fatal("the WebP fixture has no EXIF chunk")
	}
	block := bytes.TrimPrefix(data[i+8:], []byte("Exif\x00\x00"))
	var order binary.ByteOrder = binary.LittleEndian
	if block[0] == 'M' {
		order = binary.BigEndian
	}
	entry := order.Uint32(block[4:]) + 2
	if order.Uint16(block[entry:]) != 0x0112 {
		t.Fatal("the WebP fixture has no orientation first")
	}
	order.PutUint16(block[entry+8:], o)
	return data
}
