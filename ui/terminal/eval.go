package terminal

import (
	"context"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"maquette/projects"
	"maquette/projects/evaluate"
	"maquette/projects/measure"
)

// evalEvent is the line of --json with the numbers.
type evalEvent struct {
	Event string `json:"event"` // "report"
	evaluate.Report
}

// evalProgressEvent is the line of --json that says how far the work is.
type evalProgressEvent struct {
	Event string `json:"event"` // "progress"
	evaluate.Progress
}

func (s *session) evalCommand() *cobra.Command {
	var against string
	cmd := &cobra.Command{
		Use:   "eval PROJECT|FOLDER…",
		Short: "Measure how good concepts are",
		Long: `Measures concepts and prints means with their 95 % confidence intervals, for
each set and over all.

Sketch fidelity compares the edges of each picture (Canny 100/200) with the
lines that it was made from: F1 within 2 pixels and its two parts, the symmetric
chamfer distance in pixels, and for drawings of straight lines the share of them
that stayed straight. Geometry drift is 1 − F1 between the edges of variants of
one control image, near its lines. View agreement is the SSIM of what two views
of a set show both, warped by the relief, with the CIEDE2000 colour distance of
the same parts. These numbers lie in the concepts' sidecars; those that a project
lacks are measured and kept there.

With an Inception network in the model library there are the Inception Score
and, with --against, KID and FID; with a CLIP model, the similarity of pictures
to their prompts and to the pictures of --against. What is missing is said.`,
		Example: `  maquette eval ~/Maquette/Chairs
  maquette eval ~/Maquette/Chairs --against ~/photos/chairs --json`,
		Args: atLeast("PROJECT|FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.eval(cmd.Context(), args, against)
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "compare the pictures with those of this project or folder")
	must(cmd.MarkFlagDirname("against"))
	s.jsonFlag(cmd, "print progress and numbers as lines of JSON")
	return cmd
}

func (s *session) eval(ctx context.Context, paths []string, against string) error {
	log, err := s.logger(noLogging)
	if err != nil {
		return err
	}
	library, err := s.NewLibrary(s.settings(), log)
	if err != nil {
		return err
	}
	o := evaluate.Options{Against: against, Depth: projects.PhotoDepthOf(library)}
	if l, ok := library.(interface {
		OpenVision(context.Context) (*projects.Vision, error)
	}); ok {
		o.Vision = l.OpenVision
	}
	meter := s.evalMeter()
	o.Progress = meter.show
	report, err := evaluate.Run(ctx, paths, o)
	meter.finish()
	if err != nil {
		return err
	}
	if s.json {
		s.emit(evalEvent{Event: "report", Report: report})
		return nil
	}
	return s.showEvaluation(report, against)
}

// showEvaluation prints the numbers for people.
func (s *session) showEvaluation(r evaluate.Report, against string) error {
	for _, source := range r.Sources {
		name := source.Path
		if source.Name != "" {
			name = fmt.Sprintf("%s (%s)", source.Name, source.Path)
		}
		fmt.Fprintf(s.Out, "%s: %s\n", name, plural(source.Pictures, "picture"))
		if err := s.showScores(source.Scores, against); err != nil {
			return err
		}
		for _, set := range source.Sets {
			fmt.Fprintf(s.Out, "\n  Set %s\n", set.Name)
			if err := s.showScores(set.Scores, ""); err != nil {
				return err
			}
			if set.Note != "" {
				s.note("set %s: %s", set.Name, set.Note)
			}
		}
		fmt.Fprintln(s.Out)
	}
	if len(r.Sources) > 1 {
		fmt.Fprintln(s.Out, "Over all")
		if err := s.showScores(r.All, against); err != nil {
			return err
		}
	}
	for _, w := range r.Warnings {
		s.note("note: %s", w)
	}
	for _, m := range r.Missing {
		s.note("%s: needs %s. Put it into %s", m.For, m.File, m.Where)
	}
	return nil
}

// showScores prints what there is of scores as a table.
func (s *session) showScores(n evaluate.Scores, against string) error {
	var rows [][]string
	add := func(name string, i measure.Interval, format string) {
		if i.N == 0 {
			return
		}
		text := func(v float64) string { return fmt.Sprintf(format, v) }
		interval := "-"
		if i.Low != nil && i.High != nil {
			interval = text(*i.Low) + " to " + text(*i.High)
		}
		rows = append(rows, []string{"  " + name, text(i.Mean), interval, fmt.Sprint(i.N)})
	}
	optional := func(name string, i *measure.Interval, format string) {
		if i != nil {
			add(name, *i, format)
		}
	}
	add("Sketch fidelity, F1", n.F1, "%.3f")
	add("  lines kept (recall)", n.Recall, "%.3f")
	add("  edges that follow (precision)", n.Precision, "%.3f")
	add("  chamfer distance, pixels", n.Chamfer, "%.2f")
	add("  straight lines kept straight", n.Straight, "%.3f")
	add("Geometry drift, 1 - F1", n.Drift, "%.3f")
	add("  chamfer distance, pixels", n.DriftChamfer, "%.2f")
	add("View agreement, SSIM", n.Agreement, "%.3f")
	add("  colour distance, CIEDE2000", n.Colour, "%.2f")
	optional("KID", n.KID, "%.4f")
	if n.FID != nil {
		rows = append(rows, []string{"  FID", fmt.Sprintf("%.2f", *n.FID), "-", "-"})
	}
	optional("Inception Score", n.InceptionScore, "%.2f")
	optional("CLIP similarity to the prompt", n.Prompt, "%.3f")
	optional("CLIP similarity to "+against, n.Reference, "%.3f")
	if len(rows) == 0 {
		fmt.Fprintln(s.Out, "  nothing could be measured")
		return nil
	}
	return s.table(append([][]string{{"  MEASURE", "MEAN", "95 % INTERVAL", "N"}}, rows...))
}

// evalMeter shows how far an evaluation is.
type evalMeter interface {
	show(evaluate.Progress)
	finish()
}

func (s *session) evalMeter() evalMeter {
	switch {
	case s.json:
		return &evalEvents{s: s}
	case s.Interactive:
		return &evalBar{s: s}
	default:
		return &evalLines{s: s}
	}
}

func describeStage(p evaluate.Progress) string {
	switch p.Stage {
	case evaluate.StageFidelity:
		return "measuring the sketch fidelity"
	case evaluate.StageSets:
		return "comparing the members of sets"
	default:
		return "looking at the pictures of " + p.Path
	}
}

// evalBar draws a progress bar for each stage. The errors are those of writing
// to the terminal; there is nowhere left to report them.
type evalBar struct {
	s    *session
	bar  *progressbar.ProgressBar
	last evaluate.Progress
}

func (m *evalBar) show(p evaluate.Progress) {
	if m.bar == nil || m.last.Stage != p.Stage || m.last.Path != p.Path {
		m.finish()
		m.bar = progressbar.NewOptions(p.Total, progressbar.OptionSetWriter(m.s.Err), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionSetDescription(describeStage(p)))
	}
	m.last = p
	_ = m.bar.Set(p.Done)
}

func (m *evalBar) finish() {
	if m.bar != nil {
		_ = m.bar.Clear()
	}
}

// evalLines writes a line when a stage begins.
type evalLines struct {
	s    *session
	last evaluate.Progress
}

func (m *evalLines) show(p evaluate.Progress) {
	if m.last.Stage != p.Stage || m.last.Path != p.Path {
		m.s.note("%s: %d", describeStage(p), p.Total)
	}
	m.last = p
}

func (m *evalLines) finish() {}

// evalEvents writes a line of JSON for each step.
type evalEvents struct{ s *session }

func (m *evalEvents) show(p evaluate.Progress) {
	m.s.emit(evalProgressEvent{Event: "progress", Progress: p})
}

func (m *evalEvents) finish() {}
