package panels

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// MaxVariantRows is how many things one render varies at most: rows, columns
// and blocks of a sheet.
const MaxVariantRows = 3

// Variant is one thing that a render varies.
type Variant struct {
	// Source is the ID of a VariantSource.
	Source string `json:"source"`
	// Picked are the IDs of the phrases, where the source has some; Text is what
	// the user typed where it has none.
	Picked []string `json:"picked,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// VariantSource is something that can be varied.
type VariantSource struct {
	ID, Title string
	// Phrases can be picked from; without any, values are typed as Hint says.
	Phrases []Phrase
	Hint    string
}

// Phrase is one of a source's.
type Phrase struct{ ID, Title string }

// Plan is what a render with variants would be.
type Plan struct {
	Sources []VariantSource
	Rows    []Variant
	// Problems say for each row why it can't be rendered, or are empty.
	Problems []string
	// Images is the number of pictures, and Time how long they take, 0 while unknown.
	Images int
	Time   time.Duration
}

// variantsCard chooses what one render varies.
type variantsCard struct {
	in      *Inspector
	plan    Plan
	add     *widget.Button
	rows    []*variantRow
	box     *fyne.Container
	fold    *fold
	sources []string // IDs that the rows were made for
}

func newVariantsCard(in *Inspector, icons Icons) *variantsCard {
	c := &variantsCard{in: in, box: container.NewVBox()}
	c.add = widget.NewButtonWithIcon(lang.L("Vary something"), icons.Add, nil)
	c.add.OnTapped = func() {
		popUpUnder(c.add, c.menu(func(id string) {
			c.edit(func(rows []Variant) []Variant { return append(rows, Variant{Source: id}) })
		}))
	}
	c.add.Importance = widget.LowImportance
	c.fold = newFold(lang.L("Variants"), false, container.NewVBox(
		caption(lang.L("Render a sheet in which only what you name changes; drawing, controls and noise stay the same.")),
		c.box, container.NewHBox(c.add)))
	return c
}

// menu lists the sources.
func (c *variantsCard) menu(chosen func(id string)) *fyne.Menu {
	var items []*fyne.MenuItem
	for _, s := range c.plan.Sources {
		if !slices.ContainsFunc(c.plan.Rows, func(v Variant) bool { return v.Source == s.ID }) {
			items = append(items, fyne.NewMenuItem(s.Title, func() { chosen(s.ID) }))
		}
	}
	return fyne.NewMenu("", items...)
}

func (c *variantsCard) edit(change func([]Variant) []Variant) {
	if !c.in.showing {
		c.in.intents.EditVariants(change)
	}
}

// editRow changes row i.
func (c *variantsCard) editRow(i int, change func(*Variant)) {
	c.edit(func(rows []Variant) []Variant {
		rows = slices.Clone(rows)
		if i < len(rows) {
			change(&rows[i])
		}
		return rows
	})
}

// show displays a plan; it is called while the inspector is showing.
func (c *variantsCard) show(p Plan) {
	c.plan = p
	var sources []string
	for _, v := range p.Rows {
		sources = append(sources, v.Source)
	}
	if !slices.Equal(sources, c.sources) || len(c.rows) != len(sources) {
		c.sources, c.rows = sources, nil
		c.box.RemoveAll()
		for i, id := range sources {
			source := VariantSource{ID: id, Title: id}
			if k := slices.IndexFunc(p.Sources, func(s VariantSource) bool { return s.ID == id }); k >= 0 {
				source = p.Sources[k]
			}
			r := newVariantRow(c, i, source)
			c.rows = append(c.rows, r)
			c.box.Add(r.object)
		}
	}
	for i, r := range c.rows {
		problem := ""
		if i < len(p.Problems) {
			problem = p.Problems[i]
		}
		r.show(p.Rows[i], problem)
	}
	setVisible(c.add, len(p.Rows) < MaxVariantRows)
	title := lang.L("Variants")
	if len(p.Rows) > 0 {
		title = lang.L("Variants: {{.Count}}", map[string]any{"Count": p.Images})
	}
	c.fold.button.SetText(title)
	c.fold.object.Refresh()
}

// variantRow is the card of one thing that is varied.
type variantRow struct {
	checks  map[string]*widget.Check
	entry   *widget.Entry
	problem *widget.Label
	object  fyne.CanvasObject
}

func newVariantRow(c *variantsCard, i int, source VariantSource) *variantRow {
	r := &variantRow{checks: map[string]*widget.Check{}, problem: caption("")}
	r.problem.Importance = widget.DangerImportance
	_, remove := iconButton(theme.CancelIcon(), lang.L("Keep this the same again"), func() {
		c.edit(func(rows []Variant) []Variant { return slices.Delete(slices.Clone(rows), i, i+1) })
	})
	rows := container.NewVBox(container.NewBorder(nil, nil, nil, remove, sectionTitle(source.Title)))
	if len(source.Phrases) > 0 {
		grid := container.NewGridWithColumns(2)
		for _, p := range source.Phrases {
			check := widget.NewCheck(p.Title, func(on bool) {
				c.editRow(i, func(v *Variant) {
					picked := slices.DeleteFunc(slices.Clone(v.Picked), func(id string) bool { return id == p.ID })
					if on {
						picked = append(picked, p.ID)
					}
					v.Picked = picked
				})
			})
			r.checks[p.ID] = check
			grid.Add(check)
		}
		rows.Add(grid)
	} else {
		r.entry = widget.NewEntry()
		r.entry.SetPlaceHolder(source.Hint)
		r.entry.OnChanged = func(text string) { c.editRow(i, func(v *Variant) { v.Text = text }) }
		rows.Add(r.entry)
	}
	rows.Add(r.problem)
	r.object = container.NewStack(newCardGround(), container.NewPadded(rows))
	return r
}

func (r *variantRow) show(v Variant, problem string) {
	for id, check := range r.checks {
		check.SetChecked(slices.Contains(v.Picked, id))
	}
	if r.entry != nil {
		setText(r.entry, v.Text)
	}
	r.problem.SetText(problem)
	setVisible(r.problem, problem != "")
}

// popUpUnder shows a menu below an object.
func popUpUnder(o fyne.CanvasObject, menu *fyne.Menu) {
	driver := fyne.CurrentApp().Driver()
	if c := driver.CanvasForObject(o); c != nil {
		widget.ShowPopUpMenuAtPosition(menu, c, driver.AbsolutePositionForObject(o).AddXY(0, o.Size().Height))
	}
}
