// Package quant makes int8 copies of models' weights from the user's files and
// keeps them in a folder, so that a checkpoint is quantized once.
//
// A copy is a safetensors file, named by the hash of what it was made of. Copies
// are written beside and renamed, never changed, and removed when the folder holds
// too much: those that were used longest ago first. Several processes may share
// the folder.
package quant

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// Source finds the float weights. *checkpoint.Component is one.
type Source interface {
	Lookup(name string) (path string, t checkpoint.Tensor, ok bool)
}

// Layer is a weight to quantize.
type Layer struct {
	// Name is the tensor's in the copy.
	Name   string
	weight graph.Weight
	path   string
	tensor checkpoint.Tensor // the span of the part
	// out is the number of output channels, in of input channels, kernel of
	// elements of a convolution's kernel, 1 for a linear layer.
	out, in, kernel int64
}

// layer finds the weight in its file; false where it can't be quantized.
func layer(source Source, w graph.Weight) (Layer, bool) {
	path, t, ok := source.Lookup(w.Name)
	if !ok || t.Transposed || len(w.Shape) != 2 && len(w.Shape) != 4 || w.Parts < 1 || w.Shape[0]%w.Parts != 0 {
		return Layer{}, false
	}
	l := Layer{Name: w.Name, weight: w, path: path, tensor: t, out: w.Shape[0] / w.Parts, in: w.Shape[1], kernel: 1}
	if len(w.Shape) == 4 {
		l.kernel = w.Shape[2] * w.Shape[3]
	}
	if w.Parts > 1 {
		l.Name = fmt.Sprintf("%s.%d", w.Name, w.Part)
		l.tensor.Bytes /= w.Parts
		l.tensor.Offset += w.Part * l.tensor.Bytes
	}
	return l, true
}

// elements is the number of the layer's weights.
func (l Layer) elements() int64 { return l.out * l.in * l.kernel }

// rowsAtOnce is how many output channels are read and quantized together.
const rowsAtOnce = 64

// quantize fills values [kernel·in, out] and scale [out]: each output channel is
// rounded to -127…127 over its own range, symmetric. When ctx ends it stops.
func (l Layer) quantize(ctx context.Context, values []int8, scale []float32, done func(bytes int64)) error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close()
	row := l.in * l.kernel
	size := l.tensor.Bytes / l.out
	data := make([]byte, rowsAtOnce*size)
	floats := make([]float32, rowsAtOnce*row)
	for first := int64(0); first < l.out; first += rowsAtOnce {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rowsAtOnce, l.out-first)
		if _, err := f.ReadAt(data[:n*size], l.tensor.Offset+first*size); err != nil {
			return fmt.Errorf("reading tensor %s of %s: %w", l.weight.Name, l.path, err)
		}
		if err := checkpoint.Floats(floats[:n*row], data[:n*size], l.tensor.DType); err != nil {
			return fmt.Errorf("tensor %s of %s: %w", l.weight.Name, l.path, err)
		}
		for o := range n {
			w := floats[o*row : (o+1)*row]
			s := span(w) / 127
			scale[first+o] = s
			if !(s > 0) { // all zero, or not a number: then the scale says so
				clear(w)
				continue
			}
			for i, v := range w {
				w[i] = v / s
			}
		}
		l.interleave(values, floats[:n*row], first, n)
		done(n * size)
	}
	return nil
}

// span is the greatest magnitude, or NaN if one of the values is.
func span(w []float32) float32 {
	var most float32
	for _, v := range w {
		if a := float32(math.Abs(float64(v))); !(a <= most) {
			most = a
			if math.IsNaN(float64(a)) {
				return a
			}
		}
	}
	return most
}

// interleave rounds n output channels [n, in, kernel] from number first on into
// their columns of values [kernel, in, out].
func (l Layer) interleave(values []int8, rows []float32, first, n int64) {
	row := l.in * l.kernel
	for k := range l.kernel {
		for i := range l.in {
			to := values[(k*l.in+i)*l.out+first:][:n]
			from := rows[i*l.kernel+k:]
			for o := range to {
				to[o] = int8(math.RoundToEven(float64(from[int64(o)*row])))
			}
		}
	}
}

// bytes is the layer as it lies in the copy.
func (l Layer) bytes(scale []float32) []byte {
	raw := make([]byte, 0, 4*len(scale))
	for _, s := range scale {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(s))
	}
	return raw
}

// Collector notes the weights that a graph asks for and that choose picks. It
// gives none, so the graph that is built with it stays in float.
type Collector struct {
	source Source
	choose func(graph.Weight) bool
	layers []Layer
	seen   map[string]bool
}

// NewCollector collects the weights of source that choose picks.
func NewCollector(source Source, choose func(graph.Weight) bool) *Collector {
	return &Collector{source: source, choose: choose, seen: map[string]bool{}}
}

// Int8 implements graph.Quantizer.
func (c *Collector) Int8(w graph.Weight) (graph.Int8Weight, bool) {
	if l, ok := layer(c.source, w); ok && c.choose(w) && !c.seen[l.Name] {
		c.seen[l.Name] = true
		c.layers = append(c.layers, l)
	}
	return graph.Int8Weight{}, false
}

// Layers are the weights that were collected.
func (c *Collector) Layers() []Layer { return c.layers }

// Copy is a file with int8 weights: a graph.Quantizer.
type Copy struct{ file *checkpoint.File }

// Path is the file's.
func (c *Copy) Path() string { return c.file.Path }

// Int8 implements graph.Quantizer.
func (c *Copy) Int8(w graph.Weight) (graph.Int8Weight, bool) {
	name := w.Name
	if w.Parts > 1 {
		name = fmt.Sprintf("%s.%d", w.Name, w.Part)
	}
	values, ok := c.file.Tensor(name)
	scale, also := c.file.Tensor(name + scaleSuffix)
	return graph.Int8Weight{Path: c.file.Path, Values: values, Scale: scale}, ok && also
}

const scaleSuffix = ".scale"
