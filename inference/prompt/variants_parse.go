package prompt

import (
	"regexp"
	"strconv"
	"strings"
)

// maxNesting bounds choices within choices and wildcards within wildcards.
const maxNesting = 20

// templateParser reads a template, or a line of a wildcard file.
type templateParser struct {
	text  string
	at    int
	files *wildcards
}

func (p *templateParser) fail(at int, format string, args ...any) error {
	return syntaxError(p.text, at, format, args...)
}

// match is what the expression finds at the place, which begins with ^.
func (p *templateParser) match(re *regexp.Regexp) []string {
	return re.FindStringSubmatch(p.text[p.at:])
}

// sequence reads text and choices up to the end, or within a choice (depth > 0)
// up to | or }.
func (p *templateParser) sequence(depth int) (sequence, error) {
	var out sequence
	var text strings.Builder
	add := func(c *choice) {
		out = append(out, part{text.String(), c})
		text.Reset()
	}
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			if strings.IndexByte("{|}", rest[1]) < 0 {
				text.WriteByte('\\')
			}
			text.WriteByte(rest[1])
			p.at += 2
			continue
		case rest[0] == '{':
			c, err := p.choice(depth)
			if err != nil {
				return nil, err
			}
			add(c)
			continue
		case rest[0] == '}' && depth == 0:
			return nil, p.fail(p.at, "there is no { before this }; write \\} for the character")
		case (rest[0] == '|' || rest[0] == '}') && depth > 0:
			return append(out, part{text: text.String()}), nil
		case strings.HasPrefix(rest, "${"):
			return nil, p.fail(p.at, "variables such as ${name} are not supported; write $\\{ for the characters")
		case strings.HasPrefix(rest, "__"):
			c, length, err := p.wildcard()
			if err != nil {
				return nil, err
			}
			if c != nil {
				add(c)
				p.at += length
				continue
			}
		}
		text.WriteByte(rest[0])
		p.at++
	}
	return append(out, part{text: text.String()}), nil
}

// wildcard reads __name__; nil where the underscores are text.
func (p *templateParser) wildcard() (*choice, int, error) {
	m := p.match(p.files.call)
	if m == nil {
		return nil, 0, nil
	}
	c, err := p.files.open(m[1])
	if problem, ok := err.(wildcardProblem); ok {
		return nil, 0, p.fail(p.at, "%s", string(problem))
	}
	return c, len(m[0]), err
}

// choice reads {…}.
func (p *templateParser) choice(depth int) (*choice, error) {
	start := p.at
	if depth >= maxNesting {
		return nil, p.fail(start, "choices are nested more than %d deep", maxNesting)
	}
	p.at++
	c := &choice{low: 1, high: 1, joiner: ", "}
	bounded, err := p.bounds(c)
	if err != nil {
		return nil, err
	}
	for {
		o := option{weight: 1}
		if m := p.match(p.files.weight); m != nil {
			if o.weight, err = strconv.ParseFloat(m[1], 64); err != nil {
				return nil, p.fail(p.at, "the weight %s is not a number", m[1])
			}
			p.at += len(m[0])
		}
		if o.text, err = p.sequence(depth + 1); err != nil {
			return nil, err
		}
		if p.at == len(p.text) {
			return nil, p.fail(start, "this { is not closed; write \\{ for the character")
		}
		if o.weight > 0 {
			c.options = append(c.options, o)
		}
		p.at++
		if p.text[p.at-1] == '}' {
			break
		}
	}
	if len(c.options) == 0 {
		return nil, p.fail(start, "all options have weight 0")
	}
	if bounded {
		c.spread()
	}
	c.high = min(c.high, len(c.options))
	c.low = min(c.low, c.high)
	c.count = c.total()
	return c, nil
}

// bounds reads the number of options to take and what stands between them.
func (p *templateParser) bounds(c *choice) (bounded bool, err error) {
	m := p.match(p.files.head)
	if m == nil {
		return false, nil
	}
	n := p.match(p.files.numbers)
	if n == nil || n[1]+n[2]+n[3] == "" || n[1]+n[3] == "" {
		return false, p.fail(p.at, "%q before $$ is not a number such as 2 or a range such as 1-2", m[1])
	}
	number := func(s string, otherwise int) int {
		if s == "" {
			return otherwise
		}
		v, _ := strconv.Atoi(s) // three digits at most
		return v
	}
	c.low = number(n[1], 1)
	c.high = c.low
	if n[2] != "" {
		c.high = number(n[3], maxPicked)
	}
	if c.low > c.high {
		return false, p.fail(p.at, "the range %s ends before it begins", m[1])
	}
	if c.high > maxPicked {
		return false, p.fail(p.at, "%s: at most %d options are taken together", m[1], maxPicked)
	}
	p.at += len(m[0])
	if j := p.match(p.files.joiner); j != nil {
		c.joiner = j[1]
		p.at += len(j[0])
	}
	return true, nil
}

// spread puts the lines of a wildcard in the place of the only option, so that
// several different ones are taken.
func (c *choice) spread() {
	if len(c.options) != 1 {
		return
	}
	var only *choice
	for _, p := range c.options[0].text {
		if strings.TrimSpace(p.text) != "" || p.choice != nil && only != nil {
			return
		}
		if p.choice != nil {
			only = p.choice
		}
	}
	if only != nil && only.low == 1 && only.high == 1 {
		c.options = only.options
	}
}
