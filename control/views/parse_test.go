package views

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		azimuth, elevation float64
		title              string
	}{
		"front":              {0, 12, "front"},
		"three-quarter-left": {-40, 20, "three-quarter-left"},
		"az30el10":           {30, 10, "az30el10"},
		"az-22.5el-5":        {-22.5, -5, "az-22.5el-5"},
		"30:15":              {30, 15, "az30el15"},
		"az270el12":          {270, 12, "side-left"},
		"az-0el0":            {0, 0, "az0el0"},
	} {
		c, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if math.Abs(c.Azimuth/degree-want.azimuth) > 1e-9 || math.Abs(c.Elevation/degree-want.elevation) > 1e-9 || c.Field != DefaultField {
			t.Errorf("%s: %+v", text, c)
		}
		if got := c.Title(); got != want.title {
			t.Errorf("%s has the title %s, want %s", text, got, want.title)
		}
		again, err := Parse(c.Title())
		if err != nil || !sameAngle(again.Azimuth, c.Azimuth) || !sameAngle(again.Elevation, c.Elevation) {
			t.Errorf("%s is read back as %+v, %v", c.Title(), again, err)
		}
	}
	for _, text := range []string{"", "frontal", "az30", "30", "az361el0", "30:91", "az1e9el0", "azNaNel0", "../x", "az--1el0"} {
		if c, err := Parse(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}
