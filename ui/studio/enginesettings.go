package studio

import (
	"slices"

	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/projects/settings"
)

// pickPrecision lets the user choose what images are computed in.
func pickPrecision(set *settings.Settings) *widget.Select {
	choices := []struct {
		value inference.Precision
		name  string
	}{
		{"", lang.L("Automatic")},
		{inference.PrecisionFP32, lang.L("Exact (fp32)")},
		{inference.PrecisionFP16, lang.L("Half (fp16, on GPUs)")},
		{inference.PrecisionFast, lang.L("Fast (int8 on the CPU)")},
	}
	var names []string
	selected := 0
	for i, c := range choices {
		names = append(names, c.name)
		if string(c.value) == set.Precision {
			selected = i
		}
	}
	pick := widget.NewSelect(names, nil)
	pick.SetSelectedIndex(selected)
	pick.OnChanged = func(string) { set.Precision = string(choices[pick.SelectedIndex()].value) }
	return pick
}

// pickMemory lets the user choose how much memory loaded models may keep.
func pickMemory(set *settings.Settings) *widget.Select {
	sizes := []int64{0, 2 << 10, 4 << 10, 6 << 10, 8 << 10, 12 << 10, 16 << 10, 24 << 10, 32 << 10, 64 << 10}
	if !slices.Contains(sizes, set.MemoryMB) { // set by hand
		sizes = append(sizes, set.MemoryMB)
		slices.Sort(sizes)
	}
	var names []string
	for _, mb := range sizes {
		names = append(names, lang.L("{{.N}} GB", map[string]any{"N": float64(mb) / (1 << 10)}))
	}
	names[0] = lang.L("Automatic (half of the machine's)")
	pick := widget.NewSelect(names, nil)
	pick.SetSelectedIndex(slices.Index(sizes, set.MemoryMB))
	pick.OnChanged = func(string) { set.MemoryMB = sizes[pick.SelectedIndex()] }
	return pick
}
