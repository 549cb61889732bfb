package projects

import "strconv"

// SeedAxis is the axis of the seeds that a recipe's Count stands for, as a set
// has it; false where the recipe makes one image, or one of each view. Each view
// of a combination has a seed of its own.
func SeedAxis(base Recipe) (Axis, bool) {
	step := 1
	if v := base.Views; v != nil && base.View == "" && len(v.Cameras) > 1 {
		step = len(v.Cameras)
	}
	a := Axis{Field: "seed"}
	for i := 0; i < base.Count; i += step {
		a.Values = append(a.Values, AxisValue{Value: strconv.FormatInt(base.Seed+int64(i), 10)})
	}
	return a, len(a.Values) > 1
}
