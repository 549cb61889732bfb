package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"maquette/projects"
)

// The commands that change or copy single concepts of a project.

func (s *session) projectExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR CONCEPT OUT",
		Short: "Copy a concept's image out of the project",
		Long: `Writes the image of a concept to the file OUT: a PNG with its recipe inside, or
a JPEG where the name ends in .jpg or .jpeg.`,
		Example: `  maquette project export ~/Maquette/Chairs 0003 chair.png`,
		Args:    exactly("DIR", "CONCEPT", "OUT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.reading(cmd.Context(), args[0], func(p *projects.Project) error {
				out, err := filepath.Abs(args[2])
				if err != nil {
					return err
				}
				if err := p.Export(cmd.Context(), args[1], out); err != nil {
					return noConcept(err, args[0], args[1])
				}
				fmt.Fprintln(s.Out, out)
				return nil
			})
		},
	}
}

func (s *session) projectStarCommand() *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "star DIR CONCEPT…",
		Short: "Give concepts a star, or take it away",
		Example: `  maquette project star ~/Maquette/Chairs 0003 0007
  maquette project star ~/Maquette/Chairs 0003 --off`,
		Args: atLeast("DIR", "CONCEPT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.writing(cmd.Context(), args[0], func(p *projects.Project) error {
				for _, id := range args[1:] {
					if err := p.SetStarred(cmd.Context(), id, !off); err != nil {
						return noConcept(err, args[0], id)
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "take the star away")
	return cmd
}

func (s *session) projectTrashCommand() *cobra.Command {
	var set string
	cmd := &cobra.Command{
		Use:   "trash DIR CONCEPT…",
		Short: "Move concepts, or a whole set of them, to the system's trash",
		Example: `  maquette project trash ~/Maquette/Chairs 0003 0007
  maquette project trash ~/Maquette/Houses --set "facade × time"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if set != "" {
				return exactly("DIR")(cmd, args)
			}
			return atLeast("DIR", "CONCEPT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.writing(cmd.Context(), args[0], func(p *projects.Project) error {
				t, err := s.trash(cmd.Context(), p, set, args[0], args[1:])
				if err != nil {
					return err
				}
				where := "the system's trash"
				if !t.System {
					where = filepath.Join(p.Dir(), ".trash")
				}
				s.note("%s moved to %s", plural(len(t.IDs), "concept"), where)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&set, "set", "", "all concepts of this set, by its ID or name")
	return cmd
}

// trash moves the concepts of a set, or some concepts, to the trash.
func (s *session) trash(ctx context.Context, p *projects.Project, set, dir string, ids []string) (projects.Trashed, error) {
	if set != "" {
		id, err := findSet(ctx, p, set)
		if err != nil {
			return projects.Trashed{}, err
		}
		return p.TrashSet(ctx, id)
	}
	for _, id := range ids {
		if _, err := p.Concept(ctx, id); err != nil {
			return projects.Trashed{}, noConcept(err, dir, id)
		}
	}
	return p.Trash(ctx, ids...)
}

// noConcept adds to an ErrNotFound how to find the concepts that there are.
func noConcept(err error, dir, id string) error {
	if errors.Is(err, projects.ErrNotFound) {
		return fmt.Errorf("%s has no concept %q; 'maquette project ls %s' lists them", dir, id, dir)
	}
	return err
}
