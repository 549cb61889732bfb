package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"maquette/control"
	"maquette/inference/sampler"
	"maquette/projects"
)

func (s *session) projectCommand() *cobra.Command {
	return group("project", "Make, list, check and edit projects",
		`A project is a folder with sketches, control images and concepts. Its images
and recipes are PNG and JSON files that can be read without Maquette; its
index can be rebuilt from them at any time.`,
		s.projectNewCommand(), s.projectListCommand(), s.projectShowCommand(),
		s.projectExportCommand(), s.projectStarCommand(), s.projectTrashCommand(),
		s.projectSetsCommand(), s.projectRenameSetCommand(), s.projectSheetCommand(), s.projectGIFCommand(), s.projectZIPCommand(),
		s.projectCheckCommand(), s.projectReindexCommand())
}

func (s *session) projectNewCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "new DIR",
		Short:   "Make a new, empty project",
		Example: `  maquette project new ~/Maquette/Chairs --name "Chairs for the library"`,
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			p, err := projects.Create(cmd.Context(), dir, name)
			if err != nil {
				return err
			}
			if s.json {
				s.emit(projectInfo{Dir: p.Dir(), Name: p.Name()})
			} else {
				fmt.Fprintln(s.Out, p.Dir())
			}
			return p.Close()
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the project (default: that of the folder)")
	s.jsonFlag(cmd, "print JSON")
	return cmd
}

// projectInfo is what `maquette project new|show --json` prints of a project.
type projectInfo struct {
	Dir      string       `json:"dir"`
	Name     string       `json:"name"`
	Sketches []sketchInfo `json:"sketches,omitempty"`
	Concepts int          `json:"concepts"`
	Starred  int          `json:"starred"`
}

type sketchInfo struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Modified time.Time `json:"modified"`
}

// conceptInfo is what `maquette project ls|show --json` prints of a concept.
type conceptInfo struct {
	ID       string            `json:"id"`
	Image    string            `json:"image"`
	Created  time.Time         `json:"created"`
	Starred  bool              `json:"starred"`
	Recipe   projects.Recipe   `json:"recipe"`
	SketchID string            `json:"sketch_id,omitempty"`
	Sketch   string            `json:"sketch,omitempty"`
	Controls []string          `json:"controls,omitempty"`
	Provider string            `json:"provider,omitempty"`
	Seconds  float64           `json:"seconds"`
	Hashes   map[string]string `json:"hashes,omitempty"`
	Fidelity *control.Fidelity `json:"fidelity,omitempty"`
	// Drift and Agreement are the concept's as one of a set.
	Drift     *projects.SiblingDrift  `json:"geometry_drift,omitempty"`
	Agreement *projects.ViewAgreement `json:"view_agreement,omitempty"`
}

// newConceptInfo describes a concept of p with absolute paths.
func newConceptInfo(p *projects.Project, c projects.Concept) conceptInfo {
	file := func(name string) string {
		if name == "" {
			return ""
		}
		return filepath.Join(p.Dir(), filepath.FromSlash(name))
	}
	info := conceptInfo{
		ID: c.ID, Image: file(c.Image), Created: c.Created, Starred: c.Starred, Recipe: c.Recipe,
		SketchID: c.SketchID, Sketch: file(c.Sketch), Provider: c.Provider, Seconds: c.Seconds, Hashes: c.Hashes, Fidelity: c.Fidelity,
		Drift: c.Drift, Agreement: c.Agreement,
	}
	for _, name := range c.Controls {
		info.Controls = append(info.Controls, file(name))
	}
	return info
}

// orderNames are the values of --by.
func orderNames() []string {
	var names []string
	for _, o := range projects.Orders() {
		names = append(names, string(o))
	}
	return names
}

func (s *session) projectListCommand() *cobra.Command {
	var q projects.Query
	var by string
	cmd := &cobra.Command{
		Use:   "ls DIR",
		Short: "List the concepts of a project, newest first",
		Example: `  maquette project ls ~/Maquette/Chairs --starred
  maquette project ls ~/Maquette/Chairs --text "oak front" --json`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if q.Limit < 0 {
				return usagef("--limit %d is below 0", q.Limit)
			}
			if by != "" && !slices.Contains(orderNames(), by) {
				return usagef("--by %q is not one of %s", by, strings.Join(orderNames(), ", "))
			}
			q.By = projects.Order(by)
			return s.reading(cmd.Context(), args[0], func(p *projects.Project) error {
				concepts, total, err := p.Concepts(cmd.Context(), q)
				if err != nil {
					return err
				}
				return s.listConcepts(p, concepts, total)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&q.Starred, "starred", false, "only those with a star")
	flags.StringVar(&q.Text, "text", "", "only those whose prompt, checkpoint, view or variant has all these words")
	flags.BoolVar(&q.Oldest, "oldest", false, "oldest first")
	flags.StringVar(&by, "by", "", "best first by fidelity (to the sketch), agreement (of views) or drift (of the geometry of variants); 'maquette eval' measures those that have no number")
	must(cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions(orderNames(), cobra.ShellCompDirectiveNoFileComp)))
	flags.IntVar(&q.Limit, "limit", 0, "at most so many; 0 lists all")
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

func (s *session) listConcepts(p *projects.Project, concepts []projects.Concept, total int) error {
	if s.json {
		for _, c := range concepts {
			s.emit(newConceptInfo(p, c))
		}
		return nil
	}
	if len(concepts) == 0 {
		s.note("no concepts; 'maquette render SKETCH -p PROMPT --project %s' makes some", p.Dir())
		return nil
	}
	rows := [][]string{{"ID", "", "CREATED", "SIZE", "SEED", "FIDELITY", "PROMPT"}}
	for _, c := range concepts {
		star := ""
		if c.Starred {
			star = "★"
		}
		rows = append(rows, []string{
			c.ID, star, c.Created.Local().Format("2006-01-02 15:04"),
			fmt.Sprintf("%d×%d", c.Recipe.Width, c.Recipe.Height), fmt.Sprint(c.Recipe.Seed), fidelityCell(c.Fidelity), clip(c.Recipe.Prompt, 60),
		})
	}
	if err := s.table(rows); err != nil {
		return err
	}
	if len(concepts) < total {
		s.note("%d of %s", len(concepts), plural(total, "concept"))
	}
	return nil
}

// fidelityCell is a concept's sketch fidelity in a list.
func fidelityCell(f *control.Fidelity) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", f.F1)
}

// clip shortens a text to n characters on one line.
func clip(text string, n int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return string(runes)
}

func (s *session) projectShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show DIR [CONCEPT]",
		Short: "Show a project, or the recipe of one of its concepts",
		Example: `  maquette project show ~/Maquette/Chairs
  maquette project show ~/Maquette/Chairs 0001`,
		Args: between(1, "DIR", "CONCEPT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.reading(cmd.Context(), args[0], func(p *projects.Project) error {
				if len(args) == 1 {
					return s.showProject(cmd.Context(), p)
				}
				c, err := p.Concept(cmd.Context(), args[1])
				if err != nil {
					return noConcept(err, args[0], args[1])
				}
				return s.showConcept(newConceptInfo(p, c))
			})
		},
	}
	s.jsonFlag(cmd, "print JSON")
	return cmd
}

func (s *session) showProject(ctx context.Context, p *projects.Project) error {
	sketches, err := p.Sketches(ctx)
	if err != nil {
		return err
	}
	_, total, err := p.Concepts(ctx, projects.Query{Limit: 1})
	if err != nil {
		return err
	}
	_, starred, err := p.Concepts(ctx, projects.Query{Starred: true, Limit: 1})
	if err != nil {
		return err
	}
	info := projectInfo{Dir: p.Dir(), Name: p.Name(), Concepts: total, Starred: starred}
	for _, k := range sketches {
		info.Sketches = append(info.Sketches, sketchInfo(k))
	}
	if s.json {
		s.emit(info)
		return nil
	}
	rows := [][]string{
		{"Project", info.Name},
		{"Folder", info.Dir},
		{"Concepts", fmt.Sprintf("%d, %d of them starred", total, starred)},
		{"Sketches", fmt.Sprint(len(sketches))},
	}
	for _, k := range sketches {
		rows = append(rows, []string{"  " + k.Name, fmt.Sprintf("%d×%d, changed %s, %s%s", k.Width, k.Height, k.Modified.Local().Format("2006-01-02 15:04"), projectPrefix, k.ID)})
	}
	return s.table(rows)
}

func (s *session) showConcept(c conceptInfo) error {
	if s.json {
		s.emit(c)
		return nil
	}
	r := c.Recipe
	schedule := ""
	if r.Schedule != "" {
		schedule = ", " + sampler.ScheduleLabel(r.Schedule)
	}
	rows := [][]string{
		{"Image", c.Image},
		{"Created", c.Created.Local().Format("2006-01-02 15:04:05")},
		{"Prompt", r.Prompt},
	}
	if r.NegativePrompt != "" {
		rows = append(rows, []string{"Negative prompt", r.NegativePrompt})
	}
	rows = append(rows, []string{"Checkpoint", r.Checkpoint})
	for _, control := range r.Controls {
		rows = append(rows, []string{"Control", formatControl(control)})
	}
	rows = append(rows,
		[]string{"Size", fmt.Sprintf("%d×%d", r.Width, r.Height)},
		[]string{"Sampler", fmt.Sprintf("%s%s, %d steps", r.Sampler, schedule, r.Steps)},
		[]string{"Guidance", number(r.Guidance)},
		[]string{"Seed", fmt.Sprint(r.Seed)},
	)
	rows = append(rows, adapterRows(r)...)
	if r.Strength > 0 {
		rows = append(rows, []string{"Strength", number(r.Strength)})
	}
	if c.Sketch != "" {
		rows = append(rows, []string{"Sketch", c.Sketch})
	}
	for _, file := range c.Controls {
		rows = append(rows, []string{"Control image", file})
	}
	if c.Drift != nil {
		rows = append(rows, []string{"Geometry drift", fmt.Sprintf("%.3f against %s", c.Drift.Share, plural(len(c.Drift.Against), "variant"))})
	}
	if a := c.Agreement; a != nil && len(a.Pairs) > 0 {
		rows = append(rows, []string{"View agreement", fmt.Sprintf("%.3f, colours %.1f apart, of %s", a.SSIM, a.Colour, plural(len(a.Of), "view"))})
	}
	rows = append(rows, []string{"Rendered in", fmt.Sprintf("%.1f s on %s", c.Seconds, c.Provider)})
	return s.table(rows)
}

func (s *session) projectCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Look for damaged or missing files, and repair what can be",
		Long: `Reads every file of the project, repairs what can be repaired without losing
anything and lists the rest. Exit code 1 means that something stays broken.`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.writing(cmd.Context(), args[0], func(p *projects.Project) error {
				report, err := p.Check(cmd.Context())
				if err != nil {
					return err
				}
				return s.showReport(report)
			})
		},
	}
	s.jsonFlag(cmd, "print JSON")
	return cmd
}

func (s *session) showReport(r projects.Report) error {
	broken := 0
	for _, problem := range r.Problems {
		if !problem.Repaired {
			broken++
		}
	}
	if s.json {
		s.emit(r)
	} else {
		for _, problem := range r.Problems {
			state := "broken"
			if problem.Repaired {
				state = "repaired"
			}
			fmt.Fprintf(s.Out, "%s: %s (%s)\n", problem.File, problem.What, state)
		}
		s.note("%s, %s, %s, %s: %s broken, %d repaired", plural(r.Concepts, "concept"), plural(r.Sketches, "sketch file"),
			plural(r.Controls, "control image"), humanBytes(r.Bytes), plural(broken, "file"), len(r.Problems)-broken)
	}
	if broken > 0 {
		return errReported
	}
	return nil
}

func (s *session) projectReindexCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reindex DIR",
		Short: "Build the project's index anew from its files",
		Args:  exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.writing(cmd.Context(), args[0], func(p *projects.Project) error {
				progress := func(done, total int) {}
				if s.Interactive {
					var bar *progressbar.ProgressBar
					progress = func(done, total int) {
						if bar == nil {
							bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.Err), progressbar.OptionClearOnFinish(),
								progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionSetDescription("reading concepts"))
						}
						_ = bar.Set(done) // an error of drawing the bar; there is nowhere left to report it
					}
				}
				if err := p.Reindex(cmd.Context(), progress); err != nil {
					return err
				}
				_, total, err := p.Concepts(cmd.Context(), projects.Query{Limit: 1})
				if err != nil {
					return err
				}
				s.note("%s indexed", plural(total, "concept"))
				return nil
			})
		},
	}
}

// reading opens a project for reading, also while the studio has it open.
func (s *session) reading(ctx context.Context, dir string, do func(*projects.Project) error) error {
	return s.opened(ctx, dir, projects.OpenReadOnly, do)
}

// writing opens a project for writing.
func (s *session) writing(ctx context.Context, dir string, do func(*projects.Project) error) error {
	return s.opened(ctx, dir, projects.Open, do)
}

func (s *session) opened(ctx context.Context, dir string, open func(context.Context, string) (*projects.Project, error), do func(*projects.Project) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	p, err := open(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(do(p), p.Close())
}
