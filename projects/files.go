package projects

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path"
)

// readFile reads a file of at most limit bytes below root. Anything but a
// regular file is refused: a pipe would block for ever.
func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a file", ErrDamaged, name)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than the %d that it may have", ErrDamaged, name, info.Size(), limit)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, limit)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// decodeVersioned reads a JSON object that has a schema version. A newer one is
// told from a damaged one before the fields are looked at, since they may have
// got another form. Errors: ErrNewerSchema, ErrDamaged.
func decodeVersioned(data []byte, v any) error {
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case version.Schema > Schema:
		return fmt.Errorf("%w: it has version %d, and this Maquette reads up to %d", ErrNewerSchema, version.Schema, Schema)
	case version.Schema < 1:
		return fmt.Errorf("%w: no schema version", ErrDamaged)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// addContent stores data in folder dir under its own hash and returns the
// file's name. A file that is there already holds the same bytes and stays.
func (p *Project) addContent(dir string, data []byte) (string, error) {
	name := path.Join(dir, hexHash(data)+".png")
	if info, err := p.root.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(data)) {
		return name, nil
	}
	// Replace, not Add: a file of another size under this name is a damaged copy.
	if err := p.files.Replace(p.root, name, data); err != nil {
		return "", err
	}
	return name, nil
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encodePNG writes img as a PNG. level trades size for time.
func encodePNG(img image.Image, level png.CompressionLevel) ([]byte, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("the image is empty")
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: level}
	if err := enc.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return b.Bytes(), nil
}

// maxPixels bounds the images that are decoded: 64 megapixels, 256 MB in memory.
const maxPixels = 64 << 20

// decodeFile decodes a PNG of the project. A header that claims more than
// maxPixels is refused before anything is allocated for it.
func (p *Project) decodeFile(name string) (image.Image, error) {
	data, err := readFile(p.root, name, maxImageFile)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w: %w", name, ErrNotFound, err)
		}
		return nil, err
	}
	return decodePNG(name, data)
}

func decodePNG(name string, data []byte) (image.Image, error) {
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || int64(cfg.Width)*int64(cfg.Height) > maxPixels {
		return nil, fmt.Errorf("%w: %s claims %d×%d pixels", ErrDamaged, name, cfg.Width, cfg.Height)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	return img, nil
}
