package sketchpad

import (
	"image"
	"image/color"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
)

// bench is a pad in a window of Fyne's test driver, with a hand that works its pointer like the desktop driver does.
type bench struct {
	t      testing.TB
	pad    *Pad
	canvas test.WindowlessCanvas
	at     fyne.Position
	button desktop.MouseButton
	drag   bool
	from   fyne.Position
	clock  time.Time

	mu    sync.Mutex
	queue []func()
}

// newBench shows doc on a pad of 600×500 units at the given screen scale.
func newBench(t testing.TB, doc *Document, scale float32) *bench {
	t.Helper()
	test.NewTempApp(t)
	b := &bench{t: t, clock: time.Unix(1e9, 0)}
	b.pad = newPad(doc, func(f func()) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.queue = append(b.queue, f)
	})
	b.pad.now = func() time.Time { return b.clock }
	w := test.NewTempWindow(t, b.pad)
	w.SetPadded(false)
	b.canvas = w.Canvas().(test.WindowlessCanvas)
	b.canvas.SetScale(scale)
	w.Resize(fyne.NewSize(600, 500))
	b.pad.Refresh()
	return b
}

// settle waits for background work and shows it.
func (b *bench) settle() {
	b.pad.doc.Settle()
	for {
		b.mu.Lock()
		queue := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, f := range queue {
			f()
		}
	}
}

// pause gives other goroutines time.
func (b *bench) pause() { time.Sleep(5 * time.Millisecond) }

func (b *bench) point() fyne.PointEvent {
	return fyne.PointEvent{AbsolutePosition: b.at.Add(b.pad.Position()), Position: b.at}
}

// press puts a button down at a place of the pad.
func (b *bench) press(button desktop.MouseButton, at fyne.Position) {
	b.moveTo(at)
	b.button, b.from, b.drag = button, at, false
	b.pad.MouseDown(&desktop.MouseEvent{PointEvent: b.point(), Button: button})
}

// moveTo moves the pointer in one motion.
func (b *bench) moveTo(at fyne.Position) {
	b.clock = b.clock.Add(8 * time.Millisecond)
	b.at = at
	if b.button != 0 && b.button != desktop.MouseButtonSecondary && !b.drag {
		b.drag = far(b.from, at) >= 2
	}
	if b.drag {
		b.pad.Dragged(&fyne.DragEvent{PointEvent: b.point()})
		return
	}
	size := b.pad.Size()
	if at.X < 0 || at.Y < 0 || at.X >= size.Width || at.Y >= size.Height {
		b.pad.MouseOut()
		return
	}
	b.pad.MouseMoved(&desktop.MouseEvent{PointEvent: b.point(), Button: b.button})
}

// release lets the button go. Outside the pad only the end of the drag is heard.
func (b *bench) release() {
	size := b.pad.Size()
	inside := b.at.X >= 0 && b.at.Y >= 0 && b.at.X < size.Width && b.at.Y < size.Height
	if inside {
		b.pad.MouseUp(&desktop.MouseEvent{PointEvent: b.point(), Button: b.button})
	}
	if b.drag {
		b.pad.DragEnd()
	}
	b.button, b.drag = 0, false
}

// on returns the place of the pad where a point of the canvas is shown.
func (b *bench) on(x, y float64) fyne.Position { return b.pad.view.ToPad(x, y) }

// draw presses at the first of the canvas points, moves along the others in steps of a few units, and releases.
func (b *bench) draw(points ...[2]float64) {
	b.press(desktop.MouseButtonPrimary, b.on(points[0][0], points[0][1]))
	b.along(points...)
	b.release()
}

// along moves from the first to the last of the canvas points.
func (b *bench) along(points ...[2]float64) {
	for i := 1; i < len(points); i++ {
		from, to := b.on(points[i-1][0], points[i-1][1]), b.on(points[i][0], points[i][1])
		n := max(1, int(far(from, to)/6))
		for s := 1; s <= n; s++ {
			k := float32(s) / float32(n)
			b.moveTo(fyne.NewPos(from.X+k*(to.X-from.X), from.Y+k*(to.Y-from.Y)))
		}
	}
}

// click presses and releases in place, long after the click before.
func (b *bench) click(x, y float64) {
	b.clock = b.clock.Add(time.Second)
	b.press(desktop.MouseButtonPrimary, b.on(x, y))
	b.release()
}

// grey returns the brightness, 0 to 255, that the display shows for a canvas pixel.
func (b *bench) grey(x, y int) uint8 {
	b.settle()
	d := b.pad.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.raster.levels[0].RGBAAt(x, y).G
}

// dark fails the test unless there is ink at the canvas pixel.
func (b *bench) dark(x, y int) {
	b.t.Helper()
	if g := b.grey(x, y); g > 64 {
		b.t.Errorf("no ink at (%d,%d): brightness %d", x, y, g)
	}
}

// white fails the test unless the paper is bare at the canvas pixel.
func (b *bench) white(x, y int) {
	b.t.Helper()
	if g := b.grey(x, y); g != 255 {
		b.t.Errorf("ink at (%d,%d): brightness %d", x, y, g)
	}
}

// same fails the test unless the display's raster is exactly what the vectors give from scratch.
func (b *bench) same() {
	b.t.Helper()
	b.settle()
	want := b.pad.doc.RenderWithUnderlay(b.pad.doc.Size())
	d := b.pad.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.raster.levels[0]
	if got.Rect != want.Rect {
		b.t.Fatalf("the raster is %v, the canvas %v", got.Rect, want.Rect)
	}
	wrong := 0
	for i := range want.Pix {
		if want.Pix[i] != got.Pix[i] {
			wrong++
		}
	}
	if wrong > 0 {
		b.t.Errorf("%d bytes of the raster differ from the vectors", wrong)
	}
	for i, c := range [][]uint8{d.raster.mask.pix, d.raster.tail.pix} {
		for _, v := range c {
			if v != 0 {
				b.t.Fatalf("coverage plane %d was not cleared", i)
			}
		}
	}
}

// photo returns an image with colours that differ everywhere.
func photo(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(255 * x / w), uint8(255 * y / h), 128, 255})
		}
	}
	return m
}
