package projects

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"maquette/inference/sampler"
	"maquette/projects/internal/sheet"
)

// SheetOptions say how the contact sheet of a set is written.
type SheetOptions struct {
	// Translate, if not nil, translates the words of the sheet, such as "Steps".
	Translate func(string) string
	// Value, if not nil, names value i of an axis; else it is the value's Title.
	Value func(a Axis, i int) string
	// Caption, if not nil, is a text below a picture, such as its fidelity.
	Caption func(Concept) string
}

// Sheet writes the contact sheet of a set to path: a .png, or a .pdf with A4
// pages. Rows are the values of the first axis, columns those of the second, and
// there is a block for each combination of the others; a set with one axis fills
// rows. Axes with a single value are named above. Places that are not rendered
// stay empty. Errors: ErrNotFound.
func (p *Project) Sheet(ctx context.Context, setID, path string, o SheetOptions) error {
	fail := func(err error) error { return fmt.Errorf("contact sheet: %w", err) }
	set, members, err := p.Members(ctx, setID)
	if err != nil {
		return fail(err)
	}
	sh := p.sheet(set, members, o)
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		img, err := sheet.Image(ctx, sh)
		if err != nil {
			return fail(err)
		}
		err = WriteFile(path, func(w io.Writer) error { return png.Encode(w, img) })
		if err != nil {
			return fail(err)
		}
	case ".pdf":
		if err := WriteFile(path, func(w io.Writer) error { return sheet.PDF(ctx, w, sh) }); err != nil {
			return fail(err)
		}
	default:
		return fail(fmt.Errorf("%s: use .png or .pdf", path))
	}
	return nil
}

// sheet lays a set out.
func (p *Project) sheet(set Set, members []Concept, o SheetOptions) sheet.Sheet {
	word := func(s string) string {
		if o.Translate == nil {
			return s
		}
		return o.Translate(s)
	}
	value := func(a Axis, i int) string { return a.named(i, o.Value) }
	newest := map[string]Concept{}
	for _, c := range slices.Backward(members) { // of equal places the newest comes first
		newest[c.Set.key()] = c
	}
	cell := func(at []int) sheet.Cell {
		c, ok := newest[Place{Set: set, At: at}.key()]
		if !ok {
			return sheet.Cell{Size: image.Pt(members[0].Recipe.Width, members[0].Recipe.Height)}
		}
		out := sheet.Cell{Size: image.Pt(c.Recipe.Width, c.Recipe.Height),
			Open: func(ctx context.Context) (image.Image, error) { return p.ConceptImage(ctx, c.ID) }}
		if o.Caption != nil {
			out.Caption = o.Caption(c)
		}
		return out
	}
	sh := sheet.Sheet{Title: set.Name, Notes: set.recipeNotes(members[0].Recipe, word),
		Footer: fmt.Sprintf("%s · %s · %s", p.Name(), set.Created.Local().Format("2006-01-02"), programName)}
	shown, single := set.shownAxes()
	for _, k := range single {
		a := set.Axes[k]
		sh.Notes = append(sh.Notes, word(a.Title())+": "+value(a, 0))
	}
	at := make([]int, len(set.Axes))
	if len(shown) == 1 {
		var cells []sheet.Cell
		axis := set.Axes[shown[0]]
		for i := range axis.Values {
			at[shown[0]] = i
			c := cell(at)
			c.Caption = joinWords(value(axis, i), c.Caption)
			cells = append(cells, c)
		}
		sh.Blocks = []sheet.Block{sheet.Wrap(cells)}
		if axis.Field != ViewField { // the captions say what they are
			sh.Notes = append([]string{word(axis.Title())}, sh.Notes...)
		}
		return sh
	}
	rows, columns := set.Axes[shown[0]], set.Axes[shown[1]]
	var others Set // of the axes beyond the second
	for _, k := range shown[2:] {
		others.Axes = append(others.Axes, set.Axes[k])
	}
	for _, rest := range others.Places() {
		b := sheet.Block{Width: len(columns.Values), Corner: word(rows.Title()) + " / " + word(columns.Title())}
		for k, i := range rest {
			at[shown[2+k]] = i
			b.Title = joinWords(b.Title, word(others.Axes[k].Title())+": "+value(others.Axes[k], i))
		}
		for c := range columns.Values {
			b.Columns = append(b.Columns, value(columns, c))
		}
		for r := range rows.Values {
			b.Rows = append(b.Rows, value(rows, r))
			for c := range columns.Values {
				at[shown[0]], at[shown[1]] = r, c
				b.Cells = append(b.Cells, cell(at))
			}
		}
		sh.Blocks = append(sh.Blocks, b)
	}
	return sh
}

// named is value i by a function of a caller's options, which may be nil.
func (a Axis) named(i int, name func(Axis, int) string) string {
	if name != nil {
		return name(a, i)
	}
	return a.Values[i].Title()
}

// shownAxes are the indices of the axes that a sheet has as rows, columns and
// blocks, at least one, and of those that have a single value.
func (s Set) shownAxes() (shown, single []int) {
	for i, a := range s.Axes {
		if len(a.Values) > 1 {
			shown = append(shown, i)
		} else {
			single = append(single, i)
		}
	}
	if len(shown) == 0 {
		shown, single = single[:1], single[1:]
	}
	return shown, single
}

func joinWords(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// recipeNotes writes what all members share of their recipes.
func (s Set) recipeNotes(r Recipe, word func(string) string) []string {
	varies := func(field string) bool {
		_, i := s.Axis(field)
		return i >= 0
	}
	var notes []string
	if s.Template != "" && s.Template != s.Name { // else the title says it
		notes = append(notes, word("Prompt")+": "+s.Template)
	}
	if r.NegativePrompt != "" && !varies("negative") {
		notes = append(notes, word("Negative prompt")+": "+r.NegativePrompt)
	}
	var line []string
	add := func(field, name, value string) {
		if !varies(field) {
			line = append(line, strings.TrimSpace(word(name)+" "+value))
		}
	}
	add("checkpoint", "", modelName(r.Checkpoint))
	add("sampler", "", sampler.Label(r.Sampler))
	add("steps", "Steps", formatNumber(float64(r.Steps)))
	add("guidance", "Guidance", formatNumber(r.Guidance))
	add("seed", "Seed", fmt.Sprint(r.WholeSet().Seed))
	add("size", "", fmt.Sprintf("%d × %d", r.Width, r.Height))
	for i, c := range r.Controls {
		name := "control"
		if i > 0 {
			name = fmt.Sprintf("control%d", i+1)
		}
		add(name+".kind", "", string(c.Kind))
		add(name+".weight", "Weight", formatNumber(c.Weight))
	}
	return append(notes, joinWords(line...))
}
