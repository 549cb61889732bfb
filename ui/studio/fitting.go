package studio

import (
	"context"
	"fmt"

	"fyne.io/fyne/v2/lang"

	"maquette/control"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/ui/explain"
	"maquette/ui/panels"
)

// fitting is what of the model library goes with a recipe's checkpoint and
// controls, as the inspector offers it.
type fitting struct {
	loras []panels.LoRAChoice
	vaes  []panels.Choice
	nets  [][]panels.Choice // one list for each control
}

// fittingKey tells recipes apart that need another list.
func fittingKey(r projects.Recipe, library int) string {
	key := fmt.Sprintf("%d\n%s", library, r.Checkpoint)
	for _, c := range r.Controls {
		key += "\n" + string(c.Kind)
	}
	return key
}

// findFitting looks in the background for what goes with the recipe, unless
// that was done.
func (w *workspace) findFitting() {
	r := w.state.Recipe()
	key := fittingKey(r, w.s.libraryTurn)
	if key == w.fitsKey {
		return
	}
	w.fitsKey, w.fitsLoading = key, true
	w.fit.Start(func(ctx context.Context) {
		found, err := lookForFitting(ctx, w.s.models, r)
		w.s.post(func() {
			if ctx.Err() != nil || key != w.fitsKey {
				return
			}
			w.fits, w.fitsLoading = found, false
			if err != nil {
				w.s.log.Warn("models that fit", "checkpoint", r.Checkpoint, "error", err)
				w.s.toasts.show(lang.L("Some models could not be listed: {{.Error}}", map[string]any{"Error": explain.Error(err)}), "", nil)
			}
			w.show()
		})
	})
}

// lookForFitting asks the library; what was found before an error is kept.
func lookForFitting(ctx context.Context, models Library, r projects.Recipe) (fitting, error) {
	var f fitting
	loras, err := models.Fitting(ctx, r.Checkpoint, checkpoint.KindLoRA)
	if err != nil {
		return f, err
	}
	for _, e := range loras {
		f.loras = append(f.loras, panels.LoRAChoice{Choice: choiceOf(e), Triggers: e.Triggers()})
	}
	vaes, err := models.Fitting(ctx, r.Checkpoint, checkpoint.KindVAE)
	if err != nil {
		return f, err
	}
	f.vaes = choicesOf(vaes)
	byKind := map[control.Kind][]panels.Choice{}
	for _, c := range r.Controls {
		if _, known := byKind[c.Kind]; !known {
			nets, err := models.ControlNets(ctx, r.Checkpoint, c.Kind)
			if err != nil {
				return f, err
			}
			byKind[c.Kind] = choicesOf(nets)
		}
		f.nets = append(f.nets, byKind[c.Kind])
	}
	return f, nil
}

func choicesOf(list []checkpoint.Entry) []panels.Choice {
	var out []panels.Choice
	for _, e := range list {
		out = append(out, panels.Choice{Path: e.Path, Name: e.Name})
	}
	return out
}
