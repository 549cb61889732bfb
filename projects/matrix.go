package projects

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxMatrix bounds the bytes of a matrix that is typed.
const maxMatrix = 64 << 10

// ResolveModel turns a model's name, as a user types it for a field, into what
// recipes call it.
type ResolveModel func(field, name string) (string, error)

// ParseMatrix reads the axes of a matrix, such as
//
//	seed=1..4,control.weight=0.6..1.0:0.2
//	sampler=euler|dpmpp_2m, steps=10,20,40
//
// Values stand between | or commas. FIRST..LAST counts from one number to
// another, and FIRST..LAST:STEP in steps. A backslash before a comma, | or
// backslash makes it text. resolve may be nil. Errors are *FieldError and
// *TooManyError values, or name the place.
func ParseMatrix(text string, resolve ResolveModel) ([]Axis, error) {
	if len(text) > maxMatrix {
		return nil, fmt.Errorf("the matrix has %d bytes, more than %d", len(text), maxMatrix)
	}
	var axes []Axis
	for _, a := range splitMatrix(text) {
		axis, err := a.axis(resolve)
		if err != nil {
			return nil, err
		}
		axes = append(axes, axis)
	}
	if len(axes) == 0 {
		return nil, fmt.Errorf("the matrix %q names no field: write it as in seed=1..4", text)
	}
	return axes, nil
}

// typedAxis is a field as it was typed, with its values.
type typedAxis struct {
	name   string
	values []string
}

// fieldStart finds the beginning of a field's values, "name=".
const fieldStart = `^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=`

// splitMatrix cuts a matrix into its fields and values. What comes before the
// first field has no name.
func splitMatrix(text string) []typedAxis {
	start := regexp.MustCompile(fieldStart)
	var out []typedAxis
	var value strings.Builder
	add := func() {
		if len(out) == 0 {
			out = append(out, typedAxis{})
		}
		last := &out[len(out)-1]
		last.values = append(last.values, value.String())
		value.Reset()
	}
	fresh := true // at the beginning of a value
	for i := 0; i < len(text); {
		if fresh {
			if m := start.FindStringSubmatch(text[i:]); m != nil {
				out = append(out, typedAxis{name: m[1]})
				i += len(m[0])
			}
			fresh = false
			continue
		}
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`,|\`, text[i+1]) >= 0:
			i++
			value.WriteByte(text[i])
		case c == ',' || c == '|':
			add()
			// A | goes on with the same field, whatever follows.
			fresh = c == ','
		default:
			value.WriteByte(c)
		}
		i++
	}
	if !fresh || len(text) > 0 {
		add()
	}
	return out
}

func (a typedAxis) axis(resolve ResolveModel) (Axis, error) {
	if a.name == "" {
		return Axis{}, fmt.Errorf("%q does not begin with a field: write it as in seed=1..4", strings.Join(a.values, ","))
	}
	f, index, err := LookupField(a.name)
	if err != nil {
		return Axis{}, err
	}
	out := Axis{Field: f.Name, Label: f.Label}
	if index > 0 {
		kind, rest, _ := strings.Cut(f.Name, ".")
		out.Field = kind + strconv.Itoa(index+1)
		if rest != "" {
			out.Field += "." + rest
		}
		out.Label += " " + strconv.Itoa(index+1)
	}
	f.Name = out.Field // for errors
	for _, typed := range a.values {
		values, err := f.expand(typed, MaxMembers-len(out.Values))
		if err != nil {
			return Axis{}, err
		}
		for _, v := range values {
			value := AxisValue{Value: v}
			if f.model && resolve != nil {
				if value.Value, err = resolve(f.Name, v); err != nil {
					return Axis{}, &FieldError{Field: f.Name, Value: v, Problem: err.Error()}
				}
			}
			if f.model {
				value.Label = modelName(value.Value)
			}
			if slices.ContainsFunc(out.Values, func(o AxisValue) bool { return o.Value == value.Value }) {
				return Axis{}, &FieldError{Field: f.Name, Value: v, Problem: "comes twice"}
			}
			out.Values = append(out.Values, value)
		}
	}
	return out, nil
}

// numberRange is FIRST..LAST or FIRST..LAST:STEP.
const numberRange = `^\s*([-+0-9.eE]*?[-+0-9eE])\s*\.\.\s*([^:]*?)\s*(?::\s*(.*?)\s*)?$`

// expand reads a value or a range of at most limit values.
func (f Field) expand(typed string, limit int) ([]string, error) {
	m := regexp.MustCompile(numberRange).FindStringSubmatch(typed)
	if m == nil || f.text || f.model {
		v, err := f.Check(typed)
		return []string{v}, err
	}
	fail := func(format string, args ...any) ([]string, error) {
		return nil, &FieldError{Field: f.Name, Value: strings.TrimSpace(typed), Problem: fmt.Sprintf(format, args...)}
	}
	if !f.Number {
		return fail("this field takes no range; list its values with |")
	}
	first, err := f.read(m[1])
	if err != nil {
		return nil, err
	}
	last, err := f.read(m[2])
	if err != nil {
		return nil, err
	}
	step := 1.0
	switch {
	case m[3] != "":
		if step, err = strconv.ParseFloat(m[3], 64); err != nil || !(step > 0) || math.IsInf(step, 0) {
			return fail("the step %s is not a number above 0", m[3])
		}
		if f.Whole && step != math.Trunc(step) {
			return fail("the step must be a whole number")
		}
	case !f.Whole:
		return fail("name the step after a colon, such as %s..%s:%s", first.text, last.text, formatNumber(math.Abs(last.number-first.number)/4))
	}
	// A little more than whole steps, as 0.6 + 2·0.2 is not quite 1.
	n := math.Floor(math.Abs(last.number-first.number)/step+1e-6) + 1
	if n > float64(limit) {
		return nil, fmt.Errorf("%s: %w", f.Name, &TooManyError{Count: int(min(n, math.MaxInt32)), Max: MaxMembers})
	}
	if last.number < first.number {
		step = -step
	}
	values := make([]string, int(n))
	for i := range values {
		values[i] = formatNumber(first.number + float64(i)*step)
	}
	return values, nil
}
