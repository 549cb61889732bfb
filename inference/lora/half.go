package lora

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"maquette/inference/checkpoint"
)

// readFloats reads a tensor of at most limit elements as float32. Errors:
// *checkpoint.FormatError for another element type or too many elements.
func readFloats(f *os.File, t checkpoint.Tensor, limit int64) ([]float32, error) {
	var size int64
	var at func(b []byte) float64
	little := binary.LittleEndian
	switch t.DType {
	case "F64":
		size, at = 8, func(b []byte) float64 { return math.Float64frombits(little.Uint64(b)) }
	case "F32":
		size, at = 4, func(b []byte) float64 { return float64(math.Float32frombits(little.Uint32(b))) }
	case "F16":
		size, at = 2, func(b []byte) float64 { return half(little.Uint16(b)) }
	case "BF16":
		size, at = 2, func(b []byte) float64 { return float64(math.Float32frombits(uint32(little.Uint16(b)) << 16)) }
	case "I64":
		size, at = 8, func(b []byte) float64 { return float64(int64(little.Uint64(b))) }
	case "I32":
		size, at = 4, func(b []byte) float64 { return float64(int32(little.Uint32(b))) }
	default:
		return nil, &checkpoint.FormatError{Path: f.Name(), Problem: fmt.Sprintf("tensor %q is stored as %s, which no LoRA or embedding is", t.Name, t.DType)}
	}
	if t.Bytes > limit*size {
		return nil, &checkpoint.FormatError{Path: f.Name(), Problem: fmt.Sprintf("tensor %q has shape %v; at most %d numbers belong there", t.Name, t.Shape, limit)}
	}
	data := make([]byte, t.Bytes)
	if _, err := f.ReadAt(data, t.Offset); err != nil {
		return nil, fmt.Errorf("reading tensor %q of %s: %w", t.Name, f.Name(), err)
	}
	out := make([]float32, t.Bytes/size)
	for i := range out {
		out[i] = float32(at(data[int64(i)*size:]))
	}
	return out, nil
}

// half decodes IEEE 754 binary16.
func half(u uint16) float64 {
	sign, exponent, fraction := 1.0, int(u>>10&31), float64(u&1023)
	if u>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		return sign * math.Inf(1)
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
