package terminal

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"maquette/control"
	"maquette/inference"
	"maquette/projects"
)

// noControls is the control specification that turns the default control off.
const noControls = "none"

// parseControl reads a control specification:
//
//	KIND[:WEIGHT[:START-END]][,NAME=VALUE]…[,mode=MODE][,net=PATH]
//
// What is left out comes from def. PATH may hold any characters, so net=
// ends the specification.
func parseControl(spec string, def projects.RecipeControl) (projects.RecipeControl, error) {
	c := projects.RecipeControl{Weight: def.Weight, Start: def.Start, End: def.End, Mode: def.Mode}
	head, rest, more := strings.Cut(spec, ",")
	parts := strings.Split(head, ":")
	if len(parts) > 3 {
		return c, fmt.Errorf("control %q: more than KIND:WEIGHT:START-END", spec)
	}
	c.Kind = control.Kind(parts[0])
	extractor, err := control.For(c.Kind)
	if err != nil {
		return c, fmt.Errorf("control %q: %q is not one of %s", spec, parts[0], strings.Join(kindNames(), ", "))
	}
	if len(parts) > 1 {
		if c.Weight, err = parseNumber(parts[1], 0, 2); err != nil {
			return c, fmt.Errorf("control %q: weight %w", spec, err)
		}
	}
	if len(parts) > 2 {
		start, end, ok := strings.Cut(parts[2], "-")
		if !ok {
			return c, fmt.Errorf("control %q: %q is not a range START-END such as 0-0.8", spec, parts[2])
		}
		if c.Start, err = parseNumber(start, 0, 1); err != nil {
			return c, fmt.Errorf("control %q: start %w", spec, err)
		}
		if c.End, err = parseNumber(end, 0, 1); err != nil {
			return c, fmt.Errorf("control %q: end %w", spec, err)
		}
		if c.Start >= c.End {
			return c, fmt.Errorf("control %q: its range ends before it starts", spec)
		}
	}
	for more {
		var pair string
		if path, ok := strings.CutPrefix(rest, "net="); ok {
			if path == "" {
				return c, fmt.Errorf("control %q: net= needs the path of a ControlNet", spec)
			}
			c.ControlNet = path
			break
		}
		pair, rest, more = strings.Cut(rest, ",")
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return c, fmt.Errorf("control %q: %q is not NAME=VALUE", spec, pair)
		}
		if name == "mode" {
			if c.Mode, err = parseMode(value); err != nil {
				return c, fmt.Errorf("control %q: %w", spec, err)
			}
			continue
		}
		param, err := findParam(extractor, name)
		if err != nil {
			return c, fmt.Errorf("control %q: %w", spec, err)
		}
		if _, twice := c.Params[name]; twice {
			return c, fmt.Errorf("control %q: %s is given twice", spec, name)
		}
		v, err := parseParam(param, value)
		if err != nil {
			return c, fmt.Errorf("control %q: %s %w", spec, name, err)
		}
		if c.Params == nil {
			c.Params = control.Params{}
		}
		c.Params[name] = v
	}
	return c, nil
}

// formatControl writes a control as parseControl reads it.
func formatControl(c projects.RecipeControl) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%s:%s-%s", c.Kind, number(c.Weight), number(c.Start), number(c.End))
	names := make([]string, 0, len(c.Params))
	for name := range c.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, ",%s=%s", name, number(c.Params[name]))
	}
	if c.Mode != inference.ControlBalanced {
		fmt.Fprintf(&b, ",mode=%s", c.Mode)
	}
	if c.ControlNet != "" {
		fmt.Fprintf(&b, ",net=%s", c.ControlNet)
	}
	return b.String()
}

// balancedMode is how a command line calls inference.ControlBalanced.
const balancedMode = "balanced"

// parseMode reads a control mode. Its errors continue a sentence.
func parseMode(text string) (inference.ControlMode, error) {
	mode := inference.ControlMode(text)
	if text == balancedMode {
		return inference.ControlBalanced, nil
	}
	if text == "" || !slices.Contains(inference.ControlModes(), mode) {
		return "", fmt.Errorf("mode %q is not one of %s, %s, %s", text, balancedMode, inference.ControlPromptFirst, inference.ControlControlFirst)
	}
	return mode, nil
}

// number writes a float in the shortest form that reads back the same.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// parseNumber reads a number of the range min…max. Its errors continue a sentence.
func parseNumber(text string, min, max float64) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	if v < min || v > max {
		return 0, fmt.Errorf("%s is not in %s…%s", text, number(min), number(max))
	}
	if v == 0 {
		return 0, nil // not the negative zero
	}
	return v, nil
}

// parseParam reads the value of a control kind's parameter. Its errors continue a sentence.
func parseParam(p control.Param, text string) (float64, error) {
	if p.Type == control.Bool {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return 0, fmt.Errorf("%q is neither true nor false", text)
		}
		if on {
			return 1, nil
		}
		return 0, nil
	}
	v, err := parseNumber(text, p.Min, p.Max)
	if err != nil {
		return 0, err
	}
	if p.Type == control.Int && v != math.Trunc(v) {
		return 0, fmt.Errorf("%s is not a whole number", text)
	}
	return v, nil
}

// findParam returns the declaration of an extractor's parameter.
func findParam(e control.Extractor, name string) (control.Param, error) {
	var known []string
	for _, p := range e.Params() {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
	}
	if len(known) == 0 {
		return control.Param{}, fmt.Errorf("%s has no parameters", e.Kind())
	}
	return control.Param{}, fmt.Errorf("%q is not a parameter of %s, which has %s", name, e.Kind(), strings.Join(known, ", "))
}

// kindNames lists the control kinds.
func kindNames() []string {
	var list []string
	for _, e := range control.Extractors() {
		list = append(list, string(e.Kind()))
	}
	return list
}
