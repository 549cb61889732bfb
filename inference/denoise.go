package inference

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"slices"
	"time"

	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// job is what all batches of a run share: the encoded prompts, the hints and
// the image that img2img starts from.
type job struct {
	context []float32           // [texts, tokens, C]: the negative prompt's if guided, then those of Request.prompts
	tokens  int                 // 77 for each chunk of the longest prompt
	pooled  []float32           // [texts, P] of the same prompts, Stable Diffusion XL only
	hints   [][]*runtime.Tensor // [1, C, h, w] of each control, one for all views or one for each
	zero    *runtime.Tensor
	inits   []*initLatents // one for all images or one for each view or image; none without an image to start from
	masked  *masked        // for UNets for inpainting only
	mask    []float32      // [h,w], what other UNets make new, see keeper; or nil
	start   int            // first sampling step
}

func (j *job) close() {
	for _, h := range slices.Concat(j.hints...) {
		h.Close()
	}
	j.zero.Close()
}

// prepare encodes the prompts, the control images and the image to start from.
func (r *run) prepare(ctx context.Context) (_ *job, err error) {
	j := &job{start: r.startStep()}
	defer func() {
		if err != nil {
			j.close()
		}
	}()
	if j.zero, err = runtime.Zero(); err != nil {
		return nil, err
	}
	text, err := r.encodePrompts(ctx)
	if err != nil {
		return nil, err
	}
	j.context, j.tokens, j.pooled = text.states, text.tokens, text.pooled
	for i := range r.req.Controls {
		j.hints = append(j.hints, nil)
		for _, img := range r.req.controlImages(i) {
			hint, err := r.hint(ctx, r.net.controls[i], img)
			if err != nil {
				return nil, err
			}
			j.hints[i] = append(j.hints[i], hint)
		}
	}
	// At full strength a UNet for inpainting sees the image beside the noise alone.
	if r.net.channels == 4 || r.req.Strength < 1 {
		for _, img := range r.inits() {
			l, err := r.encodeInit(ctx, img)
			if err != nil {
				return nil, err
			}
			j.inits = append(j.inits, l)
		}
		if r.req.Mask != nil && r.net.channels == 4 {
			j.mask = r.latentMask()
		}
	}
	if r.net.channels == inpaintChannels {
		if j.masked, err = r.encodeMasked(ctx); err != nil {
			return nil, err
		}
	}
	r.meter.done += encodeUnits
	return j, r.freeEncoders()
}

// hint runs the part of a ControlNet that depends on the control image only.
func (r *run) hint(ctx context.Context, c controlNet, img image.Image) (*runtime.Tensor, error) {
	pixels := planes(img, color.Black, 0, 1)
	in, err := runtime.NewFloat32([]int64{1, 3, int64(r.req.Height), int64(r.req.Width)}, pixels)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := r.e.exec(ctx, c.hint, map[string]*runtime.Tensor{"image": in})
	if err != nil {
		return nil, err
	}
	return out["hint"], nil
}

// denoise takes the n images of these numbers from noise to latents [n,4,h,w].
func (r *run) denoise(ctx context.Context, j *job, images []int) ([]float32, error) {
	n := len(images)
	shown := max(slices.IndexFunc(images, func(i int) bool { return r.res.Images[i] == nil }), 0)
	r.meter.index = images[shown]
	r.meter.enter(StageDenoise)
	s, err := sampler.NewScheduled(r.req.Sampler, r.net.noise, sampler.Options{Steps: r.req.Steps, Schedule: r.req.Schedule, XL: r.net.xl})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.req.Checkpoint, err)
	}
	each := 4 * r.w * r.h
	source, err := r.newNoise(images)
	if err != nil {
		return nil, err
	}
	noise := source.fill
	x := make([]float32, n*each)
	var keep *keeper
	fresh, starts := x, len(j.inits) > 0
	var init *initLatents
	if starts {
		init = joined(of(j.inits, images))
		init.sample(x, noise)
		fresh = make([]float32, len(x))
	}
	noise(fresh)
	if j.mask != nil {
		keep = newKeeper(j.mask, slices.Clone(x), fresh)
		if init.deviation != nil {
			// diffusers encodes the masked image for every UNet, and draws latents
			// of it before the noise of ancestral samplers.
			noise(make([]float32, len(x)))
		}
	}
	if starts && (j.mask == nil || r.req.Strength < 1) {
		s.AddNoise(x, fresh, j.start)
	} else {
		for i, v := range fresh {
			x[i] = v * s.InitScale()
		}
	}
	var extra []float32
	if j.masked != nil {
		extra = j.masked.sample(n, noise)
	}
	model, err := r.newModel(j, images, extra)
	if err != nil {
		return nil, err
	}
	defer model.close()
	preview := previewer{r: r}
	seen := make([]float32, len(x))
	for i := j.start; i < s.Steps(); i++ {
		began := time.Now()
		s.ScaleInput(seen, x, i)
		output, err := model.predict(ctx, seen, s.Timestep(i), i-j.start, s.Steps()-j.start)
		if err != nil {
			return nil, err
		}
		if broken(output) {
			return nil, &NotFiniteError{r.req.Checkpoint, "UNet", i}
		}
		show := preview.due(i-j.start, s.Steps()-j.start)
		if show {
			preview.denoised(s, x[shown*each:(shown+1)*each], output[shown*each:(shown+1)*each], i)
		}
		s.Step(x, output, i, noise)
		if keep != nil {
			keep.keep(s, x, i, j.start)
		}
		r.meter.finishedStep(n, time.Since(began))
		p := Progress{}
		if show {
			if p.Preview, err = preview.draw(ctx); err != nil {
				return nil, err
			}
		}
		r.meter.send(p)
	}
	return x, nil
}

// initLatents is the distribution of latents that the VAE's encoder gives for
// an image, already scaled. deviation is nil for a VAE that gives latents alone.
type initLatents struct{ mean, deviation []float32 }

// joined makes one distribution of those of a batch's images.
func joined(list []*initLatents) *initLatents {
	l := &initLatents{}
	for _, one := range list {
		l.mean, l.deviation = append(l.mean, one.mean...), append(l.deviation, one.deviation...)
	}
	return l
}

// sample fills x with latents for each image of a batch. As in diffusers they
// are drawn from the distribution of an AutoencoderKL, with each image's own
// generator and before any other noise; an AutoencoderTiny has no distribution.
func (l *initLatents) sample(x []float32, noise func([]float32)) {
	if l.deviation != nil {
		noise(x)
	}
	for i := range x {
		k := i % len(l.mean)
		if l.deviation == nil {
			x[i] = l.mean[k]
		} else {
			x[i] = l.mean[k] + l.deviation[k]*x[i]
		}
	}
}
