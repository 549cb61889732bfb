package inference

import "maquette/inference/checkpoint"

// winogradBytes is the memory that a network on the CPU may take more for faster
// convolutions, see graph.Numbers. Their kernels take four times the memory there,
// which pays most in a VAE, where images are large and kernels few: as much as all
// its weights take reaches for all sizes but the latents' own. Where the user
// leaves little memory for networks it is less.
//
// Measured with the decoder of Stable Diffusion 1.5 at 512², two threads: 14.2 s
// of processor time in place of 19.3 s, 1e-5 of difference at most, 297 MB more
// memory, and 0.9 s more processor time to load.
func (r *run) winogradBytes(p part) int64 {
	if p.component.Class != checkpoint.ClassVAE {
		return 0
	}
	weights := 4 * p.component.Elements()
	return min(weights, max((r.e.cache.limit-weights)/4, 0))
}
