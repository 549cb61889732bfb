package sampler

import "math"

// Generator draws the numbers of torch.Generator("cpu"): the Mersenne twister
// MT19937 of Matsumoto and Nishimura 1998, and torch's own ways to make normal
// values of its words. It is not safe for concurrent use.
type Generator struct {
	state  [mtWords]uint32
	index  int
	cached float64 // the second value of a scalar Box–Muller pair
	has    bool
}

const (
	mtWords  = 624
	mtMiddle = 397
	// boxMuller is the number of values that torch transforms at a time: the
	// first half are the radii and the second half the angles.
	boxMuller = 16
)

// NewGenerator is torch.Generator("cpu").manual_seed(seed), which uses the low 32 bits.
func NewGenerator(seed int64) *Generator {
	g := &Generator{index: mtWords}
	g.state[0] = uint32(seed)
	for i := 1; i < mtWords; i++ {
		before := g.state[i-1]
		g.state[i] = 1812433253*(before^before>>30) + uint32(i)
	}
	return g
}

// next is the next word of the twister.
func (g *Generator) next() uint32 {
	if g.index == mtWords {
		g.twist()
	}
	y := g.state[g.index]
	g.index++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (g *Generator) twist() {
	for i := range mtWords {
		y := g.state[i]&0x80000000 | g.state[(i+1)%mtWords]&0x7fffffff
		v := g.state[(i+mtMiddle)%mtWords] ^ y>>1
		if y&1 == 1 {
			v ^= 0x9908b0df
		}
		g.state[i] = v
	}
	g.index = 0
}

// uniform32 is in 0…1 with 24 bits, torch's float32 uniform.
func (g *Generator) uniform32() float32 {
	return float32(g.next()&(1<<24-1)) * (1.0 / (1 << 24))
}

// uniform64 is in 0…1 with 53 bits, torch's float64 uniform: two words, the high one first.
func (g *Generator) uniform64() float64 {
	hi, lo := uint64(g.next()), uint64(g.next())
	return float64((hi<<32|lo)&(1<<53-1)) * (1.0 / (1 << 53))
}

// Normal fills dst with what torch.randn gives for a float32 tensor of that many
// values. Values differ from torch's in the last bits where its vectorised
// logarithm and cosine do.
func (g *Generator) Normal(dst []float32) {
	if len(dst) < boxMuller {
		for i := range dst {
			dst[i] = float32(g.scalarNormal())
		}
		return
	}
	for i := range dst {
		dst[i] = g.uniform32()
	}
	whole := len(dst) / boxMuller * boxMuller
	for i := 0; i < whole; i += boxMuller {
		transform(dst[i : i+boxMuller])
	}
	if whole < len(dst) {
		// torch draws the last 16 values anew, which overlap the block before.
		tail := dst[len(dst)-boxMuller:]
		for i := range tail {
			tail[i] = g.uniform32()
		}
		transform(tail)
	}
}

// transform is the Box–Muller transform of 16 uniform values in place.
func transform(block []float32) {
	for i := range boxMuller / 2 {
		u1, u2 := 1-block[i], block[i+boxMuller/2]
		radius := float32(math.Sqrt(-2 * math.Log(float64(u1))))
		sin, cos := math.Sincos(float64(2 * math.Pi * u2))
		block[i] = radius * float32(cos)
		block[i+boxMuller/2] = radius * float32(sin)
	}
}

// scalarNormal is the way torch takes for fewer than 16 values; it makes two at
// a time in float64 and keeps the second one, for later calls too.
func (g *Generator) scalarNormal() float64 {
	if g.has {
		g.has = false
		return g.cached
	}
	u1, u2 := g.uniform64(), g.uniform64()
	radius := math.Sqrt(-2 * math.Log1p(-u2))
	sin, cos := math.Sincos(2 * math.Pi * u1)
	g.cached, g.has = radius*sin, true
	return radius * cos
}
