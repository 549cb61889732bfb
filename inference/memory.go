package inference

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

const (
	// unknownMemory is assumed to be free where the system doesn't say.
	unknownMemory = 4 << 30
	// gpuBatch bounds the images that are denoised at once on other providers
	// than the CPU: more keep the first image waiting and gain little.
	gpuBatch = 4
	// cpuBatch is one: measured on the CPU, four images at once take as long as
	// four in turn (7.3 s and 4 × 1.9 s), and in turn the first is there sooner.
	cpuBatch = 1
	// bytesPerLatent is the memory that a step takes at its peak per latent
	// pixel and channel of the UNet's first level: its feature maps, the
	// residuals of two networks and the work space of convolutions, float32.
	bytesPerLatent = 4 * 48
)

// activations is the memory in bytes that one image takes while it is denoised.
// channels is the width of the UNet's first level; guided doubles it.
func activations(w, h, channels int, guided bool) int64 {
	each := int64(w) * int64(h) * int64(channels) * bytesPerLatent
	if guided {
		each *= 2
	}
	return each
}

// activations is the memory in bytes that one of views images takes besides,
// where it reads the others: the scores of its largest layer that shares, with
// eight heads, and two joined tensors.
func (s Share) activations(views, w, h, channels int, guided bool) int64 {
	reads := int64(views)
	if s.Mode == ShareFirst {
		reads = 2
	}
	tokens, width := int64(w)*int64(h), int64(channels)
	for tokens > int64(s.sharing().MaxTokens) {
		tokens, width = (tokens+3)/4, 2*width
	}
	each := 4 * reads * tokens * (8*tokens + 2*width)
	if guided {
		each *= 2
	}
	return each
}

// batchSize is how many of count images are denoised at once: at most most, and
// so that the UNet's activations, each bytes an image, stay within half of the
// free memory.
func batchSize(count, most int, each, free int64) int {
	fits := int(min(free/2/max(each, 1), int64(most)))
	n := min(count, max(fits, 1))
	// Batches of about the same size: 5 images in 3 and 2, not in 4 and 1.
	batches := (count + n - 1) / n
	return (count + batches - 1) / batches
}

// freeMemory is the memory in bytes that programs can still use.
func freeMemory() int64 { return meminfo("MemAvailable", unknownMemory) }

// meminfo is a field of Linux's /proc/meminfo in bytes, or otherwise where the
// system doesn't say.
func meminfo(field string, otherwise int64) int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return otherwise
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) >= 2 && fields[0] == field+":" {
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kib << 10
			}
		}
	}
	return otherwise
}
