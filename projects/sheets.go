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
	// Caption, if not nil, is a text below a picture, such as its fidelity.
	Caption func(Concept) string
}

// Sheet writes the contact sheet of a set to path: a .png, or a .pdf with A4
// pages. Rows are the values of the first axis, columns those of the second, and
// there is a block for each combination of the others; a set with one axis fills
// rows. Places that are not rendered stay empty. Errors: ErrNotFound.
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
	if len(set.Axes) == 1 {
		var cells []sheet.Cell
		for i, v := range set.Axes[0].Values {
			c := cell([]int{i})
			c.Caption = joinWords(v.Title(), c.Caption)
			cells = append(cells, c)
		}
		sh.Blocks = []sheet.Block{sheet.Wrap(cells)}
		sh.Notes = append([]string{word(set.Axes[0].Title())}, sh.Notes...)
		return sh
	}
	rows, columns := set.Axes[0], set.Axes[1]
	// The places of the axes beyond the second are those of a set without the first two.
	for _, rest := range (Set{Axes: set.Axes[2:]}).Places() {
		b := sheet.Block{Width: len(columns.Values), Corner: word(rows.Title()) + " / " + word(columns.Title())}
		for k, i := range rest {
			a := set.Axes[2+k]
			b.Title = joinWords(b.Title, word(a.Title())+": "+a.Values[i].Title())
		}
		for _, v := range columns.Values {
			b.Columns = append(b.Columns, v.Title())
		}
		for r, v := range rows.Values {
			b.Rows = append(b.Rows, v.Title())
			for c := range columns.Values {
				b.Cells = append(b.Cells, cell(append([]int{r, c}, rest...)))
			}
		}
		sh.Blocks = append(sh.Blocks, b)
	}
	return sh
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
	notes := []string{word("Prompt") + ": " + s.Template}
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
