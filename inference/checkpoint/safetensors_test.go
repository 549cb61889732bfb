package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// file makes a safetensors file of a header and n bytes of data.
func file(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, n)...)
}

// store writes data to a file of that name in a new folder.
func store(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSafetensors(t *testing.T) {
	path := store(t, "model.safetensors", file(
		`{"__metadata__":{"format":"pt"},"b":{"shape":[],"data_offsets":[12,16],"dtype":"F32"},`+
			`"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[16,16]}}   `, 16))
	f, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	data := f.Size - 16
	a, ok := f.Tensor("a")
	if !ok || a.DType != "F16" || fmt.Sprint(a.Shape) != "[2 3]" || a.Offset != data || a.Bytes != 12 {
		t.Errorf("tensor a is %+v", a)
	}
	if b, ok := f.Tensor("b"); !ok || len(b.Shape) != 0 || b.Offset != data+12 || b.Bytes != 4 {
		t.Errorf("tensor b is %+v", b)
	}
	if f.Metadata["format"] != "pt" || len(f.Tensors) != 3 {
		t.Errorf("metadata %v, %d tensors", f.Metadata, len(f.Tensors))
	}
	if _, ok := f.Tensor("A"); ok {
		t.Error("a name was found without regard to case")
	}
}

func TestBadSafetensors(t *testing.T) {
	length := func(n uint64, rest string) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), rest...) }
	one := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	cases := []struct {
		name, want string
		data       []byte
	}{
		{"empty file", "shorter than 8 bytes", nil},
		{"length of 2^63", "claims 9223372036854775808 bytes", length(1<<63, "{}")},
		{"length of 2^64-1", "claims 18446744073709551615 bytes", length(1<<64-1, "{}")},
		{"length over the format's limit", "the format allows 100000000", length(100_000_001, "{}")},
		{"length over the file's", "only 2 follow", length(1000, "{}")},
		{"no header", "header is empty", length(0, "")},
		{"not JSON", "not valid JSON", file(`{"a":nope}`, 0)},
		{"cut JSON", "cut short", file(`{"a":{"dtype":"F32"`, 0)},
		{"an array", `want "{"`, file(`[1,2]`, 0)},
		{"something after the header", "after the closing brace", file(one+`{}`, 4)},
		{"duplicate tensor", `names "a" twice`, file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"duplicate tensor by escape", `names "a" twice`, file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"duplicate key", `names "dtype" twice`, file(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)},
		{"key in capitals", `unknown key "DType"`, file(`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)},
		{"missing key", "lacks its dtype", file(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4)},
		{"unknown dtype", `unknown dtype "F33"`, file(`{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}`, 4)},
		{"reversed offsets", "before it starts", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4)},
		{"negative offset", "not a whole number", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4)},
		{"fractional shape", "not a whole number", file(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4)},
		{"huge number", "not a whole number", file(`{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}`, 4)},
		{"exponent", "not a whole number", file(`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, 4)},
		{"three offsets", "more than 2", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4)},
		{"nine dimensions", "more than 8", file(`{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`, 4)},
		{"wrapping product", "overflows", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0)},
		{"wrapping to the right size", "overflows", file(`{"a":{"dtype":"F32","shape":[4611686018427387905,1],"data_offsets":[0,4]}}`, 4)},
		{"shape and bytes differ", "takes 8 bytes", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4)},
		{"hole", "hole of 4 bytes", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12)},
		{"hole at the start", "hole of 4 bytes", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"overlap", "overlaps", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"truncated data", "but its header describes", file(one, 3)},
		{"data too long", "more than its header describes", file(one, 5)},
		{"pickle", "a Python pickle", []byte("\x80\x02}q\x00X\x0a\x00\x00\x00state_dictq\x01.")},
		{"zipped pickle", "a zip archive", []byte("PK\x03\x04archive/data.pkl")},
		{"GGUF", "GGUF", []byte("GGUF\x03\x00\x00\x00\x00")},
		{"LFS pointer", "Git LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")},
		{"web page", "a web page", []byte("<!DOCTYPE html><html></html>")},
		{"long name", "name of 2000 bytes", file(`{"`+strings.Repeat("x", 2000)+`":{}}`, 0)},
		{"deep nesting", "want whole numbers", file(`{"a":{"shape":[`+strings.Repeat("[", 9000), 0)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := store(t, "model.safetensors", c.data)
			_, err := OpenSafetensors(path)
			var bad *FormatError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("the error says %q; want the path and %q", err, c.want)
			}
		})
	}
}

func TestPickleErrorSaysHowToConvert(t *testing.T) {
	for _, name := range []string{"model.ckpt", "renamed.safetensors"} {
		path := store(t, name, []byte("PK\x03\x04"))
		if _, err := OpenFolder(path); err == nil || !strings.Contains(err.Error(), "save_pretrained") {
			t.Errorf("%s: got %v, want a sentence that says how to convert", name, err)
		}
	}
}

// TestHostileHeadersAreCheap opens headers that are large or claim much and
// bounds what that takes.
func TestHostileHeadersAreCheap(t *testing.T) {
	many := bytes.NewBufferString(`{`)
	for i := 0; many.Len() < maxHeader-200; i++ {
		if i > 0 {
			many.WriteByte(',')
		}
		fmt.Fprintf(many, `"%d":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	many.WriteByte('}')
	for name, data := range map[string][]byte{
		"many tensors":  file(many.String(), 0),
		"one string":    file(`{"__metadata__":{"x":"`+strings.Repeat("y", maxHeader-100)+`"}}`, 0),
		"many brackets": file(`{"a":`+strings.Repeat("[", maxHeader-100), 0),
		"many spaces":   file(`{`+strings.Repeat(" ", maxHeader-100), 0),
		"over our cap":  file(strings.Repeat(" ", maxHeader+1), 0),
	} {
		t.Run(name, func(t *testing.T) {
			path := store(t, "model.safetensors", data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := OpenSafetensors(path)
			runtime.ReadMemStats(&after)
			if err == nil && name != "one string" {
				t.Error("it was accepted")
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 200 {
				t.Errorf("it took %d MB", mb)
			}
		})
	}
}

func TestOpenSafetensorsRefusesWhatIsNoFile(t *testing.T) {
	if _, err := OpenSafetensors(t.TempDir()); err == nil {
		t.Error("a folder was accepted")
	}
	if _, err := OpenSafetensors(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

// FuzzHeader checks that whatever is accepted describes the file exactly.
func FuzzHeader(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[4,12]}}`, 12))
	f.Add(file(`{"__metadata__":{"a":"b"},"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, 1))
	f.Add(file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 0))
	f.Add([]byte("\x80\x02}q\x00"))
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<63))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readHeader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			var bad *FormatError
			if !errors.As(err, &bad) {
				t.Fatalf("%v is no FormatError", err)
			}
			return
		}
		end := int64(8 + binary.LittleEndian.Uint64(data))
		for _, tensor := range got.Tensors {
			size, _ := elementBytes(tensor.DType)
			for _, d := range tensor.Shape {
				size *= d
			}
			if tensor.Offset != end || tensor.Bytes != size {
				t.Fatalf("tensor %+v: want offset %d and %d bytes", tensor, end, size)
			}
			if found, ok := got.Tensor(tensor.Name); !ok || found.Offset != tensor.Offset {
				t.Fatalf("tensor %q is not found by its name", tensor.Name)
			}
			end += tensor.Bytes
		}
		if end != int64(len(data)) {
			t.Fatalf("the tensors end at %d of %d bytes", end, len(data))
		}
	})
}
