package sampler

import (
	"fmt"
	"math"
)

// The generators of noise, by the names that recipes use.
const (
	// NoiseTorch is torch's generator on the CPU, which diffusers, ComfyUI and InvokeAI use.
	NoiseTorch = "torch"
	// NoisePhilox is torch's generator on CUDA, AUTOMATIC1111's default.
	NoisePhilox = "philox"
)

// Noise makes normal values. Each image has one of its own, of which the
// initial latents are drawn first.
type Noise interface {
	// Normal fills dst with values of mean 0 and standard deviation 1: one call of randn.
	Normal(dst []float32)
}

// NewNoise makes a generator of the given name, or NoiseTorch's for an empty one.
func NewNoise(name string, seed int64) (Noise, error) {
	switch name {
	case "", NoiseTorch:
		return NewGenerator(seed), nil
	case NoisePhilox:
		return NewPhilox(seed), nil
	}
	return nil, fmt.Errorf("unknown noise %q; known are %s and %s", name, NoiseTorch, NoisePhilox)
}

// Philox draws what torch.randn does on a CUDA device: the counter based
// generator Philox 4x32-10 of Salmon et al. 2011, "Parallel Random Numbers: As
// Easy as 1, 2, 3", keyed with the seed. Element i of call c is made of the
// counter (c, 0, i, 0), by the Box–Muller transform of its first two words.
//
// CUDA hands out several elements per thread where a tensor has more elements
// than the GPU runs threads, about 200,000 on common ones; this is the order
// without that, as AUTOMATIC1111 has it on any device.
type Philox struct {
	key  uint64
	call uint32
}

// NewPhilox is torch.Generator("cuda").manual_seed(seed).
func NewPhilox(seed int64) *Philox { return &Philox{key: uint64(seed)} }

// Normal implements Noise.
func (p *Philox) Normal(dst []float32) {
	// AUTOMATIC1111's constants, of single precision.
	const (
		word = 1.0 / (1 << 32)
		turn = float64(float32(2.3283064e-10 * 6.2831855))
	)
	for i := range dst {
		w := philox([4]uint32{p.call, 0, uint32(i), 0}, p.key)
		u, v := float64(w[0])*word+word/2, float64(w[1])*turn+turn/2
		dst[i] = float32(math.Sqrt(-2*math.Log(u)) * math.Sin(v))
	}
	p.call++
}

// philox is ten rounds of Philox 4x32 over a counter.
func philox(counter [4]uint32, key uint64) [4]uint32 {
	const rounds = 10
	k0, k1 := uint32(key), uint32(key>>32)
	for range rounds {
		a, b := uint64(counter[0])*0xD2511F53, uint64(counter[2])*0xCD9E8D57
		counter = [4]uint32{uint32(b>>32) ^ counter[1] ^ k0, uint32(b), uint32(a>>32) ^ counter[3] ^ k1, uint32(a)}
		// The key is bumped by the golden ratio and by √3 - 1.
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return counter
}
