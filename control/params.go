package control

import (
	"fmt"
	"math"
	"strings"
)

// ParamError reports a parameter that a kind does not have or a value that it
// cannot take.
type ParamError struct {
	Kind   Kind
	Name   string
	Value  float64
	Param  Param    // the declaration; zero when the kind has no such parameter
	Known  []string // the kind's parameter names
	reason string
}

func (e *ParamError) Error() string {
	if e.Param.Name == "" {
		if len(e.Known) == 0 {
			return fmt.Sprintf("%s has no parameter %q; it has none at all", e.Kind, e.Name)
		}
		return fmt.Sprintf("%s has no parameter %q; it has %s", e.Kind, e.Name, strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("%s: %s is %g, but must be %s", e.Kind, e.Name, e.Value, e.reason)
}

// values holds a checked value for every parameter of a kind.
type values map[string]float64

func (v values) float(name string) float64 { return v[name] }
func (v values) int(name string) int       { return int(v[name]) }

// readParams checks p against its declarations and fills in defaults.
// The error is a *ParamError that names kind, parameter and range.
func readParams(k Kind, decl []Param, p Params) (values, error) {
	v := make(values, len(decl))
	known := make([]string, len(decl))
	for i, d := range decl {
		v[d.Name] = d.Default
		known[i] = d.Name
	}
	for name := range p {
		if _, ok := v[name]; !ok {
			return nil, &ParamError{Kind: k, Name: name, Value: p[name], Known: known}
		}
	}
	for _, d := range decl {
		x, ok := p[d.Name]
		if !ok {
			continue
		}
		if reason := d.reject(x); reason != "" {
			return nil, &ParamError{Kind: k, Name: d.Name, Value: x, Param: d, Known: known, reason: reason}
		}
		v[d.Name] = x
	}
	return v, nil
}

// reject says what a value must be, or nothing when x is allowed.
func (d Param) reject(x float64) string {
	switch {
	case d.Type == Bool && x != 0 && x != 1:
		return "0 or 1"
	case d.Type == Bool:
		return ""
	case d.Type == Int && (math.IsNaN(x) || x < d.Min || x > d.Max || x != math.Trunc(x)):
		return fmt.Sprintf("a whole number from %g to %g", d.Min, d.Max)
	case math.IsNaN(x) || x < d.Min || x > d.Max:
		return fmt.Sprintf("a number from %g to %g", d.Min, d.Max)
	}
	return ""
}
