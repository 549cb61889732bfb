package views

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const degree = math.Pi / 180

// Parse reads a camera as users write it: a named view, or azimuth and elevation
// in degrees as "az30el10" or "30:10". The camera is to be framed.
func Parse(text string) (Camera, error) {
	if c, err := Named(Name(text)); err == nil {
		return c, nil
	}
	a, e, ok := strings.Cut(text, ":")
	if m := regexp.MustCompile(`^az(-?[0-9.]+)el(-?[0-9.]+)$`).FindStringSubmatch(text); m != nil {
		a, e, ok = m[1], m[2], true
	}
	azimuth, errA := strconv.ParseFloat(strings.TrimSpace(a), 64)
	elevation, errE := strconv.ParseFloat(strings.TrimSpace(e), 64)
	if !ok || errA != nil || errE != nil || !(math.Abs(azimuth) <= 360) || !(math.Abs(elevation) <= 90) {
		return Camera{}, fmt.Errorf("unknown view %.40q; there are %v, and angles in degrees such as az30el10 (az −360…360, el −90…90)", text, Names())
	}
	return Camera{Azimuth: azimuth * degree, Elevation: elevation * degree, Field: DefaultField}, nil
}

// Title is the one spelling of a camera that Parse reads: its name where a named
// view looks from there, else "az30el10". It can be part of a file name.
func (c Camera) Title() string {
	for _, n := range Names() {
		if named, err := Named(n); err == nil && sameAngle(named.Azimuth, c.Azimuth) && sameAngle(named.Elevation, c.Elevation) {
			return string(n)
		}
	}
	text := func(radians float64) string {
		v := math.Round(radians/degree*10) / 10
		return strconv.FormatFloat(v+0, 'f', -1, 64) // +0 turns −0 into 0
	}
	return "az" + text(c.Azimuth) + "el" + text(c.Elevation)
}

// sameAngle compares angles in radians, whole turns left out.
func sameAngle(a, b float64) bool {
	return math.Abs(math.Remainder(a-b, 2*math.Pi)) < 1e-4
}
