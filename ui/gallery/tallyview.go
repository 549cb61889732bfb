package gallery

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/panels"
)

const tallyCount = 96 // units, the width of the counts beside the bars

// tallyView shows how the values of the recipes' fields did in blind votes.
type tallyView struct {
	rows   *fyne.Container
	object *fyne.Container
}

func newTallyView() *tallyView {
	v := &tallyView{rows: container.NewVBox()}
	v.object = container.NewBorder(nil, nil, nil, nil, container.NewVScroll(container.NewPadded(v.rows)))
	return v
}

func (v *tallyView) show(standings []projects.Standing) {
	v.rows.RemoveAll()
	if len(standings) == 0 {
		hint := widget.NewLabel(lang.L("There are no votes on these pictures yet, or nothing in their recipes differs."))
		hint.Wrapping = fyne.TextWrapWord
		v.rows.Add(hint)
	}
	field := ""
	for _, s := range standings {
		if s.Field != field {
			field = s.Field
			title := widget.NewLabel(fieldTitle(field))
			title.TextStyle.Bold = true
			v.rows.Add(title)
		}
		text := s.Value
		if field == projects.ViewField {
			text = panels.ViewName(views.Name(text))
		}
		value := widget.NewLabel(text)
		value.Truncation = fyne.TextTruncateEllipsis
		bar := widget.NewProgressBar()
		bar.Max = float64(s.Of)
		bar.TextFormatter = func() string { return "" } // it would lie half on the bar and half beside
		bar.SetValue(float64(s.Won))
		count := widget.NewLabel(lang.L("{{.Won}} of {{.Of}}", map[string]any{"Won": s.Won, "Of": s.Of}))
		v.rows.Add(container.New(layout.NewGridLayout(2), value, container.NewBorder(nil, nil, nil, container.New(fixedWidth(tallyCount), count), bar)))
	}
	v.rows.Refresh()
}

// fieldTitle is what the user sees for a field of a Standing.
func fieldTitle(field string) string {
	switch field {
	case "prompt":
		return lang.L("Prompt")
	case "negative_prompt":
		return lang.L("Negative prompt")
	case "checkpoint":
		return lang.L("Checkpoint")
	case "sampler":
		return lang.L("Sampler")
	case "steps":
		return lang.L("Steps")
	case "guidance":
		return lang.L("Guidance")
	case "size":
		return lang.L("Size")
	case "view":
		return lang.L("Views")
	case "variant":
		return lang.L("Variant")
	case "seed":
		return lang.L("Seed")
	}
	return lang.L(field) // of an axis' label, as axisTitle
}
