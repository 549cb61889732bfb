package prompt

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"maquette/assets"
)

func newTokenizer(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := New(assets.CLIPMerges())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

type fixture struct {
	Text string  `json:"text"`
	IDs  []int32 `json:"ids"`
}

func readFixtures(t testing.TB) []fixture {
	t.Helper()
	f, err := os.Open("testdata/tokens.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []fixture
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 1000 {
		t.Fatalf("%d fixtures, want 1000", len(list))
	}
	return list
}

func TestEncodeEqualsTransformers(t *testing.T) {
	tok := newTokenizer(t)
	for _, f := range readFixtures(t) {
		if got := tok.Encode(f.Text); !slices.Equal(got, f.IDs) {
			t.Errorf("%q:\n got %v\nwant %v", f.Text, got, f.IDs)
		}
	}
}

func TestTokenizePadsAndCuts(t *testing.T) {
	tok := newTokenizer(t)
	short := tok.Tokenize("a chair")
	if short.IDs[0] != BOS || short.IDs[3] != EOS || short.IDs[Length-1] != EOS || short.Count != 2 || short.Cut != "" {
		t.Errorf("short prompt: %+v", short)
	}
	long := tok.Tokenize(strings.Repeat("chair ", 75) + "made of Walnut, polished")
	if long.IDs[75] == EOS || long.IDs[76] != EOS || long.Count != 80 {
		t.Errorf("long prompt: %+v", long)
	}
	if long.Cut != "made of walnut , polished" {
		t.Errorf("cut %q", long.Cut)
	}
}

// Work that grows with the square of a word's length would not end in the time
// that a test has: 400,000 letters make 160 billion pairs.
func TestOneVeryLongWord(t *testing.T) {
	tok := newTokenizer(t)
	ids := tok.Encode(strings.Repeat("abcdefgh", 50_000))
	if len(ids) < 50_000 {
		t.Errorf("only %d tokens", len(ids))
	}
}

func TestNewRefusesOtherFiles(t *testing.T) {
	good := string(assets.CLIPMerges())
	for name, text := range map[string]string{
		"empty":          "",
		"no version":     strings.Replace(good, "#version", "version", 1),
		"short":          good[:len(good)/2],
		"unknown symbol": strings.Replace(good, "\ni n\n", "\ni nn\n", 1),
		"no space":       strings.Replace(good, "\ni n\n", "\nin\n", 1),
	} {
		if _, err := New([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzTokenize(f *testing.F) {
	tok := newTokenizer(f)
	for _, c := range readFixtures(f)[:100] {
		f.Add(c.Text)
	}
	f.Add("\xff\xfe'\xf0\x9f")
	f.Fuzz(func(t *testing.T, text string) {
		out := tok.Tokenize(text)
		if out.IDs[0] != BOS || out.IDs[Length-1] != EOS {
			t.Fatalf("not framed: %v", out.IDs)
		}
		if (out.Cut != "") != (out.Count > Length-2) {
			t.Fatalf("%d tokens, cut %q", out.Count, out.Cut)
		}
		for _, id := range out.IDs {
			if id < 0 || id >= VocabSize {
				t.Fatalf("token %d", id)
			}
		}
		// A decoded prompt is one spelling of the same tokens' text, so its
		// length in bytes can't be less than the bytes the tokens stand for.
		if ids := tok.Encode(text); len(tok.Decode(ids)) < len(ids)/3 {
			t.Fatalf("%d tokens decode to %q", len(ids), tok.Decode(ids))
		}
	})
}

func FuzzChunks(f *testing.F) {
	tok := newTokenizer(f)
	for _, seed := range []string{"((a:1.3), [b] BREAK vase", "\\(x:2) (((", "(a:1.1", strings.Repeat("vase, ", 60), "BREAK BREAK"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := tok.Chunks(text, Layout{Pad: EOS, Embeddings: []Embedding{{"vase", 9}}})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out.Chunks); n < 1 || n > maxChunks {
			t.Fatalf("%d chunks", n)
		}
		for _, c := range out.Chunks {
			if c.IDs[0] != BOS || c.IDs[Length-1] != EOS || c.Weights[0] != 1 {
				t.Fatalf("not framed: %+v", c)
			}
			for _, p := range c.Placements {
				if p.At < 1 || p.At+9 > Length-1 || c.IDs[p.At] != 0 || c.IDs[p.At+8] != 0 {
					t.Fatalf("misplaced: %+v", c)
				}
			}
		}
		if rest, _, err := ExtractLoRAs(text); err == nil && len(rest) > len(text) {
			t.Fatalf("%q grew to %q", text, rest)
		}
	})
}

func BenchmarkTokenize(b *testing.B) {
	tok := newTokenizer(b)
	for b.Loop() {
		tok.Tokenize("a tall glass vase with a narrow neck, walnut and brushed steel, studio lighting")
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newTokenizer(b)
	}
}
