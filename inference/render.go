package inference

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// errNotFinite reports values that no image can be made of.
var errNotFinite = errors.New("values that are not numbers")

// NotFiniteError reports a checkpoint whose networks gave values that are not
// numbers, so that there is no image.
type NotFiniteError struct {
	// Checkpoint is the checkpoint's path, Network the part of it, Step the
	// sampling step or -1.
	Checkpoint, Network string
	Step                int
}

func (e *NotFiniteError) Error() string {
	at := ""
	if e.Step >= 0 {
		at = fmt.Sprintf(" in step %d", e.Step+1)
	}
	return fmt.Sprintf("the %s of %s gave values that are not numbers%s, so there is no image; "+
		"the file is damaged or overflows in half precision: try another version of the checkpoint", e.Network, e.Checkpoint, at)
}

// Render makes the images of one request and reports its progress, from the
// goroutine that called it. A second render waits for the first.
//
// A provider that can't run the models is passed over with a note in
// Progress.Note; the CPU always can. Errors: *RequestError values, ctx's error,
// the errors of package checkpoint for files, *NotFiniteError, ErrClosed.
func (e *Engine) Render(ctx context.Context, req Request, report func(Progress)) (*Result, error) {
	if err := req.Validate(); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	if err := e.take(ctx); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	defer e.release()
	res, err := e.renderOnProviders(ctx, req, report)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if closeErr := e.cache.unpin(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return res, nil
}

// renderOnProviders renders, and goes on with the CPU where another provider
// took the models but fails to run them.
func (e *Engine) renderOnProviders(ctx context.Context, req Request, report func(Progress)) (*Result, error) {
	stopHashing, cancel := context.WithCancel(ctx)
	defer cancel()
	hashes := make(chan hashResult, 1)
	// Hashing takes its time with large files, so it begins when the first step is made.
	begin := sync.OnceFunc(func() { go func() { hashes <- e.hashModels(stopHashing, req) }() })
	tell := report
	report = func(p Progress) {
		if tell != nil {
			tell(p)
		}
		if p.Step > 0 {
			begin()
		}
	}

	res := &Result{Images: make([]*image.RGBA, req.Images())}
	for i := range req.Images() {
		res.Seeds = append(res.Seeds, req.Seed+int64(i))
	}
	inner, over := framed(req)
	if e.bare {
		over = nil
	}
	if err := e.renderPasses(ctx, inner, over, report, res); err != nil {
		return nil, err
	}
	begin()
	h := <-hashes
	res.Hashes = h.hashes
	return res, h.err
}

type hashResult struct {
	hashes map[string]string
	err    error
}

// hashModels hashes the weights of all models of a request.
func (e *Engine) hashModels(ctx context.Context, req Request) hashResult {
	paths := []string{req.Checkpoint}
	add := func(path string) {
		if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	add(req.VAE)
	for _, c := range req.Controls {
		add(c.ControlNet)
	}
	for _, l := range req.LoRAs {
		add(l.Path)
	}
	for _, e := range req.Embeddings {
		add(e.Path)
	}
	r := hashResult{hashes: make(map[string]string, len(paths))}
	for _, path := range paths {
		if r.hashes[path], r.err = e.hashes.of(ctx, path, nil); r.err != nil {
			return r
		}
	}
	return r
}

// run is one request on its way.
type run struct {
	e      *Engine
	req    Request
	report func(Progress)
	res    *Result
	meter  *meter
	noted  map[string]bool
	avoid  map[string]bool // providers that failed in this render

	net    *networks
	guided bool
	w, h   int // size of the latents

	// starts are the images that a second pass starts from, one for each image, in
	// place of the request's; or nil.
	starts []image.Image
	// halved says that a network computes in float16, overflowed that none may any more.
	halved, overflowed bool
	// latents are those of images that are denoised and not decoded yet, by number.
	latents map[int][]float32
	// mostAtOnce and largestTile bound the images of a batch and the side of the
	// VAE's tiles after the memory ran out; 0 means no bound.
	mostAtOnce, largestTile int
	atOnce                  int // images of the running batch
	// finished and shown are what images and previews are laid over, or nil.
	finished, shown *overlay
}

func (e *Engine) newRun(req Request, report func(Progress), res *Result) *run {
	return &run{e: e, req: req, report: report, res: res, noted: map[string]bool{}, avoid: map[string]bool{},
		guided: req.Guidance > 1, w: req.Width / sideStep, h: req.Height / sideStep}
}

// startStep is the first sampling step: later ones only, where the render
// starts from an image.
func (r *run) startStep() int {
	if len(r.inits()) == 0 {
		return 0
	}
	return sampler.FirstPass(r.req.Sampler, r.req.Steps, decimal(r.req.Strength))
}

// inits are the images that the render starts from: one for all, for each view
// or for each image.
func (r *run) inits() []image.Image {
	if r.starts != nil {
		return r.starts
	}
	return r.req.inits()
}

// note tells the user a sentence, once.
func (r *run) note(text string) {
	if r.noted[text] {
		return
	}
	r.noted[text] = true
	r.e.log.Warn(text)
	if r.meter != nil {
		r.meter.send(Progress{Note: text})
	} else if r.report != nil {
		r.report(Progress{Stage: StageLoad, Note: text})
	}
}

// attempt renders the images that are not there yet.
func (r *run) attempt(ctx context.Context) error {
	began := time.Now()
	net, err := r.load(ctx)
	if err != nil {
		return err
	}
	r.net = net
	r.res.Provider = net.unet.Provider()
	r.res.Load = time.Since(began)

	r.meter.enter(StageEncode)
	began = time.Now()
	job, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	defer job.close()
	r.res.Encode = time.Since(began)

	most := r.e.maxBatch
	switch {
	case most > 0:
	case r.res.Provider == runtime.CPU:
		most = cpuBatch
	default:
		most = gpuBatch
	}
	if r.mostAtOnce > 0 {
		most = min(most, r.mostAtOnce)
	}
	batches := r.batches(most)
	r.meter.batches(batches)
	for _, images := range batches {
		if !slices.ContainsFunc(images, func(i int) bool { return r.res.Images[i] == nil }) {
			continue // an earlier attempt made them
		}
		began := time.Now()
		latents, err := r.latentsOf(ctx, job, images)
		if err != nil {
			return err
		}
		r.res.Denoise += time.Since(began)
		began = time.Now()
		if err := r.decode(ctx, latents, images); err != nil {
			return err
		}
		r.res.Decode += time.Since(began)
	}
	return nil
}

// batches plans which images are denoised at once, at most most of them if they
// don't read each other.
func (r *run) batches(most int) [][]int {
	count, each := r.req.Images(), activations(r.w, r.h, r.net.width, r.guided)
	if r.req.sharing() {
		count = len(r.req.Views)
		each += r.req.Share.activations(count, r.w, r.h, r.net.width, r.guided)
		if most = count; r.e.maxBatch > 0 {
			most = r.e.maxBatch
		}
	}
	return r.req.batches(batchSize(count, most, each, freeMemory()))
}

// runSession runs a session and tells the failure of a provider from other errors.
func runSession(ctx context.Context, s *runtime.Session, in map[string]*runtime.Tensor) (map[string]*runtime.Tensor, error) {
	out, err := s.Run(ctx, in)
	if err != nil && ctx.Err() == nil && s.Provider() != runtime.CPU {
		return nil, &providerError{s.Provider(), s.Name(), err}
	}
	return out, err
}
