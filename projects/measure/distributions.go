package measure

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Features are one row of numbers for each picture, such as the 2048 that
// Inception's last pooling layer gives.
type Features [][]float32

// dense copies features; rows of different lengths are an error.
func (f Features) dense() (*mat.Dense, error) {
	if len(f) < 2 || len(f[0]) == 0 {
		return nil, errors.New("two pictures or more are needed")
	}
	m := mat.NewDense(len(f), len(f[0]), nil)
	for i, row := range f {
		if len(row) != len(f[0]) {
			return nil, fmt.Errorf("picture %d has %d features, the first has %d", i+1, len(row), len(f[0]))
		}
		for j, v := range row {
			if v != v || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("picture %d has a feature that is no number", i+1)
			}
			m.Set(i, j, float64(v))
		}
	}
	return m, nil
}

// FID is the Fréchet distance of two Gaussians fitted to the features (Heusel
// and others, "GANs trained by a two time-scale update rule", 2017):
// |μa − μb|² + tr(Sa + Sb − 2·(Sa·Sb)^½). It is biased upwards, strongly where
// there are fewer pictures than features.
//
// With S = AᵀA, A being the centred features over √(n−1), the trace of the root
// is the sum of the singular values of A·Bᵀ, so that no root of a matrix that
// may have no full rank is taken.
func FID(ctx context.Context, a, b Features) (float64, error) {
	fa, err := factor(ctx, a)
	if err != nil {
		return 0, fmt.Errorf("FID: %w", err)
	}
	fb, err := factor(ctx, b)
	if err != nil {
		return 0, fmt.Errorf("FID of the reference: %w", err)
	}
	if len(fa.mean) != len(fb.mean) {
		return 0, fmt.Errorf("FID: %d features and %d can't be compared", len(fa.mean), len(fb.mean))
	}
	sum := fa.trace + fb.trace
	for i, m := range fa.mean {
		sum += (m - fb.mean[i]) * (m - fb.mean[i])
	}
	var cross mat.Dense
	cross.Mul(fa.root, fb.root.T())
	var svd mat.SVD
	if !svd.Factorize(&cross, mat.SVDNone) {
		return 0, errors.New("FID: the singular values don't converge")
	}
	for _, v := range svd.Values(nil) {
		sum -= 2 * v
	}
	return max(sum, 0), ctx.Err()
}

// gaussianFit is a mean and a factor of a covariance: S = rootᵀ·root.
type gaussianFit struct {
	mean  []float64
	root  mat.Matrix
	trace float64 // of S
}

func factor(ctx context.Context, f Features) (gaussianFit, error) {
	m, err := f.dense()
	if err != nil {
		return gaussianFit{}, err
	}
	if err := ctx.Err(); err != nil {
		return gaussianFit{}, err
	}
	n, d := m.Dims()
	g := gaussianFit{mean: make([]float64, d)}
	for j := range d {
		g.mean[j] = mat.Sum(m.ColView(j)) / float64(n)
	}
	scale := 1 / math.Sqrt(float64(n-1))
	m.Apply(func(_, j int, v float64) float64 { return (v - g.mean[j]) * scale }, m)
	norm := mat.Norm(m, 2) // Frobenius'
	g.root, g.trace = m, norm*norm
	if n > d { // R of A = Q·R is a factor of the same S with fewer rows
		var qr mat.QR
		qr.Factorize(m)
		var r mat.Dense
		qr.RTo(&r)
		g.root = r.Slice(0, d, 0, d)
	}
	return g, nil
}

// KID is the squared maximum mean discrepancy of the features with the kernel
// (x·y/d + 1)³, unbiased, so that it may be below 0 (Bińkowski and others,
// "Demystifying MMD GANs", 2018). Unlike there, all pictures are compared with
// all, not random subsets, and the interval is the jackknife's.
func KID(ctx context.Context, a, b Features) (Interval, error) {
	x, err := a.dense()
	if err != nil {
		return Interval{}, fmt.Errorf("KID: %w", err)
	}
	y, err := b.dense()
	if err != nil {
		return Interval{}, fmt.Errorf("KID of the reference: %w", err)
	}
	n, d := x.Dims()
	m, e := y.Dims()
	if d != e {
		return Interval{}, fmt.Errorf("KID: %d features and %d can't be compared", d, e)
	}
	kernel := func(p, q *mat.Dense) *mat.Dense {
		var k mat.Dense
		k.Mul(p, q.T())
		k.Apply(func(_, _ int, v float64) float64 { return math.Pow(v/float64(d)+1, 3) }, &k)
		return &k
	}
	xx, yy, xy := kernel(x, x), kernel(y, y), kernel(x, y)
	if err := ctx.Err(); err != nil {
		return Interval{}, err
	}
	// Sums of each row without the diagonal, so that one picture can be left out.
	rowsX, rowsY, crossX, crossY := make([]float64, n), make([]float64, m), make([]float64, n), make([]float64, m)
	var sumX, sumY, sumXY float64
	for i := range n {
		rowsX[i] = mat.Sum(xx.RowView(i)) - xx.At(i, i)
		crossX[i] = mat.Sum(xy.RowView(i))
		sumX, sumXY = sumX+rowsX[i], sumXY+crossX[i]
	}
	for j := range m {
		rowsY[j] = mat.Sum(yy.RowView(j)) - yy.At(j, j)
		crossY[j] = mat.Sum(xy.ColView(j))
		sumY += rowsY[j]
	}
	mmd := func(sx, sy, sxy, n, m float64) float64 {
		return sx/(n*(n-1)) + sy/(m*(m-1)) - 2*sxy/(n*m)
	}
	fn, fm := float64(n), float64(m)
	out := Interval{N: n, Mean: mmd(sumX, sumY, sumXY, fn, fm)}
	if n < 3 || m < 3 {
		return out, nil
	}
	variance := jackknife(n, func(i int) float64 { return mmd(sumX-2*rowsX[i], sumY, sumXY-crossX[i], fn-1, fm) }) +
		jackknife(m, func(j int) float64 { return mmd(sumX, sumY-2*rowsY[j], sumXY-crossY[j], fn, fm-1) })
	reach := 1.96 * math.Sqrt(variance)
	low, high := out.Mean-reach, out.Mean+reach
	out.Low, out.High = &low, &high
	return out, nil
}

// jackknife is the variance of a statistic from its values without one of n things.
func jackknife(n int, without func(i int) float64) float64 {
	values, mean := make([]float64, n), 0.
	for i := range values {
		values[i] = without(i)
		mean += values[i] / float64(n)
	}
	sum := 0.
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return sum * float64(n-1) / float64(n)
}

// InceptionScore is exp of the mean divergence of each picture's class
// probabilities from their mean (Salimans and others, "Improved techniques for
// training GANs", 2016), over all pictures at once. logits has a row for each
// picture.
func InceptionScore(logits Features) (Interval, error) {
	m, err := logits.dense()
	if err != nil {
		return Interval{}, fmt.Errorf("inception score: %w", err)
	}
	n, d := m.Dims()
	entropy := make([]float64, n) // Σ p·log p
	for i := range n {
		row := m.RawRowView(i)
		top, sum := row[0], 0.
		for _, v := range row {
			top = max(top, v)
		}
		for j, v := range row {
			row[j] = math.Exp(v - top)
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
			if row[j] > 0 {
				entropy[i] += row[j] * math.Log(row[j])
			}
		}
	}
	mean := make([]float64, d)
	return BootstrapOf(n, func(pick []int) float64 {
		clear(mean)
		own := 0.
		for _, i := range pick {
			own += entropy[i] / float64(n)
			for j, p := range m.RawRowView(i) {
				mean[j] += p / float64(n)
			}
		}
		for _, p := range mean {
			if p > 0 {
				own -= p * math.Log(p)
			}
		}
		return math.Exp(own)
	}), nil
}

// Cosine is the cosine similarity of two rows of features; 0 where one is all zeros.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
