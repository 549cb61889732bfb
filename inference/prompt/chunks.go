package prompt

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// chunkRoom is the number of tokens of a chunk between BOS and EOS.
	chunkRoom = Length - 2
	// maxChunks bounds the time that a prompt takes.
	maxChunks = 16
	// commaReach is how far back a chunk may end at a comma, so that a phrase
	// isn't torn: AUTOMATIC1111's default.
	commaReach = 20
)

// Embedding is a textual inversion that a prompt may call by its name, alone or
// after "embedding:" as in ComfyUI.
type Embedding struct {
	Name string
	// Vectors is the number of token embeddings that it stands for, 1…75.
	Vectors int
}

// Layout says how a prompt becomes chunks.
type Layout struct {
	// Pad fills chunks after EOS: EOS for the text encoder of Stable Diffusion 1
	// and SDXL's first, 0 for the OpenCLIP ones of 2 and of SDXL's second.
	Pad int64
	// Embeddings are the textual inversions of the user's library.
	Embeddings []Embedding
}

// Placement is a textual inversion in a chunk.
type Placement struct {
	// Embedding is the index in Layout.Embeddings.
	Embedding int
	// At is the place of the first vector among the chunk's tokens; its ids there are 0.
	At int
}

// Chunk is a part of a prompt that the text encoder takes at once.
type Chunk struct {
	// IDs are BOS, the tokens, EOS and padding.
	IDs [Length]int64
	// Weights belong to the tokens; 1 for BOS, EOS and padding.
	Weights [Length]float32
	// Placements are the textual inversions, in order.
	Placements []Placement
}

// Chunked is a whole prompt for the text encoder. The embeddings of its chunks,
// encoded one by one, follow each other in the UNet's context. Pooled
// embeddings are those of the first chunk.
type Chunked struct {
	// Chunks has at least one chunk, and 16 at most.
	Chunks []Chunk
	// Count is the number of tokens of the prompt, with the padding before breaks.
	Count int
	// Cut is the end of the prompt that did not fit, or empty.
	Cut string
}

// Chunks parses the weights of a prompt (see Parse) and lays it out in chunks
// of 75 tokens as AUTOMATIC1111 does: BREAK begins a new chunk, a phrase that
// would be torn at a chunk's end moves on whole if a comma stands within 20
// tokens, and a textual inversion is not torn.
func (t *Tokenizer) Chunks(text string, l Layout) (Chunked, error) {
	triggers, err := t.triggers(l.Embeddings)
	if err != nil {
		return Chunked{}, err
	}
	b := chunker{pad: l.Pad, comma: t.Encode(",")[0]}
	for _, span := range Parse(text) {
		ids := t.Encode(span.Text)
		for at := 0; at < len(ids); {
			if b.full() {
				b.out.Cut = strings.TrimSpace(b.out.Cut + " " + t.Decode(ids[at:]))
				break
			}
			match := slices.IndexFunc(triggers, func(g trigger) bool {
				return len(g.ids) <= len(ids)-at && slices.Equal(g.ids, ids[at:at+len(g.ids)])
			})
			if match < 0 {
				b.token(ids[at], float32(span.Weight))
				at++
				continue
			}
			g := triggers[match]
			if b.embedding(ids[at], g.embedding, l.Embeddings[g.embedding].Vectors, float32(span.Weight)) {
				at += len(g.ids)
			}
		}
		if span.Break && !b.full() {
			b.out.Count += chunkRoom - len(b.ids)
			b.finish()
		}
	}
	if len(b.ids) > 0 || len(b.out.Chunks) == 0 {
		b.finish()
	}
	return b.out, nil
}

// trigger is the tokens that call a textual inversion.
type trigger struct {
	ids       []int32
	embedding int
}

// triggers are the names of the embeddings as tokens, the longest first.
func (t *Tokenizer) triggers(list []Embedding) ([]trigger, error) {
	var all []trigger
	for i, e := range list {
		if e.Vectors < 1 || e.Vectors > chunkRoom {
			return nil, fmt.Errorf("textual inversion %q has %d vectors; a prompt takes 1…%d", e.Name, e.Vectors, chunkRoom)
		}
		ids := t.Encode(e.Name)
		if len(ids) == 0 {
			return nil, fmt.Errorf("textual inversion %q has a name without tokens", e.Name)
		}
		all = append(all, trigger{ids, i}, trigger{t.Encode("embedding:" + e.Name), i})
	}
	slices.SortStableFunc(all, func(a, b trigger) int { return len(b.ids) - len(a.ids) })
	return all, nil
}

// chunker fills chunks.
type chunker struct {
	out        Chunked
	pad        int64
	comma      int32
	ids        []int32 // of the chunk being filled, without BOS
	weights    []float32
	placements []Placement
	afterComma int // tokens up to and with the last comma, 0 where there is none
}

// full says that nothing more fits.
func (b *chunker) full() bool {
	return len(b.out.Chunks) == maxChunks || len(b.out.Chunks) == maxChunks-1 && len(b.ids) == chunkRoom
}

// room makes room for a token where the chunk has none.
func (b *chunker) room(id int32) {
	if len(b.ids) < chunkRoom {
		return
	}
	keep := chunkRoom
	if id != b.comma && b.afterComma > 0 && chunkRoom-(b.afterComma-1) <= commaReach {
		keep = b.afterComma
	}
	b.split(keep)
}

func (b *chunker) token(id int32, weight float32) {
	b.room(id)
	b.ids, b.weights = append(b.ids, id), append(b.weights, weight)
	b.out.Count++
	if id == b.comma {
		b.afterComma = len(b.ids)
	}
}

// embedding adds a textual inversion, called by tokens that begin with id. It
// says whether there was a chunk left for it.
func (b *chunker) embedding(id int32, index, vectors int, weight float32) bool {
	b.room(id)
	if len(b.ids)+vectors > chunkRoom {
		b.finish()
		if len(b.out.Chunks) == maxChunks {
			return false
		}
	}
	b.placements = append(b.placements, Placement{index, len(b.ids) + 1})
	for range vectors {
		b.ids, b.weights = append(b.ids, 0), append(b.weights, weight)
	}
	b.out.Count += vectors
	return true
}

// split finishes the chunk with the first tokens and goes on with the others.
func (b *chunker) split(keep int) {
	ids, weights := slices.Clone(b.ids[keep:]), slices.Clone(b.weights[keep:])
	var moved []Placement
	cut := slices.IndexFunc(b.placements, func(p Placement) bool { return p.At > keep })
	if cut >= 0 {
		for _, p := range b.placements[cut:] {
			moved = append(moved, Placement{p.Embedding, p.At - keep})
		}
		b.placements = b.placements[:cut]
	}
	b.ids, b.weights = b.ids[:keep], b.weights[:keep]
	b.finish()
	b.ids, b.weights, b.placements = ids, weights, moved
}

// finish frames and pads the chunk, and begins another.
func (b *chunker) finish() {
	c := Chunk{Placements: b.placements}
	for i := range c.IDs {
		c.IDs[i], c.Weights[i] = b.pad, 1
	}
	c.IDs[0] = BOS
	for i, id := range b.ids {
		c.IDs[i+1], c.Weights[i+1] = int64(id), b.weights[i]
	}
	c.IDs[len(b.ids)+1] = EOS
	b.out.Chunks = append(b.out.Chunks, c)
	b.ids, b.weights, b.placements, b.afterComma = nil, nil, nil, 0
}
