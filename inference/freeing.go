package inference

import (
	"maquette/inference/checkpoint"
	"maquette/inference/runtime"
)

// largeNetwork is the size in memory from which a network isn't kept on the CPU
// once the render is done with it: loading it again takes less than a step then.
const largeNetwork = 256 << 20

// freesAfterRun says whether a network gives back the memory of its activations
// after each run on the CPU. To allocate them again takes longer, which shows only
// where a run is quick.
func (r *run) freesAfterRun(p part) bool {
	if p.tile != nil && p.component.Class != checkpoint.ClassTinyVAE {
		return r.req.Width*r.req.Height >= 512*512
	}
	return r.expectedBytes(p) >= largeNetwork
}

// freeEncoders frees what the steps don't need, where it is large: the text
// encoders, whose results are kept, and the VAE's encoder.
func (r *run) freeEncoders() error {
	return r.freeLarge(&r.net.text, &r.net.text2, &r.net.encoder)
}

// freeControls frees the ControlNets behind the last step of a render in
// PrecisionFast, where they are large: the decoder takes as much memory as they do.
func (r *run) freeControls(images []int) error {
	if r.precision() != PrecisionFast {
		return nil
	}
	left := len(images)
	for _, img := range r.res.Images {
		if img == nil {
			left--
		}
	}
	if left < 0 {
		return nil // there are more images to denoise
	}
	for i := range r.net.controls {
		if err := r.freeLarge(&r.net.controls[i].net); err != nil {
			return err
		}
	}
	return nil
}

// freeLarge closes those networks that are large, where steps are slow.
func (r *run) freeLarge(list ...**runtime.Session) error {
	if r.net.unet.Provider() != runtime.CPU {
		return nil
	}
	for _, s := range list {
		if *s == nil || (*s).MemoryBytes() < r.e.large {
			continue
		}
		if err := r.e.cache.free(*s); err != nil {
			return err
		}
		*s = nil
	}
	return nil
}
