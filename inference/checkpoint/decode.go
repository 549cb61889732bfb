package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Floats decodes little-endian elements of a floating-point type of the
// safetensors format into dst, which has room for all: F32, F16, BF16, F8_E4M3
// (the finite kind, "FN") and F8_E5M2. Errors: another type, or a number of bytes
// that is not dst's.
func Floats(dst []float32, data []byte, dtype string) error {
	size, _ := elementBytes(dtype)
	if int64(len(data)) != size*int64(len(dst)) {
		return fmt.Errorf("%d bytes of %s are not %d numbers", len(data), dtype, len(dst))
	}
	little := binary.LittleEndian
	switch dtype {
	case "F32":
		for i := range dst {
			dst[i] = math.Float32frombits(little.Uint32(data[4*i:]))
		}
	case "F16":
		for i := range dst {
			dst[i] = half(little.Uint16(data[2*i:]))
		}
	case "BF16":
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(little.Uint16(data[2*i:])) << 16)
		}
	case "F8_E5M2":
		for i, u := range data {
			dst[i] = half(uint16(u) << 8) // it is the upper half of binary16
		}
	case "F8_E4M3":
		for i, u := range data {
			if u&0x7f == 0x7f {
				dst[i] = float32(math.NaN())
				continue
			}
			// Read as binary16, whose exponent has a bias of 15 in place of 7.
			dst[i] = half(uint16(u)>>7<<15|uint16(u)&0x7f<<7) * 256
		}
	default:
		return fmt.Errorf("%s is not a floating-point type that Maquette runs", dtype)
	}
	return nil
}

// half decodes IEEE 754 binary16.
func half(u uint16) float32 {
	sign, exponent, fraction := uint32(u>>15)<<31, uint32(u>>10&31), uint32(u&1023)
	switch exponent {
	case 0:
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
