package control

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Limits on images that come from files, the clipboard or the network.
const (
	MaxImageBytes  = 256 << 20   // bytes of an encoded image
	MaxImagePixels = 100_000_000 // pixels of a decoded image
	maxDecoded     = 400 << 20   // bytes that decoding may take
	maxHeader      = 8 << 20     // bytes read to find out an image's size
)

// ImageError reports an image that can't be read or is too large to be read.
type ImageError struct {
	Format string // "PNG", "JPEG" …; empty when unknown
	Reason string // what is wrong and what to do
	Err    error  // the decoder's own error, if any
}

func (e *ImageError) Error() string {
	what := "image"
	if e.Format != "" {
		what = e.Format + " image"
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %s (%v)", what, e.Reason, e.Err)
	}
	return fmt.Sprintf("%s: %s", what, e.Reason)
}

func (e *ImageError) Unwrap() error { return e.Err }

// OpenImage reads an image file; see DecodeImage. Errors name the file.
func OpenImage(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open image: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open image %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open image %s: it is not a file; choose a picture", path)
	}
	img, err := DecodeImage(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("open image %s: %w", path, err)
	}
	return img, nil
}

// DecodeImage reads a PNG, JPEG, WebP, TIFF, BMP or GIF (its first frame) and
// turns it upright by its EXIF orientation. size is the length of the data in
// bytes, negative when unknown.
//
// Before any pixel memory is taken the header is read and the image refused
// when it has more than MaxImageBytes, more than MaxImagePixels, would take
// more than 400 MB to decode, or claims more pixels than its data can hold.
// Errors are of type *ImageError.
func DecodeImage(r io.Reader, size int64) (img image.Image, err error) {
	if size > MaxImageBytes {
		return nil, tooManyBytes()
	}
	src := &source{r: io.LimitReader(r, MaxImageBytes+1), size: size}
	head, err := src.peek(64)
	if err != nil {
		return nil, &ImageError{Reason: "reading failed", Err: err}
	}
	if len(head) == 0 {
		return nil, &ImageError{Reason: "the file is empty; choose another picture"}
	}
	f := sniff(head)
	if f == nil {
		return nil, &ImageError{Reason: "the format is not known; save the picture as PNG, JPEG, WebP, TIFF, BMP or GIF"}
	}
	// Decoders are hardened against bad data, but a panic in one must not take
	// an unsaved drawing with it.
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, &ImageError{Format: f.name, Reason: "the file is damaged; open it in another program and save it again", Err: fmt.Errorf("%v", p)}
		}
	}()
	return f.read(src)
}

func tooManyBytes() error {
	return &ImageError{Reason: fmt.Sprintf("the file is larger than %d MB; save a smaller copy", MaxImageBytes>>20)}
}

// format is one way to encode images.
type format struct {
	name   string
	magic  string // ? stands for any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// most bounds how many pixels n bytes can encode, so that a few bytes that
	// claim a huge picture are refused before memory is taken. 0: no bound.
	most func(cfg image.Config, n int64) int64
	// exif finds the EXIF block in the first bytes of the file.
	exif func(head []byte) []byte
}

// formats lists what DecodeImage reads. The decoders are called by name rather
// than through image's registry, where any package could add more.
func formats() []format {
	return []format{
		{name: "PNG", magic: "\x89PNG\r\n\x1a\n", config: png.DecodeConfig, decode: png.Decode, most: pngMost, exif: pngExif},
		{name: "JPEG", magic: "\xff\xd8\xff", config: jpeg.DecodeConfig, decode: jpeg.Decode, most: jpegMost, exif: jpegExif},
		{name: "WebP", magic: "RIFF????WEBPVP8", config: webp.DecodeConfig, decode: webp.Decode, exif: webpExif},
		{name: "TIFF", magic: "II*\x00", config: tiff.DecodeConfig, decode: tiff.Decode, most: tiffMost, exif: wholeFile},
		{name: "TIFF", magic: "MM\x00*", config: tiff.DecodeConfig, decode: tiff.Decode, most: tiffMost, exif: wholeFile},
		{name: "BMP", magic: "BM????????????", config: bmp.DecodeConfig, decode: bmp.Decode, most: bmpMost},
		{name: "GIF", magic: "GIF8?a", config: gif.DecodeConfig, decode: gif.Decode},
	}
}

// sniff finds the format of a file by its first bytes.
func sniff(head []byte) *format {
	for _, f := range formats() {
		if len(head) < len(f.magic) {
			continue
		}
		ok := true
		for i := range len(f.magic) {
			ok = ok && (f.magic[i] == '?' || f.magic[i] == head[i])
		}
		if ok {
			return &f
		}
	}
	return nil
}

// read checks an image's header against the limits, decodes it and turns it.
func (f *format) read(src *source) (image.Image, error) {
	cfg, err := f.config(src.header())
	if err != nil {
		return nil, f.broken(err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, &ImageError{Format: f.name, Reason: "it has no pixels; choose another picture"}
	}
	pixels := int64(cfg.Width) * int64(cfg.Height)
	if pixels > MaxImagePixels || cfg.Width > 1<<20 || cfg.Height > 1<<20 {
		return nil, &ImageError{Format: f.name, Reason: fmt.Sprintf("it has %dx%d pixels, the limit is %d million; save a smaller copy",
			cfg.Width, cfg.Height, MaxImagePixels/1_000_000)}
	}
	head, err := src.peek(maxHeader)
	if err != nil {
		return nil, f.broken(err)
	}
	if need := pixels * pixelBytes(f, cfg, head); need > maxDecoded {
		return nil, &ImageError{Format: f.name, Reason: fmt.Sprintf("its %dx%d pixels would take %d MB of memory, the limit is %d MB; save a smaller copy",
			cfg.Width, cfg.Height, need>>20, maxDecoded>>20)}
	}
	if src.size < 0 && len(head) < maxHeader {
		src.size = int64(len(head)) // all of it is here
	}
	if f.most != nil && src.size >= 0 && pixels > f.most(cfg, src.size) {
		return nil, &ImageError{Format: f.name, Reason: fmt.Sprintf("it claims %dx%d pixels, but its %d bytes can't hold them; the file is cut short or forged, get it again",
			cfg.Width, cfg.Height, src.size)}
	}
	turn := upright
	if f.exif != nil {
		turn = exifOrientation(f.exif(head))
	}
	body := src.all()
	img, err := f.decode(body)
	if err != nil {
		return nil, f.broken(err)
	}
	if src.overrun() {
		return nil, tooManyBytes()
	}
	return turned(img, turn), nil
}

// broken wraps a decoder's error.
func (f *format) broken(err error) error {
	reason := "the file is damaged or of an unusual kind; open it in another program and save it again as PNG"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		reason = "the file is cut short; get it again"
	}
	return &ImageError{Format: f.name, Reason: reason, Err: err}
}

// pixelBytes is how many bytes decoding takes for each pixel at most.
func pixelBytes(f *format, cfg image.Config, head []byte) int64 {
	switch cfg.ColorModel {
	case color.GrayModel, color.AlphaModel:
		return 1 + progressiveBytes(f, head, 1)
	case color.Gray16Model, color.Alpha16Model:
		return 2
	case color.YCbCrModel:
		return 3 + progressiveBytes(f, head, 3)
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.CMYKModel:
		return 4 + progressiveBytes(f, head, 4)
	}
	if _, ok := cfg.ColorModel.(color.Palette); ok {
		return 1
	}
	return 4
}

// progressiveBytes is what a progressive JPEG's coefficients take per pixel.
func progressiveBytes(f *format, head []byte, channels int64) int64 {
	if f.name != "JPEG" || !jpegIsProgressive(head) {
		return 0
	}
	if channels == 3 && jpegIsSubsampled(head) {
		return 6 // 1.5 coefficients of 4 bytes
	}
	return 4 * channels
}

// pngMost: deflate packs at most 1032 bytes into one.
func pngMost(cfg image.Config, n int64) int64 {
	perByte := int64(8) // at one bit a pixel
	switch cfg.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		return n * 1032 / 6
	case color.RGBAModel, color.NRGBAModel:
		return n * 1032 / 3
	case color.Gray16Model:
		return n * 1032 / 2
	}
	return n * 1032 * perByte
}

// jpegMost: an 8×8 block takes at least one bit, in progressive files too.
func jpegMost(_ image.Config, n int64) int64 { return n * 8 * 64 * 4 }

// tiffMost: a blank row of a fax takes one bit; rows have up to 16384 pixels.
func tiffMost(_ image.Config, n int64) int64 { return n * 8 * 16384 }

// bmpMost: pixels are stored as they are, at one bit or more.
func bmpMost(_ image.Config, n int64) int64 { return n * 8 }

// source hands out an image's bytes twice: first its beginning, then all of it.
type source struct {
	r    io.Reader
	size int64  // in bytes; negative when unknown
	head []byte // what was read so far
	eof  bool
	n    int64 // bytes that all has handed out
}

// peek returns up to n first bytes, fewer only when the data ends.
func (s *source) peek(n int) ([]byte, error) {
	for len(s.head) < n && !s.eof {
		buf := make([]byte, min(n-len(s.head), 64<<10))
		k, err := io.ReadFull(s.r, buf)
		s.head = append(s.head, buf[:k]...)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			s.eof = true
		case err != nil:
			return nil, err
		}
	}
	return s.head[:min(n, len(s.head))], nil
}

// header reads from the beginning, at most maxHeader bytes.
func (s *source) header() io.Reader { return &headReader{src: s} }

type headReader struct {
	src *source
	at  int
}

func (h *headReader) Read(p []byte) (int, error) {
	want := min(h.at+len(p), maxHeader)
	head, err := h.src.peek(want)
	if err != nil {
		return 0, err
	}
	if h.at >= len(head) {
		return 0, io.EOF
	}
	n := copy(p, head[h.at:])
	h.at += n
	return n, nil
}

// all reads everything from the beginning.
func (s *source) all() io.Reader {
	return &counter{r: io.MultiReader(bytes.NewReader(s.head), s.r), n: &s.n}
}

// overrun reports whether more than MaxImageBytes were read.
func (s *source) overrun() bool { return s.n > MaxImageBytes }

type counter struct {
	r io.Reader
	n *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
