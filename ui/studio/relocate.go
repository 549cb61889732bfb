package studio

import (
	"context"
	"errors"
	"path/filepath"

	"fyne.io/fyne/v2/lang"

	"maquette/projects"
)

// withModels hands over a concept's recipe. Models of it that are not where they
// were are looked for by their hashes first, which may mean reading all models:
// that can be cancelled, and then the recipe is handed over as it is.
func (w *workspace) withModels(c projects.Concept, then func(projects.Recipe)) {
	r := c.Recipe
	var moved []projects.Moved
	w.s.wait(lang.L("Looking for the models of this recipe…"), func(ctx context.Context) (err error) {
		r, moved, err = w.s.models.Relocate(ctx, c.Recipe, c.Hashes, nil)
		return err
	}, func(err error) {
		if w.s.work != w {
			return
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			w.s.fail(lang.L("The models of this recipe could not be looked for"), err)
		}
		if err != nil {
			r = c.Recipe
		}
		then(r)
		for _, m := range moved {
			w.s.toasts.show(lang.L("{{.Old}} was found as {{.New}}, by its content.", map[string]any{
				"Old": filepath.Base(m.From), "New": filepath.Base(m.To)}), "", nil)
		}
	})
}
