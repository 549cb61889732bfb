package projects

import "strconv"

// SeedAxis is the axis of the seeds that a recipe's Count stands for, as a set
// has it, and whether that is more than one. Each view of a combination has a
// seed of its own.
func SeedAxis(base Recipe) (Axis, bool) {
	step := 1
	if v := base.Views; v != nil && base.View == "" && len(v.Cameras) > 1 {
		step = len(v.Cameras)
	}
	a := Axis{Field: "seed", Label: fieldLabel("seed")}
	for i := 0; i < base.Count; i += step {
		a.Values = append(a.Values, AxisValue{Value: strconv.FormatInt(base.Seed+int64(i), 10)})
	}
	return a, len(a.Values) > 1
}
