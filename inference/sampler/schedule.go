package sampler

import "math"

// alphasCumprod is ᾱ of each training timestep. Betas are float32 and the
// product is formed in float64, as torch does both.
func (c Config) alphasCumprod() []float64 {
	betas := c.betas()
	if c.RescaleZeroSNR {
		betas = rescaleZeroSNR(betas)
	}
	bars := make([]float64, len(betas))
	bar := 1.0
	for i, beta := range betas {
		bar *= float64(1 - beta)
		bars[i] = float64(float32(bar))
	}
	return bars
}

func (c Config) betas() []float32 {
	n := c.TrainTimesteps
	switch c.BetaSchedule {
	case ScaledLinear:
		betas := linspace32(math.Sqrt(c.BetaStart), math.Sqrt(c.BetaEnd), n)
		for i, b := range betas {
			betas[i] = b * b
		}
		return betas
	case SquaredCos:
		betas := make([]float32, n)
		bar := func(t float64) float64 {
			return math.Pow(math.Cos((t+0.008)/1.008*math.Pi/2), 2)
		}
		for i := range betas {
			t1, t2 := float64(i)/float64(n), float64(i+1)/float64(n)
			betas[i] = float32(min(1-bar(t2)/bar(t1), 0.999))
		}
		return betas
	}
	return linspace32(c.BetaStart, c.BetaEnd, n)
}

// linspace32 is torch.linspace in float32, which counts from both ends to the middle.
func linspace32(start, end float64, n int) []float32 {
	lo, hi := float32(start), float32(end)
	step := (hi - lo) / float32(n-1)
	out := make([]float32, n)
	for i := range out {
		if i < n/2 {
			out[i] = lo + step*float32(i)
		} else {
			out[i] = hi - step*float32(n-i-1)
		}
	}
	return out
}

// rescaleZeroSNR shifts the betas so that nothing is left of the image at the
// last timestep: algorithm 1 of Lin et al. 2023 (arXiv 2305.08891).
func rescaleZeroSNR(betas []float32) []float32 {
	n := len(betas)
	roots := make([]float64, n)
	bar := 1.0
	for i, b := range betas {
		bar *= float64(1 - b)
		roots[i] = math.Sqrt(bar)
	}
	first, last := roots[0], roots[n-1]
	out := make([]float32, n)
	before := 1.0
	for i, r := range roots {
		bar := math.Pow((r-last)*first/(first-last), 2)
		out[i] = float32(1 - bar/before)
		before = bar
	}
	return out
}

// trainingSigmas are the sigmas of the training timesteps, from least to most noise.
func (c Config) trainingSigmas() []float64 {
	bars := c.alphasCumprod()
	if c.RescaleZeroSNR {
		bars[len(bars)-1] = math.Exp2(-24) // as diffusers: close to 0, so that the last sigma is finite
	}
	sigmas := make([]float64, len(bars))
	for i, bar := range bars {
		sigmas[i] = float64(float32(math.Sqrt((1 - bar) / bar)))
	}
	return sigmas
}

// spacedTimesteps spreads n timesteps from most to least noise. over is the
// number of points that leading and linspace spread, of which the last ones,
// with the least noise, are left out: DPM++ 2M has n+1, the others n.
func (c Config) spacedTimesteps(spacing string, n, over int) []float64 {
	train := c.TrainTimesteps
	out := make([]float64, n)
	for i := range out {
		point := float64(over - 1 - i)
		switch spacing {
		case Leading:
			out[i] = point*float64(train/over) + float64(c.StepsOffset)
		case sgmUniform:
			out[i] = float64(train-1) * float64(n-i) / float64(n)
		case Trailing:
			out[i] = math.RoundToEven(float64(train)-float64(i)*(float64(train)/float64(n))) - 1
		default:
			if over > 1 {
				out[i] = point * (float64(train-1) / float64(over-1))
			}
		}
		out[i] = min(out[i], float64(train-1))
	}
	return out
}

// spacing is the checkpoint's timestep spacing, or the sampler's own.
func (c Config) spacing(otherwise string) string {
	if c.TimestepSpacing != "" {
		return c.TimestepSpacing
	}
	return otherwise
}

// interpolate reads sigmas at a timestep that may lie between two.
func interpolate(sigmas []float64, t float64) float64 {
	last := len(sigmas) - 1
	switch {
	case t <= 0:
		return sigmas[0]
	case t >= float64(last):
		return sigmas[last]
	}
	i := int(t)
	w := t - float64(i)
	return sigmas[i]*(1-w) + sigmas[i+1]*w
}

// karras spreads n sigmas from most to least noise: equation 5 of Karras et al. 2022, ρ = 7.
func karras(most, least float64, n int) []float64 {
	const rho = 7.0
	hi, lo := math.Pow(most, 1/rho), math.Pow(least, 1/rho)
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Pow(hi+ramp(i, n)*(lo-hi), rho)
	}
	return out
}

// timestepOf is the timestep whose training sigma is sigma, interpolated over
// the logarithm. The training logarithms are float32 as in diffusers, because
// at the ends of the range a rounding decides between two timesteps.
func timestepOf(training []float64, sigma float64) float64 {
	logOf := func(i int) float64 { return float64(float32(math.Log(training[i]))) }
	target := math.Log(max(sigma, 1e-10))
	low := 0
	for i := range len(training) - 1 {
		if logOf(i) <= target {
			low = i
		}
	}
	a, b := logOf(low), logOf(low+1)
	w := min(max((a-target)/(a-b), 0), 1)
	return float64(low)*(1-w) + float64(low+1)*w
}
