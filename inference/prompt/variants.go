package prompt

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

const (
	// maxTemplate bounds a template's length in bytes.
	maxTemplate = 16 << 10
	// maxVariant bounds the length in bytes of one prompt that a template gives.
	maxVariant = 64 << 10
	// maxPicked bounds how many options of one choice are taken together.
	maxPicked = 20
	// maxVisits bounds the choices that one prompt takes, as wildcards that call
	// others twice double at each turn.
	maxVisits = 100_000
)

// Template is a prompt with choices, as users of Dynamic Prompts write it:
//
//	{brick|glass|timber}        one of them
//	{2::brick|glass|0.5::clay}  brick twice as often as glass, when sampled
//	{2$$brick|glass|timber}     two different ones with ", " between, in any order
//	{1-2$$ and $$brick|glass}   one or two, with " and " between; -2 and 1- do too
//	__colours/warm__            a line of colours/warm.txt in the wildcard folder
//	{2$$__colours/*__}          two different lines of all files that fit
//
// Options and lines may hold choices again. Blank lines of wildcard files and
// those that begin with # don't count. A backslash before {, | or } makes it
// text. Options of weight 0 are left out. Variables are not supported.
//
// A Template is safe for concurrent use.
type Template struct{ root sequence }

// sequence is text and choices that follow each other.
type sequence []part

// part is text, or a choice where that is not nil.
type part struct {
	text   string
	choice *choice
}

// choice takes low to high different ones of its options.
type choice struct {
	options   []option
	low, high int
	joiner    string
	count     uint64 // of texts, at most the largest number
}

type option struct {
	weight float64
	text   sequence
}

// ParseTemplate reads a template. wildcards is the folder of wildcard files, or
// nil where there is none: os.Root.FS keeps to it even where it has links.
// Errors are *SyntaxError values, also within wildcard files, and those of files.
func ParseTemplate(text string, wildcards fs.FS) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("prompt: %d bytes are more than the %d that a prompt with variants may have", len(text), maxTemplate)
	}
	p := templateParser{text: text, files: newWildcards(wildcards)}
	root, err := p.sequence(0)
	if err != nil {
		return nil, err
	}
	return &Template{root}, nil
}

// Count is the number of prompts that All gives without a limit, equal ones
// counted as often as they come. exact is false where it is too large to tell,
// and n then the largest number.
func (t *Template) Count() (n int64, exact bool) {
	c := t.root.count()
	if c > math.MaxInt64 {
		return math.MaxInt64, false
	}
	return int64(c), true
}

// Sample chooses at random, by weight. A seed always gives the same prompt.
func (t *Template) Sample(seed int64) (string, error) {
	s := sampling{rand: rand.New(rand.NewPCG(uint64(seed), 0x6d617175657474))}
	if err := s.sequence(t.root); err != nil {
		return "", err
	}
	return string(s.out), nil
}

// errLong reports a template whose prompts have no bounds worth speaking of.
var errLong = errors.New("prompt: the variants make it longer than 64 KiB or choose more than 100,000 times; use fewer wildcards within wildcards")

// sampling is a prompt that is being chosen.
type sampling struct {
	rand   *rand.Rand
	out    []byte
	visits int
}

func (s *sampling) sequence(parts sequence) error {
	for _, p := range parts {
		s.out = append(s.out, p.text...)
		if p.choice == nil {
			continue
		}
		if err := s.choose(p.choice); err != nil {
			return err
		}
	}
	return nil
}

func (s *sampling) choose(c *choice) error {
	if s.visits++; s.visits > maxVisits || len(s.out) > maxVariant {
		return errLong
	}
	n := c.low + s.rand.IntN(c.high-c.low+1)
	total := 0.0
	for _, o := range c.options {
		total += o.weight
	}
	taken := make([]int, 0, n)
	for i := range n {
		if i > 0 {
			s.out = append(s.out, c.joiner...)
		}
		at, last := s.rand.Float64()*total, -1
		for k, o := range c.options {
			if slices.Contains(taken, k) {
				continue
			}
			last = k // of what is left, should rounding leave nothing
			if at -= o.weight; at < 0 {
				break
			}
		}
		taken = append(taken, last)
		total -= c.options[last].weight
		if err := s.sequence(c.options[last].text); err != nil {
			return err
		}
	}
	return nil
}

// All gives the prompts of every combination of options, limit at most. It ends
// after an error, which only a template without bounds gives.
func (t *Template) All(limit int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		left := limit
		if left <= 0 {
			return
		}
		w := walk{}
		w.fail = func() { yield("", errLong) }
		w.sequence(t.root, nil, func(text []byte) bool {
			left--
			w.visits = 0
			return yield(string(text), nil) && left > 0
		})
	}
}

// walk goes through all combinations, depth first. Its methods extend text in
// every way, call then with each, and return false where the walk is over.
type walk struct {
	visits int
	fail   func()
}

func (w *walk) sequence(s sequence, text []byte, then func([]byte) bool) bool {
	for i, p := range s {
		text = append(text, p.text...)
		if p.choice == nil {
			continue
		}
		if w.visits++; w.visits > maxVisits || len(text) > maxVariant {
			w.fail()
			return false
		}
		after := func(text []byte) bool { return w.sequence(s[i+1:], text, then) }
		for n := p.choice.low; n <= p.choice.high; n++ {
			if !w.pick(p.choice, n, nil, text, after) {
				return false
			}
		}
		return true
	}
	if len(text) > maxVariant {
		w.fail()
		return false
	}
	return then(text)
}

// pick adds n options of a choice that are not taken yet.
func (w *walk) pick(c *choice, n int, taken []int, text []byte, then func([]byte) bool) bool {
	if n == 0 {
		return then(text)
	}
	if len(taken) > 0 {
		text = append(text, c.joiner...)
	}
	for k, o := range c.options {
		if slices.Contains(taken, k) {
			continue
		}
		more := append(slices.Clone(taken), k)
		if !w.sequence(o.text, text, func(text []byte) bool { return w.pick(c, n-1, more, text, then) }) {
			return false
		}
	}
	return true
}

// count is the number of texts of a sequence.
func (s sequence) count() uint64 {
	n := uint64(1)
	for _, p := range s {
		if p.choice != nil {
			n = saturatingMul(n, p.choice.count)
		}
	}
	return n
}

// total is the number of texts of a choice: for k options in order it is k!
// times the sum, over all sets of k, of the products of their numbers.
func (c *choice) total() uint64 {
	sums := make([]uint64, c.high+1)
	sums[0] = 1
	for _, o := range c.options {
		n := o.text.count()
		for k := c.high; k > 0; k-- {
			sums[k] = saturatingAdd(sums[k], saturatingMul(sums[k-1], n))
		}
	}
	all, factorial := uint64(0), uint64(1)
	for k, sum := range sums {
		if k > 0 {
			factorial = saturatingMul(factorial, uint64(k))
		}
		if k >= c.low {
			all = saturatingAdd(all, saturatingMul(factorial, sum))
		}
	}
	return all
}

func saturatingMul(a, b uint64) uint64 {
	if hi, lo := bits.Mul64(a, b); hi == 0 {
		return lo
	}
	return math.MaxUint64
}

func saturatingAdd(a, b uint64) uint64 {
	if sum, carry := bits.Add64(a, b, 0); carry == 0 {
		return sum
	}
	return math.MaxUint64
}
