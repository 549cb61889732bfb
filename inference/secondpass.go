package inference

import (
	"context"
	"image"
	"slices"
	"time"

	"maquette/inference/sampler"
)

// SecondPass renders the finished images again at a higher resolution: each is
// enlarged with a Lanczos filter and goes through img2img, so that it gains
// detail and keeps its composition, which checkpoints lose where they start from
// noise at a size that they weren't trained for ("hires fix").
type SecondPass struct {
	// Width and Height are in pixels, multiples of 8, at least the render's and
	// at most 2048.
	Width, Height int
	// Strength is how much of the image is replaced, above 0 and up to 1; 0.3…0.5 keep what is there.
	Strength float32
	// Steps is the number of sampling steps of which Strength are made, 1…150.
	Steps int
}

// validate reports what is wrong with the second pass of r; nil is none.
func (p *SecondPass) validate(r Request, refuse func(field, format string, args ...any)) {
	if p == nil {
		return
	}
	for _, s := range []struct {
		field       string
		side, first int
	}{{"SecondPass.Width", p.Width, r.Width}, {"SecondPass.Height", p.Height, r.Height}} {
		if s.side < max(minSide, s.first) || s.side > maxSide || s.side%sideStep != 0 {
			refuse(s.field, "%d pixels is not a multiple of %d from the first pass's %d to %d", s.side, sideStep, s.first, maxSide)
		}
	}
	if !within(p.Strength, 0, 1) || p.Strength == 0 {
		refuse("SecondPass.Strength", "%v is not above 0 and at most 1", p.Strength)
	}
	if p.Steps < 1 || p.Steps > maxSteps {
		refuse("SecondPass.Steps", "%d is outside 1…%d", p.Steps, maxSteps)
	}
}

// second is the request of the second pass. Its images to start from come with
// the run; Init stands for them.
func (r Request) second() Request {
	p := *r.SecondPass
	size := image.Pt(p.Width, p.Height)
	r.Width, r.Height, r.Steps, r.Strength, r.SecondPass = p.Width, p.Height, p.Steps, p.Strength, nil
	r.Controls, r.Views = slices.Clone(r.Controls), slices.Clone(r.Views)
	for i := range r.Controls {
		c := &r.Controls[i]
		c.Image, c.Fine = c.Fine, nil
	}
	for i := range r.Views {
		v := &r.Views[i]
		v.Controls, v.Fine, v.Init = v.Fine, nil, nil
	}
	if r.Mask != nil {
		r.Init, r.Mask = rgbaOf(r.Init, size), grayOf(r.Mask, size)
	} else {
		r.Init = image.White
	}
	return r
}

// renderPasses renders a request, in two passes where it asks for them. over is
// what the finished images are laid over, or nil.
func (e *Engine) renderPasses(ctx context.Context, req Request, over *overlay, report func(Progress), res *Result) error {
	if req.SecondPass == nil {
		run := e.newRun(req, report, res)
		run.finished, run.shown = over, over
		return run.complete(ctx)
	}
	second := req.second()
	first := req
	first.SecondPass = nil
	passes := newPasses(report, first, second, over)
	small := &Result{Images: make([]*image.RGBA, req.Images()), Seeds: res.Seeds}
	run := e.newRun(first, passes.first, small)
	run.shown = over
	if req.Mask != nil {
		// What the mask keeps goes into the second pass as it was.
		base := rgbaOf(req.Init, req.Init.Bounds().Size())
		run.finished = newOverlay(base, grayOf(req.Mask, base.Rect.Max), base.Rect, 0)
	}
	if err := run.complete(ctx); err != nil {
		return err
	}
	// The networks of the first pass may go where those of the second, which have
	// another size, need the room.
	if err := e.cache.unpin(); err != nil {
		return err
	}
	passes.turn(run.meter)
	run = e.newRun(second, passes.second, res)
	run.finished, run.shown = over, over
	for _, img := range small.Images {
		run.starts = append(run.starts, rgbaOf(img, image.Pt(second.Width, second.Height)))
	}
	err := run.complete(ctx)
	res.Load, res.Encode = res.Load+small.Load, res.Encode+small.Encode
	res.Denoise, res.Decode = res.Denoise+small.Denoise, res.Decode+small.Decode
	return err
}

// passes makes one progress of two passes.
type passes struct {
	report func(Progress)
	over   *overlay
	share  float64 // of the whole that the first pass takes
	factor float64 // the second pass's time as a multiple of the first's
	each   [2]int  // sampling steps of a batch in each pass
	steps  int     // of the first pass, once it has ended
	began  time.Time
}

func newPasses(report func(Progress), first, second Request, over *overlay) *passes {
	p := &passes{report: report, over: over, began: time.Now(), each: [2]int{first.steps(), second.steps()}}
	cost := func(r Request) float64 {
		return (float64(r.steps()) + decodeUnits) * float64(r.Width*r.Height)
	}
	a, b := cost(first), cost(second)
	p.share, p.factor = a/(a+b), b/a
	return p
}

// steps is how often a request asks the UNet for an image.
func (r Request) steps() int {
	n := sampler.Passes(r.Sampler, r.Steps)
	if len(r.inits()) > 0 {
		n -= sampler.FirstPass(r.Sampler, r.Steps, decimal(r.Strength))
	}
	return n
}

// first reports the first pass. Its images are previews.
func (p *passes) first(q Progress) {
	if q.Done != nil {
		q.Preview, q.Done = p.over.onto(q.Done), nil
	}
	if q.Remaining > 0 {
		q.Remaining += time.Duration(p.factor * float64(time.Since(p.began)+q.Remaining))
	}
	q.Steps += q.Steps / p.each[0] * p.each[1]
	q.Fraction *= p.share
	p.send(q)
}

// turn ends the first pass.
func (p *passes) turn(m *meter) { p.steps = m.steps }

// second reports the second pass.
func (p *passes) second(q Progress) {
	q.Step += p.steps
	q.Steps += p.steps
	q.Fraction = p.share + q.Fraction*(1-p.share)
	p.send(q)
}

func (p *passes) send(q Progress) {
	if p.report != nil {
		p.report(q)
	}
}
