// Package onnxfile reads what an ONNX file takes and gives without its weights.
package onnxfile

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"maquette/inference/graph"
)

// Limits on what is read of an ONNX file to recognise it.
const (
	maxFields = 1 << 20  // fields of the graph and of its parts
	maxText   = 16 << 10 // bytes of a description of an input or output
	maxValues = 1 << 12  // inputs and outputs, among which old files list their weights
)

var errDamaged = errors.New("the ONNX file is damaged or cut short")

// Signature reads the inputs, without those that are only weights, and the
// outputs of an ONNX model of size bytes. Weights are skipped, not read. Field
// numbers are those of onnx.proto.
func Signature(r io.ReaderAt, size int64) (inputs, outputs []graph.IO, err error) {
	weights := map[string]bool{}
	budget := maxFields
	model := section{r: r, end: size, budget: &budget}
	found := false
	err = model.each(func(field protowire.Number, g section) error {
		if field != 7 {
			return nil
		}
		found = true
		return g.each(func(field protowire.Number, part section) error {
			switch field {
			case 5:
				return part.each(func(field protowire.Number, name section) error {
					if field != 8 || len(weights) >= maxFields {
						return nil
					}
					text, err := name.bytes()
					weights[string(text)] = true
					return err
				})
			case 11, 12:
				text, err := part.bytes()
				if err != nil {
					return err
				}
				v, err := valueInfo(text)
				if err != nil {
					return err
				}
				if field == 11 {
					inputs = append(inputs, v)
				} else {
					outputs = append(outputs, v)
				}
				if len(inputs)+len(outputs) > maxValues {
					return errDamaged
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, errors.New("it is not an ONNX model")
	}
	var own []graph.IO
	for _, in := range inputs {
		if !weights[in.Name] {
			own = append(own, in)
		}
	}
	return own, outputs, nil
}

// section is a protobuf message within a file.
type section struct {
	r       io.ReaderAt
	at, end int64
	budget  *int // how many more fields may be read
}

// each calls f with every field of the message; those that are not messages,
// texts or bytes have an empty section.
func (s section) each(f func(field protowire.Number, body section) error) error {
	var window [32]byte // room for a tag and a length or number
	for s.at < s.end {
		if *s.budget--; *s.budget < 0 {
			return fmt.Errorf("%w: it has more than %d parts", errDamaged, maxFields)
		}
		head := window[:min(int64(len(window)), s.end-s.at)]
		if _, err := s.r.ReadAt(head, s.at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		field, typ, n := protowire.ConsumeTag(head)
		if n < 0 {
			return errDamaged
		}
		body := section{r: s.r, budget: s.budget}
		if typ == protowire.BytesType {
			length, m := protowire.ConsumeVarint(head[n:])
			start := s.at + int64(n) + int64(m)
			if m < 0 || length > uint64(max(s.end-start, 0)) {
				return errDamaged
			}
			body.at, body.end = start, start+int64(length)
			s.at = body.end
		} else {
			m := protowire.ConsumeFieldValue(field, typ, head[n:])
			if m < 0 {
				return errDamaged
			}
			s.at += int64(n + m)
		}
		if err := f(field, body); err != nil {
			return err
		}
	}
	return nil
}

// bytes reads the whole section, which must be short.
func (s section) bytes() ([]byte, error) {
	if s.end-s.at > maxText {
		return nil, fmt.Errorf("%w: a name or shape takes %d bytes", errDamaged, s.end-s.at)
	}
	b := make([]byte, s.end-s.at)
	if _, err := s.r.ReadAt(b, s.at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// valueInfo reads a ValueInfoProto. Dimensions with a name in place of a number
// are dynamic; what is not a tensor has no type.
func valueInfo(b []byte) (graph.IO, error) {
	var v graph.IO
	err := fields(b, func(field protowire.Number, body []byte, _ uint64) error {
		switch field {
		case 1:
			v.Name = string(body)
		case 2:
			return fields(body, func(field protowire.Number, tensor []byte, _ uint64) error {
				if field != 1 {
					return nil
				}
				return tensorType(tensor, &v)
			})
		}
		return nil
	})
	return v, err
}

// tensorType reads a TypeProto.Tensor.
func tensorType(b []byte, v *graph.IO) error {
	return fields(b, func(field protowire.Number, body []byte, number uint64) error {
		switch field {
		case 1:
			v.Type = graph.DType(number)
		case 2:
			return fields(body, func(_ protowire.Number, dim []byte, _ uint64) error {
				size := graph.Dynamic
				err := fields(dim, func(field protowire.Number, _ []byte, number uint64) error {
					if field == 1 && number > 0 && number < 1<<31 {
						size = int64(number)
					}
					return nil
				})
				v.Shape = append(v.Shape, size)
				return err
			})
		}
		return nil
	})
}

// fields calls f with every field of a message in memory: body for messages and
// texts, number for whole numbers.
func fields(b []byte, f func(field protowire.Number, body []byte, number uint64) error) error {
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errDamaged
		}
		b = b[n:]
		var body []byte
		var number uint64
		switch typ {
		case protowire.BytesType:
			body, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(field, typ, b)
		}
		if n < 0 {
			return errDamaged
		}
		if err := f(field, body, number); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
