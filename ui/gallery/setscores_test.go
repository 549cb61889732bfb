package gallery

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"maquette/projects/evaluate"
	"maquette/projects/measure"
)

func TestSetScoresInWords(t *testing.T) {
	test.NewTempApp(t)
	mean := func(v float64) measure.Interval { return measure.Interval{N: 2, Mean: v} }
	text, help := setScoresText(evaluate.Scores{F1: mean(.914), Drift: mean(.123), Agreement: mean(-.2), Colour: mean(3.44)})
	if text != "Follows the sketch 91\u00a0% · Shape moved 12\u00a0% · Views agree 0\u00a0%" {
		t.Errorf("%q", text)
	}
	if lines := strings.Split(help, "\n"); len(lines) != 3 || !strings.Contains(lines[2], "3.4 apart") {
		t.Errorf("%q", help)
	}
	if text, help = setScoresText(evaluate.Scores{}); text != "" || help != "" {
		t.Errorf("%q, %q of nothing", text, help)
	}
}
