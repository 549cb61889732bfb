package onnxfile

import (
	"bytes"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Files of older exporters list their weights among the inputs.
func TestWeightsAreNoInputs(t *testing.T) {
	message := func(field protowire.Number, parts ...[]byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), bytes.Join(parts, nil))
	}
	number := func(field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
	}
	value := func(field protowire.Number, name string, shape ...uint64) []byte {
		var dims [][]byte
		for _, d := range shape {
			dims = append(dims, message(1, number(1, d)))
		}
		tensor := message(1, number(1, 1), message(2, dims...))
		return message(field, message(1, []byte(name)), message(2, tensor))
	}
	g := message(7,
		message(5, number(1, 9), message(9, make([]byte, 36)), message(8, []byte("weight"))),
		value(11, "weight", 9), value(11, "picture", 1, 3, 256, 256), value(12, "map", 1, 256, 256))
	in, out, err := Signature(bytes.NewReader(g), int64(len(g)))
	if err != nil || len(in) != 1 || in[0].Name != "picture" || len(out) != 1 || !slices.Equal(out[0].Shape, []int64{1, 256, 256}) {
		t.Errorf("got %v, %v, %v", in, out, err)
	}
}
