package control

import "math"

// distances is how far each pixel is from the nearest one of the mask, in
// pixels, exactly; +Inf everywhere for an empty mask (Felzenszwalb and
// Huttenlocher, "Distance transforms of sampled functions", 2012).
func (m *mask) distances() []float32 {
	out := make([]float32, m.w*m.h)
	for i, v := range m.on {
		if v == 0 {
			out[i] = float32(math.Inf(1))
		}
	}
	n := max(m.w, m.h)
	e := envelope{at: make([]int, n), from: make([]float32, n+1), f: make([]float32, n)}
	for x := range m.w {
		e.transform(out[x:], m.w, m.h)
	}
	for y := range m.h {
		e.transform(out[y*m.w:], 1, m.w)
	}
	for i, v := range out {
		out[i] = float32(math.Sqrt(float64(v)))
	}
	return out
}

// envelope holds the lower envelope of parabolas along one line.
type envelope struct {
	at   []int     // where the parabolas stand
	from []float32 // where each becomes the lowest
	f    []float32 // the values of the line
}

// transform replaces n values, step apart, by min over q of (p−q)² + f(q).
func (e *envelope) transform(line []float32, step, n int) {
	k := -1
	for q := range n {
		e.f[q] = line[q*step]
		if math.IsInf(float64(e.f[q]), 1) {
			continue
		}
		s := float32(math.Inf(-1))
		for k >= 0 {
			p := e.at[k]
			s = (e.f[q] - e.f[p] + float32(q*q-p*p)) / float32(2*(q-p))
			if s > e.from[k] {
				break
			}
			k--
		}
		if k < 0 {
			s = float32(math.Inf(-1))
		}
		k++
		e.at[k], e.from[k] = q, s
	}
	if k < 0 {
		return
	}
	e.from[k+1] = float32(math.Inf(1))
	j := 0
	for p := range n {
		for e.from[j+1] < float32(p) {
			j++
		}
		d := float32(p - e.at[j])
		line[p*step] = d*d + e.f[e.at[j]]
	}
}
