package prompt

import "testing"

func TestLevel(t *testing.T) {
	// Chunks are told apart by their first weight.
	list := func(n int) []Chunk {
		out := make([]Chunk, n)
		for i := range out {
			out[i].Weights[0] = float32(i + 1)
		}
		return out
	}
	for _, c := range []struct {
		a, b, n int
		exact   bool
	}{{1, 1, 1, true}, {1, 3, 3, true}, {4, 2, 4, true}, {2, 3, 6, true}, {4, 6, 12, true}, {3, 5, 5, false}, {16, 15, 16, false}, {0, 2, 2, false}} {
		levelled, exact := Level([][]Chunk{list(c.a), list(c.b)}, Chunk{})
		a, b := levelled[0], levelled[1]
		if len(a) != c.n || len(b) != c.n || exact != c.exact {
			t.Errorf("%d and %d: %d and %d chunks, exact %v", c.a, c.b, len(a), len(b), exact)
		}
		for i := range a {
			if want := float32(i%max(c.a, 1) + 1); exact && a[i].Weights[0] != want || !exact && i >= c.a && a[i].Weights[0] != 0 {
				t.Errorf("%d and %d: chunk %d is %v", c.a, c.b, i, a[i].Weights[0])
			}
		}
	}
	if three, exact := Level([][]Chunk{list(1), list(3), list(2)}, Chunk{}); !exact || len(three[0]) != 6 || len(three[1]) != 6 || len(three[2]) != 6 {
		t.Errorf("three prompts: %d, %d and %d chunks, exact %v", len(three[0]), len(three[1]), len(three[2]), exact)
	}
}
