package projects

import (
	"bytes"
	"context"
	"errors"
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"maquette/control"
	"maquette/projects/measure"
)

// tint paints a square's picture in another colour: its geometry stays.
func tint(img *image.RGBA, red, blue uint8) *image.RGBA {
	out := image.NewRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		g := img.Pix[i+1]
		out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = uint8(int(g)*int(red)/255), g, uint8(int(g)*int(blue)/255), 255
	}
	return out
}

// addVariants stores a set of three squares, the last of which has moved, and a single concept.
func addVariants(t *testing.T, p *Project) (set Set, members []Concept, single Concept) {
	t.Helper()
	set, err := NewSet("Colours", "", []Axis{{Field: "phrase.colour", Values: []AxisValue{{Value: "red"}, {Value: "green"}, {Value: "blue"}}}})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := p.saveControl(squareLines(96))
	if err != nil {
		t.Fatal(err)
	}
	r := recipe("a box")
	r.Width, r.Height, r.Controls = 96, 96, []RecipeControl{{Kind: control.Lineart, Weight: 1, End: 1}}
	for i, img := range []*image.RGBA{tint(square(96, 16), 255, 200), tint(square(96, 16), 200, 255), square(96, 24)} {
		c, err := p.AddConcept(context.Background(), img, Concept{Recipe: r, Controls: []string{lines}, Set: &Place{set, []int{i}}})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, c)
	}
	return set, members, addConcept(t, p, "alone")
}

func TestDriftOfVariantsIsStoredAndSorted(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	set, members, single := addVariants(t, p)
	scores, err := p.MeasureSet(ctx, set.ID, nil)
	if err != nil || len(scores.Notes) != 0 || len(scores.Members) != 3 || len(scores.Agreements) != 0 {
		t.Fatalf("%+v, %v", scores, err)
	}
	list, _, err := p.Concepts(ctx, Query{By: ByDrift})
	if err != nil || len(list) != 4 {
		t.Fatalf("%d concepts, %v", len(list), err)
	}
	// The two that agree have moved by half of what the third has: each is compared with the others.
	if list[2].ID != members[2].ID || list[3].ID != single.ID || list[3].Drift != nil || list[0].Drift == nil {
		t.Fatalf("order %s %s %s %s", list[0].ID, list[1].ID, list[2].ID, list[3].ID)
	}
	near, far := list[0].Drift, list[2].Drift
	if far.Share < .3 || math.Abs(near.Share-far.Share/2) > .03 || far.Chamfer <= near.Chamfer {
		t.Errorf("drifts %+v and %+v", near, far)
	}
	if want := []string{members[0].ID, members[1].ID}; !slices.Equal(far.Against, want) {
		t.Errorf("compared with %v, want %v", far.Against, want)
	}
	stacks, _, err := p.Stacks(ctx, Query{By: ByDrift})
	if err != nil || len(stacks) != 2 || stacks[0].Set == nil || stacks[0].Drift == nil || stacks[1].Drift != nil || stacks[0].Agreement != nil {
		t.Fatalf("%+v, %v", stacks, err)
	}
	if mean := (list[0].Drift.Share + list[1].Drift.Share + far.Share) / 3; math.Abs(*stacks[0].Drift-mean) > 1e-9 {
		t.Errorf("the stack has %g, its members %g", *stacks[0].Drift, mean)
	}

	// Measured again, nothing is written; without one of them, the others are compared anew.
	file := p.abs(conceptSidecar(members[0].ID))
	before, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(before, []byte(`"geometry_drift": {`)) {
		t.Fatalf("the sidecar is %s, %v", before, err)
	}
	stamp, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.MeasureSet(ctx, set.ID, nil); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(file); err != nil || !os.SameFile(stamp, again) {
		t.Errorf("the same numbers were written again, %v", err)
	}
	if _, err := p.Trash(ctx, members[2].ID); err != nil {
		t.Fatal(err)
	}
	if err := p.MeasureMissing(ctx, 0, nil); err != nil {
		t.Fatal(err)
	}
	c, err := p.Concept(ctx, members[0].ID)
	if err != nil || c.Drift == nil || c.Drift.Share > .02 || len(c.Drift.Against) != 1 {
		t.Errorf("without the third: %+v, %v", c.Drift, err)
	}

	// One left has no siblings, and an old project has no numbers: both can be read.
	dir := p.Dir()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := OpenReadOnly(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if _, err := q.MeasureSet(ctx, set.ID, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("reading only: %v", err)
	}
	if got, err := q.SetScores(ctx, set.ID, nil); err != nil || len(got.Members) != 2 || got.Members[1].Drift == nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := q.SetScores(ctx, "nothing", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such set: %v", err)
	}
}

// Views of a sketch that were rendered by the queue carry their agreement when it
// has measured them, and each variant of them has its own.
func TestQueueMeasuresSets(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	q := newQueue(t, p, &painter{})
	j := wait(t, q, enqueue(t, q, turntable(2)).ID)
	if err := q.Measured(ctx); err != nil {
		t.Fatal(err)
	}
	_, members, err := p.Members(ctx, j.Set.ID)
	if err != nil || len(members) != 6 {
		t.Fatalf("%d members, %v", len(members), err)
	}
	for i, c := range members {
		a := c.Agreement
		if a == nil || len(a.Of) != 3 || len(a.Pairs) == 0 || !slices.Contains(a.Of, c.ID) {
			t.Fatalf("member %d has %+v", i, a)
		}
		// The painter paints each view in one colour, with red rising by the seed.
		if a.SSIM < .9 || a.Colour <= 0 || a.Colour > 3 {
			t.Errorf("member %d: SSIM %.3f, colours %.2f apart", i, a.SSIM, a.Colour)
		}
		if c.Drift == nil || len(c.Drift.Against) != 1 { // of the same view with the other seed
			t.Errorf("member %d has the drift %+v", i, c.Drift)
		}
	}
	if members[0].Agreement.Of[0] == members[3].Agreement.Of[0] {
		t.Error("two sets of views are one")
	}
	stacks, _, err := p.Stacks(ctx, Query{By: ByAgreement})
	if err != nil || len(stacks) != 1 || stacks[0].Agreement == nil || *stacks[0].Agreement < .9 {
		t.Errorf("%+v, %v", stacks, err)
	}

	// A cancelled set is measured as far as it got, and a queue that waits for
	// nothing says so at once.
	s := facadeSet(t)
	q.Pause(true)
	enqueueSet(t, q, s)
	if err := q.CancelSet(s.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.Measured(ctx); err != nil {
		t.Error(err)
	}
}

// Measuring ends with the queue, and with the context of who waits for it.
func TestMeasuringIsCancelled(t *testing.T) {
	p := newProject(t)
	q := newQueue(t, p, &painter{})
	set, members, _ := addVariants(t, p)
	done, stop := context.WithCancel(context.Background())
	stop()
	if _, err := p.MeasureSet(done, set.ID, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("measured with a context that is done: %v", err)
	}
	if c, err := p.Concept(context.Background(), members[0].ID); err != nil || c.Drift != nil {
		t.Errorf("%+v, %v", c.Drift, err)
	}
	q.scoring.mu.Lock()
	q.scoring.sets = append(q.scoring.sets, set.ID) // without a token, so that nobody begins
	q.scoring.mu.Unlock()
	if err := q.Measured(done); !errors.Is(err, context.Canceled) {
		t.Errorf("waited with a context that is done: %v", err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if err := q.Measured(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("waited for a queue that is closed: %v", err)
	}
}

// Large groups are divided so that none is left alone.
func TestSiblingsAreDivided(t *testing.T) {
	for _, n := range []int{1, 2, maxSiblings, maxSiblings + 1, 3*maxSiblings + 1, 400} {
		total := 0
		for _, group := range siblings(make([]Concept, n)) {
			if total += len(group); len(group) < 2 || len(group) > maxSiblings {
				t.Errorf("%d members: a group of %d", n, len(group))
			}
		}
		if n > 1 && total != n {
			t.Errorf("%d of %d members are in groups", total, n)
		}
	}
}

func TestNonsenseOfASetIsLeftOut(t *testing.T) {
	for _, d := range []control.Drift{{Share: -1}, {Share: 2}, {Share: math.NaN()}, {Chamfer: -1}, {Chamfer: math.Inf(1)}} {
		drift := &SiblingDrift{Drift: d}
		if c := newSidecar(Concept{Drift: drift}).concept("0001"); c.Drift != nil || checkConcept(Concept{Drift: drift}) == nil {
			t.Errorf("%+v is taken", d)
		}
	}
	for _, a := range []measure.Agreement{{SSIM: 2}, {SSIM: math.NaN()}, {Colour: -1}, {Pairs: []measure.PairView{{SSIM: -3}}}} {
		agreement := &ViewAgreement{Agreement: a}
		if c := newSidecar(Concept{Agreement: agreement}).concept("0001"); c.Agreement != nil || checkConcept(Concept{Agreement: agreement}) == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}
