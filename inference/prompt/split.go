package prompt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// split cuts clean text into the pieces that the merges run over. It is the
// expression
//
//	<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+
//
// written out, with everything between the matches dropped. The first two only
// match what was in capitals, as special tokens are found before; transformers
// then cuts them once more, into marks, letters and marks.
func split(text string) []string {
	var pieces []string
	for text != "" {
		if rest, ok := cutSpelled(text); ok {
			inner := text[2 : len(text)-len(rest)-2]
			pieces = append(pieces, "<|", inner, "|>")
			text = rest
			continue
		}
		n := contraction(text)
		if n == 0 {
			r, size := utf8.DecodeRuneInString(text)
			switch {
			case unicode.IsLetter(r):
				n = prefix(text, unicode.IsLetter)
			case unicode.IsNumber(r):
				n = size
			case unicode.IsSpace(r):
				text = text[size:]
				continue
			default:
				n = prefix(text, isMark)
			}
		}
		pieces = append(pieces, text[:n])
		text = text[n:]
	}
	return pieces
}

// cutSpelled cuts a special token's text off the beginning.
func cutSpelled(text string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(text, bosText); ok {
		return rest, true
	}
	return strings.CutPrefix(text, eosText)
}

// contraction is the length of the English contraction that text begins with, or 0.
func contraction(text string) int {
	if text[0] != '\'' {
		return 0
	}
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, c) {
			return len(c)
		}
	}
	return 0
}

func isMark(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r)
}

// prefix is the length of the longest beginning of text whose characters are all in the class.
func prefix(text string, class func(rune) bool) int {
	if i := strings.IndexFunc(text, func(r rune) bool { return !class(r) }); i >= 0 {
		return i
	}
	return len(text)
}
