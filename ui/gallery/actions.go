package gallery

import (
	"context"
	"image"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"maquette/projects"
)

// background runs work off the UI goroutine and then, on it, done or the error
// dialog. It is dropped when the project has been left meanwhile.
func (g *Gallery) background(title string, work func(ctx context.Context, p *projects.Project) error, done func()) {
	ctx, p := g.ctx, g.project
	go func() {
		err := work(ctx, p)
		fyne.Do(func() {
			switch {
			case err != nil && ctx.Err() == nil:
				g.deps.Error(title, err)
			case err == nil && done != nil:
				done()
			}
		})
	}()
}

func (g *Gallery) toggleStar(c projects.Concept) {
	g.background(lang.L("The star cannot be saved"), func(ctx context.Context, p *projects.Project) error {
		return p.SetStarred(ctx, c.ID, !c.Starred)
	}, nil)
}

// remove moves a concept to the trash; the toast takes it back.
func (g *Gallery) remove(c projects.Concept) {
	var trashed projects.Trashed
	g.background(lang.L("The concept cannot be moved to the trash"), func(ctx context.Context, p *projects.Project) error {
		var err error
		trashed, err = p.Trash(ctx, c.ID)
		return err
	}, func() {
		g.deps.Toast(lang.L("Concept moved to the trash."), lang.L("Undo"), func() {
			g.background(lang.L("The concept cannot be restored"), func(ctx context.Context, p *projects.Project) error {
				return p.Restore(ctx, trashed)
			}, nil)
		})
	})
}

func (g *Gallery) export(c projects.Concept) {
	g.deps.SaveFile(filepath.Base(g.project.Name())+"-"+c.ID+".png", func(path string) {
		g.background(lang.L("The concept cannot be exported"), func(ctx context.Context, p *projects.Project) error {
			return p.Export(ctx, c.ID, path)
		}, func() {
			g.deps.Toast(lang.L("Exported to {{.Path}}.", map[string]any{"Path": path}), "", nil)
		})
	})
}

func (g *Gallery) useAsSketch(c projects.Concept) {
	var img image.Image
	g.background(lang.L("The concept cannot be read"), func(ctx context.Context, p *projects.Project) error {
		var err error
		img, err = p.ConceptImage(ctx, c.ID)
		return err
	}, func() { g.deps.UseAsSketch(img) })
}
