package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
)

// read reads a small tensor; nil if its type isn't a common one.
func (f *File) read(t Tensor) ([]float64, error) {
	const most = 1 << 20
	if t.Bytes > most {
		return nil, nil
	}
	r, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, t.Bytes)
	if _, err := r.ReadAt(data, t.Offset); err != nil {
		return nil, fmt.Errorf("reading tensor %s of %s: %w", show(t.Name), f.Path, err)
	}
	var out []float64
	switch t.DType {
	case "F32":
		for ; len(data) >= 4; data = data[4:] {
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		}
	case "BF16":
		for ; len(data) >= 2; data = data[2:] {
			out = append(out, float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data))<<16)))
		}
	case "F16":
		for ; len(data) >= 2; data = data[2:] {
			u := binary.LittleEndian.Uint16(data)
			v := math.Ldexp(float64(u&1023), -24)
			if e := int(u >> 10 & 31); e > 0 {
				v = math.Ldexp(float64(1024+u&1023), e-25)
			}
			if u>>15 == 1 {
				v = -v
			}
			out = append(out, v)
		}
	}
	return out, nil
}
