package projects

import (
	"context"
	"fmt"
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
		total += perStep * float64(r.Steps) * float64(max(r.Count, 1))
	}
	return time.Duration(total * float64(time.Second)), nil
}

// perStep is the median time in seconds that a step took in those concepts that
// are most like a recipe; 0 if none is.
func perStep(concepts []Concept, r Recipe) float64 {
	pixels := float64(r.Width * r.Height)
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
			if k := c.Recipe; k.Checkpoint == r.Checkpoint && k.Steps > 0 && c.Seconds > 0 && like(k) {
				times = append(times, c.Seconds/float64(k.Steps)*pixels/float64(k.Width*k.Height))
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
		steps := float64(j.Recipe.Steps)
		switch j.State {
		case JobQueued:
			sp.Waiting++
			left += steps * float64(n-len(j.Images))
		case JobRunning:
			sp.Running++
			left += steps * float64(n) * (1 - min(j.Progress.Fraction, 1))
		case JobDone:
			if !j.Started.IsZero() && !j.Finished.IsZero() {
				took += j.Finished.Sub(j.Started)
				timed += steps * float64(n)
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
