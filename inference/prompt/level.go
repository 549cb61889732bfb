package prompt

// Level gives two prompts the same number of chunks, as prompt and negative
// prompt need to be one batch; empty is the chunk of the empty prompt. It says
// whether the images stay what they are for the prompts one by one.
//
// They do where each prompt is repeated whole, since attention that reads
// everything twice gives what it gives for once: ComfyUI's way. Where that
// would take more than twice the longer prompt's chunks, the shorter one is
// filled up with empty ones: AUTOMATIC1111's "Pad prompt/negative prompt".
func Level(a, b []Chunk, empty Chunk) (levelA, levelB []Chunk, exact bool) {
	longer := max(len(a), len(b))
	for n := longer; n <= 2*longer && len(a) > 0 && len(b) > 0; n += longer {
		if n%len(a) == 0 && n%len(b) == 0 {
			return repeatTo(a, n), repeatTo(b, n), true
		}
	}
	return fillTo(a, longer, empty), fillTo(b, longer, empty), false
}

func repeatTo(chunks []Chunk, n int) []Chunk {
	out := make([]Chunk, 0, n)
	for len(out) < n {
		out = append(out, chunks...)
	}
	return out
}

func fillTo(chunks []Chunk, n int, empty Chunk) []Chunk {
	out := append(make([]Chunk, 0, n), chunks...)
	for len(out) < n {
		out = append(out, empty)
	}
	return out
}
