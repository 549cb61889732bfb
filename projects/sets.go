package projects

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Set is a group of concepts that were rendered together: views of one object,
// variants of one design, or both. It is a grid of one to MaxAxes axes; each
// member has its place in it. There is no file of a set: every member's sidecar
// holds all of it, so that it lives as long as one member does and needs no
// Maquette to be read.
type Set struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Revision grows with each change of the name. Where a crash left members
	// that differ, the one with the highest revision is right.
	Revision int       `json:"revision,omitempty"`
	Created  time.Time `json:"created"`
	// Template is the prompt that the axes' phrases went into, such as
	// "a house, {facade}". With it, Expand and Set.Recipe make a member's recipe again.
	Template string `json:"template,omitempty"`
	// Axes in the order of a sheet: rows, columns, blocks. The first changes slowest.
	Axes []Axis `json:"axes"`
}

// Axis is one recipe field that differs between the members of a set.
type Axis struct {
	// Field is the name of a recipe field, see Fields, such as "seed" or
	// "control.weight"; ViewField; or phraseField and a name, such as "phrase.facade".
	Field string `json:"field"`
	// Label names the axis for people.
	Label  string      `json:"label,omitempty"`
	Values []AxisValue `json:"values"`
}

// AxisValue is one value of an axis.
type AxisValue struct {
	// Value is the value as its field writes it, such as "0.8" or "three-quarter-left".
	Value string `json:"value"`
	// Label is the value for people where that is another text, such as a phrase's short name.
	Label string `json:"label,omitempty"`
}

// Bounds of a set.
const (
	// MaxAxes is how many axes a set has at most.
	MaxAxes = 4
	// MaxMembers is how many places a set has at most.
	MaxMembers = 400
	// maxSetText bounds the bytes of a name, label or value.
	maxSetText = 4096
	// maxSetName bounds a set's name, in characters.
	maxSetName = 120
)

const (
	// ViewField is the Axis.Field of a set's views; the values are names of views.
	ViewField = "view"
	// phraseField begins the Axis.Field of phrases that go into the prompt.
	phraseField = "phrase."
)

// Place is a concept's place in a set.
type Place struct {
	Set
	// At has an index into Axis.Values for each axis.
	At []int `json:"at"`
}

// NewSet makes a set with a new ID. A blank name becomes the labels of the axes.
// Errors say which axis has no, too many or equal values.
func NewSet(name, template string, axes []Axis) (Set, error) {
	s := Set{ID: uuid.NewString(), Name: strings.TrimSpace(name), Created: now(), Template: template, Axes: axes}
	if s.Name == "" {
		var labels []string
		for _, a := range axes {
			labels = append(labels, a.Title())
		}
		s.Name = strings.Join(labels, " × ")
	}
	if runes := []rune(s.Name); len(runes) > maxSetName {
		s.Name = string(runes[:maxSetName-1]) + "…"
	}
	return s, s.check()
}

// check says what is wrong with a set's axes.
func (s Set) check() error {
	if len(s.Axes) < 1 || len(s.Axes) > MaxAxes {
		return fmt.Errorf("a set has 1 to %d axes, not %d", MaxAxes, len(s.Axes))
	}
	total := 1
	for i, a := range s.Axes {
		if a.Field == "" || len(a.Field) > maxSetText || len(a.Label) > maxSetText || len(a.Values) == 0 {
			return fmt.Errorf("axis %d (%.40s) has no field or no values", i+1, a.Title())
		}
		for _, before := range s.Axes[:i] {
			if before.Field == a.Field {
				return fmt.Errorf("%s is named for two axes: put all its values into one", a.Field)
			}
		}
		seen := map[string]bool{}
		for _, v := range a.Values {
			switch {
			case len(v.Value) > maxSetText || len(v.Label) > maxSetText:
				return fmt.Errorf("%s: a value has more than %d bytes", a.Title(), maxSetText)
			case seen[v.Value]:
				return fmt.Errorf("%s: %q comes twice", a.Title(), v.Value)
			}
			seen[v.Value] = true
		}
		// Checked in each round, so that the product cannot overflow.
		if total *= len(a.Values); len(a.Values) > MaxMembers || total > MaxMembers {
			return &TooManyError{Count: s.Count(), Max: MaxMembers}
		}
	}
	return nil
}

// TooManyError reports a matrix with more images than a set may have.
type TooManyError struct {
	// Count is the number of images, or the largest number if it is larger.
	Count, Max int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("this makes %d images, and a set has %d at most: name fewer values, or sample some of the phrases", e.Count, e.Max)
}

// Count is the number of places; the largest number if it does not fit into an int.
func (s Set) Count() int {
	n := 1
	for _, a := range s.Axes {
		if len(a.Values) > 0 && n > math.MaxInt/len(a.Values) {
			return math.MaxInt
		}
		n *= len(a.Values)
	}
	return n
}

// Places lists all places, the last axis changing fastest.
func (s Set) Places() [][]int {
	out := make([][]int, s.Count())
	for i := range out {
		at := make([]int, len(s.Axes))
		rest := i
		for k := len(s.Axes) - 1; k >= 0; k-- {
			n := len(s.Axes[k].Values)
			at[k], rest = rest%n, rest/n
		}
		out[i] = at
	}
	return out
}

// Axis returns the axis of a field, such as ViewField, and its index; -1 if there is none.
func (s Set) Axis(field string) (Axis, int) {
	i := slices.IndexFunc(s.Axes, func(a Axis) bool { return a.Field == field })
	if i < 0 {
		return Axis{}, i
	}
	return s.Axes[i], i
}

// HasViews reports whether the set shows an object from several sides.
func (s Set) HasViews() bool {
	_, i := s.Axis(ViewField)
	return i >= 0
}

// HasVariants reports whether the set varies something else than the view.
func (s Set) HasVariants() bool {
	return slices.ContainsFunc(s.Axes, func(a Axis) bool { return a.Field != ViewField })
}

// Title is the axis for people: its label, or else its field.
func (a Axis) Title() string {
	if a.Label != "" {
		return a.Label
	}
	return strings.TrimPrefix(a.Field, phraseField)
}

// Title is the value for people.
func (v AxisValue) Title() string {
	if v.Label != "" {
		return v.Label
	}
	return v.Value
}

// Value returns the value of the place on axis i.
func (p Place) Value(i int) AxisValue { return p.Axes[i].Values[p.At[i]] }

// Labels names the place on each axis, such as "brick", "dusk".
func (p Place) Labels() []string {
	out := make([]string, len(p.At))
	for i := range p.At {
		out[i] = p.Value(i).Title()
	}
	return out
}

// key orders places of a set: it sorts as At does.
func (p Place) key() string {
	var b strings.Builder
	for _, i := range p.At {
		fmt.Fprintf(&b, "%04d.", i)
	}
	return b.String()
}

// sound reports whether a place that was read from a file can be used.
func (p Place) sound() bool {
	if validID(p.ID) != nil || p.check() != nil || len(p.At) != len(p.Axes) ||
		len(p.Name) > maxSetText || len(p.Template) > maxPrompt || !utf8.ValidString(p.Name) {
		return false
	}
	for i, at := range p.At {
		if at < 0 || at >= len(p.Axes[i].Values) {
			return false
		}
	}
	return true
}
