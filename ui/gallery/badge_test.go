package gallery

import (
	"context"
	"image"
	"image/color"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"maquette/control"
	"maquette/projects"
	"maquette/ui/tooltip"
)

func TestBadgeShowsTheFidelity(t *testing.T) {
	test.NewTempApp(t)
	measured := projects.Concept{ID: "0001", Fidelity: &control.Fidelity{F1: .914, Precision: .88, Recall: .95, Chamfer: 1.23}}
	c := newCell(cellSize, theme.ConfirmIcon(), nil, nil)
	w := test.NewTempWindow(t, tooltip.NewLayer(container.NewCenter(c)))
	w.Resize(fyne.NewSize(500, 300))
	c.show(projects.Stack{Cover: measured}, false, false, nil)
	if !c.badge.object.Visible() || c.badge.text.Text != "91\u00a0%" {
		t.Errorf("visible %v, text %q", c.badge.object.Visible(), c.badge.text.Text)
	}
	at, size := c.badge.object.Position(), c.badge.object.Size()
	if at.X < cellSize.Width/2 || at.Y < cellSize.Height/2 || at.X+size.Width > cellSize.Width || at.Y+size.Height > cellSize.Height || size.Width < 20 {
		t.Errorf("the badge lies at %v with size %v", at, size)
	}
	// The picture behind is white: the text must be legible all the same.
	white := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	c.pic.Image = white
	c.Refresh()
	shot := w.Canvas().Capture()
	corner := fyne.CurrentApp().Driver().AbsolutePositionForObject(c.badge.object)
	dark, light := 0, 0
	for y := range int(size.Height) {
		for x := range int(size.Width) {
			switch v := color.GrayModel.Convert(shot.At(int(corner.X)+x, int(corner.Y)+y)).(color.Gray).Y; {
			case v < 130:
				dark++
			case v > 200:
				light++
			}
		}
	}
	if dark < light || light < 20 {
		t.Errorf("%d dark and %d light pixels in the badge", dark, light)
	}
	c.show(projects.Stack{Cover: projects.Concept{ID: "0002"}}, false, false, nil)
	if c.badge.object.Visible() {
		t.Error("a concept that was not measured has a badge")
	}
	agreement, drift := .87, .042
	set := projects.Stack{Cover: measured, Set: &projects.Set{ID: "s"}, Members: 6, Agreement: &agreement, Drift: &drift}
	c.show(set, false, false, nil)
	if c.badge.object.Visible() || c.count.text.Text != "6" || c.agree.text.Text != "Views agree 87\u00a0%" || c.moved.text.Text != "Shape moved 4\u00a0%" {
		t.Errorf("a set shows %q, %q, %q", c.count.text.Text, c.agree.text.Text, c.moved.text.Text)
	}
	low, high, count := c.agree.object, c.moved.object, c.count.object
	if !low.Visible() || !high.Visible() || high.Position().Y+high.Size().Height > low.Position().Y || low.Position().X+low.Size().Width > count.Position().X {
		t.Errorf("its badges lie at %v, %v and %v", low.Position(), high.Position(), count.Position())
	}
	set.Drift = nil
	c.show(set, false, false, nil)
	if high.Visible() || low.Position().Y+low.Size().Height > cellSize.Height {
		t.Errorf("views without variants: %v", low.Position())
	}
	small := newCell(stripCell, theme.ConfirmIcon(), nil, nil)
	w.SetContent(small)
	small.show(projects.Stack{Cover: measured}, false, false, nil)
	if small.badge.object.Visible() {
		t.Error("the filmstrip has badges")
	}
}

func TestFidelityInPlainWords(t *testing.T) {
	test.NewTempApp(t)
	for text, f := range map[string]*control.Fidelity{
		"": nil,
		"91\u00a0%: 95\u00a0% of the drawing's lines are edges of the picture, and 88\u00a0% of the picture's edges follow a line.\n" +
			"They lie 1.2 pixels apart on average.\n99\u00a0% of the straight lines stayed straight.": {F1: .914, Precision: .88, Recall: .95, Chamfer: 1.23, Straight: .999, StraightLines: 7},
		"0\u00a0%: 0\u00a0% of the drawing's lines are edges of the picture, and 0\u00a0% of the picture's edges follow a line.": {Chamfer: 700},
	} {
		if got := fidelityText(f); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
	facts := ""
	for _, f := range recipeFacts(projects.Concept{Fidelity: &control.Fidelity{F1: .5, Precision: .5, Recall: .5}}) {
		facts += f[0] + "=" + f[1] + "\n"
	}
	if !strings.Contains(facts, "Sketch fidelity=50") {
		t.Errorf("the large view says %s", facts)
	}
}

func TestSortingByNumbers(t *testing.T) {
	test.NewTempApp(t)
	src, ui := &fakeSource{total: 3}, newUILoop()
	g := New(Deps{StarIcon: theme.ConfirmIcon()})
	g.list = newList(src, func() {}, func(err error) { t.Error(err) })
	g.list.do = ui.do
	g.ctx, g.cancel = context.WithCancel(context.Background())
	defer g.list.close()
	want := []projects.Order{projects.ByDrift, projects.ByAgreement, projects.ByFidelity, projects.ByAge}
	for _, i := range []int{3, 2, 1, 0} {
		g.order.SetSelectedIndex(i)
		if err := ui.run(1); err != nil {
			t.Fatal(err)
		}
	}
	for i, q := range src.asked {
		if len(src.asked) != 4 || q.By != want[i] {
			t.Errorf("asked %+v", src.asked)
		}
	}
}
