package sampler

import "math"

// RescaleGuidance takes the standard deviation of guided, the UNet's output
// with guidance, back to that of conditional, its output for the prompt alone,
// by the share phi: 0 leaves guided as it is, 0.7 is usual for checkpoints with
// v-prediction and zero terminal signal-to-noise ratio, which guidance
// overexposes. Both are the values of one image; guided is changed in place.
// Equations 15 and 16 of Lin et al. 2023 (arXiv 2305.08891).
func RescaleGuidance(guided, conditional []float32, phi float64) {
	from := deviation(guided)
	if phi == 0 || from == 0 {
		return
	}
	scale := float32(phi*deviation(conditional)/from + 1 - phi)
	for i, v := range guided {
		guided[i] = v * scale
	}
}

// deviation is the standard deviation, up to a factor that depends on the number of values.
func deviation(values []float32) float64 {
	mean := 0.0
	for _, v := range values {
		mean += float64(v)
	}
	mean /= float64(len(values))
	sum := 0.0
	for _, v := range values {
		sum += (float64(v) - mean) * (float64(v) - mean)
	}
	return math.Sqrt(sum)
}
