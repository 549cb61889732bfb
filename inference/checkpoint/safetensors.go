// Package checkpoint reads models as users have them: safetensors files and
// diffusers folders. It reads headers and configs only; weights stay in their
// files and are found by offset.
package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxHeader bounds the header that is read. The format allows 100,000,000
// bytes; headers of real models are below 1 MB, so this bounds memory without
// refusing any of them.
const maxHeader = 25_000_000

// formatMaxHeader is the limit of the safetensors format itself.
const formatMaxHeader = 100_000_000

// Tensor says where one tensor's bytes lie in a safetensors file.
type Tensor struct {
	Name string
	// DType is the format's name of the element type: "F32", "F16", "BF16", "I64", …
	DType string
	Shape []int64
	// Offset is absolute in the file; Bytes is the length. Elements are little-endian, row-major.
	Offset, Bytes int64
	// Transposed says that the elements of a matrix lie in the other order than
	// Shape says: column by column.
	Transposed bool
}

// File is the header of a safetensors file.
type File struct {
	// Path is absolute.
	Path string
	// Size is the file's length in bytes.
	Size int64
	// Tensors are sorted by offset.
	Tensors []Tensor
	// Metadata is the header's __metadata__, or nil.
	Metadata map[string]string

	index map[string]int
}

// FormatError reports a file that isn't a valid safetensors file.
type FormatError struct {
	Path string
	// Problem is a clause such as "the header is cut short".
	Problem string
	// Advice says what to do about it, or is empty.
	Advice string
}

func (e *FormatError) Error() string {
	s := fmt.Sprintf("%s: not a usable safetensors file: %s", e.Path, e.Problem)
	if e.Advice != "" {
		s += ". " + e.Advice
	}
	return s
}

// OpenSafetensors reads and checks the header of the file at path. It reads no
// weights and keeps no file open. The rules are those of the format's reference
// reader and stricter: no duplicate keys, no holes or overlap, shape × element
// size equals the bytes, and the last tensor ends where the file ends.
// Errors are *FormatError or from the file system.
func OpenSafetensors(path string) (*File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err // names the path already
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &FormatError{Path: path, Problem: "it is not a regular file"}
	}
	file, err := readHeader(f, st.Size())
	if err != nil {
		var bad *FormatError
		if errors.As(err, &bad) {
			bad.Path = path
			return nil, bad
		}
		return nil, fmt.Errorf("reading the header of %s: %w", path, err)
	}
	file.Path = path
	return file, nil
}

// readHeader reads a whole header from r, which is a file of size bytes.
func readHeader(r io.ReaderAt, size int64) (*File, error) {
	var start [8]byte
	n, err := r.ReadAt(start[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bad := foreign(start[:n]); bad != nil {
		return nil, bad
	}
	if n < len(start) {
		return nil, &FormatError{Problem: "it is shorter than 8 bytes", Advice: adviceDownload}
	}
	var length uint64
	for i, b := range start {
		length |= uint64(b) << (8 * i)
	}
	switch {
	case length > formatMaxHeader:
		return nil, &FormatError{Problem: fmt.Sprintf("its header claims %d bytes; the format allows %d", length, formatMaxHeader), Advice: adviceDownload}
	case length > maxHeader:
		return nil, &FormatError{Problem: fmt.Sprintf("its header claims %d bytes; Maquette reads headers of up to %d, real ones are below a million", length, maxHeader)}
	case int64(length) > size-8:
		return nil, &FormatError{Problem: fmt.Sprintf("its header claims %d bytes, but only %d follow", length, size-8), Advice: adviceDownload}
	case length < 2:
		return nil, &FormatError{Problem: "its header is empty"}
	}
	file, err := parseHeader(io.NewSectionReader(r, 8, int64(length)))
	if err != nil {
		return nil, err
	}
	file.Size = size
	if err := file.place(8+int64(length), size); err != nil {
		return nil, err
	}
	return file, nil
}

const adviceDownload = "The file is damaged or was cut off; download it again"

// adviceConvert says how to get away from pickled weights.
const adviceConvert = "Pickled weights can run any program when they are opened, so Maquette never reads them. " +
	"Convert the model once with Python on a machine that may take the risk: " +
	"`StableDiffusionPipeline.from_single_file(\"model.ckpt\").save_pretrained(\"model\", safe_serialization=True)` (package diffusers), " +
	"then use the folder it writes"

// foreign recognises other formats by their first bytes.
func foreign(start []byte) *FormatError {
	has := func(magic string) bool { return len(start) >= len(magic) && string(start[:len(magic)]) == magic }
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return &FormatError{Problem: "it is a zip archive, as torch.save writes it (.ckpt, .pt, .bin), whatever its name says", Advice: adviceConvert}
	case len(start) >= 2 && start[0] == 0x80 && start[1] >= 2 && start[1] <= 5 && !plausibleLength(start):
		return &FormatError{Problem: "it is a Python pickle (.ckpt, .pt, .bin), whatever its name says", Advice: adviceConvert}
	case has("GGUF"):
		return &FormatError{Problem: "it is a GGUF file", Advice: "Use the model's safetensors version"}
	case has("version "):
		return &FormatError{Problem: "it is a Git LFS pointer, not the model", Advice: "Run `git lfs pull` in its folder or download the file itself"}
	case has("<!DOCTY"), has("<!docty"), has("<html"):
		return &FormatError{Problem: "it is a web page", Advice: "The download gave an error page; download the file again"}
	}
	return nil
}

// plausibleLength tells a header length from the first bytes of a pickle: a
// header of 640 bytes and one of a pickle both start with 0x80 0x02.
func plausibleLength(start []byte) bool {
	if len(start) < 8 {
		return false
	}
	for _, b := range start[4:8] {
		if b != 0 {
			return false
		}
	}
	return true
}

// Tensor finds a tensor by its name in the file.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}
