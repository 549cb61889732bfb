package models

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// Tensor is a tensor to write.
type Tensor struct {
	Name   string
	Shape  []int64
	Values []float32
}

// DType is how elements are stored, in safetensors' spelling.
type DType string

// The element types.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	E4M3 DType = "F8_E4M3"
	E5M2 DType = "F8_E5M2"
)

// format is a floating-point format: bits of exponent and fraction, and the
// greatest code of a finite number.
type format struct {
	exponent, fraction int
	most               uint32
}

func (d DType) format() format {
	switch d {
	case F16:
		return format{5, 10, 0x7bff}
	case BF16:
		return format{8, 7, 0x7f7f}
	case E4M3:
		return format{4, 3, 0x7e}
	}
	return format{5, 2, 0x7b}
}

// decode is the value of a code without sign.
func (f format) decode(code uint32) float64 {
	bias := 1<<(f.exponent-1) - 1
	e, m := int(code>>f.fraction), float64(code&(1<<f.fraction-1))
	if e == 0 {
		return math.Ldexp(m, 1-bias-f.fraction)
	}
	return math.Ldexp(m+float64(int(1)<<f.fraction), e-bias-f.fraction)
}

// encode is the code, with sign, of the value nearest to v.
func (f format) encode(v float32) uint32 {
	a := math.Abs(float64(v))
	lo, hi := uint32(0), f.most
	for lo < hi { // codes without sign are in the order of their values
		mid := (lo + hi + 1) / 2
		if f.decode(mid) <= a {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo < f.most && f.decode(lo+1)-a < a-f.decode(lo) {
		lo++
	}
	if v < 0 {
		lo |= 1 << (f.exponent + f.fraction)
	}
	return lo
}

// Round gives the values that a type holds.
func Round(values []float32, d DType) []float32 {
	f := d.format()
	out := slices.Clone(values)
	for i, v := range out {
		out[i] = Decode(f.encode(v), d)
	}
	return out
}

// Decode is the value of a code of a type other than F32.
func Decode(code uint32, d DType) float32 {
	f := d.format()
	sign := uint32(1) << (f.exponent + f.fraction)
	v := f.decode(code &^ sign)
	if code&sign != 0 {
		v = -v
	}
	return float32(v)
}

// Write writes a safetensors file.
func Write(path string, list []Tensor, d DType) error {
	size := map[DType]int{F32: 4, F16: 2, BF16: 2}[d]
	if size == 0 {
		size = 1
	}
	header := map[string]any{}
	at := 0
	for _, t := range list {
		end := at + size*len(t.Values)
		header[t.Name] = map[string]any{"dtype": d, "shape": t.Shape, "data_offsets": []int{at, end}}
		at = end
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(head))))
	w.Write(head)
	var word [4]byte
	for _, t := range list {
		for _, v := range t.Values {
			u := math.Float32bits(v)
			if d != F32 {
				u = d.format().encode(v)
			}
			binary.LittleEndian.PutUint32(word[:], u)
			w.Write(word[:size])
		}
	}
	if err := w.Flush(); err != nil { // reports the errors of all writes before
		f.Close()
		return err
	}
	return f.Close()
}
