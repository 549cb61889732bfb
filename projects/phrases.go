package projects

import (
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"maquette/inference/prompt"
	"maquette/projects/phrases"
)

// PhraseOptions say how phrases are read and chosen.
type PhraseOptions struct {
	// Wildcards is the folder of wildcard files, or nil.
	Wildcards fs.FS
	// Ready are the ready sets of phrases that can be named.
	Ready []phrases.Set
	// Language is that of the labels, such as "zh-Hans"; empty means English.
	Language string
	// Sample, if not 0, is how many phrases to draw at random, by weight and each
	// once, where an axis has more.
	Sample int
	// Seed decides what is drawn.
	Seed int64
}

// phraseName is a name that a prompt can hold as {name}.
const phraseName = `^[\p{L}\p{N}][\p{L}\p{N} _-]{0,60}$`

// ParsePhrases reads an axis of phrases, as one of
//
//	facade={brick|glass|timber}   a template as in prompt.ParseTemplate
//	facade                        all phrases of the ready set "facade"
//	facade:brick|glass            those of its phrases that have these labels
//
// The phrases take the place of {facade} in the prompt, or follow it after a comma.
func ParsePhrases(text string, o PhraseOptions) (Axis, error) {
	name, template, given := strings.Cut(text, "=")
	id, labels, chosen := strings.Cut(text, ":")
	switch {
	case given && (!chosen || len(name) < len(id)):
		name = strings.TrimSpace(name)
		if err := checkPhraseName(name); err != nil {
			return Axis{}, err
		}
		return o.template(name, template)
	case chosen:
		return o.ready(strings.TrimSpace(id), strings.Split(labels, "|"))
	}
	return o.ready(strings.TrimSpace(text), nil)
}

func checkPhraseName(name string) error {
	if !regexp.MustCompile(phraseName).MatchString(name) {
		return fmt.Errorf("%q is no name for phrases: use letters, digits, spaces, - and _", name)
	}
	return nil
}

// template makes the axis of a template's phrases.
func (o PhraseOptions) template(name, text string) (Axis, error) {
	t, err := prompt.ParseTemplate(text, o.Wildcards)
	if err != nil {
		return Axis{}, fmt.Errorf("%s: %w", name, err)
	}
	texts, err := o.choose(t)
	if err != nil {
		return Axis{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(texts) == 1 && strings.Contains(text, "|") && !strings.Contains(text, "{") {
		return Axis{}, fmt.Errorf("%s: %q is a single phrase; write {%s} to choose between them", name, text, strings.TrimSpace(text))
	}
	axis := Axis{Field: phraseField + name, Label: name}
	for _, p := range texts {
		axis.Values = append(axis.Values, AxisValue{Value: p})
	}
	return axis, nil
}

// choose lists the different prompts of a template, or draws some of them.
func (o PhraseOptions) choose(t *prompt.Template) ([]string, error) {
	count, _ := t.Count()
	var out []string
	add := func(s string) {
		s = strings.TrimSpace(s)
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if o.Sample <= 0 || count <= int64(o.Sample) {
		// Equal ones count once, so there may be fewer than Count says.
		for s, err := range t.All(20 * MaxMembers) {
			if err != nil {
				return nil, err
			}
			if add(s); len(out) > MaxMembers {
				return nil, &TooManyError{Count: int(min(count, math.MaxInt32)), Max: MaxMembers}
			}
		}
		if count > 20*MaxMembers {
			return nil, &TooManyError{Count: int(min(count, math.MaxInt32)), Max: MaxMembers}
		}
		return out, nil
	}
	// A rare option may take many draws; with fewer phrases the set is smaller.
	for i := range int64(50 * o.Sample) {
		s, err := t.Sample(o.Seed + i)
		if err != nil {
			return nil, err
		}
		if add(s); len(out) >= o.Sample {
			break
		}
	}
	return out, nil
}

// ready makes the axis of a ready set's phrases, of all or those with the labels.
func (o PhraseOptions) ready(id string, labels []string) (Axis, error) {
	var known []string
	for _, s := range o.Ready {
		known = append(known, s.ID)
	}
	at := slices.IndexFunc(o.Ready, func(s phrases.Set) bool { return strings.EqualFold(s.ID, id) })
	if at < 0 {
		return Axis{}, fmt.Errorf("there is no ready set of phrases %q; there are %s. Phrases of your own are written as %s={one|another}",
			id, strings.Join(known, ", "), "facade")
	}
	set := o.Ready[at]
	axis := Axis{Field: phraseField + set.ID, Label: set.Title(o.Language)}
	for _, p := range set.Phrases {
		if labels != nil && !slices.ContainsFunc(labels, p.Is) {
			continue
		}
		axis.Values = append(axis.Values, AxisValue{Value: p.Text, Label: p.Title(o.Language)})
	}
	for _, l := range labels {
		if !slices.ContainsFunc(set.Phrases, func(p phrases.Phrase) bool { return p.Is(l) }) {
			var names []string
			for _, p := range set.Phrases {
				names = append(names, p.Title(o.Language))
			}
			return Axis{}, fmt.Errorf("%s has no phrase %q; it has %s", set.ID, strings.TrimSpace(l), strings.Join(names, ", "))
		}
	}
	if o.Sample > 0 && len(axis.Values) > o.Sample {
		axis.Values = o.sampleValues(axis.Values)
	}
	return axis, nil
}

// PromptAxis makes the axis of the choices that are written in a prompt itself;
// its values are whole prompts. names are the names of phrases, whose {name} is
// no choice. ok is false for a prompt without choices; prompt is then its text.
func PromptAxis(text string, names []string, o PhraseOptions) (axis Axis, plain string, ok bool, err error) {
	var escape []string
	for _, n := range names {
		escape = append(escape, "{"+n+"}", `\{`+n+`\}`)
	}
	t, err := prompt.ParseTemplate(strings.NewReplacer(escape...).Replace(text), o.Wildcards)
	if err != nil {
		return Axis{}, "", false, err
	}
	prompts, err := o.choose(t)
	if err != nil {
		return Axis{}, "", false, fmt.Errorf("prompt: %w", err)
	}
	if len(prompts) == 1 {
		return Axis{}, prompts[0], false, nil
	}
	axis = Axis{Field: "prompt", Label: "Prompt"}
	for i, label := range differing(prompts) {
		axis.Values = append(axis.Values, AxisValue{Value: prompts[i], Label: label})
	}
	return axis, text, true, nil
}

// differing cuts the words that all texts begin and end with off their middle.
func differing(texts []string) []string {
	split := make([][]string, len(texts))
	shortest := math.MaxInt
	for i, t := range texts {
		split[i] = strings.Fields(t)
		shortest = min(shortest, len(split[i]))
	}
	same := func(word func(list []string) string) bool {
		for _, list := range split {
			if word(list) != word(split[0]) {
				return false
			}
		}
		return true
	}
	head, tail := 0, 0
	for head < shortest && same(func(l []string) string { return l[head] }) {
		head++
	}
	for head+tail < shortest && same(func(l []string) string { return l[len(l)-1-tail] }) {
		tail++
	}
	out := make([]string, len(texts))
	for i, list := range split {
		out[i] = strings.Trim(strings.Join(list[head:len(list)-tail], " "), ", ")
	}
	return out
}

// fillPhrases puts phrases into a prompt: each takes the place of its {name},
// or follows the prompt after a comma where there is none.
func fillPhrases(template string, names, texts []string) string {
	var pairs []string
	text := template
	for i, n := range names {
		if mark := "{" + n + "}"; strings.Contains(template, mark) {
			pairs = append(pairs, mark, texts[i])
		} else if texts[i] != "" {
			text = strings.TrimRight(text, ", \n") + ", " + mark
			pairs = append(pairs, mark, texts[i])
		}
	}
	// In one pass, so that a phrase that looks like a name stays what it is.
	text = strings.NewReplacer(pairs...).Replace(text)
	if slices.Contains(texts, "") {
		text = regexp.MustCompile(`,(\s*,)+`).ReplaceAllString(text, ",")
		text = strings.Trim(text, ", \n")
	}
	return text
}

// sampleValues draws Sample of the values, in the order in which they are.
func (o PhraseOptions) sampleValues(values []AxisValue) []AxisValue {
	chosen := rand.New(rand.NewPCG(uint64(o.Seed), 0x72656164)).Perm(len(values))[:o.Sample]
	slices.Sort(chosen)
	out := make([]AxisValue, len(chosen))
	for i, k := range chosen {
		out[i] = values[k]
	}
	return out
}
