package inference

import (
	"slices"
	"testing"
)

func TestPlacesOfControlNets(t *testing.T) {
	for _, c := range []struct {
		wanted, held []string
		want         []int
	}{
		{nil, []string{""}, []int{}}, {[]string{"b", "a"}, []string{"a", "b"}, []int{1, 0}}, {[]string{"a", "a"}, []string{"a", "b", "a"}, []int{0, 2}},
		{[]string{"a", "a"}, []string{"a"}, nil}, {[]string{"c"}, []string{"a", "b"}, nil},
	} {
		got, ok := places(c.wanted, c.held)
		if ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q in %q: %v, want %v", c.wanted, c.held, got, c.want)
		}
	}
}
