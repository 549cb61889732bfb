package prompt

import "fmt"

// How weights act on the text encoder's embeddings.
const (
	// EmphasisOriginal multiplies the embeddings and then scales each chunk so
	// that the mean of its values is what it was: AUTOMATIC1111's default.
	EmphasisOriginal = "original"
	// EmphasisNoNorm multiplies only: AUTOMATIC1111's "No norm", for SDXL.
	EmphasisNoNorm = "no_norm"
	// EmphasisComfy moves each embedding away from that of the empty prompt, at
	// the same place, or towards it: ComfyUI's reading of weights. (ComfyUI
	// doesn't know the square brackets, which count all the same here.)
	EmphasisComfy = "comfy"
	// EmphasisIgnore leaves embeddings as they are.
	EmphasisIgnore = "ignore"
)

// Emphases lists the readings of weights, the default first.
func Emphases() []string {
	return []string{EmphasisOriginal, EmphasisNoNorm, EmphasisComfy, EmphasisIgnore}
}

// Emphasize applies the weights of chunks to states, the text encoder's
// embeddings [chunks, 77, width], in place. empty is those of the empty prompt,
// [77, width]; only EmphasisComfy reads it. An empty mode is EmphasisOriginal.
func Emphasize(states, empty []float32, chunks []Chunk, mode string) error {
	if len(chunks) == 0 || len(states) == 0 || len(states)%(len(chunks)*Length) != 0 {
		return fmt.Errorf("emphasis: %d values are not those of %d chunks", len(states), len(chunks))
	}
	each := len(states) / len(chunks)
	width := each / Length
	if mode == EmphasisComfy && len(empty) != each {
		return fmt.Errorf("emphasis: the empty prompt has %d values, a chunk %d", len(empty), each)
	}
	for i, c := range chunks {
		chunk := states[i*each : (i+1)*each]
		switch mode {
		case "", EmphasisOriginal:
			before := mean(chunk)
			c.multiply(chunk, width)
			// The mean is close to nothing in no real encoder.
			if after := mean(chunk); after != before && after != 0 {
				scale := float32(before / after)
				for j := range chunk {
					chunk[j] *= scale
				}
			}
		case EmphasisNoNorm:
			c.multiply(chunk, width)
		case EmphasisComfy:
			for j := range chunk {
				if w := c.Weights[j/width]; w != 1 {
					chunk[j] = empty[j] + w*(chunk[j]-empty[j])
				}
			}
		case EmphasisIgnore:
		default:
			return fmt.Errorf("emphasis: %q is unknown; known are %s, %s, %s and %s",
				mode, EmphasisOriginal, EmphasisNoNorm, EmphasisComfy, EmphasisIgnore)
		}
	}
	return nil
}

func (c *Chunk) multiply(states []float32, width int) {
	for i := range states {
		states[i] *= c.Weights[i/width]
	}
}

func mean(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}
