package graph

import (
	"cmp"
	"math"
	"slices"
)

// Winograd's minimal filtering, F(4×4, 3×3) of Lavin and Gray (arXiv 1509.09308):
// tiles of 6×6 pixels and the kernel are brought into a space where the
// convolution is one product for each of the 36 places, which takes a quarter of
// the multiplications. The transforms are linear, so ordinary operators do: a
// convolution of stride 4 for the input's, matrix products for the others. The
// kernel's is a constant that ONNX Runtime folds when it loads the model.
//
// Measured with ONNX Runtime 1.30, processor time of one thread with AVX-512, of
// a convolution as the UNet of Stable Diffusion 1.5 runs it and as its VAE does,
// against this, ms: 2×320 channels, 64² 138, 94 and 57; 2×640, 32² 117, 92 and
// 41; 512, 64² 155, 123 and 60. F(2×2, 3×3) gains a fifth of the faster one.
//
// The tiles are interpolated at 0, ±1/√2, ±√2 and ∞, where the rounding error is a
// quarter of that at 0, ±1, ±2 and ∞: measured with 320 channels of unit variance,
// 1.6e-5 at most and 1.6e-6 on average (root of the mean square), 2.1e-6 and
// 3.7e-7 in an ordinary convolution in float32.
const (
	winogradTile   = 4                // pixels of the result, in each direction
	winogradWindow = winogradTile + 2 // pixels that they depend on
	winogradPlaces = winogradWindow * winogradWindow
	// The transforms take time with the number of channels, the product with its
	// square: it pays from about 192 channels and 16×16 pixels on, where ONNX
	// Runtime's convolution in its blocked layout is the measure.
	winogradChannels = 192
	winogradPixels   = 16 * 16
	// winogradStrip bounds the bytes of transformed tiles that exist at once:
	// larger images are worked on in strips.
	winogradStrip = 32 << 20
)

// convolution is one that could be written in Winograd's form.
type convolution struct{ x, kernel, bias Value }

// pixels is the size of a channel.
func (c convolution) pixels() int64 { return c.x.Dim(2) * c.x.Dim(3) }

// extraBytes is what the transformed kernel takes more than the kernel.
func (c convolution) extraBytes() int64 {
	return 4 * (winogradPlaces - 9) * count(c.kernel.Shape()[:2])
}

// suitsWinograd says whether x·kernel, a convolution that isn't in the graph yet,
// could be written in Winograd's form, and pays then. The kernel must be a
// constant in float32: one that a Patch changes would be transformed in every run.
func (b *Builder) suitsWinograd(x, kernel Value, stride int64, pads [4]int64) bool {
	if b.numbers.Winograd == 0 || kernel.v.weight == nil || x.Type() != Float32 || kernel.Type() != Float32 ||
		stride != 1 || pads != [4]int64{1, 1, 1, 1} || kernel.Dim(2) != 3 || kernel.Dim(3) != 3 {
		return false
	}
	h, w := x.Dim(2), x.Dim(3)
	return h != Dynamic && w != Dynamic && h%winogradTile == 0 && w%winogradTile == 0 && h*w >= winogradPixels &&
		2*kernel.Dim(0)*kernel.Dim(1) >= winogradChannels*(kernel.Dim(0)+kernel.Dim(1)) // their harmonic mean
}

// rewriteConvolutions writes convolutions in Winograd's form, those with the most
// pixels first: a byte of their kernels saves the most time. It goes on while the
// memory that the graph may take more lasts, and gives what it took.
func (b *Builder) rewriteConvolutions() int64 {
	order := make([]*value, 0, len(b.convolutions))
	for _, n := range b.nodes { // in the order of the graph, so that the choice doesn't depend on chance
		if _, ok := b.convolutions[n.out[0]]; ok {
			order = append(order, n.out[0])
		}
	}
	slices.SortStableFunc(order, func(p, q *value) int {
		return cmp.Compare(b.convolutions[q].pixels(), b.convolutions[p].pixels())
	})
	spent, chosen := int64(0), map[*value]bool{}
	for _, y := range order {
		if extra := b.convolutions[y].extraBytes(); spent+extra <= b.numbers.Winograd {
			spent += extra
			chosen[y] = true
		}
	}
	nodes := b.nodes
	b.nodes = nil
	for _, n := range nodes {
		if !chosen[n.out[0]] {
			b.nodes = append(b.nodes, n)
			continue
		}
		b.convolutions[n.out[0]].winograd()
		b.nodes[len(b.nodes)-1].out[0] = n.out[0]
	}
	b.convolutions = nil
	return spent
}

// winograd adds the convolution in Winograd's form.
func (c convolution) winograd() Value {
	b, h, w := c.x.b, c.x.Dim(2), c.x.Dim(3)
	out, in := c.kernel.Dim(0), c.kernel.Dim(1)
	m := newWinogradMatrices()
	places := b.Floats([]int64{winogradPlaces, 9}, m.kernel...)
	kernel := places.op("Gemm", []Value{c.kernel.Reshape(out*in, 9)}, []Attr{IntAttr("transB", 1)}, Float32, []int64{winogradPlaces, out * in})
	kernel = kernel.Reshape(winogradPlaces, out, in)

	bytesPerRow := 4 * max(in, out) * w * winogradPlaces / (winogradTile * winogradTile)
	rows := max(winogradStrip/bytesPerRow/winogradTile, 1) * winogradTile
	var strips []Value
	for top := int64(0); top < h; top += rows {
		strips = append(strips, c.strip(m, kernel, top, min(top+rows, h)))
	}
	y := strips[0]
	if len(strips) > 1 {
		y = y.Concat(2, strips[1:]...)
	}
	if c.bias.Valid() {
		y = y.Add(c.bias.Reshape(out, 1, 1))
	}
	return y
}

// strip is the rows of the result from top up to bottom, without the bias.
func (c convolution) strip(m winogradMatrices, kernel Value, top, bottom int64) Value {
	x, h, w := c.x, c.x.Dim(2), c.x.Dim(3)
	out, in := c.kernel.Dim(0), c.kernel.Dim(1)
	from, to := max(top-1, 0), min(bottom+1, h)
	if to-from < h {
		x = x.Slice(2, from, to)
	}
	down, across := (bottom-top)/winogradTile, w/winogradTile

	// Every channel of every image on its own: [N·in, 36, down, across].
	window := x.b.Floats([]int64{winogradPlaces, 1, winogradWindow, winogradWindow}, m.input...)
	tiles := x.Reshape(-1, 1, to-from, w).op("Conv", []Value{window}, []Attr{
		IntsAttr("kernel_shape", winogradWindow, winogradWindow), IntsAttr("strides", winogradTile, winogradTile),
		IntsAttr("pads", 1-(top-from), 1, 1-(to-bottom), 1),
	}, Float32, []int64{Dynamic, winogradPlaces, down, across})
	tiles = tiles.Reshape(-1, in, winogradPlaces, down*across).Transpose(2, 1, 0, 3).Reshape(winogradPlaces, in, -1)

	products := kernel.MatMul(tiles).Reshape(winogradPlaces, -1) // [36, out·N·down·across]
	pixels := x.b.Floats([]int64{winogradTile * winogradTile, winogradPlaces}, m.output...).MatMul(products)

	// [4, 4, out, N, down, across] becomes [N, out, down, 4, across, 4] in two
	// steps, each of which ONNX Runtime has a quick kernel for.
	y := pixels.Reshape(winogradTile, winogradTile, -1).Transpose(0, 2, 1)
	y = y.Reshape(winogradTile, out, -1, down, w).Transpose(2, 1, 3, 0, 4)
	return y.Reshape(-1, out, bottom-top, w)
}

// winogradMatrices are the transforms of tiles as they are, so products in both
// directions in one: the input's [36, 6·6], the kernel's [36, 3·3] and the output's
// [4·4, 36].
type winogradMatrices struct{ input, kernel, output []float32 }

// newWinogradMatrices makes the transforms by Toom's and Cook's method (see
// Barabasz et al., arXiv 1803.10986, algorithm 1): polynomials are evaluated at
// points, multiplied there and interpolated.
func newWinogradMatrices() winogradMatrices {
	points := [winogradWindow - 1]float64{0, math.Sqrt2 / 2, -math.Sqrt2 / 2, math.Sqrt2, -math.Sqrt2}
	var input [winogradWindow][winogradWindow]float64 // Bᵀ
	var kernel [winogradWindow][3]float64             // G
	var output [winogradTile][winogradWindow]float64  // Aᵀ
	const infinity = winogradWindow - 1
	for j, p := range points {
		others := slices.Delete(slices.Clone(points[:]), j, j+1)
		copy(input[j][:], withRoots(others))
		scale, power := 1.0, 1.0
		for _, q := range others {
			scale *= p - q
		}
		for i := range winogradTile {
			output[i][j] = power
			if i < 3 {
				kernel[j][i] = power / scale
			}
			power *= p
		}
	}
	copy(input[infinity][:], withRoots(points[:]))
	kernel[infinity][2], output[winogradTile-1][infinity] = 1, 1

	var m winogradMatrices
	for a := range winogradWindow {
		for b := range winogradWindow {
			for i := range winogradWindow {
				for j := range winogradWindow {
					m.input = append(m.input, float32(input[a][i]*input[b][j]))
				}
			}
			for i := range 3 {
				for j := range 3 {
					m.kernel = append(m.kernel, float32(kernel[a][i]*kernel[b][j]))
				}
			}
		}
	}
	for i := range winogradTile {
		for j := range winogradTile {
			for a := range winogradWindow {
				for b := range winogradWindow {
					m.output = append(m.output, float32(output[i][a]*output[j][b]))
				}
			}
		}
	}
	return m
}

// withRoots is the polynomial Π (x - root), from the constant term up.
func withRoots(roots []float64) []float64 {
	p := []float64{1}
	for _, r := range roots {
		next := make([]float64, len(p)+1)
		for i, c := range p {
			next[i] -= r * c
			next[i+1] += c
		}
		p = next
	}
	return p
}
