package graph

import (
	"encoding/binary"
	"fmt"

	"maquette/inference/checkpoint"
)

// Int8Weight is a layer's weight in int8, as a Quantizer gives it. Value o of the
// output channels is scale[o] times its integer.
type Int8Weight struct {
	// Path is the file that holds both tensors.
	Path string
	// Values is [k·k·in, out] in I8: the kernel's rows, its columns and the input
	// channels as one dimension, in that order; k is 1 for a linear layer.
	Values checkpoint.Tensor
	// Scale is [out] in F32.
	Scale checkpoint.Tensor
}

// Quantizer chooses the layers that compute in int8 and has their weights.
// It is asked for every Linear and Conv2D whose weight comes out of a Scope.
type Quantizer interface {
	Int8(w Weight) (Int8Weight, bool)
}

// Numbers say what a graph computes in. The zero value is float32.
type Numbers struct {
	// Int8, if not nil, has the weights of the layers that compute in int8.
	Int8 Quantizer
	// Half computes layers and what lies between them in float16; norms and the
	// softmax stay in float32, and so do inputs and outputs.
	Half bool
	// ShapeFree writes the graph so that nothing has to be worked out from shapes
	// while it runs, which GPUs leave to the CPU.
	ShapeFree bool
}

// Numbers makes the layers that are added from now on compute as n says.
//
// In int8, activations are quantized while the model runs, to uint8
// over the range of each whole tensor, so there is nothing to calibrate; sums are
// exact in int32 and come out as float32.
//
// Measured with ONNX Runtime 1.30 on two cores with AVX512-VNNI, float32 against
// this, ms at the sizes of Stable Diffusion 1.5 at 512² with guidance:
// convolutions 320 channels, 64² 83 and 41; 640, 32² 82 and 30; 1280, 16² 84 and
// 28; linear 8192×320×1280 51 and 12; 2048×2560×640 59 and 21. The relative
// error is 0.7 % and 1 %. QLinearConv takes half of that at 64² and as long at
// 16², but rounds its output as well (2.4 %) and must be told the ranges
// beforehand; ConvInteger takes longer than float32.
func (b *Builder) Numbers(n Numbers) { b.numbers = n }

// Quantizing says whether there is a Quantizer.
func (b *Builder) Quantizing() bool { return b.numbers.Int8 != nil }

// int8Weight is what the quantizer has for a weight. A layer whose weight a patch
// changes keeps it in float.
func (b *Builder) int8Weight(w Value) (Int8Weight, bool) {
	if b.numbers.Int8 == nil || w.v.weight == nil {
		return Int8Weight{}, false
	}
	q, ok := b.numbers.Int8.Int8(*w.v.weight)
	if !ok || b.patch != nil && b.patch.Delta(b, *w.v.weight).Valid() {
		return Int8Weight{}, false
	}
	return q, true
}

// quantized is x in uint8 with the scale and zero point of the tensor, once for
// all layers that read x.
func (x Value) quantized() (q, scale, zero Value) {
	b := x.b
	if have, ok := b.rounded[x.v]; ok {
		return have[0], have[1], have[2]
	}
	out := b.nodes2("", "DynamicQuantizeLinear", []Value{x}, nil, []DType{Uint8, Float32, Uint8}, [][]int64{x.Shape(), {}, {}})
	if b.rounded == nil {
		b.rounded = map[*value][3]Value{}
	}
	b.rounded[x.v] = [3]Value(out)
	return out[0], out[1], out[2]
}

// int8Product is rows·W+bias in float32, for quantized rows [..., in].
func (b *Builder) int8Product(rows, scale, zero Value, w Int8Weight, bias Value) Value {
	values := b.external(w.Values.Name, w.Path, w.Values, w.Values.Shape)
	scales := b.external(w.Scale.Name, w.Path, w.Scale, w.Scale.Shape)
	if b.err != nil {
		return rows
	}
	if d := rows.Dim(-1); d != Dynamic && d != values.Dim(0) {
		b.Fail(fmt.Errorf("quantized weight %s of shape %v can't take %d values", w.Values.Name, values.Shape(), d))
	}
	shape := append([]int64(nil), rows.Shape()...)
	shape[len(shape)-1] = values.Dim(1)
	in := []Value{rows, values, scale, scales, zero}
	if bias.Valid() {
		in = append(in, Value{}, bias) // no zero points of the weight: it is symmetric
	}
	return b.node(microsoft, "MatMulIntegerToFloat", in, nil, Float32, shape)
}

// int8Linear is Linear in int8.
func (x Value) int8Linear(w Int8Weight, bias Value) Value {
	rows, scale, zero := x.quantized()
	return x.b.int8Product(rows, scale, zero, w, bias)
}

// int8Conv2D is Conv2D in int8 for a kernel of k by k: the pixels that each output
// pixel reads are gathered into a row (im2col), so that the convolution is one
// matrix product.
func (x Value) int8Conv2D(w Int8Weight, bias Value, k, stride int64, pads [4]int64) Value {
	b, channels, height, width := x.b, x.Dim(1), x.Dim(2), x.Dim(3)
	pixels, scale, zero := x.quantized()
	rows := pixels.Reshape(0, channels, height*width).Transpose(0, 2, 1)
	outH, outW := (height+pads[0]+pads[2]-k)/stride+1, (width+pads[1]+pads[3]-k)/stride+1
	if k > 1 || stride > 1 || pads != [4]int64{} {
		// One row more stands for what lies outside of the image.
		padded := rows.op("Pad", []Value{b.Ints(0, 0, 0, 0, 1, 0), zero}, nil, Uint8, []int64{x.Dim(0), height*width + 1, channels})
		index := b.window(height, width, k, stride, pads)
		gathered := padded.op("Gather", []Value{index}, []Attr{IntAttr("axis", 1)}, Uint8, []int64{x.Dim(0), outH * outW * k * k, channels})
		rows = gathered.Reshape(0, outH*outW, k*k*channels)
	}
	y := b.int8Product(rows, scale, zero, w, bias)
	return y.Transpose(0, 2, 1).Reshape(0, w.Values.Shape[1], outH, outW)
}

// window lists for each output pixel the k·k pixels that it reads, as int32; those
// outside of the image are number height·width.
func (b *Builder) window(height, width, k, stride int64, pads [4]int64) Value {
	key := fmt.Sprint("window ", height, width, k, stride, pads)
	if v, ok := b.consts[key]; ok {
		return v
	}
	outH, outW := (height+pads[0]+pads[2]-k)/stride+1, (width+pads[1]+pads[3]-k)/stride+1
	raw := make([]byte, 0, 4*outH*outW*k*k)
	for y := range outH {
		for x := range outW {
			for i := range k * k {
				at := height * width
				row, col := y*stride-pads[0]+i/k, x*stride-pads[1]+i%k
				if row >= 0 && row < height && col >= 0 && col < width {
					at = row*width + col
				}
				raw = binary.LittleEndian.AppendUint32(raw, uint32(at))
			}
		}
	}
	return b.addConstant(key, Int32, []int64{outH * outW * k * k}, raw)
}
