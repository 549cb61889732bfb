package prompt

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

const (
	// bracketWeight is what a pair of round brackets multiplies by, and a pair of square ones divides by.
	bracketWeight = 1.1
	// maxWeight bounds weights that are written out: more only gives values that are not numbers.
	maxWeight = 100
)

// Span is a part of a prompt with one weight.
type Span struct {
	Text string
	// Weight scales the embeddings of the text; 1 is plain.
	Weight float64
	// Break says that the text after the span begins a new chunk.
	Break bool
}

// Parse reads the weights of a prompt, as AUTOMATIC1111 does: (text) is 1.1
// times as strong, [text] is 1.1 times weaker, (text:1.3) has the given factor;
// brackets nest, and brackets after a backslash are text. A bracket that is
// never closed counts to the end. BREAK on its own ends a chunk; other than
// there, it does so within brackets too.
//
// Neighbours of equal weight are one span. An empty prompt is one empty span.
func Parse(text string) []Span {
	p := parser{weight: regexp.MustCompile(`^:\s*([+-]?[.0-9]+)\s*\)`), pause: regexp.MustCompile(`\s*\bBREAK\b\s*`)}
	for text != "" {
		text = text[p.next(text):]
	}
	for _, from := range p.round {
		p.multiply(from, bracketWeight)
	}
	for _, from := range p.square {
		p.multiply(from, 1/bracketWeight)
	}
	return merge(p.spans)
}

// parser is a prompt on its way to spans.
type parser struct {
	weight, pause *regexp.Regexp
	spans         []Span
	round, square []int // spans at which brackets opened
}

// next reads what text begins with and returns its length.
func (p *parser) next(text string) int {
	switch c := text[0]; {
	case c == '\\':
		if len(text) > 1 && strings.IndexByte(`()[]\`, text[1]) >= 0 {
			p.add(text[1:2])
			return 2
		}
		return 1
	case c == '(':
		p.round = append(p.round, len(p.spans))
		return 1
	case c == '[':
		p.square = append(p.square, len(p.spans))
		return 1
	case c == ':' && len(p.round) > 0:
		if m := p.weight.FindStringSubmatch(text); m != nil {
			if w, err := strconv.ParseFloat(m[1], 64); err == nil && math.Abs(w) <= maxWeight {
				p.close(&p.round, w)
				return len(m[0])
			}
		}
	case c == ')' && len(p.round) > 0:
		p.close(&p.round, bracketWeight)
		return 1
	case c == ']' && len(p.square) > 0:
		p.close(&p.square, 1/bracketWeight)
		return 1
	}
	n := 1 + strings.IndexAny(text[1:], `\()[]:`)
	if n == 0 {
		n = len(text)
	}
	p.text(text[:n])
	return n
}

// text adds plain text, in which BREAK may stand.
func (p *parser) text(text string) {
	for i, part := range p.pause.Split(text, -1) {
		if i > 0 {
			p.spans = append(p.spans, Span{Weight: 1, Break: true})
		}
		p.add(part)
	}
}

func (p *parser) add(text string) { p.spans = append(p.spans, Span{Text: text, Weight: 1}) }

// close multiplies what stands since the innermost bracket opened.
func (p *parser) close(open *[]int, by float64) {
	last := len(*open) - 1
	p.multiply((*open)[last], by)
	*open = (*open)[:last]
}

func (p *parser) multiply(from int, by float64) {
	for i := from; i < len(p.spans); i++ {
		p.spans[i].Weight *= by
	}
}

// merge joins neighbours of equal weight; a break belongs to the span before it.
func merge(spans []Span) []Span {
	out := []Span{{Weight: 1}}
	if len(spans) > 0 {
		out[0].Weight = spans[0].Weight
	}
	for i, s := range spans {
		last := &out[len(out)-1]
		switch {
		case s.Break:
			last.Break = true
			weight := 1.0
			if i+1 < len(spans) {
				weight = spans[i+1].Weight
			}
			out = append(out, Span{Weight: weight})
		case s.Weight == last.Weight:
			last.Text += s.Text
		default:
			out = append(out, s)
		}
	}
	return out
}
