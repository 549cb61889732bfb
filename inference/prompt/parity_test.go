package prompt

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// corpus describes strings that this test and the script that wrote it make
// alike, and hashes of what transformers' tokenizer makes of them.
type corpus struct {
	Seed   uint64
	Words  []string
	Spans  [][2]rune
	Glue   []string
	Blocks []struct{ Texts, IDs string }
	// Emphasis is torch's result of AUTOMATIC1111's formulas.
	Emphasis struct {
		Width                   int
		Weights                 []float32
		Original, NoNorm, Comfy []float32
	}
}

func readCorpus(t *testing.T) corpus {
	t.Helper()
	f, err := os.Open("testdata/corpus.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var c corpus
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// below is the next number of SplitMix64, reduced to 0…n-1.
func (c *corpus) below(n int) int {
	c.Seed += 0x9E3779B97F4A7C15
	z := c.Seed
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) % uint64(n))
}

func (c *corpus) text() string {
	var b strings.Builder
	for range 1 + c.below(12) {
		switch kind := c.below(8); {
		case kind < 4:
			b.WriteString(c.Words[c.below(len(c.Words))])
		case kind < 6:
			span := c.Spans[c.below(len(c.Spans))]
			for range 1 + c.below(6) {
				b.WriteRune(span[0] + rune(c.below(int(span[1]-span[0])+1)))
			}
		default:
			b.WriteString(c.Glue[c.below(len(c.Glue))])
		}
		b.WriteString([]string{" ", "", " ", "  "}[c.below(4)])
	}
	return b.String()
}

func TestEncodeTenThousandStrings(t *testing.T) {
	const block = 100
	tok, c := newTokenizer(t), readCorpus(t)
	if len(c.Blocks) != 10_000/block {
		t.Fatalf("%d blocks", len(c.Blocks))
	}
	short := func(b []byte) string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:8])
	}
	for i, want := range c.Blocks {
		var texts, ids bytes.Buffer
		for range block {
			text := c.text()
			texts.WriteString(text + "\n\x00")
			if err := binary.Write(&ids, binary.LittleEndian, append(tok.Encode(text), -1)); err != nil {
				t.Fatal(err)
			}
		}
		if got := short(texts.Bytes()); got != want.Texts {
			t.Fatalf("strings %d…: made differently from the script", i*block)
		}
		if got := short(ids.Bytes()); got != want.IDs {
			t.Errorf("strings %d…%d: other tokens than transformers'", i*block, (i+1)*block-1)
		}
	}
}

func TestEmphasizeEqualsTorch(t *testing.T) {
	want := readCorpus(t).Emphasis
	n := Length * want.Width
	wave := func(step, offset float64) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(math.Sin(step*float64(i)) + offset)
		}
		return out
	}
	c := make([]Chunk, 2)
	copy(c[0].Weights[:], want.Weights)
	for i := range c[1].Weights {
		c[1].Weights[i] = 1
	}
	plain := wave(0.53, 0.1)
	for mode, result := range map[string][]float32{"": want.Original, EmphasisOriginal: want.Original,
		EmphasisNoNorm: want.NoNorm, EmphasisComfy: want.Comfy, EmphasisIgnore: wave(0.37, 0.2)} {
		states := append(wave(0.37, 0.2), plain...)
		if err := Emphasize(states, wave(0.71, -0.3), c, mode); err != nil {
			t.Fatal(err)
		}
		if len(result) != n {
			t.Fatalf("%s: %d values", mode, len(result))
		}
		for i := range result {
			if d := math.Abs(float64(states[i] - result[i])); !(d < 1e-5) {
				t.Fatalf("%q: value %d is %v, want %v", mode, i, states[i], result[i])
			}
			if states[n+i] != plain[i] {
				t.Fatalf("%q: a chunk without weights changed", mode)
			}
		}
	}
	for _, bad := range []error{
		Emphasize(plain, nil, c[:1], EmphasisComfy), Emphasize(plain, nil, c[:1], "loud"),
		Emphasize(plain[1:], nil, c[:1], ""), Emphasize(plain, nil, nil, ""), Emphasize(nil, nil, c, ""),
	} {
		if bad == nil {
			t.Error("no error")
		}
	}
}
