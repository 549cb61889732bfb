package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"maquette/control"
)

// ErrNotMeasurable says that a concept has no lines that its image could follow:
// it was made without a sketch, or for a view that only depth was given for.
var ErrNotMeasurable = errors.New("the concept follows no lines")

// MeasureFidelity measures how well a concept's image follows its sketch, stores
// the answer in its sidecar and returns the concept with it. Errors: ErrNotFound,
// ErrNotMeasurable, ErrReadOnly.
func (p *Project) MeasureFidelity(ctx context.Context, id string) (Concept, error) {
	if err := p.writable(ctx); err != nil {
		return Concept{}, err
	}
	c, err := p.Concept(ctx, id)
	if err != nil {
		return Concept{}, err
	}
	return p.measure(ctx, c, nil)
}

// Fidelity measures how well a concept's image follows its sketch without
// storing the answer, so that it works on projects opened for reading. Errors:
// ErrNotFound, ErrNotMeasurable.
func (p *Project) Fidelity(ctx context.Context, c Concept) (control.Fidelity, error) {
	if err := p.readable(ctx); err != nil {
		return control.Fidelity{}, err
	}
	return p.fidelity(ctx, c, nil)
}

// MeasureMissing measures all concepts that have no sketch fidelity yet, the
// newest first, and then the sets that have no up-to-date numbers, see MeasureSet.
// progress, which may be nil, is called on the caller's goroutine.
// rest is how long to wait after each one, as a multiple of the time that it
// took: 0 in the foreground, more to leave the machine to others. Concepts and
// sets that cannot be measured are left as they are.
func (p *Project) MeasureMissing(ctx context.Context, rest float64, progress func(done, total int)) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	list, err := p.index.list(ctx, "WHERE fidelity IS NULL ORDER BY number DESC")
	if err != nil {
		return fmt.Errorf("measure concepts of %s: %w", p.dir, err)
	}
	sets, err := p.Sets(ctx)
	if err != nil {
		return err
	}
	for i := range len(list) + len(sets) {
		start := time.Now()
		var err error
		if i < len(list) {
			_, err = p.measure(ctx, list[i], nil)
		} else {
			_, err = p.MeasureSet(ctx, sets[i-len(list)].Set.ID, nil)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, ErrClosed) {
				return err
			}
			p.log.Debug("cannot measure a concept or a set", "error", err)
		}
		if progress != nil {
			progress(i+1, len(list)+len(sets))
		}
		select {
		case <-time.After(time.Duration(rest * float64(time.Since(start)))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// measure stores and returns the fidelity of a concept, whose image is read if
// it is nil.
func (p *Project) measure(ctx context.Context, c Concept, img image.Image) (Concept, error) {
	start := time.Now()
	f, err := p.fidelity(ctx, c, img)
	if err != nil {
		return c, err
	}
	if err := p.writable(ctx); err != nil {
		return c, err // it was closed meanwhile
	}
	p.log.Debug("measured the sketch fidelity", "concept", c.ID, "f1", f.F1, "time", time.Since(start))
	c, err = p.amend(c.ID, func(s *sidecar) { s.Fidelity = &f })
	if err != nil {
		return c, fmt.Errorf("concept %s: %w", c.ID, err)
	}
	p.hub.publish(ConceptChanged{Concept: c})
	return c, nil
}

// fidelity measures a concept against its lines.
func (p *Project) fidelity(ctx context.Context, c Concept, img image.Image) (control.Fidelity, error) {
	kind, lines, err := p.Lines(ctx, c)
	if err == nil && img == nil {
		img, err = p.ConceptImage(ctx, c.ID)
	}
	var f control.Fidelity
	if err == nil {
		f, err = control.MeasureFidelity(ctx, kind, lines, img)
	}
	if errors.Is(err, control.ErrNoLines) {
		err = ErrNotMeasurable
	}
	if err != nil {
		return f, fmt.Errorf("concept %s: %w", c.ID, err)
	}
	return f, nil
}

// Lines is the control image that a concept's image should follow, and its kind:
// that of its first line control, else the line art of its sketch. The sketch says
// nothing about views that it was lifted to. Errors: ErrNotMeasurable where there
// is none.
func (p *Project) Lines(ctx context.Context, c Concept) (control.Kind, image.Image, error) {
	part := c.Recipe.Inpaint != nil && c.Recipe.Inpaint.Only // the control images show it alone
	for i, k := range c.Recipe.Controls {
		if !part && k.Kind.Lines() && i < len(c.Controls) && c.Controls[i] != "" {
			img, err := p.File(ctx, c.Controls[i])
			return k.Kind, img, err
		}
	}
	v := c.Recipe.Views
	if c.Sketch == "" || c.Recipe.View != "" && (v == nil || !sameView(c.Recipe.View, v.drawn())) {
		return "", nil, ErrNotMeasurable
	}
	sketch, err := p.File(ctx, c.Sketch)
	if err != nil {
		return "", nil, err
	}
	e, err := control.For(control.Lineart)
	if err != nil {
		return "", nil, err
	}
	img, err := e.Extract(ctx, sketch, image.Pt(c.Recipe.Width, c.Recipe.Height), nil)
	return control.Lineart, img, err
}

// f1 is what the index sorts by.
func (c Concept) f1() any {
	if c.Fidelity == nil {
		return nil
	}
	return c.Fidelity.F1
}

// sound reports whether a fidelity that was read from a file can be shown.
func sound(f control.Fidelity) bool {
	for _, share := range []float64{f.F1, f.Precision, f.Recall, f.Straight} {
		if !(share >= 0 && share <= 1) {
			return false
		}
	}
	return f.Chamfer >= 0 && !math.IsInf(f.Chamfer, 0) && f.StraightLines >= 0
}
