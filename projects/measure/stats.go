package measure

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a mean with its 95 % confidence interval.
type Interval struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	// Low and High are nil where the interval isn't known: from a single value.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

// resamples is how often the bootstrap draws.
const resamples = 2000

// Bootstrap returns the mean of values and its interval by the percentile
// bootstrap (Efron, 1979), always with the same random numbers. N is 0 for no
// values.
func Bootstrap(values []float64) Interval {
	return BootstrapOf(len(values), func(pick []int) float64 {
		sum := 0.
		for _, i := range pick {
			sum += values[i]
		}
		return sum / float64(len(pick))
	})
}

// BootstrapOf is Bootstrap for any statistic of n things; statistic gets the
// indices of those that were drawn, in which things may come more than once.
func BootstrapOf(n int, statistic func(pick []int) float64) Interval {
	if n < 1 {
		return Interval{}
	}
	pick := make([]int, n)
	for i := range pick {
		pick[i] = i
	}
	out := Interval{N: n, Mean: statistic(pick)}
	if n < 2 {
		return out
	}
	random := rand.New(rand.NewPCG(2024, 95))
	drawn := make([]float64, resamples)
	for k := range drawn {
		for i := range pick {
			pick[i] = random.IntN(n)
		}
		drawn[k] = statistic(pick)
	}
	slices.Sort(drawn)
	low, high := quantile(drawn, .025), quantile(drawn, .975)
	out.Low, out.High = &low, &high
	return out
}

// quantile of sorted values, with linear interpolation as numpy has it.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
