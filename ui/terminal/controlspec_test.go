package terminal

import (
	"reflect"
	"strings"
	"testing"

	"maquette/control"
	"maquette/projects"
)

func defaultControl() projects.RecipeControl {
	return projects.RecipeControl{Weight: 0.9, Start: 0.1, End: 0.7}
}

func TestParseControl(t *testing.T) {
	for _, c := range []struct {
		spec string
		want projects.RecipeControl
	}{
		{"canny", projects.RecipeControl{Kind: control.Canny, Weight: 0.9, Start: 0.1, End: 0.7}},
		{"depth:0.5", projects.RecipeControl{Kind: control.Depth, Weight: 0.5, Start: 0.1, End: 0.7}},
		{"lineart:2:0-1", projects.RecipeControl{Kind: control.Lineart, Weight: 2, Start: 0, End: 1}},
		{"lineart:0:0.25-0.75", projects.RecipeControl{Kind: control.Lineart, Weight: 0, Start: 0.25, End: 0.75}},
		{"canny:0.8:0-0.8,low=80,high=160", projects.RecipeControl{
			Kind: control.Canny, Weight: 0.8, Start: 0, End: 0.8, Params: control.Params{"low": 80, "high": 160}}},
		{"tile,net=/models/a, b=c", projects.RecipeControl{
			Kind: control.Tile, Weight: 0.9, Start: 0.1, End: 0.7, ControlNet: "/models/a, b=c"}},
	} {
		got, err := parseControl(c.spec, defaultControl())
		if err != nil {
			t.Errorf("%q: %v", c.spec, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %+v, want %+v", c.spec, got, c.want)
		}
	}
}

func TestParseControlErrors(t *testing.T) {
	for _, c := range []struct{ spec, says string }{
		{"", "is not one of"},
		{"pencil", "canny"},
		{"canny:", `"" is not a number`},
		{"canny:x", "not a number"},
		{"canny:NaN", "not a number"},
		{"canny:-0.1", "not in 0…2"},
		{"canny:2.5", "not in 0…2"},
		{"canny:1:0.5", "not a range"},
		{"canny:1:0.5-0.5", "ends before"},
		{"canny:1:0.9-0.1", "ends before"},
		{"canny:1:0-1.1", "end 1.1 is not in 0…1"},
		{"canny:1:0-1:2", "more than"},
		{"canny,", "not NAME=VALUE"},
		{"canny,low", "not NAME=VALUE"},
		{"canny,lwo=3", "low"},
		{"canny,low=80,low=90", "twice"},
		{"canny,low=many", "not a number"},
		{"canny,low=99999", "not in"},
		{"canny,net=", "needs the path"},
	} {
		if got, err := parseControl(c.spec, defaultControl()); err == nil {
			t.Errorf("%q was read as %+v", c.spec, got)
		} else if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.spec) {
			t.Errorf("%q: the error %q does not say %q and the specification", c.spec, err, c.says)
		}
	}
}

func TestParseParam(t *testing.T) {
	whole := control.Param{Name: "n", Type: control.Int, Min: 1, Max: 9}
	flag := control.Param{Name: "f", Type: control.Bool, Max: 1}
	for _, c := range []struct {
		param control.Param
		text  string
		want  float64
		ok    bool
	}{
		{whole, "3", 3, true}, {whole, "3.5", 0, false}, {whole, "10", 0, false},
		{flag, "true", 1, true}, {flag, "0", 0, true}, {flag, "2", 0, false},
	} {
		got, err := parseParam(c.param, c.text)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%s=%s: got %v, %v", c.param.Name, c.text, got, err)
		}
	}
}

// FuzzParseControl checks that what was read is in range and that writing it
// down and reading it again changes nothing.
func FuzzParseControl(f *testing.F) {
	for _, spec := range []string{"canny", "depth:0.5", "canny:0.8:0-0.8,low=80,high=160", "tile,net=a,b", "lineart:1e-3:0-1", "canny:-0"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		c, err := parseControl(spec, defaultControl())
		if err != nil {
			return
		}
		if c.Weight < 0 || c.Weight > 2 || c.Start < 0 || c.Start >= c.End || c.End > 1 {
			t.Errorf("%q: out of range: %+v", spec, c)
		}
		again, err := parseControl(formatControl(c), projects.RecipeControl{})
		if err != nil {
			t.Fatalf("%q: its own text %q: %v", spec, formatControl(c), err)
		}
		if !reflect.DeepEqual(again, c) {
			t.Errorf("%q: %+v became %+v", spec, c, again)
		}
	})
}
