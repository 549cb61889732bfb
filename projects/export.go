package projects

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"maquette/projects/internal/pngtext"
)

// exportQuality is the JPEG quality of exports.
const exportQuality = 95

// Export writes a concept's image to path: a .png with the pixels as rendered
// and the `parameters` text, or a .jpg or .jpeg with the same text in the EXIF
// user comment. Paths of the user's models do not go along, only their names.
// An existing file is replaced, atomically.
func (p *Project) Export(ctx context.Context, id, path string) error {
	c, err := p.Concept(ctx, id)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	fail := func(err error) error { return fmt.Errorf("export concept %s to %s: %w", id, path, err) }
	picture, err := readFile(p.root, c.Image, maxImageFile)
	if err != nil {
		return fail(err)
	}
	var data []byte
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		data, err = withRecipe(c, picture)
	case ".jpg", ".jpeg":
		data, err = toJPEG(c, picture)
	default:
		err = fmt.Errorf("cannot write %q files: use .png or .jpg", ext)
	}
	if err != nil {
		return fail(err)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("there is no folder %s: %w", filepath.Dir(path), err))
	}
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	if err := p.files.Replace(root, filepath.Base(path), data); err != nil {
		return fail(err)
	}
	return nil
}

// withRecipe replaces the texts of a concept's PNG by its `parameters`, written
// anew: the hashes of the models are known only after the image was stored.
func withRecipe(c Concept, picture []byte) ([]byte, error) {
	data, err := pngtext.Remove(picture, sidecarKeyword)
	if err != nil {
		return nil, err
	}
	if data, err = pngtext.Remove(data, parametersKeyword); err != nil {
		return nil, err
	}
	return pngtext.Insert(data, pngtext.Text{Keyword: parametersKeyword, Text: Parameters(c.Recipe, c.Hashes)})
}

func toJPEG(c Concept, picture []byte) ([]byte, error) {
	img, err := decodePNG(c.Image, picture)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, onWhite(img), &jpeg.Options{Quality: exportQuality}); err != nil {
		return nil, err
	}
	return insertUserComment(b.Bytes(), Parameters(c.Recipe, c.Hashes)), nil
}

// insertUserComment puts text into a JPEG as the EXIF user comment, UTF-16 as
// AUTOMATIC1111 writes it (Exif 2.32, sections 4.5.4 and 4.6.5). A text that
// does not fit into the one segment that EXIF has is left out.
func insertUserComment(jpg []byte, text string) []byte {
	comment := []byte("UNICODE\x00")
	for _, u := range utf16.Encode([]rune(text)) {
		comment = binary.BigEndian.AppendUint16(comment, u)
	}
	const (
		headerBytes = 8  // byte order, magic number, offset of the first directory
		dirBytes    = 18 // count, one entry of 12, offset of the next directory
		exifPointer = 0x8769
		userComment = 0x9286
		typeLong    = 4
		typeOpaque  = 7
	)
	be := binary.BigEndian
	tiff := append([]byte("Exif\x00\x00"), "MM\x00*"...)
	tiff = be.AppendUint32(tiff, headerBytes)
	directory := func(tag, kind uint16, count, value uint32) {
		tiff = be.AppendUint16(tiff, 1)
		tiff = be.AppendUint16(tiff, tag)
		tiff = be.AppendUint16(tiff, kind)
		tiff = be.AppendUint32(tiff, count)
		tiff = be.AppendUint32(tiff, value)
		tiff = be.AppendUint32(tiff, 0)
	}
	directory(exifPointer, typeLong, 1, headerBytes+dirBytes)
	directory(userComment, typeOpaque, uint32(len(comment)), headerBytes+2*dirBytes)
	tiff = append(tiff, comment...)
	if len(tiff)+2 > 0xFFFF {
		return jpg
	}
	out := append(make([]byte, 0, len(jpg)+len(tiff)+4), jpg[:2]...) // start of image
	out = append(out, 0xFF, 0xE1)
	out = be.AppendUint16(out, uint16(len(tiff)+2))
	out = append(out, tiff...)
	return append(out, jpg[2:]...)
}
