package projects

import (
	"reflect"
	"testing"
)

func TestTallyCountsWhatDiffers(t *testing.T) {
	concept := func(id string, guidance float64, sampler string) Concept {
		return Concept{ID: id, Recipe: Recipe{Prompt: "a chair", Guidance: guidance, Sampler: sampler}}
	}
	among := []Concept{concept("0001", 2, "euler"), concept("0002", 4, "euler"), concept("0003", 2, "ddim")}
	votes := []Vote{
		{Better: "0001", Worse: "0002"},
		{Better: "0001", Worse: "0003"},
		{Better: "0002", Worse: "0003"},
		{Better: "0001", Worse: "0009"}, // not asked for
	}
	want := []Standing{
		{"guidance", "2", 1, 2}, {"guidance", "4", 1, 2},
		{"sampler", "euler", 2, 2}, {"sampler", "ddim", 0, 2},
	}
	if got := Tally(votes, among); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTallyOfASetUsesItsAxes(t *testing.T) {
	set, err := NewSet("", "", []Axis{{Field: "phrase.facade", Values: []AxisValue{{Value: "red brick", Label: "brick"}, {Value: "glass"}}}})
	if err != nil {
		t.Fatal(err)
	}
	among := []Concept{{ID: "0001", Set: &Place{set, []int{0}}}, {ID: "0002", Set: &Place{set, []int{1}}}}
	got := Tally([]Vote{{Better: "0002", Worse: "0001"}}, among)
	want := []Standing{{"facade", "glass", 1, 1}, {"facade", "brick", 0, 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
