package gallery

import (
	"context"
	"image"
	"math/rand/v2"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
)

// blindView shows concepts two at a time, without their names and in an order
// of chance, and asks which is better. The answers are kept in the project.
type blindView struct {
	g       *Gallery
	among   []projects.Concept
	pairs   [][2]projects.Concept
	at      int
	skipped []bool // for each pair that was answered
	cancel  context.CancelFunc
	last    chan struct{} // closed when the newest change of the votes is done

	views    [2]*ZoomView
	progress *widget.Label
	undo     *widget.Button
	ask      *fyne.Container
	tally    *tallyView
	object   *fyne.Container
}

func newBlindView(g *Gallery) *blindView {
	v := &blindView{g: g, views: [2]*ZoomView{NewZoomView(), NewZoomView()}, progress: widget.NewLabel("")}
	link(v.views[0], v.views[1])
	back := widget.NewButtonWithIcon(lang.L("All concepts"), theme.GridIcon(), g.showBrowse)
	v.undo = widget.NewButtonWithIcon(lang.L("Take back"), theme.ContentUndoIcon(), v.takeBack)
	end := widget.NewButtonWithIcon(lang.L("Show the tally"), theme.ListIcon(), v.finish)
	for _, b := range []*widget.Button{back, v.undo, end} {
		b.Importance = widget.LowImportance
	}
	bar := container.NewHBox(back, layout.NewSpacer(), v.progress, layout.NewSpacer(), v.undo, end)
	side := func(i int, text string) fyne.CanvasObject {
		b := widget.NewButton(text, func() { v.pick(i) })
		b.Importance = widget.HighImportance
		return container.NewBorder(nil, container.NewPadded(b), nil, nil, clip(v.views[i]))
	}
	neither := widget.NewButton(lang.L("Neither (↓)"), v.skip)
	neither.Importance = widget.LowImportance
	v.ask = container.NewBorder(nil, container.NewCenter(neither), nil, nil,
		container.NewGridWithColumns(2, side(0, lang.L("The left one (←)")), side(1, lang.L("The right one (→)"))))
	v.tally = newTallyView()
	v.tally.object.Hide()
	v.object = container.NewBorder(bar, nil, nil, nil, v.ask, v.tally.object)
	return v
}

// pairsOf lists every pair of the concepts once, shuffled, each in an order of chance.
func pairsOf(among []projects.Concept, rnd *rand.Rand) [][2]projects.Concept {
	var pairs [][2]projects.Concept
	for i, a := range among {
		for _, b := range among[i+1:] {
			pair := [2]projects.Concept{a, b}
			if rnd.IntN(2) == 0 {
				pair = [2]projects.Concept{b, a}
			}
			pairs = append(pairs, pair)
		}
	}
	rnd.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return pairs
}

// start begins a round among concepts.
func (v *blindView) start(among []projects.Concept) {
	v.among, v.at, v.skipped = among, 0, nil
	v.pairs = pairsOf(among, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	v.tally.object.Hide()
	v.ask.Show()
	v.showPair()
}

// close stops what is still being read.
func (v *blindView) close() {
	if v.cancel != nil {
		v.cancel()
	}
}

func (v *blindView) showPair() {
	v.close()
	if v.at >= len(v.pairs) {
		v.finish()
		return
	}
	v.progress.SetText(lang.L("Which one is better? {{.Number}} of {{.All}}", map[string]any{"Number": v.at + 1, "All": len(v.pairs)}))
	if v.at > 0 {
		v.undo.Enable()
	} else {
		v.undo.Disable()
	}
	ctx, cancel := context.WithCancel(v.g.ctx)
	v.cancel = cancel
	for i, c := range v.pairs[v.at] {
		thumb, _ := v.g.thumbs.get(c.ID)
		if thumb != nil {
			v.views[i].SetImage(thumb)
		} else {
			v.views[i].SetImage(nil)
		}
		v.g.loadImage(ctx, c.ID, func(img image.Image) { v.views[i].SetImage(img) }, nil)
	}
}

// pick stores that picture i of the pair is the better one.
func (v *blindView) pick(i int) {
	if v.at >= len(v.pairs) {
		return
	}
	pair := v.pairs[v.at]
	v.inTurn(lang.L("The vote cannot be stored"), func(ctx context.Context, p *projects.Project) error {
		return p.AddVote(ctx, pair[i].ID, pair[1-i].ID)
	}, nil)
	v.next(false)
}

// inTurn is background after what was asked for before: votes are stored,
// taken back and counted in the order of the answers.
func (v *blindView) inTurn(title string, work func(ctx context.Context, p *projects.Project) error, done func()) {
	before, over := v.last, make(chan struct{})
	v.last = over
	v.g.background(title, func(ctx context.Context, p *projects.Project) error {
		defer close(over)
		if before != nil {
			<-before
		}
		return work(ctx, p)
	}, done)
}

func (v *blindView) skip() {
	if v.at < len(v.pairs) {
		v.next(true)
	}
}

func (v *blindView) next(skipped bool) {
	v.skipped = append(v.skipped, skipped)
	v.at++
	v.showPair()
}

// takeBack asks the last pair again.
func (v *blindView) takeBack() {
	if v.at == 0 {
		return
	}
	v.at--
	skipped := v.skipped[v.at]
	v.skipped = v.skipped[:v.at]
	if !skipped {
		v.inTurn(lang.L("The vote cannot be taken back"), func(ctx context.Context, p *projects.Project) error {
			return p.UndoVote(ctx)
		}, nil)
	}
	v.tally.object.Hide()
	v.ask.Show()
	v.showPair()
}

// finish shows how the values of the recipes' fields did.
func (v *blindView) finish() {
	v.close()
	v.progress.SetText(lang.L("How the votes went"))
	v.ask.Hide()
	v.tally.object.Show()
	among := v.among
	var standings []projects.Standing
	v.inTurn(lang.L("The votes cannot be read"), func(ctx context.Context, p *projects.Project) error {
		votes, err := p.Votes(ctx)
		standings = projects.Tally(votes, among)
		return err
	}, func() { v.tally.show(standings) })
}

// handleKey acts on a key and says whether it did.
func (v *blindView) handleKey(name fyne.KeyName) bool {
	switch name {
	case fyne.KeyLeft:
		v.pick(0)
	case fyne.KeyRight:
		v.pick(1)
	case fyne.KeyDown:
		v.skip()
	case fyne.KeyUp, fyne.KeyBackspace:
		v.takeBack()
	case fyne.KeyEscape:
		v.g.showBrowse()
	default:
		return false
	}
	return true
}
