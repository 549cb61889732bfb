package prompt

import "container/heap"

// appendPiece adds the tokens of one piece: its bytes, the last one marked as
// the word's end, joined pair by pair, always the pair with the most important
// rule first and the leftmost of equal ones.
//
// The pairs wait in a heap and the tokens in a linked list, so that a piece of
// n bytes takes n·log n steps: a prompt may be one very long word.
func (t *Tokenizer) appendPiece(ids []int32, piece string) []int32 {
	n := len(piece)
	w := word{token: make([]int32, n), next: make([]int, n), prev: make([]int, n)}
	for i := range n {
		w.token[i], w.prev[i], w.next[i] = t.byteToken[piece[i]], i-1, i+1
	}
	w.token[n-1] += wordEnd
	for i := range n - 1 {
		w.propose(t.merges, i)
	}
	heap.Init(&w.pending)
	for w.pending.Len() > 0 {
		c := heap.Pop(&w.pending).(candidate)
		right := w.next[c.at]
		// A neighbour may have been merged away since the pair was proposed.
		if w.token[c.at] != c.left || right >= n || w.token[right] != c.right {
			continue
		}
		w.token[c.at], w.token[right] = c.merged, gone
		w.next[c.at] = w.next[right]
		if after := w.next[right]; after < n {
			w.prev[after] = c.at
			w.push(t.merges, c.at)
		}
		if before := w.prev[c.at]; before >= 0 {
			w.push(t.merges, before)
		}
	}
	for i := 0; i < n; i = w.next[i] {
		ids = append(ids, w.token[i])
	}
	return ids
}

// gone marks a token that was merged into the one before it.
const gone = -1

// word is a piece while it is merged.
type word struct {
	token      []int32
	next, prev []int
	pending    candidates
}

// candidate is a pair of neighbours that a rule joins, as it was when proposed.
type candidate struct {
	at                  int // index of the left one
	left, right, merged int32
}

func (w *word) find(merges map[pair]int32, at int) (candidate, bool) {
	left, right := w.token[at], w.token[w.next[at]]
	merged, ok := merges[pair{left, right}]
	return candidate{at, left, right, merged}, ok
}

func (w *word) propose(merges map[pair]int32, at int) {
	if c, ok := w.find(merges, at); ok {
		w.pending = append(w.pending, c)
	}
}

func (w *word) push(merges map[pair]int32, at int) {
	if c, ok := w.find(merges, at); ok {
		heap.Push(&w.pending, c)
	}
}

// candidates is a heap with the most important rule on top, the leftmost of equal ones first.
type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	if c[i].merged != c[j].merged {
		return c[i].merged < c[j].merged
	}
	return c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
