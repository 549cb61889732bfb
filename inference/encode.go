package inference

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"maquette/inference/lora"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
)

// encodedText is what the UNet reads of the prompts.
type encodedText struct {
	states []float32 // [prompts, tokens, C]
	pooled []float32 // [prompts, P], Stable Diffusion XL only
	tokens int
}

// encodePrompts runs the text encoders on the negative prompt, if guided, and
// the prompt, or the prompts of all views. With two encoders the values of a
// token stand side by side; pooled is the second one's embedding of the first
// chunk of each prompt. Prompts that were encoded before are not encoded again.
func (r *run) encodePrompts(ctx context.Context) (encodedText, error) {
	texts := r.encoderTexts()
	if known, ok := r.e.texts.get(r.net.textKey); ok {
		_, err := r.chunks(texts, r.net.pads[0]) // tells of prompts that are too long
		return known, err
	}
	text, err := r.runEncoders(ctx, texts)
	if err == nil {
		r.e.texts.put(r.net.textKey, text)
	}
	return text, err
}

// runEncoders runs the text encoders on texts.
func (r *run) runEncoders(ctx context.Context, texts []string) (encodedText, error) {
	first, err := r.encodeTexts(ctx, lora.TextEncoder, texts)
	if err != nil || r.net.text2 == nil {
		return first, err
	}
	second, err := r.encodeTexts(ctx, lora.TextEncoder2, texts)
	if err != nil {
		return encodedText{}, err
	}
	both := encodedText{pooled: second.pooled, tokens: first.tokens}
	a, b := first.states, second.states
	rows := len(texts) * first.tokens
	for i := range rows {
		both.states = append(both.states, a[i*len(a)/rows:(i+1)*len(a)/rows]...)
		both.states = append(both.states, b[i*len(b)/rows:(i+1)*len(b)/rows]...)
	}
	if r.guided && strings.TrimSpace(r.req.NegativePrompt) == "" {
		clear(both.states[:len(both.states)/len(texts)])
		clear(both.pooled[:len(both.pooled)/len(texts)])
	}
	return both, nil
}

// encodeTexts runs one text encoder on texts and applies the weights in them.
func (r *run) encodeTexts(ctx context.Context, part lora.Part, texts []string) (encodedText, error) {
	encoder, pad := r.net.text, r.net.pads[0]
	if part == lora.TextEncoder2 {
		encoder, pad = r.net.text2, r.net.pads[1]
	}
	chunks, err := r.chunks(texts, pad)
	if err != nil {
		return encodedText{}, err
	}
	n := len(chunks)
	if r.req.Emphasis == prompt.EmphasisComfy {
		chunks = append(chunks, r.emptyChunk(pad))
	}
	states, pooled, err := r.encodeChunks(ctx, encoder, part, chunks)
	if err != nil {
		return encodedText{}, err
	}
	end := n * len(states) / len(chunks)
	if err := prompt.Emphasize(states[:end], states[end:], chunks[:n], r.req.Emphasis); err != nil {
		return encodedText{}, err
	}
	text := encodedText{states: states[:end], tokens: n / len(texts) * prompt.Length}
	width := len(pooled) / len(chunks)
	for i := range texts {
		first := i * n / len(texts)
		text.pooled = append(text.pooled, pooled[first*width:(first+1)*width]...)
	}
	return text, nil
}

// chunks lays texts out in the same number of chunks each. pad is what fills up
// a chunk behind its end.
func (r *run) chunks(texts []string, pad int64) ([]prompt.Chunk, error) {
	layout := prompt.Layout{Pad: pad}
	for _, e := range r.net.embeddings {
		layout.Embeddings = append(layout.Embeddings, prompt.Embedding{Name: e.name, Vectors: len(e.Vectors[lora.TextEncoder])})
	}
	var all [][]prompt.Chunk
	for i, text := range texts {
		c, err := r.e.tokenizer.Chunks(text, layout)
		if err != nil {
			return nil, err
		}
		if c.Cut != "" {
			name := "prompt"
			if r.guided && i == 0 {
				name = "negative prompt"
			}
			r.note(fmt.Sprintf("The %s is longer than %d chunks of %d tokens; its end is not used: %s", name, len(c.Chunks), prompt.Length-2, c.Cut))
		}
		all = append(all, c.Chunks)
	}
	levelled, exact := prompt.Level(all, r.emptyChunk(pad))
	if !exact {
		r.note("The prompts have numbers of chunks that don't divide each other, so the shorter ones are filled up with empty chunks")
	}
	return slices.Concat(levelled...), nil
}

// emptyChunk is the empty prompt.
func (r *run) emptyChunk(pad int64) prompt.Chunk {
	c := prompt.Chunk{}
	for i := range c.IDs {
		c.IDs[i], c.Weights[i] = pad, 1
	}
	c.IDs[0], c.IDs[1] = prompt.BOS, prompt.EOS
	return c
}

// encodeChunks runs a text encoder on chunks and copies its outputs, [chunks,
// 77, width] and [chunks, P] or nothing.
func (r *run) encodeChunks(ctx context.Context, encoder *runtime.Session, part lora.Part, chunks []prompt.Chunk) (states, pooled []float32, err error) {
	in := map[string]*runtime.Tensor{}
	defer func() { runtime.CloseAll(in) }()
	n, width := len(chunks), r.net.widths[part]
	var ids []int64
	keep, vectors := make([]float32, n*prompt.Length), make([]float32, n*prompt.Length*width)
	for i := range keep {
		keep[i] = 1
	}
	for i, c := range chunks {
		ids = append(ids, c.IDs[:]...)
		for _, p := range c.Placements {
			for k, v := range r.net.embeddings[p.Embedding].Vectors[part] {
				at := i*prompt.Length + p.At + k
				keep[at] = 0
				copy(vectors[at*width:], v)
			}
		}
	}
	if in["input_ids"], err = runtime.NewInt64([]int64{int64(n), prompt.Length}, ids); err != nil {
		return nil, nil, err
	}
	if in["keep"], err = runtime.NewFloat32([]int64{int64(n), prompt.Length, 1}, keep); err != nil {
		return nil, nil, err
	}
	if in["vectors"], err = runtime.NewFloat32([]int64{int64(n), prompt.Length, int64(width)}, vectors); err != nil {
		return nil, nil, err
	}
	if err = r.net.strengths[part].name(in); err != nil {
		return nil, nil, err
	}
	out, err := r.e.exec(ctx, encoder, in)
	if err != nil {
		return nil, nil, err
	}
	defer runtime.CloseAll(out)
	states = slices.Clone(out["last_hidden_state"].Float32())
	if t := out["pooled"]; t != nil {
		pooled = slices.Clone(t.Float32())
	}
	if broken(states) || broken(pooled) {
		return nil, nil, &NotFiniteError{r.req.Checkpoint, "text encoder", -1}
	}
	return states, pooled, nil
}
