package projects

import (
	"context"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"time"

	"maquette/control"
	"maquette/control/views"
	"maquette/inference"
)

// turntable is a recipe of three views.
func turntable(sets int) Recipe {
	r := small("a box, front view, grey background", 3*sets)
	r.Views = DefaultViews(StarterCheckpoint, "front", "side-left", "az30el10")
	r.Views.Warp = 0
	return r
}

// TestViewsOfASketch renders a set and checks what reaches the engine and the project.
func TestViewsOfASketch(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	j := wait(t, q, enqueue(t, q, turntable(1)).ID)
	if j.State != JobDone || len(j.Concepts) != 3 {
		t.Fatalf("%+v", j)
	}
	req := pt.requests[0]
	if len(pt.requests) != 1 || req.Count != 1 || req.Seed != 1000 || req.Prompt != "a box, grey background" {
		t.Fatalf("%d requests; %d sets from seed %d of %q", len(pt.requests), req.Count, req.Seed, req.Prompt)
	}
	want := inference.Share{Mode: inference.ShareAll, Strength: 1, Unconditional: 1, Noise: 1}
	if req.Share != want {
		t.Errorf("shares %+v", req.Share)
	}
	var words []string
	for i, v := range req.Views {
		words = append(words, v.Words)
		if len(v.Controls) != 1 || v.Controls[0].Bounds().Size() != image.Pt(64, 64) {
			t.Fatalf("view %d has the control images %v", i, v.Controls)
		}
		if i > 0 && bright(v.Controls[0]) < 60 {
			t.Errorf("view %s has %d white pixels", v.Name, bright(v.Controls[0]))
		}
	}
	if got, want := strings.Join(words, "|"), "front view|side left view|three-quarter right view, azimuth 30 degrees, elevation 15 degrees"; got != want {
		t.Errorf("words %q, want %q", got, want)
	}
	if req.Views[0].Controls[0] != req.Controls[0].Image {
		t.Error("the sketch's own view isn't guided by the sketch")
	}
	set, members, err := p.Members(context.Background(), j.Set.ID)
	if err != nil || len(members) != 3 || !set.HasViews() {
		t.Fatalf("the set has %d members: %v", len(members), err)
	}
	for i, c := range members {
		if c.Recipe.View != req.Views[i].Name || c.Recipe.Seed != 1000+int64(i) || c.Recipe.Count != 1 || len(c.Controls) != 1 {
			t.Errorf("member %d: view %s, seed %d, count %d, controls %v", i, c.Recipe.View, c.Recipe.Seed, c.Recipe.Count, c.Controls)
		}
		whole := c.Recipe.WholeSet()
		if err := whole.Validate(); err != nil || whole.Seed != 1000 || whole.Count != 3 || whole.View != "" {
			t.Errorf("the whole set of member %d: %+v, %v", i, whole, err)
		}
		img, err := p.File(context.Background(), c.Controls[0])
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, img, req.Views[i].Controls[0])
	}
	// One of them again is rendered with its whole set, and alone stored.
	again := wait(t, q, enqueue(t, q, members[1].Recipe).ID)
	req = pt.requests[1]
	if again.State != JobDone || len(again.Concepts) != 1 || len(req.Views) != 3 || req.Seed != 1000 {
		t.Fatalf("again: %+v", again)
	}
	c, err := p.Concept(context.Background(), again.Concepts[0])
	if err != nil || c.Recipe.View != "side-left" || c.Recipe.Seed != 1001 || c.Controls[0] != members[1].Controls[0] {
		t.Errorf("again: %+v, %v", c, err)
	}
}

// bright counts pixels that are nearly white.
func bright(img image.Image) (n int) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y > 127 {
				n++
			}
		}
	}
	return n
}

// The user's own drawing of a view takes the place of what the sketch is lifted
// to, as it was when the job was added.
func TestDrawingOfAViewWins(t *testing.T) {
	p := newProject(t)
	ctx := context.Background()
	if err := p.SaveSketch(ctx, "vase", "Vase", nil, drawing()); err != nil {
		t.Fatal(err)
	}
	mine := paint(96, 96, 0)
	for x := range 96 {
		for y := range 96 {
			mine.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
		}
		for y := 40; y < 44; y++ {
			mine.SetRGBA(x, y, color.RGBA{0, 0, 0, 255})
		}
	}
	if err := p.SaveViewDrawing(ctx, "vase", "az-90el12", mine); err != nil { // the same as side-left
		t.Fatal(err)
	}
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := turntable(1)
	job, err := q.Enqueue(ctx, "vase", nil, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SaveViewDrawing(ctx, "vase", "side-left", nil); err != nil {
		t.Fatal(err)
	}
	if files, err := p.ViewDrawings(ctx, "vase"); err != nil || len(files) != 0 {
		t.Errorf("left are %v, %v", files, err)
	}
	wait(t, q, job.ID)
	x, err := control.For(control.Lineart)
	if err != nil {
		t.Fatal(err)
	}
	want, err := x.Extract(ctx, mine, image.Pt(64, 64), nil)
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, pt.requests[0].Views[1].Controls[0], want)
	for _, bad := range []string{"frontal", "../x", ""} {
		if err := p.SaveViewDrawing(ctx, "vase", bad, mine); err == nil {
			t.Errorf("a drawing of the view %q is taken", bad)
		}
	}
	if err := p.SaveViewDrawing(ctx, "../vase", "front", mine); !errors.Is(err, ErrName) {
		t.Errorf("a sketch outside of the project: %v", err)
	}
	if list, err := p.Sketches(ctx); err != nil || len(list) != 1 {
		t.Errorf("%d sketches, %v", len(list), err)
	}
}

// A job that was stopped within a set makes the set again and stores what is missing.
func TestInterruptedViewsGoOn(t *testing.T) {
	p := newProject(t)
	pt := &painter{gate: make(chan struct{}, 20)}
	q := NewQueue(p, pt, shelf{}, nil)
	for range 4 {
		pt.gate <- struct{}{}
	}
	job := enqueue(t, q, turntable(2))
	for len(q.Jobs()[0].Concepts) < 4 {
		time.Sleep(time.Millisecond)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	pt = &painter{}
	q = newQueue(t, p, pt)
	if err := q.Retry(job.ID); err != nil {
		t.Fatal(err)
	}
	done := wait(t, q, job.ID)
	if done.State != JobDone || len(done.Concepts) != 6 || len(pt.requests) != 1 || pt.requests[0].Seed != 1003 {
		t.Fatalf("%+v, %d renders", done, len(pt.requests))
	}
	slices.Sort(done.Seeds)
	if !slices.Equal(done.Seeds, []int64{1000, 1001, 1002, 1003, 1004, 1005}) {
		t.Errorf("seeds %v", done.Seeds)
	}
	if got := len(done.Set.Axes); got != 2 {
		t.Errorf("the set has %d axes", got)
	}
}

// With a warp the first view is rendered alone and the others start from it.
func TestViewsStartFromTheFirst(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := turntable(1)
	r.Views.Warp = .6
	j := wait(t, q, enqueue(t, q, r).ID)
	if j.State != JobDone || len(j.Concepts) != 3 || len(pt.requests) != 2 {
		t.Fatalf("%+v, %d renders", j, len(pt.requests))
	}
	first, rest := pt.requests[0], pt.requests[1]
	if len(first.Views) != 1 || first.Share.Mode != "" || first.Views[0].Init != nil {
		t.Errorf("the first view: %+v", first)
	}
	if len(rest.Views) != 3 || rest.Strength != .6 || rest.Share.Mode != inference.ShareAll {
		t.Errorf("the others: %+v", rest)
	}
	want := paint(64, 64, 1000).RGBAAt(5, 5) // the first image is of one colour
	for i, v := range rest.Views {
		if v.Init == nil || color.RGBAModel.Convert(v.Init.At(5, 5)) != want {
			t.Errorf("view %d doesn't start from the first one's ground", i)
		}
	}
	if !slices.Equal(j.Images, []int{0, 1, 2}) {
		t.Errorf("stored %v", j.Images)
	}
	// A sketch that can't be turned is no obstacle where every view is drawn.
	ctx := context.Background()
	blank := paint(96, 96, 0)
	for i := range blank.Pix {
		blank.Pix[i] = 255
	}
	if err := p.SaveSketch(ctx, "dots", "Dots", nil, blank); err != nil {
		t.Fatal(err)
	}
	for _, view := range r.Views.Cameras[1:] {
		if err := p.SaveViewDrawing(ctx, "dots", view, drawing()); err != nil {
			t.Fatal(err)
		}
	}
	job, err := q.Enqueue(ctx, "dots", nil, r)
	if err != nil {
		t.Fatal(err)
	}
	j = wait(t, q, job.ID)
	if j.State != JobDone || len(j.Concepts) != 3 || !strings.Contains(strings.Join(j.Notes, "\n"), "don't start from the first one") {
		t.Errorf("%+v", j)
	}
	if last := pt.requests[len(pt.requests)-1]; last.Views[1].Init != nil || last.Strength != 0 {
		t.Errorf("the others: %+v", last)
	}
}

// A control that the sketch says nothing about from another side guides its own view alone.
func TestViewsWithoutAControl(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := turntable(1)
	r.Controls = append(r.Controls, RecipeControl{Kind: control.Tile, Weight: 1, End: 1})
	j := wait(t, q, enqueue(t, q, r).ID)
	if j.State != JobDone || len(j.Concepts) != 3 {
		t.Fatalf("%+v", j)
	}
	for i, v := range pt.requests[0].Views {
		if len(v.Controls) != 2 || v.Controls[0] == nil || (v.Controls[1] != nil) != (i == 0) {
			t.Errorf("view %d has the controls %v", i, v.Controls)
		}
	}
	c, err := p.Concept(context.Background(), j.Concepts[1])
	if err != nil || len(c.Controls) != 2 || c.Controls[0] == "" || c.Controls[1] != "" {
		t.Errorf("the second view's controls are %q, %v", c.Controls, err)
	}
}

// The sketch's colours are seen from every side.
func TestViewsStartFromTheSketch(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := turntable(1)
	r.Strength, r.Views.Warp = .7, .6 // the sketch's colours go first
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobDone {
		t.Fatalf("%+v", j)
	}
	req := pt.requests[0]
	if req.Init == nil || req.Views[0].Init != nil || req.Views[1].Init == nil || req.Strength != .7 {
		t.Errorf("%+v", req)
	}
}

// A picture to start from is the sketch's own view's; the others start from the
// finished first view, or from the picture, seen from their side.
func TestViewsStartFromAPicture(t *testing.T) {
	p := newProject(t)
	pt := &painter{}
	q := newQueue(t, p, pt)
	r := turntable(1)
	given := paint(64, 64, 77)
	r.Init, r.Strength, r.Views.Warp = input(t, p, given), .5, .6
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobDone || len(j.Concepts) != 3 || len(pt.requests) != 2 {
		t.Fatalf("%+v, %d renders", j, len(pt.requests))
	}
	ground := func(img image.Image) color.Color { return color.RGBAModel.Convert(img.At(5, 5)) }
	first, rest := pt.requests[0], pt.requests[1]
	if len(first.Views) != 1 || first.Views[0].Init != nil || first.Strength != .5 || ground(first.Init) != given.RGBAAt(5, 5) {
		t.Errorf("the first view: strength %g, %+v", first.Strength, first.Views)
	}
	for i, v := range rest.Views {
		if v.Init == nil || ground(v.Init) != paint(64, 64, 1000).RGBAAt(5, 5) || rest.Strength != .6 {
			t.Errorf("view %d doesn't start from the first one", i)
		}
	}
	// Without a warp all views start from the picture.
	r.Views.Warp = 0
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobDone || len(pt.requests) != 3 {
		t.Fatalf("%+v, %d renders", j, len(pt.requests))
	}
	all := pt.requests[2]
	for i, v := range all.Views {
		if (v.Init == nil) != (i == 0) || v.Init != nil && ground(v.Init) != given.RGBAAt(5, 5) || all.Strength != .5 {
			t.Errorf("view %d doesn't start from the picture", i)
		}
	}
	// Where the first view is not the sketch's own, it sees the picture from its side too.
	r.Views.Drawn, r.Views.Warp = "side-left", .6
	if j := wait(t, q, enqueue(t, q, r).ID); j.State != JobDone || pt.requests[3].Views[0].Init == nil || pt.requests[3].Strength != .5 {
		t.Errorf("%+v", j)
	}
	// A mask over one view is refused, with what to do.
	r.Inpaint = &Inpaint{Mask: r.Init}
	if err := r.Validate(); err == nil || !strings.Contains(err.Error(), "change that alone first, then render the views") {
		t.Errorf("with a mask: %v", err)
	}
	r.Inpaint = nil

	// What can't be turned starts from noise where the views are drawn, and says so.
	ctx := context.Background()
	blank := paint(96, 96, 0)
	for i := range blank.Pix {
		blank.Pix[i] = 255
	}
	if err := p.SaveSketch(ctx, "dots", "Dots", nil, blank); err != nil {
		t.Fatal(err)
	}
	for _, view := range r.Views.Cameras[1:] {
		if err := p.SaveViewDrawing(ctx, "dots", view, drawing()); err != nil {
			t.Fatal(err)
		}
	}
	r.Views.Drawn = ""
	job, err := q.Enqueue(ctx, "dots", nil, r)
	if err != nil {
		t.Fatal(err)
	}
	j := wait(t, q, job.ID)
	last := pt.requests[len(pt.requests)-1]
	if j.State != JobDone || last.Init != nil || last.Views[0].Init != nil || last.Strength != 0 || len(j.Notes) == 0 {
		t.Errorf("%+v, %+v", j, last)
	}
	r.Views.Warp = 0
	if job, err = q.Enqueue(ctx, "dots", nil, r); err != nil {
		t.Fatal(err)
	}
	if j = wait(t, q, job.ID); j.State != JobFailed || !strings.Contains(j.Error, "the view front alone can be rendered") {
		t.Errorf("a picture that can't be turned: %s %s", j.State, j.Error)
	}
}

func TestViewsThatCantBeRendered(t *testing.T) {
	for want, change := range map[string]func(*Recipe){
		`unknown view "diagonal"`:        func(r *Recipe) { r.Views.Cameras[1] = "diagonal" },
		"side-left and az270el12 are":    func(r *Recipe) { r.Views.Cameras[2] = "az270el12" },
		"4 images of 3 views":            func(r *Recipe) { r.Count = 4 },
		"0 views":                        func(r *Recipe) { r.Views.Cameras = nil },
		"the view back of a set":         func(r *Recipe) { r.View, r.Count = "back", 1 },
		`the sketch's own view: unknown`: func(r *Recipe) { r.Views.Drawn = "x" },
		`region 500: "maybe" is not`:     func(r *Recipe) { r.Views.Readings = map[string]views.Reading{"500": "maybe"} },
		`views share "some"`:             func(r *Recipe) { r.Views.Share = "some" },
		"views: strength 2":              func(r *Recipe) { r.Views.Strength = 2 },
		"views: noise -1":                func(r *Recipe) { r.Views.Noise = -1 },
	} {
		r := turntable(1)
		change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// A sketch that can't be lifted fails with what to do.
	p := newProject(t)
	q := newQueue(t, p, &painter{})
	blank := paint(96, 96, 0)
	for i := range blank.Pix {
		blank.Pix[i] = 255
	}
	job, err := q.Enqueue(context.Background(), "", blank, turntable(1))
	if err != nil {
		t.Fatal(err)
	}
	if j := wait(t, q, job.ID); j.State != JobFailed || !strings.Contains(j.Error, "side-left: the sketch can't be lifted") {
		t.Errorf("%s: %s", j.State, j.Error)
	}
}

func TestViewWords(t *testing.T) {
	for text, want := range map[string][2]string{
		"front":               {"front view", "front view"},
		"three-quarter-left":  {"three-quarter left view", "three-quarter left view"},
		"three-quarter-right": {"three-quarter right view", "three-quarter right view"},
		"side-right":          {"side right view", "side right view"},
		"back":                {"back view", "back view"},
		"top":                 {"top view", "top view"},
		"az130el10":           {"back three-quarter right view, azimuth 135 degrees, elevation 15 degrees", "back three-quarter right view"},
		"az-140el0":           {"back three-quarter left view, azimuth 225 degrees, elevation 0 degrees", "back three-quarter left view"},
		"az350el-20":          {"front view, azimuth 345 degrees, elevation 0 degrees", "front view"},
		"az10el89":            {"top view, azimuth 15 degrees, elevation 75 degrees", "top view"},
	} {
		c, err := views.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, checkpoint := range []string{StarterCheckpoint, "/models/sd15.safetensors"} {
			if got := ViewWords(c, checkpoint); got != want[i] {
				t.Errorf("%s with %s: %q, want %q", text, checkpoint, got, want[i])
			}
		}
	}
	for prompt, want := range map[string]string{
		"a vase, Front view, grey background":                            "a vase, grey background",
		"side left view, azimuth 45 degrees, elevation 15 degrees, mug":  "mug",
		"a camera with a viewfinder":                                     "a camera with a viewfinder",
		"a, b,c ":                                                        "a, b,c ",
		"a tower seen from above the clouds, azimuth degrees, elevation": "a tower seen from above the clouds, azimuth degrees, elevation",
	} {
		if got := withoutView(prompt); got != want {
			t.Errorf("%q without its view is %q", prompt, got)
		}
	}
}
