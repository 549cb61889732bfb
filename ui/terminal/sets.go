package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maquette/projects"
)

// setInfo is what `maquette project sets --json` prints of a set.
type setInfo struct {
	projects.Set
	// Members counts the concepts, Places what the axes make.
	Members int `json:"members"`
	Places  int `json:"places"`
	Starred int `json:"starred"`
	// Agreement and Drift are means; absent where they were not measured.
	Agreement *float64 `json:"view_agreement,omitempty"`
	Drift     *float64 `json:"geometry_drift,omitempty"`
	Cover     string   `json:"cover"` // path of an image
}

func (s *session) projectSetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sets DIR",
		Short: "List the sets of views and variants, newest first",
		Example: `  maquette project sets ~/Maquette/Houses
  maquette project sets ~/Maquette/Houses --json`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.reading(cmd.Context(), args[0], func(p *projects.Project) error {
				sets, err := p.Sets(cmd.Context())
				if err != nil {
					return err
				}
				return s.listSets(p, sets)
			})
		},
	}
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

func (s *session) listSets(p *projects.Project, sets []projects.Stack) error {
	if s.json {
		for _, st := range sets {
			s.emit(setInfo{Set: *st.Set, Members: st.Members, Places: st.Set.Count(), Starred: st.Starred,
				Agreement: st.Agreement, Drift: st.Drift,
				Cover: filepath.Join(p.Dir(), filepath.FromSlash(st.Cover.Image))})
		}
		return nil
	}
	if len(sets) == 0 {
		s.note("no sets; --views, --vary and --matrix of 'maquette render' make some")
		return nil
	}
	rows := [][]string{{"ID", "CREATED", "IMAGES", "AGREEMENT", "DRIFT", "AXES", "NAME"}}
	for _, st := range sets {
		var axes []string
		for _, a := range st.Set.Axes {
			axes = append(axes, fmt.Sprintf("%d × %s", len(a.Values), a.Title()))
		}
		rows = append(rows, []string{st.Set.ID, st.Set.Created.Local().Format("2006-01-02 15:04"), fmt.Sprint(st.Members),
			meanCell(st.Agreement), meanCell(st.Drift), strings.Join(axes, ", "), clip(st.Set.Name, 60)})
	}
	return s.table(rows)
}

// meanCell is a number of a set in a list.
func meanCell(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *v)
}

func (s *session) projectRenameSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rename-set DIR SET NAME",
		Short:   "Give a set another name",
		Example: `  maquette project rename-set ~/Maquette/Houses "facade × time" "Town hall, south side"`,
		Args:    exactly("DIR", "SET", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.writing(cmd.Context(), args[0], func(p *projects.Project) error {
				id, err := findSet(cmd.Context(), p, args[1])
				if err != nil {
					return err
				}
				return p.RenameSet(cmd.Context(), id, args[2])
			})
		},
	}
}

// setExport is one of the commands that write a set to a file.
type setExport struct {
	use, short, help string
	endings          []string
	write            func(ctx context.Context, p *projects.Project, id, out string) error
	flags            func(*cobra.Command)
}

func (s *session) projectSheetCommand() *cobra.Command {
	return s.setExportCommand(setExport{
		use: "sheet", short: "Write a set as a contact sheet, PNG or PDF",
		help: `Writes the images of a set in rows and columns with the labels of the axes and
the recipe: a PNG image, or A4 pages where the name ends in .pdf.`,
		endings: []string{".png", ".pdf"},
		write: func(ctx context.Context, p *projects.Project, id, out string) error {
			return p.Sheet(ctx, id, out, projects.SheetOptions{})
		},
	})
}

func (s *session) projectGIFCommand() *cobra.Command {
	var o projects.AnimationOptions
	return s.setExportCommand(setExport{
		use: "gif", short: "Write a set as an animated GIF",
		help:    "Writes the images of a set one after the other, with their labels below.",
		endings: []string{".gif"},
		write: func(ctx context.Context, p *projects.Project, id, out string) error {
			if o.Delay < 0 || o.Delay > time.Minute || o.Side < 0 || o.Side > 2048 {
				return usagef("--delay must be 0 to 1m and --side 0 to 2048")
			}
			return p.Animation(ctx, id, out, o)
		},
		flags: func(cmd *cobra.Command) {
			cmd.Flags().DurationVar(&o.Delay, "delay", 0, "how long each image is shown, such as 500ms (default: 700ms, or 250ms for views)")
			cmd.Flags().IntVar(&o.Side, "side", 0, "longest side in pixels (default: as rendered, at most 512)")
			cmd.Flags().BoolVar(&o.Plain, "plain", false, "without labels")
		},
	})
}

func (s *session) projectZIPCommand() *cobra.Command {
	return s.setExportCommand(setExport{
		use: "zip", short: "Write the images of a set and their recipes as a ZIP file",
		help:    "Writes the images of a set with their recipes as JSON. Paths of your models do not go along, only their names.",
		endings: []string{".zip"},
		write: func(ctx context.Context, p *projects.Project, id, out string) error {
			return p.Archive(ctx, id, out)
		},
	})
}

func (s *session) setExportCommand(x setExport) *cobra.Command {
	var id, out string
	cmd := &cobra.Command{
		Use:     x.use + " DIR -o FILE",
		Short:   x.short,
		Long:    x.help + "\n\nWithout --set it is the newest set of the project.",
		Example: fmt.Sprintf("  maquette project %s ~/Maquette/Houses -o houses%s", x.use, x.endings[0]),
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("-o FILE is missing: the file to write")
			}
			if !hasEnding(out, x.endings) {
				return usagef("-o %s: the name must end in %s", out, strings.Join(x.endings, " or "))
			}
			return s.reading(cmd.Context(), args[0], func(p *projects.Project) error {
				set, err := findSet(cmd.Context(), p, id)
				if err != nil {
					return err
				}
				return s.wrote(out, func(path string) error { return x.write(cmd.Context(), p, set, path) })
			})
		},
	}
	cmd.Flags().StringVar(&id, "set", "", "ID or name of the set, or the beginning of its ID; 'maquette project sets DIR' lists them")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write")
	if x.flags != nil {
		x.flags(cmd)
	}
	return cmd
}

func hasEnding(file string, endings []string) bool {
	for _, e := range endings {
		if strings.EqualFold(filepath.Ext(file), e) {
			return true
		}
	}
	return false
}

// wrote runs write for a file and prints its path.
func (s *session) wrote(out string, write func(path string) error) error {
	path, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := write(path); err != nil {
		return err
	}
	fmt.Fprintln(s.Out, path)
	return nil
}

// findSet finds a set by its ID, the beginning of that, or its name; the newest
// one where text is empty.
func findSet(ctx context.Context, p *projects.Project, text string) (string, error) {
	sets, err := p.Sets(ctx)
	if err != nil {
		return "", err
	}
	if len(sets) == 0 {
		return "", fmt.Errorf("%s has no sets; --views, --vary and --matrix of 'maquette render' make some", p.Dir())
	}
	if text == "" {
		return sets[0].Set.ID, nil
	}
	var found []string
	for _, st := range sets {
		switch {
		case st.Set.ID == text:
			return text, nil
		case strings.HasPrefix(st.Set.ID, text), strings.EqualFold(st.Set.Name, text):
			found = append(found, st.Set.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s has no set %q; 'maquette project sets %s' lists them", p.Dir(), text, p.Dir())
	case 1:
		return found[0], nil
	}
	return "", errors.New("several sets are meant: " + strings.Join(found, ", "))
}

// writeSheet writes a set's contact sheet where out is not empty.
func (s *session) writeSheet(ctx context.Context, p *projects.Project, set, out string) error {
	if out == "" {
		return nil
	}
	path, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := p.Sheet(ctx, set, path, projects.SheetOptions{}); err != nil {
		return err
	}
	s.note("The contact sheet is %s", path)
	return nil
}
