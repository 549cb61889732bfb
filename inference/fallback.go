package inference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"maquette/inference/runtime"
)

// maxStrikes is the number of renders in a row that a provider may fail before
// it isn't tried any more.
const maxStrikes = 2

// providerError reports a provider other than the CPU that failed to run a network.
type providerError struct {
	provider, network string
	err               error
}

func (e *providerError) Error() string { return e.err.Error() }
func (e *providerError) Unwrap() error { return e.err }

// outOfMemory says whether a provider failed for want of memory. ONNX Runtime
// passes on what drivers say, in their words.
func outOfMemory(err error) bool {
	text := strings.ToLower(err.Error())
	return slices.ContainsFunc([]string{
		"out of memory", "outofmemory", "out_of_memory", "failed to allocate", "bad_alloc", "alloc_failed",
		"device_memory", "memory allocation", "8007000e", "not enough memory", "insufficient memory", "available memory",
	}, func(part string) bool { return strings.Contains(text, part) })
}

// complete makes all images of a run. Where a provider runs out of memory, it is
// asked for less: fewer images at once, then a VAE in tiles. Where that doesn't
// help, or for another failure, the next provider goes on, and the CPU at last.
// The user is told each time.
func (r *run) complete(ctx context.Context) error {
	for {
		err := r.attempt(ctx)
		var overflow *NotFiniteError
		if errors.As(err, &overflow) && r.halved && !r.overflowed {
			r.overflowed = true
			r.note(fmt.Sprintf("The %s overflows in fp16, so the render is made again in fp32", overflow.Network))
			if err := r.e.cache.clear(); err != nil {
				return err
			}
			continue
		}
		var broken *providerError
		if !errors.As(err, &broken) || ctx.Err() != nil {
			if err == nil && len(r.avoid) == 0 {
				delete(r.e.strikes, r.res.Provider)
			}
			return err
		}
		if outOfMemory(broken.err) && r.askForLess(broken) {
			// What is loaded and not needed leaves the GPU as well, and a VAE for
			// larger tiles.
			if err := r.e.cache.release(broken.network); err != nil {
				return err
			}
			continue
		}
		if err := r.giveUp(broken); err != nil {
			return err
		}
	}
}

// askForLess makes the next attempt need less memory; false where nothing is left.
func (r *run) askForLess(broken *providerError) bool {
	if strings.HasPrefix(broken.network, "VAE") {
		for _, side := range []int{maxTile / 2, minTile} {
			if (side < r.w || side < r.h) && (r.largestTile == 0 || side < r.largestTile) {
				r.largestTile = side
				r.note(fmt.Sprintf("%s ran out of memory in the %s, which works in tiles of %d pixels now", broken.provider, broken.network, side*sideStep))
				return true
			}
		}
		return false
	}
	if r.atOnce <= 1 || r.req.sharing() {
		return false // views that read each other are denoised together
	}
	r.mostAtOnce = r.atOnce / 2
	r.note(fmt.Sprintf("%s ran out of memory with %d images at once, so it makes %d at a time", broken.provider, r.atOnce, r.mostAtOnce))
	return true
}

// giveUp leaves a provider for the rest of the render.
func (r *run) giveUp(broken *providerError) error {
	e := r.e
	r.avoid[broken.provider] = true
	// One failure may be this render's, such as one too large for the GPU.
	if !outOfMemory(broken.err) {
		if e.strikes[broken.provider]++; e.strikes[broken.provider] >= maxStrikes {
			e.failed[broken.provider] = broken.err.Error()
		}
	}
	next := runtime.CPU
	for _, name := range e.cfg.Providers {
		if _, failed := e.failed[name]; !failed && !r.avoid[name] {
			next = name
			break
		}
	}
	r.mostAtOnce, r.largestTile = 0, 0
	what := "failed while rendering"
	if outOfMemory(broken.err) {
		what = "ran out of memory in the " + broken.network
	}
	r.note(fmt.Sprintf("%s %s, so %s goes on: %v", broken.provider, what, theProvider(next), broken.err))
	return e.cache.clear()
}

// theProvider is a provider's name in a sentence.
func theProvider(name string) string {
	if name == runtime.CPU {
		return "the CPU"
	}
	return name
}

// latentsOf denoises a batch, unless an attempt before has done so.
func (r *run) latentsOf(ctx context.Context, j *job, images []int) ([]float32, error) {
	r.atOnce = len(images)
	var all []float32
	for _, i := range images {
		all = append(all, r.latents[i]...)
	}
	each := 4 * r.w * r.h
	if len(all) == each*len(images) {
		return all, nil
	}
	all, err := r.denoise(ctx, j, images)
	if err != nil {
		return nil, err
	}
	if r.latents == nil {
		r.latents = map[int][]float32{}
	}
	for k, i := range images {
		r.latents[i] = all[k*each : (k+1)*each]
	}
	return all, nil
}
