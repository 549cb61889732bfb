package prompt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	maxWildcardFile  = 1 << 20 // bytes
	maxWildcardBytes = 8 << 20 // of all files of a template
	maxWildcardLines = 10_000  // of a wildcard
	maxWildcardFiles = 10_000  // that are looked at for a pattern
)

// wildcards are the wildcard files of a template and the expressions of its grammar.
type wildcards struct {
	folder fs.FS
	known  map[string]*choice
	chain  []string // being read, the outermost first
	bytes  int

	call, weight, head, numbers, joiner *regexp.Regexp
}

func newWildcards(folder fs.FS) *wildcards {
	return &wildcards{
		folder:  folder,
		known:   map[string]*choice{},
		call:    regexp.MustCompile(`^__([\p{L}\p{N}*](?:[\p{L}\p{N}\-./* ]|_[\p{L}\p{N}\-./*])*)__`),
		weight:  regexp.MustCompile(`^\s*([0-9]{0,6}\.?[0-9]{1,6})::`),
		head:    regexp.MustCompile(`^([^{}|$]*)\$\$`),
		numbers: regexp.MustCompile(`^\s*([0-9]{0,3})\s*(-?)\s*([0-9]{0,3})\s*\$\$`),
		joiner:  regexp.MustCompile(`^([^{}|$]*)\$\$`),
	}
}

// wildcardProblem is what is wrong with a call, to be told with its place.
type wildcardProblem string

func (p wildcardProblem) Error() string { return string(p) }

// open is the choice of the lines of all files that a name or pattern means.
func (w *wildcards) open(name string) (*choice, error) {
	if c := w.known[name]; c != nil {
		return c, nil
	}
	switch {
	case w.folder == nil:
		return nil, wildcardProblem(fmt.Sprintf("__%s__ needs a wildcard folder, and none is set", name))
	case slices.Contains(w.chain, name):
		return nil, wildcardProblem("the wildcards call each other without end: " + strings.Join(append(w.chain, name), " → "))
	case len(w.chain) >= maxNesting:
		return nil, wildcardProblem(fmt.Sprintf("wildcards are nested more than %d deep", maxNesting))
	}
	files, err := w.files(name)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, wildcardProblem(fmt.Sprintf("there is no wildcard file %s.txt", name))
	}
	w.chain = append(w.chain, name)
	defer func() { w.chain = w.chain[:len(w.chain)-1] }()
	c := &choice{low: 1, high: 1}
	for _, f := range files {
		if err := w.read(f, c); err != nil {
			return nil, err
		}
	}
	if len(c.options) == 0 {
		return nil, wildcardProblem(fmt.Sprintf("the wildcard %s has no lines", name))
	}
	c.count = c.total()
	w.known[name] = c
	return c, nil
}

// files are the paths that a name means; * stands for any characters but /, and ** for those too.
func (w *wildcards) files(name string) ([]string, error) {
	file := name + ".txt"
	if !fs.ValidPath(file) {
		return nil, wildcardProblem(fmt.Sprintf("%s is not a path within the wildcard folder", name))
	}
	if !strings.Contains(name, "*") {
		if _, err := fs.Stat(w.folder, file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{file}, nil
	}
	pattern := regexp.QuoteMeta(file)
	pattern = strings.ReplaceAll(pattern, `\*\*`, `.*`)
	pattern = strings.ReplaceAll(pattern, `\*`, `[^/]*`)
	fits, err := regexp.Compile("^" + pattern + "$")
	if err != nil {
		return nil, fmt.Errorf("wildcard %s: %w", name, err)
	}
	var found []string
	seen := 0
	err = fs.WalkDir(w.folder, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxWildcardFiles {
			return wildcardProblem(fmt.Sprintf("the wildcard folder holds more than %d files", maxWildcardFiles))
		}
		if !d.IsDir() && path.Ext(p) == ".txt" && fits.MatchString(p) {
			found = append(found, p)
		}
		return nil
	})
	return found, err
}

// read adds the lines of a file to a choice.
func (w *wildcards) read(file string, c *choice) error {
	f, err := w.folder.Open(file)
	if err != nil {
		return fmt.Errorf("wildcard: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxWildcardFile+1))
	if err != nil {
		return fmt.Errorf("wildcard %s: %w", file, err)
	}
	w.bytes += len(data)
	if len(data) > maxWildcardFile || w.bytes > maxWildcardBytes {
		return fmt.Errorf("wildcard %s: larger than %d bytes, or than %d with the others", file, maxWildcardFile, maxWildcardBytes)
	}
	text := strings.TrimPrefix(strings.ToValidUTF8(string(data), "\uFFFD"), "\uFEFF")
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(c.options) == maxWildcardLines {
			return fmt.Errorf("wildcard %s: more than %d lines", file, maxWildcardLines)
		}
		p := templateParser{text: line, files: w}
		s, err := p.sequence(0)
		if err != nil {
			// The place is the innermost one, which an error within another file has already.
			var syntax *SyntaxError
			if errors.As(err, &syntax) && syntax.File == "" {
				syntax.File, syntax.Line = file, number
			}
			return err
		}
		c.options = append(c.options, option{1, s})
	}
	return nil
}
