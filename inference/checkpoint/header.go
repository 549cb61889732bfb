package checkpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	maxTensors  = 100_000
	maxNameLen  = 1024
	maxRank     = 8
	metadataKey = "__metadata__"
)

// elementBytes is the size of one element of each type the format knows, of
// those that fill whole bytes.
func elementBytes(dtype string) (int64, bool) {
	switch dtype {
	case "F64", "I64", "U64", "C64":
		return 8, true
	case "F32", "I32", "U32":
		return 4, true
	case "F16", "BF16", "I16", "U16":
		return 2, true
	case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 1, true
	}
	return 0, false
}

// headerParser walks the header token by token: encoding/json's Unmarshal would
// accept duplicate keys and match keys without regard to case.
type headerParser struct{ dec *json.Decoder }

func parseHeader(r io.Reader) (*File, error) {
	p := headerParser{json.NewDecoder(r)}
	p.dec.UseNumber()
	f := &File{index: map[string]int{}}
	err := p.object(func(key string) error {
		if key == metadataKey {
			return p.metadata(f)
		}
		return p.tensor(f, key)
	})
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, &FormatError{Problem: "its header has something after the closing brace"}
	}
	return f, nil
}

// token gives the next token; the end of the header is an error.
func (p headerParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err == nil {
		return t, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &FormatError{Problem: "its header is cut short", Advice: adviceDownload}
	case errors.As(err, &syntax):
		return nil, &FormatError{Problem: "its header is not valid JSON: " + syntax.Error()}
	}
	return nil, err
}

func (p headerParser) delim(want json.Delim, what string) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != want {
		return &FormatError{Problem: fmt.Sprintf("%s: want %q, got %s", what, want.String(), show(t))}
	}
	return nil
}

// object reads one JSON object and calls value for each key, before its value.
func (p headerParser) object(value func(key string) error) error {
	if err := p.delim('{', "its header"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for {
		t, err := p.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return nil // the closing brace: the decoder lets nothing else through
		}
		if len(key) > maxNameLen {
			return &FormatError{Problem: fmt.Sprintf("its header has a name of %d bytes", len(key))}
		}
		if seen[key] {
			return &FormatError{Problem: fmt.Sprintf("its header names %s twice", show(key))}
		}
		if len(seen) >= maxTensors {
			return &FormatError{Problem: fmt.Sprintf("its header names more than %d tensors", maxTensors)}
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
}

func (p headerParser) text(what string) (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", &FormatError{Problem: fmt.Sprintf("%s: want a string, got %s", what, show(t))}
	}
	return s, nil
}

func (p headerParser) metadata(f *File) error {
	f.Metadata = map[string]string{}
	return p.object(func(key string) error {
		s, err := p.text("metadata " + show(key))
		f.Metadata[key] = s
		return err
	})
}

// integers reads an array of at most n non-negative integers.
func (p headerParser) integers(what string, n int) ([]int64, error) {
	if err := p.delim('[', what); err != nil {
		return nil, err
	}
	list := []int64{}
	for {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		if t == json.Delim(']') {
			return list, nil
		}
		number, ok := t.(json.Number)
		if !ok {
			return nil, &FormatError{Problem: fmt.Sprintf("%s: want whole numbers, got %s", what, show(t))}
		}
		v, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || v < 0 {
			return nil, &FormatError{Problem: fmt.Sprintf("%s: %s is not a whole number between 0 and 2^63-1", what, show(number.String()))}
		}
		if len(list) == n {
			return nil, &FormatError{Problem: fmt.Sprintf("%s has more than %d numbers", what, n)}
		}
		list = append(list, v)
	}
}

func (p headerParser) tensor(f *File, name string) error {
	t := Tensor{Name: name}
	what := "tensor " + show(name)
	var offsets []int64
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			t.DType, err = p.text(what + ": dtype")
		case "shape":
			t.Shape, err = p.integers(what+": shape", maxRank)
		case "data_offsets":
			offsets, err = p.integers(what+": data_offsets", 2)
		default:
			err = &FormatError{Problem: fmt.Sprintf("%s has the unknown key %s", what, show(key))}
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case t.DType == "" || t.Shape == nil || len(offsets) != 2:
		return &FormatError{Problem: what + " lacks its dtype, shape or data_offsets"}
	case offsets[1] < offsets[0]:
		return &FormatError{Problem: fmt.Sprintf("%s ends at %d, before it starts at %d", what, offsets[1], offsets[0])}
	}
	size, ok := elementBytes(t.DType)
	if !ok {
		return &FormatError{Problem: fmt.Sprintf("%s has the unknown dtype %s", what, show(t.DType))}
	}
	for _, d := range t.Shape {
		if d != 0 && size > math.MaxInt64/d {
			return &FormatError{Problem: fmt.Sprintf("%s: the shape %v overflows", what, t.Shape)}
		}
		size *= d
	}
	t.Offset, t.Bytes = offsets[0], offsets[1]-offsets[0]
	if t.Bytes != size {
		return &FormatError{Problem: fmt.Sprintf("%s: %s%v takes %d bytes, but its data_offsets hold %d", what, t.DType, t.Shape, size, t.Bytes)}
	}
	f.Tensors = append(f.Tensors, t)
	return nil
}

// place sorts the tensors, checks that they fill the data exactly and makes
// their offsets absolute. data is where the data begins, size the file's length.
func (f *File) place(data, size int64) error {
	slices.SortFunc(f.Tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Name, b.Name))
	})
	var end int64
	for i := range f.Tensors {
		t := &f.Tensors[i]
		switch {
		case t.Offset < end:
			return &FormatError{Problem: fmt.Sprintf("tensor %s overlaps the one before it", show(t.Name))}
		case t.Offset > end:
			return &FormatError{Problem: fmt.Sprintf("there is a hole of %d bytes before tensor %s", t.Offset-end, show(t.Name))}
		case t.Bytes > math.MaxInt64-data-end:
			return &FormatError{Problem: fmt.Sprintf("tensor %s ends beyond any file", show(t.Name))}
		}
		end += t.Bytes
		t.Offset += data
		f.index[t.Name] = i
	}
	switch {
	case data+end > size:
		return &FormatError{Problem: fmt.Sprintf("it has %d bytes, but its header describes %d", size, data+end), Advice: adviceDownload}
	case data+end < size:
		return &FormatError{Problem: fmt.Sprintf("it has %d bytes more than its header describes", size-data-end)}
	}
	return nil
}

// show quotes a value for an error message, shortened and without control characters.
func show(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strconv.Quote(s)
}
