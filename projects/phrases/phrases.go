// Package phrases holds ready sets of phrases for variants, such as facade
// materials, which users can change in a JSON file beside their settings.
package phrases

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"maquette/assets"
	"maquette/projects/internal/atomicfile"
	"maquette/projects/internal/jsonfile"
	"maquette/projects/settings"
)

// Set is a ready set of phrases, such as the materials of facades.
type Set struct {
	// ID is the name that prompts call the set by, as in {facade}: letters, digits, - and _.
	ID string `json:"id"`
	// Area is the field of work that the set is for: Product, Architecture or one of the user's.
	Area string `json:"area,omitempty"`
	// Label names the set for people, by language, such as "en" or "zh".
	Label   Label    `json:"label,omitempty"`
	Phrases []Phrase `json:"phrases"`
}

// The areas of the sets that come with the app.
const (
	Product      = "product"
	Architecture = "architecture"
)

// Phrase is a part of a prompt.
type Phrase struct {
	// Text goes into the prompt. It is English, which is what checkpoints read.
	Text  string `json:"text"`
	Label Label  `json:"label,omitempty"`
}

// Label is a text in several languages, by BCP 47 language such as "en" or "zh".
type Label map[string]string

// In is the label in a language such as "zh-Hans", else in English, else otherwise.
func (l Label) In(language, otherwise string) string {
	base, _, _ := strings.Cut(language, "-")
	for _, key := range []string{language, base, "en"} {
		if text := l[key]; text != "" {
			return text
		}
	}
	return otherwise
}

// Title names the set for people.
func (s Set) Title(language string) string { return s.Label.In(language, s.ID) }

// Title names the phrase for people.
func (p Phrase) Title(language string) string { return p.Label.In(language, p.Text) }

// Is reports whether text is the phrase or one of its labels, in any letter case.
func (p Phrase) Is(text string) bool {
	text = strings.TrimSpace(text)
	for _, l := range p.Label {
		if strings.EqualFold(l, text) {
			return true
		}
	}
	return strings.EqualFold(p.Text, text)
}

// file is the content of the file.
type file struct {
	Schema int   `json:"schema"`
	Sets   []Set `json:"sets"`
}

// Bounds of the file.
const (
	schema     = 1
	maxFile    = 1 << 20 // bytes
	maxSets    = 200
	maxPhrases = 400  // of a set
	maxText    = 1000 // bytes of a phrase or label
)

// Path is the user's file: phrases.json in the folder of the settings. It need not exist.
func Path() (string, error) {
	file, err := settings.Path()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(file), "phrases.json"), nil
}

// Default returns the sets that come with the app.
func Default() ([]Set, error) {
	sets, err := parse(assets.Phrases())
	if err != nil {
		return nil, fmt.Errorf("bundled phrases: %w", err)
	}
	return sets, nil
}

// Load returns the user's sets, or the app's where there are none. With an
// error, which names the file and what is wrong in it, it returns the app's.
func Load() ([]Set, error) {
	sets, err := Default()
	if err != nil {
		return nil, err
	}
	path, err := Path()
	if err != nil {
		return sets, err
	}
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return sets, nil
	}
	if err != nil {
		return sets, fmt.Errorf("phrases: %w", err)
	}
	own, err := parse(data)
	if err != nil {
		return sets, fmt.Errorf("%s: %w; the phrases that come with the app are used", path, err)
	}
	return own, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// Save stores the user's sets in the file, atomically. Errors: sets that Load would refuse.
func Save(sets []Set) error {
	if err := check(sets); err != nil {
		return fmt.Errorf("save phrases: %w", err)
	}
	data, err := jsonfile.Encode(file{Schema: schema, Sets: sets})
	if err != nil {
		return fmt.Errorf("save phrases: %w", err)
	}
	return write(data)
}

// Edit makes the user's file with the app's sets, if there is none yet, and
// returns its path, for an editor.
func Edit() (string, error) {
	path, err := Path()
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	// As it is written by hand, one phrase a line.
	return path, write(assets.Phrases())
}

// Reset brings the app's sets back. The user's file is kept as phrases.json.old.
func Reset() error {
	path, err := Path()
	if err != nil {
		return err
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reset phrases: %w", err)
	}
	return nil
}

func write(data []byte) error {
	path, err := Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("save phrases: %w", err)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("save phrases: %w", err)
	}
	defer root.Close()
	var w atomicfile.Writer
	if err := w.Replace(root, filepath.Base(path), data); err != nil {
		return fmt.Errorf("save phrases: %w", err)
	}
	return nil
}

func parse(data []byte) ([]Set, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + strings.Count(string(data[:min(int(syntax.Offset), len(data))]), "\n")
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		return nil, err
	}
	if f.Schema != schema {
		return nil, fmt.Errorf("it has version %d, and this Maquette reads %d", f.Schema, schema)
	}
	return f.Sets, check(f.Sets)
}

// check says what in the sets cannot be used.
func check(sets []Set) error {
	id := regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]{0,60}$`)
	if len(sets) > maxSets {
		return fmt.Errorf("%d sets are more than %d", len(sets), maxSets)
	}
	seen := map[string]bool{}
	for _, s := range sets {
		switch {
		case !id.MatchString(s.ID):
			return fmt.Errorf("the set %.80q: an id has letters, digits, - and _", s.ID)
		case seen[strings.ToLower(s.ID)]:
			return fmt.Errorf("the set %q comes twice", s.ID)
		case len(s.Phrases) == 0 || len(s.Phrases) > maxPhrases:
			return fmt.Errorf("the set %q has %d phrases; it must have 1 to %d", s.ID, len(s.Phrases), maxPhrases)
		}
		seen[strings.ToLower(s.ID)] = true
		texts := map[string]bool{}
		for _, p := range s.Phrases {
			if len(p.Text) > maxText || texts[p.Text] {
				return fmt.Errorf("the set %q: the phrase %.80q comes twice or is longer than %d bytes", s.ID, p.Text, maxText)
			}
			texts[p.Text] = true
			for _, l := range p.Label {
				if len(l) > maxText {
					return fmt.Errorf("the set %q: a label is longer than %d bytes", s.ID, maxText)
				}
			}
		}
	}
	return nil
}
