package gallery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
	"maquette/projects/evaluate"
	"maquette/ui/tooltip"
)

// setScores says in a few words how good a set is: how well it follows the
// sketch, how far variants drift and views agree.
type setScores struct {
	g      *Gallery
	key    string // what was measured, or is being measured
	cancel context.CancelFunc

	label  *widget.Label
	help   string
	object fyne.CanvasObject
}

func newSetScores(g *Gallery) *setScores {
	s := &setScores{g: g, label: widget.NewLabel("")}
	s.label.Importance = widget.LowImportance
	s.object = tooltip.NewFunc(s.label, func() string { return s.help })
	return s
}

// clear forgets the numbers and stops what is being measured.
func (s *setScores) clear() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	s.key, s.help = "", ""
	s.label.SetText("")
}

// measure measures a set in the background, unless that was done with these
// members; shown is called when its numbers are in the label.
func (s *setScores) measure(set projects.Set, members []projects.Concept, shown func()) {
	key := set.ID
	for _, c := range members {
		key += " " + c.ID
		if c.Fidelity != nil {
			key += "+"
		}
	}
	if key == s.key || s.g.project == nil {
		return
	}
	if s.cancel != nil {
		s.cancel()
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.g.ctx)
	s.key = key
	p := s.g.project
	go func() {
		got, err := evaluate.OfSet(ctx, p, set.ID)
		fyne.Do(func() {
			if ctx.Err() != nil || err != nil { // pictures that can't be read say so themselves
				return
			}
			var text string
			text, s.help = setScoresText(got.Scores)
			s.label.SetText(text)
			shown()
		})
	}()
}

func movedHelp() string {
	return lang.L("How much of the outlines differs between variants of the same drawing, within 2 pixels. 0 % is a design that was kept.")
}

func share(v float64) map[string]any { return map[string]any{"Share": percent(max(v, 0))} }

// agreeText is how well views agree, by their SSIM.
func agreeText(ssim float64) string { return lang.L("Views agree {{.Share}}", share(ssim)) }

// movedText is how far the shapes of variants have moved, by their drift.
func movedText(drift float64) string { return lang.L("Shape moved {{.Share}}", share(drift)) }

// scoresText says in plain words what was measured of a concept.
func scoresText(c projects.Concept) string {
	lines := []string{fidelityText(c.Fidelity), driftText(c.Drift), agreementText(c.Agreement)}
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}

// driftText says how far a variant's shape has moved.
func driftText(d *projects.SiblingDrift) string {
	if d == nil {
		return ""
	}
	return lang.N("{{.Share}} of the outlines are elsewhere than in the other {{.Count}} variants, {{.Distance}} pixels away on average.", len(d.Against),
		map[string]any{"Share": percent(d.Share), "Count": len(d.Against), "Distance": fmt.Sprintf("%.1f", d.Chamfer)})
}

// agreementText says how well a view agrees with the others of its set.
func agreementText(a *projects.ViewAgreement) string {
	if a == nil || len(a.Pairs) == 0 {
		return ""
	}
	return lang.L("{{.Share}} alike where {{.Views}} views show the same, with the colours {{.Distance}} apart: below 2 is hardly seen.",
		map[string]any{"Share": percent(max(a.SSIM, 0)), "Views": len(a.Of), "Distance": fmt.Sprintf("%.1f", a.Colour)})
}

// setScoresText is what the label says, and what its numbers mean.
func setScoresText(n evaluate.Scores) (text, help string) {
	var words, meaning []string
	add := func(word, means string) {
		words, meaning = append(words, word), append(meaning, means)
	}
	if n.F1.N > 0 {
		add(lang.L("Follows the sketch {{.Share}}", share(n.F1.Mean)), lang.L("How well the pictures follow the sketch, on average."))
	}
	if n.Drift.N > 0 {
		add(movedText(n.Drift.Mean), movedHelp())
	}
	if n.Agreement.N > 0 {
		add(agreeText(n.Agreement.Mean),
			lang.L("How alike the same parts of the object look from different sides (SSIM), with the colours {{.Distance}} apart: below 2 is hardly seen.",
				map[string]any{"Distance": fmt.Sprintf("%.1f", n.Colour.Mean)}))
	}
	return strings.Join(words, " · "), strings.Join(meaning, "\n")
}
