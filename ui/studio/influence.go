package studio

// The Influence slider sets weight and range of all controls together. Its
// curve is piecewise linear through these points; at the default of 90 % a
// control acts as it was trained, over all steps with weight 1. Above, the
// weight grows; below, the control gets weaker and lets go earlier, which
// leaves the last steps to the checkpoint.
func influenceCurve() []influencePoint {
	return []influencePoint{
		{0, 0, 0.2}, {20, 0.30, 0.35}, {40, 0.50, 0.50}, {60, 0.70, 0.70}, {80, 0.90, 0.90}, {90, 1, 1}, {100, 1.2, 1},
	}
}

type influencePoint struct{ percent, weight, end float64 }

// maxWeight is the largest weight of a control.
const maxWeight = 2

// influenceAt returns the weight and the end of the range at percent, 0…100.
func influenceAt(percent int) (weight, end float64) {
	p := min(max(float64(percent), 0), 100)
	points := influenceCurve()
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if p <= b.percent {
			f := (p - a.percent) / (b.percent - a.percent)
			return round2(a.weight + f*(b.weight-a.weight)), round2(a.end + f*(b.end-a.end))
		}
	}
	last := points[len(points)-1]
	return last.weight, last.end
}

// influenceOf returns the slider's position whose weight and end are nearest to a control's.
func influenceOf(weight, end float64) int {
	best, distance := 0, 1e9
	for p := 0; p <= 100; p++ {
		w, e := influenceAt(p)
		if d := (w-weight)*(w-weight) + (e-end)*(e-end)/4; d < distance-1e-12 {
			best, distance = p, d
		}
	}
	return best
}

// share keeps what a control has beyond the slider: how much stronger than the
// curve it is and how much longer it acts. Moving the slider keeps the shares,
// so that controls which were balanced by hand stay balanced.
type share struct{ weight, end float64 }

// shareOf returns the share of a control of the given weight and end at percent.
func shareOf(weight, end float64, percent int) share {
	w, e := influenceAt(percent)
	s := share{weight: 1, end: 1}
	if w > 0 {
		s.weight = weight / w
	}
	if e > 0 {
		s.end = end / e
	}
	return s
}

// at returns a control's weight and end for a slider position.
func (s share) at(percent int) (weight, end float64) {
	w, e := influenceAt(percent)
	return round2(min(w*s.weight, maxWeight)), round2(min(e*s.end, 1))
}

func round2(v float64) float64 { return float64(int(v*100+0.5)) / 100 }
