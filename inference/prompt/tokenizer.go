// Package prompt reads prompts: variants to choose from, weights, LoRAs and
// textual inversions, and the token ids of CLIP's text encoder.
//
// The tokenizer is the byte pair encoding of Radford et al. 2021, "Learning
// Transferable Visual Models From Natural Language Supervision", as
// transformers' CLIPTokenizer runs it: NFC, runs of white space to one space,
// lower case, split into contractions, words, single digits and runs of marks,
// then merges over the UTF-8 bytes of each piece.
package prompt

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// Length is the number of tokens that the text encoder takes.
	Length = 77
	// VocabSize is the number of tokens of CLIP's vocabulary.
	VocabSize = 49408
	// BOS begins every prompt.
	BOS = VocabSize - 2
	// EOS ends every prompt, and fills the rest of it as in Stable Diffusion 1.
	EOS = VocabSize - 1

	// A byte is token 0…255 within a word and 256 more at a word's end; rule i makes token firstMerge+i.
	wordEnd    = 256
	firstMerge = 512
	mergeCount = VocabSize - firstMerge - 2

	bosText = "<|startoftext|>"
	eosText = "<|endoftext|>"
)

// pair is two neighbouring tokens that a merge rule may join.
type pair struct{ left, right int32 }

// Tokenizer splits text into CLIP's tokens. It is safe for concurrent use.
type Tokenizer struct {
	byteToken [256]int32     // token of a byte within a word
	merges    map[pair]int32 // token that a pair makes; a lower one is merged first
	text      []string       // bytes of each token, without the mark of a word's end
	end       []bool         // tokens that end a word
}

// New makes a tokenizer of CLIP's merge rules (assets.CLIPMerges): a line
// "#version…", then one rule per line of two symbols with a space between.
func New(merges []byte) (*Tokenizer, error) {
	t := &Tokenizer{
		merges: make(map[pair]int32, mergeCount),
		text:   make([]string, firstMerge, VocabSize),
		end:    make([]bool, firstMerge, VocabSize),
	}
	symbols := make(map[string]int32, VocabSize)
	for i, b := range byteOrder() {
		t.byteToken[b] = int32(i)
		t.text[i], t.text[i+wordEnd], t.end[i+wordEnd] = string([]byte{b}), string([]byte{b}), true
		symbols[string(byteRune(b))] = int32(i)
		symbols[string(byteRune(b))+"</w>"] = int32(i + wordEnd)
	}
	lines := bytes.Split(bytes.TrimRight(merges, "\n"), []byte("\n"))
	if len(lines) == 0 || !bytes.HasPrefix(lines[0], []byte("#version")) {
		return nil, fmt.Errorf("CLIP merges: the first line is not a #version line")
	}
	if lines = lines[1:]; len(lines) != mergeCount {
		return nil, fmt.Errorf("CLIP merges: %d rules, want %d", len(lines), mergeCount)
	}
	for i, line := range lines {
		l, r, ok := strings.Cut(string(line), " ")
		left, okLeft := symbols[l]
		right, okRight := symbols[r]
		if !ok || !okLeft || !okRight {
			return nil, fmt.Errorf("CLIP merges: rule %d (%q) names a symbol that no earlier rule made", i+1, line)
		}
		id := int32(firstMerge + i)
		t.merges[pair{left, right}] = id
		t.text = append(t.text, t.text[left]+t.text[right])
		t.end = append(t.end, t.end[right])
		symbols[l+r] = id
	}
	return t, nil
}

// byteOrder lists the bytes in the order of their tokens: first those that
// print in Latin-1, then the others.
func byteOrder() []byte {
	order := make([]byte, 0, 256)
	for pass := range 2 {
		for b := range 256 {
			if prints(byte(b)) == (pass == 0) {
				order = append(order, byte(b))
			}
		}
	}
	return order
}

func prints(b byte) bool {
	return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
}

// byteRune is the character that stands for a byte in the merge rules.
func byteRune(b byte) rune {
	if prints(b) {
		return rune(b)
	}
	n := rune(0)
	for c := range b {
		if !prints(c) {
			n++
		}
	}
	return 256 + n
}

// Tokens is a prompt as the text encoder takes it.
type Tokens struct {
	// IDs are BOS, the tokens of the prompt, and EOS to the end.
	IDs [Length]int64
	// Count is the number of tokens of the whole prompt, without BOS and EOS.
	Count int
	// Cut is the end of the prompt that did not fit, or empty.
	Cut string
}

// Tokenize encodes text and fits it to the text encoder: it adds BOS and EOS,
// cuts what is longer than 75 tokens and pads with EOS.
func (t *Tokenizer) Tokenize(text string) Tokens {
	ids := t.Encode(text)
	out := Tokens{Count: len(ids)}
	if room := Length - 2; len(ids) > room {
		out.Cut = t.Decode(ids[room:])
		ids = ids[:room]
	}
	for i := range out.IDs {
		out.IDs[i] = EOS
	}
	out.IDs[0] = BOS
	for i, id := range ids {
		out.IDs[i+1] = int64(id)
	}
	return out
}

// Encode returns the tokens of text, without BOS and EOS and of any length.
// Bytes that are not UTF-8 count as U+FFFD. Its time grows with n·log n.
func (t *Tokenizer) Encode(text string) []int32 {
	var ids []int32
	for text = strings.ToValidUTF8(text, "\uFFFD"); text != ""; {
		plain, special, rest := cutSpecial(text)
		for _, piece := range split(clean(plain)) {
			ids = t.appendPiece(ids, piece)
		}
		if special >= 0 {
			ids = append(ids, special)
		}
		text = rest
	}
	return ids
}

// cutSpecial finds the first written-out special token, which counts as such
// wherever it stands; its id is -1 where there is none.
func cutSpecial(text string) (before string, id int32, after string) {
	bos, eos := strings.Index(text, bosText), strings.Index(text, eosText)
	switch {
	case bos < 0 && eos < 0:
		return text, -1, ""
	case eos < 0 || bos >= 0 && bos < eos:
		return text[:bos], BOS, text[bos+len(bosText):]
	}
	return text[:eos], EOS, text[eos+len(eosText):]
}

// clean is the tokenizer's normalisation. White space needs no collapsing
// here, since split drops all of it.
func clean(text string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		if r == 'İ' { // the one character whose lower case is two characters
			b.WriteString("i\u0307")
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Decode returns the text of tokens; words are followed by a space where the
// next token begins another.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		switch {
		case id == BOS:
			b.WriteString(bosText + " ")
		case id == EOS:
			b.WriteString(eosText + " ")
		case id >= 0 && int(id) < len(t.text):
			b.WriteString(t.text[id])
			if t.end[id] {
				b.WriteByte(' ')
			}
		}
	}
	return strings.ToValidUTF8(strings.TrimSuffix(b.String(), " "), "\uFFFD")
}
