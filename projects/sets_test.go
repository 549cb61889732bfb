package projects

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// facadeSet is a set of two materials and three times of day.
func facadeSet(t testing.TB) Set {
	t.Helper()
	s, err := NewSet("", "a house, {facade}, {time}", []Axis{
		{Field: "phrase.facade", Values: []AxisValue{{Value: "red brick walls", Label: "brick"}, {Value: "glass"}}},
		{Field: "phrase.time", Label: "Time of day", Values: []AxisValue{{Value: "dawn"}, {Value: "noon"}, {Value: "dusk"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func addMember(t testing.TB, p *Project, s Set, at ...int) Concept {
	t.Helper()
	place := Place{Set: s, At: at}
	c, err := p.AddConcept(context.Background(), picture(24, 16, 7), Concept{Recipe: recipe(strings.Join(place.Labels(), " ")), Set: &place})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func stackNames(t testing.TB, p *Project, q Query) string {
	t.Helper()
	list, total, err := p.Stacks(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, st := range list {
		name := "-"
		if st.Set != nil {
			name = st.Set.Name
		}
		out = append(out, name+":"+st.Cover.ID+":"+strconv.Itoa(st.Members)+":"+strconv.Itoa(st.Starred))
	}
	return strings.Join(append(out, "of", strconv.Itoa(total)), " ")
}

func TestSetPlaces(t *testing.T) {
	s := facadeSet(t)
	if s.Name != "facade × Time of day" || s.Count() != 6 || s.HasViews() || !s.HasVariants() {
		t.Errorf("%+v", s)
	}
	var got []string
	for _, at := range s.Places() {
		got = append(got, strings.Join(Place{Set: s, At: at}.Labels(), " "))
	}
	want := []string{"brick dawn", "brick noon", "brick dusk", "glass dawn", "glass noon", "glass dusk"}
	if !slices.Equal(got, want) {
		t.Errorf("places %q, want %q", got, want)
	}
}

func TestNewSetRefuses(t *testing.T) {
	many := make([]AxisValue, 30)
	for i := range many {
		many[i].Value = strconv.Itoa(i)
	}
	for name, axes := range map[string][]Axis{
		"no axes":       nil,
		"no values":     {{Field: "seed"}},
		"no field":      {{Values: many}},
		"equal values":  {{Field: "seed", Values: []AxisValue{{Value: "1"}, {Value: "1"}}}},
		"a field twice": {{Field: "seed", Values: many[:2]}, {Field: "seed", Values: many[2:4]}},
		"too many":      {{Field: "seed", Values: many}, {Field: "steps", Values: many}},
		"five axes": {{Field: "a", Values: many[:1]}, {Field: "b", Values: many[:1]}, {Field: "c", Values: many[:1]},
			{Field: "d", Values: many[:1]}, {Field: "e", Values: many[:1]}},
	} {
		if _, err := NewSet("", "", axes); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var tooMany *TooManyError
	_, err := NewSet("", "", []Axis{{Field: "seed", Values: many}, {Field: "steps", Values: many}})
	if !errors.As(err, &tooMany) || tooMany.Count != 900 {
		t.Errorf("%v", err)
	}
}

func TestSetsInTheGallery(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	s := facadeSet(t)
	addConcept(t, p, "alone")          // 0001
	addMember(t, p, s, 1, 0)           // 0002
	addMember(t, p, s, 0, 1)           // 0003
	old := addMember(t, p, s, 0, 0)    // 0004
	again := addMember(t, p, s, 0, 0)  // 0005, the same place anew
	addConcept(t, p, "alone in glass") // 0006
	if got, want := stackNames(t, p, Query{}), "-:0006:1:0 facade × Time of day:0005:4:0 -:0001:1:0 of 3"; got != want {
		t.Errorf("stacks %s, want %s", got, want)
	}
	p = reopen(t, p)
	if got, want := stackNames(t, p, Query{Offset: 1, Limit: 1, Oldest: true}), "facade × Time of day:0005:4:0 of 3"; got != want {
		t.Errorf("second stack %s, want %s", got, want)
	}
	if got, want := stackNames(t, p, Query{Text: "glass"}), "-:0006:1:0 facade × Time of day:0002:1:0 of 2"; got != want {
		t.Errorf("stacks of glass %s, want %s", got, want)
	}
	if err := p.SetStarred(ctx, again.ID, true); err != nil {
		t.Fatal(err)
	}
	if got, want := stackNames(t, p, Query{Starred: true}), "facade × Time of day:0005:1:1 of 1"; got != want {
		t.Errorf("starred stacks %s, want %s", got, want)
	}
	set, members, err := p.Members(ctx, s.ID)
	if err != nil || set.Name != s.Name || set.Template != s.Template {
		t.Fatalf("%+v, %v", set, err)
	}
	var ids []string
	for _, c := range members {
		ids = append(ids, c.ID)
	}
	if want := []string{again.ID, old.ID, "0003", "0002"}; !slices.Equal(ids, want) {
		t.Errorf("members %v, want %v", ids, want)
	}
	if sets, err := p.Sets(ctx); err != nil || len(sets) != 1 || sets[0].Members != 4 {
		t.Errorf("%+v, %v", sets, err)
	}
	if _, _, err := p.Members(ctx, "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a set that is not there: %v", err)
	}
	// The index holds nothing that the folder does not.
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := removeIndex(filepath.Join(p.Dir(), indexName)); err != nil {
		t.Fatal(err)
	}
	if p, err = Open(ctx, p.Dir()); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, want := stackNames(t, p, Query{}), "-:0006:1:0 facade × Time of day:0005:4:1 -:0001:1:0 of 3"; got != want {
		t.Errorf("after the index was deleted: %s, want %s", got, want)
	}
}

func TestTrashSetAndRestore(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	s := facadeSet(t)
	addMember(t, p, s, 0, 0)
	addMember(t, p, s, 1, 2)
	last := addMember(t, p, s, 0, 1)
	before := stackNames(t, p, Query{})
	one, err := p.Trash(ctx, last.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := stackNames(t, p, Query{}), "facade × Time of day:0001:2:0 of 1"; got != want {
		t.Errorf("without one member: %s, want %s", got, want)
	}
	rest, err := p.TrashSet(ctx, s.ID)
	if err != nil || len(rest.IDs) != 2 {
		t.Fatalf("%+v, %v", rest, err)
	}
	if got := stackNames(t, p, Query{}); got != "of 0" {
		t.Errorf("after the set went to the trash: %s", got)
	}
	if c := addConcept(t, p, "new"); c.ID != "0004" {
		t.Errorf("the number %s was given again", c.ID)
	}
	if _, err := p.Trash(ctx, "0004"); err != nil {
		t.Fatal(err)
	}
	for _, trashed := range []Trashed{rest, one} {
		if err := p.Restore(ctx, trashed); err != nil {
			t.Fatal(err)
		}
	}
	if got := stackNames(t, p, Query{}); got != before {
		t.Errorf("restored: %s, want %s", got, before)
	}
	if r, err := p.Check(ctx); err != nil || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestRenameSetInterrupted renames a set with members that a crash left at the old name.
func TestRenameSetInterrupted(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	s := facadeSet(t)
	first := addMember(t, p, s, 0, 0)
	second := addMember(t, p, s, 0, 1)
	if _, err := p.amend(second.ID, func(c *sidecar) { c.Set.Name, c.Set.Revision = "Half done", 1 }); err != nil {
		t.Fatal(err)
	}
	if got, want := stackNames(t, p, Query{}), "Half done:"+first.ID+":2:0 of 1"; got != want {
		t.Errorf("stacks %s, want %s", got, want)
	}
	if err := p.RenameSet(ctx, s.ID, "  Town hall "); err != nil {
		t.Fatal(err)
	}
	_, members, err := p.Members(ctx, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range members {
		if c.Set.Name != "Town hall" || c.Set.Revision != 2 {
			t.Errorf("%s: %q, revision %d", c.ID, c.Set.Name, c.Set.Revision)
		}
	}
	if got, want := stackNames(t, p, Query{Text: "town"}), "Town hall:"+first.ID+":2:0 of 1"; got != want {
		t.Errorf("stacks %s, want %s", got, want)
	}
	if err := p.RenameSet(ctx, s.ID, " "); !errors.Is(err, ErrName) {
		t.Errorf("a blank name: %v", err)
	}
}

// TestForeignPlaces opens sidecars whose places make no sense: the concepts stay.
func TestForeignPlaces(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	c := addMember(t, p, facadeSet(t), 1, 2)
	file := filepath.Join(p.Dir(), conceptSidecar(c.ID))
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		"\"at\": [\n      1,\n      2\n    ]": "\"at\": [1, 3]",
		"\"at\": [\n      1":                  "\"at\": [-1",
		"\"value\": \"glass\"":                "\"value\": \"red brick walls\"",
		"\"id\": \"" + c.Set.ID:               "\"id\": \"../",
	} {
		bad := strings.Replace(string(good), from, to, 1)
		if bad == string(good) {
			t.Fatalf("%q is not in the sidecar:\n%s", from, good)
		}
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := p.Reindex(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := stackNames(t, p, Query{}), "-:"+c.ID+":1:0 of 1"; got != want {
			t.Errorf("%s: stacks %s, want %s", to, got, want)
		}
	}
	if _, err := p.AddConcept(ctx, picture(8, 8, 1), Concept{Recipe: recipe("x"), Set: &Place{Set: facadeSet(t), At: []int{0}}}); err == nil {
		t.Error("a concept at no place of its set was stored")
	}
}
