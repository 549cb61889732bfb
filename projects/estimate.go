package projects

import (
	"context"
	"fmt"
	"image"
	"slices"
	"time"
)

// measured is how many of the newest concepts an estimate looks at.
const measured = 300

// Estimate says how long recipes will take to render, from what earlier concepts
// of the project took for each step. It is 0 where nothing comparable was
// rendered; the first finished image then tells, see Set.Progress.
func (p *Project) Estimate(ctx context.Context, recipes []Recipe) (time.Duration, error) {
	if err := p.readable(ctx); err != nil {
		return 0, err
	}
	concepts, _, err := p.index.query(ctx, Query{Limit: measured})
	if err != nil {
		return 0, fmt.Errorf("estimate: %w", err)
	}
	var total float64
	for _, r := range recipes {
		perStep := perStep(concepts, r)
		if perStep == 0 {
			return 0, nil
		}
		total += perStep * r.jobWork()
	}
	return time.Duration(total * float64(time.Second)), nil
}

// imageWork is how much is to be done for one image of the recipe: sampling
// steps times megapixels, of both passes. warped says that it starts from the
// first view of its set.
func (r Recipe) imageWork(warped bool) float64 {
	made := func(steps int, strength float64, size image.Point) float64 {
		if strength == 0 {
			strength = 1
		}
		return strength * float64(steps) * float64(size.X*size.Y) / 1e6
	}
	strength := r.Strength
	if warped {
		strength = r.Views.Warp
	}
	work := made(r.Steps, strength, image.Pt(r.Width, r.Height))
	if p := r.SecondPass; p != nil {
		steps := p.Steps
		if steps == 0 {
			steps = r.Steps
		}
		work += made(steps, p.Strength, r.FinalSize())
	}
	return work
}

// jobWork is imageWork for all that one render of the recipe makes. Views that
// start from the first one cost more than the images that are kept: the first
// is rendered alone, and then again among the others. One view out of a set
// costs as much as the set.
func (r Recipe) jobWork() float64 {
	images := max(r.Count, 1)
	if r.viewIndex() >= 0 {
		images = len(r.Views.Cameras)
	}
	if !r.warps() {
		return float64(images) * r.imageWork(false)
	}
	sets := float64(images) / float64(len(r.Views.Cameras))
	return sets*r.imageWork(false) + float64(images)*r.imageWork(true)
}

// work is what Concept.Seconds of a concept with this recipe were spent on.
func (r Recipe) work() float64 { return r.imageWork(r.warps() && r.viewIndex() > 0) }

// perStep is the median time in seconds that a step took for a megapixel, see
// Recipe.imageWork, in those concepts that are most like a recipe; 0 if none is.
func perStep(concepts []Concept, r Recipe) float64 {
	likeness := []func(c Recipe) bool{
		func(c Recipe) bool {
			return c.Width == r.Width && c.Height == r.Height && c.Sampler == r.Sampler &&
				len(c.Controls) == len(r.Controls) && (c.Guidance == 1) == (r.Guidance == 1)
		},
		func(c Recipe) bool { return c.Width == r.Width && c.Height == r.Height },
		func(Recipe) bool { return true },
	}
	for _, like := range likeness {
		var times []float64
		for _, c := range concepts {
			if k := c.Recipe; k.Checkpoint == r.Checkpoint && k.work() > 0 && c.Seconds > 0 && like(k) {
				times = append(times, c.Seconds/k.work())
			}
		}
		if len(times) > 0 {
			slices.Sort(times)
			return times[len(times)/2]
		}
	}
	return 0
}

// SetProgress is how far a set's jobs in a queue are.
type SetProgress struct {
	// Images are all that the jobs make, Done those that are stored.
	Images, Done int
	// Waiting, Running and Failed count jobs; Failed also those that were
	// cancelled or interrupted.
	Waiting, Running, Failed int
	// Remaining is the estimated time to the end, 0 while unknown.
	Remaining time.Duration
}

// Progress tells how far the jobs of a set are. jobs are those of Queue.Jobs.
func (s Set) Progress(jobs []Job) SetProgress {
	var sp SetProgress
	var took time.Duration // of finished images
	var timed, left float64
	for _, j := range jobs {
		if !j.inSet(s.ID) {
			continue
		}
		n := max(j.Recipe.Count, 1)
		sp.Images += n
		sp.Done += len(j.Images)
		work := j.Recipe.jobWork()
		switch j.State {
		case JobQueued:
			sp.Waiting++
			left += work * float64(n-len(j.Images)) / float64(n)
		case JobRunning:
			sp.Running++
			left += work * (1 - min(j.Progress.Fraction, 1))
		case JobDone:
			if !j.Started.IsZero() && !j.Finished.IsZero() {
				took += j.Finished.Sub(j.Started)
				timed += work
			}
		default:
			sp.Failed++
		}
	}
	if timed > 0 {
		sp.Remaining = time.Duration(float64(took) / timed * left)
	}
	return sp
}
