package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"maquette/control"
	"maquette/control/views"
	"maquette/inference"
)

// gather makes a set of the images of a job with several views; with several
// seeds it has an axis for them too.
func (j *Job) gather() error {
	r := j.Recipe
	if r.Views == nil || len(r.Views.Cameras) < 2 || r.View != "" {
		return nil
	}
	if err := r.Validate(); err != nil {
		return err
	}
	axis := Axis{Field: ViewField}
	for _, name := range r.Views.Cameras {
		axis.Values = append(axis.Values, AxisValue{Value: name})
	}
	axes := []Axis{axis}
	if seeds, several := SeedAxis(r); several {
		axes = []Axis{seeds, axis}
	}
	set, err := NewSet(r.Prompt, r.Prompt, axes)
	if err != nil {
		return err
	}
	j.Set, j.At = &set, set.Places()
	return nil
}

// renderViews renders the sets of views of which a job lacks images, one set
// after the other. Views that are there already are made again with the others
// of their set, since they decide these, but are not stored again.
func (q *Queue) renderViews(ctx context.Context, j *Job, r Recipe, req inference.Request, sketch image.Image) error {
	q.mu.Lock()
	copied := j.clone()
	q.mu.Unlock()
	drawings, err := q.drawingsOf(ctx, copied.Drawings)
	if err != nil {
		return err
	}
	m := &viewMaker{q: q, r: r, size: image.Pt(r.Width, r.Height), sketch: sketch, drawings: drawings, depth: PhotoDepthOf(q.models), note: func(text string) {
		q.update(j, func() {
			if !slices.Contains(j.Notes, text) {
				j.Notes = append(j.Notes, text)
			}
		})
	}}
	if err := m.addViews(ctx, &req); err != nil {
		return err
	}
	if err := m.addFine(ctx, &req); err != nil {
		return err
	}
	controls, err := q.saveViewControls(j, req)
	if err != nil {
		return err
	}
	var sets []viewSet
	total, warps := 0, sketch != nil && r.warps()
	for _, s := range copied.missingSets() {
		sets = append(sets, s)
		if total += len(s.images); warps {
			total++
		}
	}
	before := 0
	for _, s := range sets {
		part := req
		part.Seed, part.Count = s.seed, 1
		if warps {
			run := &partRun{q: q, j: j, r: r, images: s.images[:1], before: before, total: total, controls: controls[:1]}
			if err := m.startFromFirst(ctx, run, &part); err != nil {
				return err
			}
			s.images[0] = -1 // it is the one that was just made
			before++
		}
		run := &partRun{q: q, j: j, r: r, images: s.images, before: before, total: total, controls: controls}
		if _, err := run.render(ctx, part); err != nil {
			return err
		}
		before += len(s.images)
	}
	return nil
}

// startFromFirst renders the first view alone and lets all views of req start
// from its image, seen from their side. Where the sketch has no body that could
// be turned, as when the user drew all views, they start from noise.
func (m *viewMaker) startFromFirst(ctx context.Context, run *partRun, req *inference.Request) error {
	alone := *req
	alone.Views, alone.Share = req.Views[:1], inference.Share{}
	result, err := run.render(ctx, alone)
	if err != nil {
		return err
	}
	first := result.Images[0]
	if first.Rect.Size() != m.size { // of a second pass
		first = fit(first, m.size)
	}
	seen := slices.Clone(req.Views)
	for i := range seen {
		seen[i].Init, err = m.fromFirst(ctx, first, i)
		switch {
		case errors.Is(err, views.ErrNoShape) || errors.Is(err, control.ErrNeedsDepthModel):
			m.note(fmt.Sprintf("The views don't start from the first one: %v", err))
			seen[0].Init, req.Views, req.Init, req.Strength = nil, seen, nil, 0
			return nil
		case err != nil:
			return fmt.Errorf("the first view seen from %s: %w", m.r.Views.Cameras[i], err)
		}
	}
	req.Views, req.Strength = seen, float32(m.r.Views.Warp)
	return nil
}

// saveViewControls stores the control images of all views and returns their files by view.
func (q *Queue) saveViewControls(j *Job, req inference.Request) ([][]string, error) {
	var all [][]string
	var flat []string
	for _, v := range req.Views {
		files, err := q.saveControls(v.Controls) // "" for one that the view hasn't
		if err != nil {
			return nil, err
		}
		all, flat = append(all, files), append(flat, files...)
	}
	q.update(j, func() { j.Controls = flat })
	return all, nil
}

// viewSet is one set of views that a job renders: the seed of its first view,
// and which of the job's images they are; -1 for those that are not kept.
type viewSet struct {
	seed   int64
	images []int
}

// missingSets lists the sets of a job with views of which images are missing.
func (j *Job) missingSets() []viewSet {
	n := len(j.Recipe.Views.Cameras)
	lacks := map[int]bool{}
	for _, s := range j.missing() {
		for i := range s.count {
			lacks[s.first+i] = true
		}
	}
	if k := j.Recipe.viewIndex(); k >= 0 { // one image out of a set
		if !lacks[0] {
			return nil
		}
		s := viewSet{seed: j.Recipe.WholeSet().Seed}
		for i := range n {
			s.images = append(s.images, -1)
			if i == k {
				s.images[i] = 0
			}
		}
		return []viewSet{s}
	}
	var list []viewSet
	for first := 0; first < j.Recipe.Count; first += n {
		s, any := viewSet{seed: j.Recipe.Seed + int64(first)}, false
		for i := first; i < first+n; i++ {
			if lacks[i] {
				s.images, any = append(s.images, i), true
			} else {
				s.images = append(s.images, -1)
			}
		}
		if any {
			list = append(list, s)
		}
	}
	return list
}
