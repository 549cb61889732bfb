package prompt

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// The examples of AUTOMATIC1111's documentation, and more.
func TestParse(t *testing.T) {
	type spans []Span
	for text, want := range map[string]spans{
		"":                       {{"", 1, false}},
		"normal text":            {{"normal text", 1, false}},
		"an (important) word":    {{"an ", 1, false}, {"important", 1.1, false}, {" word", 1, false}},
		"(unbalanced":            {{"unbalanced", 1.1, false}},
		"[[unbalanced":           {{"unbalanced", 1 / 1.1 / 1.1, false}},
		`\(literal\]`:            {{"(literal]", 1, false}},
		`back\\slash, lone \x`:   {{`back\slash, lone x`, 1, false}},
		"(unnecessary)(parens)":  {{"unnecessaryparens", 1.1, false}},
		"((word))":               {{"word", 1.1 * 1.1, false}},
		"[word]":                 {{"word", 1 / 1.1, false}},
		"(word:1.3)":             {{"word", 1.3, false}},
		"(word: +0.5 )":          {{"word", 0.5, false}},
		"(word:-1)":              {{"word", -1, false}},
		"word:1.3)":              {{"word:1.3)", 1, false}},
		"(ratio 16:9)":           {{"ratio 16", 9, false}},
		"(a:1.2.3) b] :c":        {{"a:1.2.3", 1.1, false}, {" b] :c", 1, false}},
		"(a:1e3)":                {{"a:1e3", 1.1, false}},
		"(a:1000)":               {{"a:1000", 1.1, false}},
		"one BREAK two":          {{"one", 1, true}, {"two", 1, false}},
		"BREAKFAST (x)":          {{"BREAKFAST ", 1, false}, {"x", 1.1, false}},
		"(one\nBREAK\ntwo:1.2) ": {{"one", 1.2, true}, {"two", 1.2, false}, {" ", 1, false}},
		"a BREAK (b)":            {{"a", 1, true}, {"", 1, false}, {"b", 1.1, false}},
		"a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": {{"a ", 1, false}, {"house", 1.5730000000000004, false},
			{" ", 1.1, false}, {"on", 1, false}, {" a ", 1.1, false}, {"hill", 0.55, false}, {", sun, ", 1.1, false},
			{"sky", 1.4641000000000006, false}, {".", 1.1, false}},
	} {
		got := Parse(text)
		if !slices.EqualFunc(got, want, func(a, b Span) bool {
			return a.Text == b.Text && a.Break == b.Break && math.Abs(a.Weight-b.Weight) < 1e-12
		}) {
			t.Errorf("%q:\n got %v\nwant %v", text, got, want)
		}
	}
}

func TestChunksOfPlainTextAreTokenizes(t *testing.T) {
	tok := newTokenizer(t)
	for _, text := range []string{"", "a chair", strings.Repeat("chair ", 75)} {
		got, err := tok.Chunks(text, Layout{Pad: EOS})
		if err != nil {
			t.Fatal(err)
		}
		want := tok.Tokenize(text)
		if len(got.Chunks) != 1 || got.Chunks[0].IDs != want.IDs || got.Count != want.Count || got.Cut != "" {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func chunks(t *testing.T, tok *Tokenizer, text string, l Layout) Chunked {
	t.Helper()
	got, err := tok.Chunks(text, l)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// lengths are the numbers of tokens of chunks that are padded with 0.
func lengths(c Chunked) []int {
	var out []int
	for _, k := range c.Chunks {
		out = append(out, slices.Index(k.IDs[:], EOS)-1)
	}
	return out
}

func TestChunksSplit(t *testing.T) {
	tok := newTokenizer(t)
	chair := func(n int) string { return strings.Repeat("chair ", n) }
	for _, c := range []struct {
		name, text string
		want       []int
	}{
		{"no comma", chair(100), []int{75, 25}},
		{"break", "chair BREAK chair chair", []int{1, 2}},
		{"break at first", "BREAK chair", []int{0, 1}},
		{"break at last", "chair BREAK", []int{1}},
		{"a comma near the end", chair(60) + ", " + chair(30), []int{61, 30}},
		{"a comma 20 back", chair(55) + ", " + chair(30), []int{56, 30}},
		{"a comma 21 back", chair(54) + ", " + chair(30), []int{75, 10}},
		{"a comma after the end", chair(75) + ", " + chair(3), []int{75, 4}},
		{"a comma at the end", chair(74) + ", " + chair(3), []int{75, 3}},
	} {
		if got := lengths(chunks(t, tok, c.text, Layout{})); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if c := chunks(t, tok, "chair BREAK (table:1.5)", Layout{}); c.Count != 76 || c.Chunks[1].Weights[1] != 1.5 ||
		c.Chunks[1].Weights[0] != 1 || c.Chunks[1].Weights[2] != 1 || c.Chunks[0].Weights[1] != 1 {
		t.Errorf("weights: %+v", c)
	}
}

func TestChunksAreBounded(t *testing.T) {
	tok := newTokenizer(t)
	c := chunks(t, tok, strings.Repeat("chair ", 75*maxChunks)+"(table:1.2) lamp", Layout{Pad: EOS})
	if len(c.Chunks) != maxChunks || c.Cut != "table lamp" || c.Count != 75*maxChunks {
		t.Errorf("%d chunks, %d tokens, cut %q", len(c.Chunks), c.Count, c.Cut)
	}
	c = chunks(t, tok, strings.Repeat("BREAK ", 100), Layout{Pad: EOS})
	if len(c.Chunks) != maxChunks {
		t.Errorf("%d chunks of breaks", len(c.Chunks))
	}
	c = chunks(t, tok, strings.Repeat("chair ", 75*maxChunks-3)+"vase-style", Layout{Embeddings: []Embedding{{"vase-style", 8}}})
	if len(c.Chunks) != maxChunks || c.Cut != "vase - style" {
		t.Errorf("%d chunks, cut %q", len(c.Chunks), c.Cut)
	}
}

func TestChunksPlaceEmbeddings(t *testing.T) {
	tok := newTokenizer(t)
	l := Layout{Embeddings: []Embedding{{"vase", 2}, {"vase-style", 8}, {"easy_negative", 75}}}
	c := chunks(t, tok, "a (vase-style:1.3), Vase, embedding:vase", l)
	want := []Placement{{1, 2}, {0, 11}, {0, 14}}
	if len(c.Chunks) != 1 || !slices.Equal(c.Chunks[0].Placements, want) {
		t.Fatalf("%+v", c)
	}
	k := c.Chunks[0]
	if k.Weights[2] != 1.3 || k.Weights[9] != 1.3 || k.Weights[10] != 1 || k.IDs[9] != 0 || k.IDs[10] == 0 {
		t.Errorf("%+v", k)
	}
	// It moves on whole, and with the phrase that it is in.
	c = chunks(t, tok, strings.Repeat("chair ", 70)+"vase-style", l)
	if got := lengths(c); !slices.Equal(got, []int{70, 8}) || c.Chunks[1].Placements[0].At != 1 {
		t.Errorf("%v, %+v", got, c.Chunks[1].Placements)
	}
	c = chunks(t, tok, strings.Repeat("chair ", 67)+", vase "+strings.Repeat("chair ", 9), l)
	if got := lengths(c); !slices.Equal(got, []int{68, 11}) || !slices.Equal(c.Chunks[1].Placements, []Placement{{0, 1}}) ||
		len(c.Chunks[0].Placements) != 0 {
		t.Errorf("%v, %+v", got, c.Chunks)
	}
	c = chunks(t, tok, "easy_negative", l)
	if k := c.Chunks[0]; k.IDs[76] != EOS || k.Placements[0].At != 1 {
		t.Errorf("%+v", k)
	}
	for _, bad := range []Embedding{{"x", 0}, {"x", 76}, {" ", 1}} {
		if _, err := tok.Chunks("x", Layout{Embeddings: []Embedding{bad}}); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestExtractLoRAs(t *testing.T) {
	rest, list, err := ExtractLoRAs("a <lora:wood-v2:0.8>chair <lyco:x>, <lora:a b:.5:1> <lora:n:te=0:unet=-2> <lora:m:0.3:te=1> <b> <3")
	if err != nil {
		t.Fatal(err)
	}
	want := []LoRA{{"wood-v2", 0.8, 0.8}, {"x", 1, 1}, {"a b", 1, 0.5}, {"n", -2, 0}, {"m", 1, 1}}
	if rest != "a chair ,    <b> <3" || !slices.Equal(list, want) {
		t.Errorf("%q, %+v", rest, list)
	}
	for text, want := range map[string]string{
		"a\nb <lora:x:y>":    `prompt, line 2, character 3: <lora:x:y>: the strength "y" is not a number from -20 to 20`,
		"é <lora:>":          "prompt, line 1, character 3: <lora:>: the LoRA has no name",
		"<lora:x:1:2:3>":     "more than two strengths",
		"<lora:x:NaN>":       "not a number",
		"<lora:x:1e9>":       "not a number",
		"<lora:x:1:lbw=OUT>": `"OUT" is not a number`,
		"<lora:x:1:dyn=8>":   `"dyn" is not known`,
		"<hypernet:x:1>":     "hypernetworks are not supported",
	} {
		if _, _, err := ExtractLoRAs(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
