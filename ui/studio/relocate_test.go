package studio

import (
	"testing"

	"maquette/projects"
)

// The recipe of a concept whose checkpoint was moved is used with the file that
// has the same content.
func TestUsedRecipesFindTheirModels(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	c := projects.Concept{Recipe: projects.DefaultRecipe(), Hashes: map[string]string{"/old/big": "c0ffee"}}
	c.Recipe.Prompt, c.Recipe.Checkpoint = "a lamp", "/old/big"
	s.do(func() { w.galleryDeps().UseRecipe(c) })
	s.waitFor("the recipe", func() bool { return w.state.Recipe().Prompt == "a lamp" })
	s.do(func() {
		if got := w.state.Recipe().Checkpoint; got != "/models/big" {
			t.Errorf("the checkpoint is %s", got)
		}
	})
}
