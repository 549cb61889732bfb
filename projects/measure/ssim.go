package measure

import "math"

// The window of SSIM: a Gaussian of this standard deviation in pixels, cut off
// at ssimReach.
const (
	ssimSigma = 1.5
	ssimReach = 5
)

// ssimMap is the structural similarity of two w × h planes of values 0…255 at
// every pixel (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment",
// 2004: Gaussian window of 11 × 11, K1 = .01, K2 = .03, weighted covariance).
// Only pixels with a weight above 0 count. support is the part of the window
// that counted, 0…1; where it is 0 the similarity is 0.
func ssimMap(a, b, weight []float64, w, h int) (similarity, support []float64) {
	n := w * h
	support = gaussian(weight, w, h)
	mean := func(f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			if weight[i] > 0 {
				v[i] = weight[i] * f(i)
			}
		}
		v = gaussian(v, w, h)
		for i := range v {
			if support[i] > 0 {
				v[i] /= support[i]
			}
		}
		return v
	}
	ma, mb := mean(func(i int) float64 { return a[i] }), mean(func(i int) float64 { return b[i] })
	aa, bb := mean(func(i int) float64 { return a[i] * a[i] }), mean(func(i int) float64 { return b[i] * b[i] })
	ab := mean(func(i int) float64 { return a[i] * b[i] })
	const c1, c2 = (.01 * 255) * (.01 * 255), (.03 * 255) * (.03 * 255)
	similarity = make([]float64, n)
	for i := range similarity {
		if support[i] <= 0 {
			continue
		}
		va, vb, cov := aa[i]-ma[i]*ma[i], bb[i]-mb[i]*mb[i], ab[i]-ma[i]*mb[i]
		similarity[i] = (2*ma[i]*mb[i] + c1) * (2*cov + c2) / ((ma[i]*ma[i] + mb[i]*mb[i] + c1) * (va + vb + c2))
	}
	return similarity, support
}

// gaussian blurs a w × h plane with SSIM's window; nothing lies around it.
func gaussian(v []float64, w, h int) []float64 {
	var kernel [2*ssimReach + 1]float64
	sum := 0.
	for k := range kernel {
		d := float64(k - ssimReach)
		kernel[k] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += kernel[k]
	}
	for k := range kernel {
		kernel[k] /= sum
	}
	across, out := make([]float64, len(v)), make([]float64, len(v))
	for y := range h {
		row, to := v[y*w:(y+1)*w], across[y*w:(y+1)*w]
		for x := range w {
			s := 0.
			for k := max(0, ssimReach-x); k < min(len(kernel), w-x+ssimReach); k++ {
				s += kernel[k] * row[x+k-ssimReach]
			}
			to[x] = s
		}
	}
	for y := range h {
		to := out[y*w : (y+1)*w]
		for k := max(0, ssimReach-y); k < min(len(kernel), h-y+ssimReach); k++ {
			from := across[(y+k-ssimReach)*w:][:w]
			for x, u := range from {
				to[x] += kernel[k] * u
			}
		}
	}
	return out
}
