package gallery

import (
	"context"
	"errors"
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
func (g *Gallery) remove(c projects.Concept) { g.removeAll([]string{c.ID}) }

// removeAll moves concepts to the trash; the toast takes them back.
func (g *Gallery) removeAll(ids []string) {
	g.trash(lang.N("{{.Count}} concepts moved to the trash.", len(ids), map[string]any{"Count": len(ids)}),
		func(ctx context.Context, p *projects.Project) (projects.Trashed, error) { return p.Trash(ctx, ids...) })
}

// removeSet moves all concepts of a set to the trash; the toast takes them back.
// What is still to be rendered of it is cancelled, or it would come again.
func (g *Gallery) removeSet(set projects.Set) {
	g.deps.CancelSet(set.ID)
	g.trash(lang.L("“{{.Name}}” moved to the trash.", map[string]any{"Name": set.Name}),
		func(ctx context.Context, p *projects.Project) (projects.Trashed, error) {
			return p.TrashSet(ctx, set.ID)
		})
}

func (g *Gallery) trash(told string, move func(context.Context, *projects.Project) (projects.Trashed, error)) {
	var trashed projects.Trashed
	g.background(lang.L("The concepts cannot be moved to the trash"), func(ctx context.Context, p *projects.Project) (err error) {
		trashed, err = move(ctx, p)
		return err
	}, func() {
		g.deps.Toast(told, lang.L("Undo"), func() {
			g.background(lang.L("The concepts cannot be restored"), func(ctx context.Context, p *projects.Project) error {
				return p.Restore(ctx, trashed)
			}, nil)
		})
	})
}

// isGone reports that what was asked for is not in the project any more.
func isGone(err error) bool { return errors.Is(err, projects.ErrNotFound) }

func (g *Gallery) export(c projects.Concept) {
	g.deps.SaveFile(lang.L("Export concept"), filepath.Base(g.project.Name())+"-"+c.ID+".png", []string{"png", "jpg", "jpeg"}, func(path string) {
		g.background(lang.L("The concept cannot be exported"), func(ctx context.Context, p *projects.Project) error {
			return p.Export(ctx, c.ID, path)
		}, func() {
			g.deps.Toast(lang.L("Exported to {{.Path}}.", map[string]any{"Path": path}), "", nil)
		})
	})
}

// exportSet asks where to save a set, in one of the kinds of file, and writes it there.
func (g *Gallery) exportSet(set projects.Set, kinds []string, write func(ctx context.Context, p *projects.Project, path string) error) {
	suggested := projects.FolderName(g.project.Name()+" "+set.Name) + "." + kinds[0]
	g.deps.SaveFile(lang.L("Export the set"), suggested, kinds, func(path string) {
		if filepath.Ext(path) == "" {
			path += "." + kinds[0]
		}
		g.background(lang.L("The set cannot be exported"), func(ctx context.Context, p *projects.Project) error {
			return write(ctx, p, path)
		}, func() {
			g.deps.Toast(lang.L("Exported to {{.Path}}.", map[string]any{"Path": path}), "", nil)
		})
	})
}

func (g *Gallery) useAsSketch(c projects.Concept) {
	g.loadImage(g.ctx, c.ID, g.deps.UseAsSketch, nil)
}

func (g *Gallery) changePart(c projects.Concept) {
	g.loadImage(g.ctx, c.ID, func(img image.Image) { g.deps.ChangePart(c, img) }, nil)
}

// loadImage reads a concept's picture in the background and hands it over on
// the UI goroutine, unless ctx has ended by then. failed may be nil; the error
// has been shown before it is called.
func (g *Gallery) loadImage(ctx context.Context, id string, done func(image.Image), failed func()) {
	project := g.project
	go func() {
		img, err := project.ConceptImage(ctx, id)
		fyne.Do(func() {
			switch {
			case ctx.Err() != nil:
			case err != nil:
				g.deps.Error(lang.L("This concept cannot be shown"), err)
				if failed != nil {
					failed()
				}
			default:
				done(img)
			}
		})
	}()
}
