package prompt

// Level gives prompts the same number of chunks, as prompt and negative prompt
// need to be one batch; empty is the chunk of the empty prompt. It says whether
// the images stay what they are for the prompts one by one.
//
// They do where each prompt is repeated whole, since attention that reads
// everything twice gives what it gives for once: ComfyUI's way. Where that
// would take more than twice the longest prompt's chunks, the shorter ones are
// filled up with empty ones: AUTOMATIC1111's "Pad prompt/negative prompt".
func Level(prompts [][]Chunk, empty Chunk) (levelled [][]Chunk, exact bool) {
	longest := 0
	for _, p := range prompts {
		longest = max(longest, len(p))
	}
	levelled = make([][]Chunk, len(prompts))
	for n := longest; n > 0 && n <= 2*longest; n += longest {
		if !dividesAll(n, prompts) {
			continue
		}
		for i, p := range prompts {
			for len(levelled[i]) < n {
				levelled[i] = append(levelled[i], p...)
			}
		}
		return levelled, true
	}
	for i, p := range prompts {
		levelled[i] = append(make([]Chunk, 0, longest), p...)
		for len(levelled[i]) < longest {
			levelled[i] = append(levelled[i], empty)
		}
	}
	return levelled, false
}

// dividesAll says whether every prompt fits n chunks without a rest.
func dividesAll(n int, prompts [][]Chunk) bool {
	for _, p := range prompts {
		if len(p) == 0 || n%len(p) != 0 {
			return false
		}
	}
	return true
}
