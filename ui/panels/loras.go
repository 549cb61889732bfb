package panels

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// LoRAChoice is a LoRA of the library that fits the checkpoint.
type LoRAChoice struct {
	Choice
	// Triggers are the words that it was trained to react to.
	Triggers []string
}

// loraList shows the LoRAs of a recipe, a card for each.
type loraList struct {
	in      *Inspector
	cards   []*loraCard
	paths   []string
	choices []LoRAChoice
	box     *fyne.Container
	add     *widget.Button
	folder  *widget.Button
	hint    *widget.Label
	object  fyne.CanvasObject
}

func newLoRAList(in *Inspector, icons Icons) *loraList {
	l := &loraList{in: in, box: container.NewVBox()}
	l.add = widget.NewButtonWithIcon(lang.L("Add LoRA"), icons.Add, l.choose)
	l.add.Importance = widget.LowImportance
	l.folder = widget.NewButton(lang.L("Add model folder…"), func() { in.intents.AddCheckpoints() })
	l.hint = caption("")
	title := withTip(sectionTitle(lang.L("LoRAs")), lang.L("Small additions to a checkpoint: a style, a material, a subject. Words in the prompt call them too: <lora:name:0.8>."))
	l.object = container.NewVBox(container.NewBorder(nil, nil, title, l.add), l.hint, container.NewHBox(l.folder), l.box)
	return l
}

// choose offers the LoRAs that aren't in the recipe in a list with a search field.
func (l *loraList) choose() {
	c := fyne.CurrentApp().Driver().CanvasForObject(l.add)
	if c == nil {
		return
	}
	var left []Choice
	for _, choice := range l.choices {
		if !slices.Contains(l.paths, choice.Path) {
			choice.Words = choice.Triggers
			left = append(left, choice.Choice)
		}
	}
	showChooser(c, l.add, lang.L("Name or trigger word"), left, l.in.previews, l.use)
}

func (l *loraList) use(choice Choice) {
	l.in.edit(func(r *projects.Recipe) {
		r.LoRAs = append(slices.Clip(r.LoRAs), projects.RecipeLoRA{Path: choice.Path, UNet: 1, Text: 1})
	})
}

// show updates the cards; they are made anew only when the list of files changes.
func (l *loraList) show(v View) {
	l.choices = v.LoRAs
	paths := make([]string, len(v.Recipe.LoRAs))
	for i, r := range v.Recipe.LoRAs {
		paths[i] = r.Path
	}
	if !slices.Equal(paths, l.paths) || len(l.cards) != len(paths) {
		l.paths, l.cards = paths, nil
		l.box.RemoveAll()
		for i := range paths {
			card := newLoRACard(l.in, i)
			l.cards = append(l.cards, card)
			l.box.Add(card.object)
		}
	}
	for i, r := range v.Recipe.LoRAs {
		l.cards[i].show(r, v)
	}
	l.showHint(v)
	l.object.Refresh()
}

// showHint says what to do where there is no LoRA.
func (l *loraList) showHint(v View) {
	left := slices.ContainsFunc(l.choices, func(c LoRAChoice) bool { return !slices.Contains(l.paths, c.Path) })
	text := ""
	switch {
	case v.ModelsLoading && len(l.choices) == 0:
		text = lang.L("Looking for LoRAs…")
	case len(l.choices) == 0:
		text = lang.L("Your model folders have no LoRA for this checkpoint. Add the folder in which yours lie.")
	case len(l.paths) == 0:
		text = lang.L("Add a style or a subject to the checkpoint.")
	}
	setShown(l.hint, text != "")
	l.hint.SetText(text)
	setShown(l.folder, len(l.choices) == 0 && !v.ModelsLoading)
	if left {
		l.add.Enable()
	} else {
		l.add.Disable()
	}
}

func setShown(o fyne.CanvasObject, shown bool) {
	if shown {
		o.Show()
	} else {
		o.Hide()
	}
}

// loraCard shows one LoRA: its strengths and trigger words.
type loraCard struct {
	in     *Inspector
	name   *widget.Label
	unet   *number
	text   *number
	words  *widget.Label
	insert *widget.Button
	row    fyne.CanvasObject
	object fyne.CanvasObject
	all    []string // trigger words
}

func newLoRACard(in *Inspector, i int) *loraCard {
	c := &loraCard{in: in}
	_, remove := iconButton(theme.CancelIcon(), lang.L("Remove this LoRA"), func() {
		in.edit(func(r *projects.Recipe) {
			if i < len(r.LoRAs) {
				r.LoRAs = slices.Delete(slices.Clone(r.LoRAs), i, i+1)
			}
		})
	})
	c.name = sectionTitle("")
	c.name.Truncation = fyne.TextTruncateEllipsis
	set := func(change func(*projects.RecipeLoRA)) {
		in.edit(func(r *projects.Recipe) {
			if i < len(r.LoRAs) {
				r.LoRAs = slices.Clone(r.LoRAs)
				change(&r.LoRAs[i])
			}
		})
	}
	c.unet = newNumber(lang.L("Weight"), lang.L("How strongly the LoRA acts; 1 is what it was trained for, less than 0 does the opposite."), -2, 2, 0.05, 2, func(v float64) {
		set(func(l *projects.RecipeLoRA) {
			if l.Text == l.UNet {
				l.Text = v // together until they were set apart
			}
			l.UNet = v
		})
	})
	c.text = newNumber(lang.L("On words"), lang.L("How strongly it changes what the words of the prompt mean."), -2, 2, 0.05, 2, func(v float64) {
		set(func(l *projects.RecipeLoRA) { l.Text = v })
	})
	c.words = caption("")
	c.insert = widget.NewButton(lang.L("Insert"), c.chooseWord)
	c.insert.Importance = widget.LowImportance
	c.row = container.NewBorder(nil, nil, nil, withTip(c.insert, lang.L("Put a trigger word into the prompt")), c.words)
	rows := container.NewVBox(
		container.NewBorder(nil, nil, nil, remove, c.name),
		c.unet.object, c.row,
		newFold(lang.L("More"), false, c.text.object).object)
	c.object = container.NewStack(newCardGround(), rows)
	return c
}

func (c *loraCard) show(l projects.RecipeLoRA, v View) {
	name, triggers := projects.ModelName(l.Path), []string(nil)
	for _, choice := range v.LoRAs {
		if choice.Path == l.Path {
			name, triggers = choice.Name, choice.Triggers
		}
	}
	if c.name.Text != name {
		c.name.SetText(name)
	}
	c.unet.show(l.UNet)
	c.text.show(l.Text)
	c.all = triggers
	setShown(c.row, len(triggers) > 0)
	if text := lang.L("Trigger words: {{.Words}}", map[string]any{"Words": strings.Join(triggers, ", ")}); len(triggers) > 0 && c.words.Text != text {
		c.words.SetText(text)
	}
}

// chooseWord puts the only trigger word into the prompt, or offers them in a menu.
func (c *loraCard) chooseWord() {
	if len(c.all) == 1 {
		c.insertWord(c.all[0])
		return
	}
	canvas := fyne.CurrentApp().Driver().CanvasForObject(c.insert)
	if canvas == nil {
		return
	}
	var items []*fyne.MenuItem
	for _, w := range c.all {
		items = append(items, fyne.NewMenuItem(w, func() { c.insertWord(w) }))
	}
	pos := fyne.CurrentApp().Driver().AbsolutePositionForObject(c.insert).AddXY(0, c.insert.Size().Height)
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), canvas, pos)
}

// insertWord puts a word behind the prompt, unless it is there.
func (c *loraCard) insertWord(word string) {
	c.in.edit(func(r *projects.Recipe) {
		if strings.Contains(strings.ToLower(r.Prompt), strings.ToLower(word)) {
			return
		}
		if text := strings.TrimRight(r.Prompt, " ,\n"); text != "" {
			r.Prompt = text + ", " + word
		} else {
			r.Prompt = word
		}
	})
}
