// Package pngtext reads and writes the text chunks of PNG files (PNG
// specification, third edition, section 11.3.3: tEXt, zTXt and iTXt).
package pngtext

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of Read. They bound time and memory for hostile files.
const (
	// MaxText is the largest text that is read, in bytes, after decompression.
	MaxText = 1 << 20
	// maxChunks bounds how many chunks are looked at. A PNG of 512 MiB that is
	// written in the customary 8 KiB pieces stays below it.
	maxChunks = 1 << 16
)

// ErrTooLong reports a text of more than MaxText bytes.
var ErrTooLong = fmt.Errorf("text is longer than %d bytes", MaxText)

// ErrNotPNG reports a file that does not start as a PNG does.
var ErrNotPNG = errors.New("not a PNG file")

const signature = "\x89PNG\r\n\x1a\n"

// Text is one text of a PNG.
type Text struct {
	Keyword string // 1…79 Latin-1 characters
	Text    string
}

// Insert returns the PNG with texts put in right after its header, so that
// readers find them without going through the pixels. A text goes into a tEXt
// chunk if it is Latin-1, as AUTOMATIC1111 does it, else into an iTXt chunk.
// NUL, which the format cannot hold, becomes a space.
func Insert(png []byte, texts ...Text) ([]byte, error) {
	const header = len(signature) + 8 + 13 + 4
	if len(png) < header || string(png[:len(signature)]) != signature || string(png[12:16]) != "IHDR" {
		return nil, ErrNotPNG
	}
	out := bytes.NewBuffer(make([]byte, 0, len(png)+textBytes(texts)))
	out.Write(png[:header])
	for _, t := range texts {
		if n := len(t.Keyword); n == 0 || n > 79 || strings.ContainsRune(t.Keyword, 0) {
			return nil, fmt.Errorf("PNG text keyword %q: must have 1 to 79 characters", t.Keyword)
		}
		text := strings.ReplaceAll(strings.ToValidUTF8(t.Text, "\uFFFD"), "\x00", " ")
		if latin, ok := toLatin1(text); ok {
			appendChunk(out, "tEXt", t.Keyword, "\x00", latin)
		} else {
			// Keyword, compression flag and method, language, translated keyword.
			appendChunk(out, "iTXt", t.Keyword, "\x00\x00\x00\x00\x00", text)
		}
	}
	out.Write(png[header:])
	return out.Bytes(), nil
}

func textBytes(texts []Text) int {
	n := 0
	for _, t := range texts {
		n += len(t.Keyword) + len(t.Text) + 32
	}
	return n
}

func appendChunk(out *bytes.Buffer, kind string, parts ...string) {
	data := strings.Join(parts, "")
	var word [4]byte
	binary.BigEndian.PutUint32(word[:], uint32(len(data)))
	out.Write(word[:])
	sum := crc32.NewIEEE()
	_, _ = io.WriteString(io.MultiWriter(out, sum), kind+data) // neither can fail
	binary.BigEndian.PutUint32(word[:], sum.Sum32())
	out.Write(word[:])
}

// toLatin1 turns UTF-8 into Latin-1, or reports that it cannot.
func toLatin1(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), true
}

func fromLatin1(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

// Read returns the first text with the given keyword, and whether there is
// one. Checksums are not looked at: a text is worth showing also where a bit
// has tipped. It reads r to the end of the PNG at most, holds no more than a
// few MaxText of memory and returns ErrTooLong for a text beyond MaxText.
func Read(r io.Reader, keyword string) (string, bool, error) {
	if _, ok := r.(io.Seeker); !ok {
		r = bufio.NewReader(r)
	}
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:]) != signature {
		return "", false, ErrNotPNG
	}
	for range maxChunks {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return "", false, truncated(err)
		}
		length := int64(binary.BigEndian.Uint32(head[:4]))
		if length > 1<<30 {
			return "", false, fmt.Errorf("PNG chunk claims %d bytes", length)
		}
		switch kind := string(head[4:]); kind {
		case "IEND":
			return "", false, nil
		case "tEXt", "zTXt", "iTXt":
			text, found, rest, err := readText(r, kind, length, keyword)
			if err != nil || found {
				return text, found, err
			}
			length = rest
		}
		if err := skip(r, length+4); err != nil {
			return "", false, truncated(err)
		}
	}
	return "", false, fmt.Errorf("PNG has more than %d chunks", maxChunks)
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("PNG is cut off: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// skip moves r, a seeker or what Read made of it, on by n bytes.
func skip(r io.Reader, n int64) error {
	if s, ok := r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekCurrent)
		return err
	}
	_, err := r.(*bufio.Reader).Discard(int(n)) // at most 2^30 bytes, see Read
	return err
}

// readText reads a text chunk of the given length. If its keyword is another
// one, rest is how much of the chunk is left to skip.
func readText(r io.Reader, kind string, length int64, keyword string) (text string, found bool, rest int64, err error) {
	start := make([]byte, min(length, int64(len(keyword)+1)))
	if _, err := io.ReadFull(r, start); err != nil {
		return "", false, 0, truncated(err)
	}
	rest = length - int64(len(start))
	if string(start) != keyword+"\x00" {
		return "", false, rest, nil
	}
	// A compressed text may be longer than its limit only by what follows from
	// incompressible input, so the same limit holds before decompression.
	if rest > MaxText+1024 {
		return "", false, 0, fmt.Errorf("PNG text %q: %w", keyword, ErrTooLong)
	}
	data := make([]byte, rest)
	if _, err := io.ReadFull(r, data); err != nil {
		return "", false, 0, truncated(err)
	}
	text, err = decode(kind, data)
	if err != nil {
		return "", false, 0, fmt.Errorf("PNG text %q: %w", keyword, err)
	}
	return clean(text), true, 0, nil
}

var errShort = errors.New("chunk is too short")

// decode reads what follows keyword and NUL in a text chunk.
func decode(kind string, data []byte) (string, error) {
	switch kind {
	case "tEXt":
		if len(data) > MaxText {
			return "", ErrTooLong
		}
		return fromLatin1(data), nil
	case "zTXt":
		if len(data) < 1 {
			return "", errShort
		}
		plain, err := inflate(data[1:])
		return fromLatin1(plain), err
	}
	if len(data) < 2 { // iTXt: flag, method, language NUL, translated keyword NUL, text
		return "", errShort
	}
	compressed := data[0] == 1
	body := data[2:]
	for range 2 {
		i := bytes.IndexByte(body, 0)
		if i < 0 {
			return "", errShort
		}
		body = body[i+1:]
	}
	if compressed {
		plain, err := inflate(body)
		return string(plain), err
	}
	if len(body) > MaxText {
		return "", ErrTooLong
	}
	return string(body), nil
}

func inflate(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("compressed text: %w", err)
	}
	defer z.Close()
	plain, err := io.ReadAll(io.LimitReader(z, MaxText+1))
	if err != nil {
		return nil, fmt.Errorf("compressed text: %w", err)
	}
	if len(plain) > MaxText {
		return nil, ErrTooLong
	}
	return plain, nil
}

// clean makes a text from a file fit to show and parse: valid UTF-8, Unix line
// ends and no control characters but tab and newline.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < 0x20 || r >= 0x7F && r < 0xA0:
			return -1
		}
		return r
	}, s)
}

// Remove returns the PNG without its texts of the given keyword.
func Remove(png []byte, keyword string) ([]byte, error) {
	if len(png) < len(signature) || string(png[:len(signature)]) != signature {
		return nil, ErrNotPNG
	}
	out := append(make([]byte, 0, len(png)), signature...)
	for rest := png[len(signature):]; len(rest) > 0; {
		if len(rest) < 12 {
			return nil, truncated(io.EOF)
		}
		length := int64(binary.BigEndian.Uint32(rest[:4]))
		if length+12 > int64(len(rest)) {
			return nil, truncated(io.EOF)
		}
		chunk := rest[:length+12]
		rest = rest[length+12:]
		kind := string(chunk[4:8])
		if (kind == "tEXt" || kind == "zTXt" || kind == "iTXt") && bytes.HasPrefix(chunk[8:], []byte(keyword+"\x00")) {
			continue
		}
		out = append(out, chunk...)
	}
	return out, nil
}
